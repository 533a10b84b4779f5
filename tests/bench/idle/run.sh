#!/bin/sh
# The idle row: 500 SMTP sessions held open through Postfix; memory (PSS), processes and threads of
# millrace-spam and of rspamd before, during and after. SESSIONS=N (500).
set -eu
cd "$(dirname "$0")/../../.."
mkdir -p build/bench/idle
tools/dev/deps.sh tests/bench/milter/deps.txt
make --no-print-directory MODE=release all build/release/bin/smtp_load >build/bench/idle/make.log 2>&1 ||
	{ tail build/bench/idle/make.log; exit 1; }
exec /usr/bin/python3 -B tests/bench/idle/idle.py build/release
