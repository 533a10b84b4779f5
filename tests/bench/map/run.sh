#!/bin/sh
# make bench ROW=map: CPU of millrace-mapd for an answer, with 300,000 users, on SQLite and on a private PostgreSQL
# beside it (its CPU counted, too): one question at a time, as an MTA asks, and many at once. Needs root.
set -eu
here=$(dirname "$0") build=build/release
make -s -j2 MODE=release all >&2
exec /usr/bin/python3 -B "$here/measure.py" "$build"
