#!/bin/sh
# Everything: dependencies, build, unit tests, end-to-end tests. The last line is
# "N passed, N failed, N skipped" over both kinds of tests, and above it is the name of each that
# failed; exit status 1 if anything failed, or if one of the two ran nothing.
#   MODE=asan tools/dev/check.sh
set -u
cd "$(dirname "$0")/../.."
mode=${MODE:-dev}
logs=build/$mode/check
mkdir -p "$logs"
passed=0 failed=0 skipped=0
: >"$logs/failed"

fail() { echo "check: $*" | tee -a "$logs/failed" >&2; failed=$((failed + 1)); }
finish() {
	if [ -s "$logs/failed" ]; then
		echo "== failed (logs: $logs)"
		cat "$logs/failed"
	fi
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
	exit
}
# tests NAME COMMAND...: show what it prints, add what its last line counts.
tests() {
	name=$1; shift
	echo "== $name"
	# Into a file, not a pipe: a test that forgot a daemon must not keep us waiting.
	"$@" >"$logs/$name.log" 2>&1 </dev/null
	status=$?
	cat "$logs/$name.log"
	# run-unit.sh and pytest write one such line for each.
	grep -E '^(FAILED|ERROR) ' "$logs/$name.log" | sed "s/^/$name: /" >>"$logs/failed"
	counts=$(tail -n 1 "$logs/$name.log" |
		sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p')
	if [ -z "$counts" ]; then
		fail "$name: no result (exit status $status)"
		return
	fi
	# shellcheck disable=SC2086 # three numbers
	set -- $counts
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	if [ "$1" = 0 ]; then fail "$name: nothing ran"; fi
	if [ "$status" != 0 ] && [ "$2" = 0 ]; then fail "$name: exit status $status"; fi
}

tools/dev/deps.sh || { fail "dependencies"; finish; }
make -j"$(nproc)" MODE="$mode" unit-build >"$logs/build.log" 2>&1 </dev/null ||
	{ cat "$logs/build.log"; fail "build"; finish; }
tests unit make -s MODE="$mode" test
tests e2e tools/dev/run-e2e.sh "build/$mode"
finish
