#!/bin/sh
# Run fuzz targets, one after another, on two cores at most.
#   tools/dev/fuzz.sh BUILD SECONDS NAME...
# What they learn is kept in BUILD/corpus/NAME, what crashes them goes to BUILD/crash/NAME-*.
set -u
build=$1 seconds=$2
shift 2
bad=0
for name; do
	corpus=$build/corpus/$name seeds=tests/fuzz/seeds/$name log=$build/$name.log
	mkdir -p "$corpus" "$build/crash"
	[ -d "$seeds" ] || seeds=
	# shellcheck disable=SC2086 # seeds may be empty
	if "$build/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-max_len=65536 -artifact_prefix="$build/crash/$name-" "$corpus" $seeds >"$log" 2>&1; then
		echo "$name: $(grep -o 'Done [0-9]* runs in [0-9]* second' "$log")s, corpus $(ls "$corpus" | wc -l)"
	else
		bad=$((bad + 1))
		echo "$name: FAILED, see $log and $build/crash/"
		grep -m 3 'ERROR\|Assertion\|SUMMARY' "$log"
	fi
done
[ "$bad" = 0 ]
