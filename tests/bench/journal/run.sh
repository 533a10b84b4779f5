#!/bin/sh
# make bench ROW=journal: what a rebuild of the spam filter takes with a journal of a million lessons, and
# with ten thousand users of a hundred domains who taught; and what scoring and teaching take then.
set -eu
here=$(dirname "$0") build=build/release
work=${TMPDIR:-/tmp}/millrace-bench-journal.$$

make -s -j2 MODE=release all >&2
trap 'rm -rf "$work"' EXIT
python3 "$here/journal.py" "$build/bin/millrace" "$work/lessons" 1000000 0
python3 "$here/journal.py" "$build/bin/millrace" "$work/users" 1000 10000
