#!/bin/sh
# make bench [ROW=name]: a row is a folder here with a run.sh, which installs the peers it needs,
# measures them and us in one run, prints ratios, and ends with 0 if it could measure. Each takes
# under 15 minutes. Without a name, all of them, one after the other; a failed one does not stop the
# rest.
set -u
cd "$(dirname "$0")/../.." || exit 1
only=${1-} failed=
if [ -n "$only" ] && [ ! -x "tests/bench/$only/run.sh" ]; then
	echo "bench: no row $only; there are:" tests/bench/*/run.sh >&2
	exit 2
fi
for run in tests/bench/*/run.sh; do
	row=${run%/run.sh} row=${row##*/}
	[ -z "$only" ] || [ "$row" = "$only" ] || continue
	echo "== $row"
	start=$(date +%s)
	"$run" || failed="$failed $row"
	echo "== $row: $(($(date +%s) - start)) s"
done
[ -z "$failed" ] || { echo "bench: failed:$failed" >&2; exit 1; }
