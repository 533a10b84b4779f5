#!/bin/sh
# make bench ROW=store: operations a second of each group, and deliveries a second by LMTP, on SQLite and
# on a private PostgreSQL beside it (unix socket, fsync on), in one run. Rounds take turns, so that what
# else the machine does meets both. Needs root.
set -eu
here=$(dirname "$0") build=build/release
make -s -j2 MODE=release all "build/release/bin/smtp_load" "build/release/bin/store_load" >&2
exec /usr/bin/python3 -B "$here/measure.py" "$build"
