#!/bin/sh
# The row cut: what each deliverer had acknowledged, and was gone, after its disk lost its power under load
# (an ext4 of its own, EXT4_IOC_SHUTDOWN with the journal unflushed). ROUNDS=N (20). Needs root and a loop
# device; 3 minutes.
set -eu
cd "$(dirname "$0")/../../.."
mkdir -p build/bench/cut
tools/dev/deps.sh tests/bench/cut/deps.txt >&2
make --no-print-directory -j2 MODE=release all >build/bench/cut/make.log 2>&1 ||
	{ tail build/bench/cut/make.log; exit 1; }
exec /usr/bin/python3 -B tests/bench/cut/cut.py build/release
