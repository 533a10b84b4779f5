#!/bin/sh
# make bench ROW=lmtp: delivery by LMTP on a unix socket, ours against Dovecot's, in one run: messages
# a second, CPU-ms a message (all processes of the server), p50 and p99, at 1 and 20 connections, 4
# and 50 KiB. The mailboxes lie on one file system; each round begins with empty ones; rounds take
# turns, so that what else the machine does meets both. Needs root.
set -eu
here=$(dirname "$0") build=build/release
make -s -j2 MODE=release all >&2
make -s MODE=release "$build/bin/smtp_load" >&2
exec /usr/bin/python3 -B "$here/measure.py" "$build"
