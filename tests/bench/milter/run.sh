#!/bin/sh
# The milter row: Postfix alone, with millrace-spam and with rspamd, in turns, in one run: CPU-ms a
# message, of Postfix and of the filter, and latency, at 1 and 20 connections, over unix and TCP
# sockets. ROUNDS=N (5), COUNT=N messages of a run (400; half of it at 1 connection).
set -eu
cd "$(dirname "$0")/../../.."
mkdir -p build/bench/milter
tools/dev/deps.sh tests/bench/milter/deps.txt
make --no-print-directory MODE=release all build/release/bin/smtp_load >build/bench/milter/make.log 2>&1 ||
	{ tail build/bench/milter/make.log; exit 1; }
exec /usr/bin/python3 -B tests/bench/milter/milter.py build/release
