#!/bin/sh
# Run unit test programs, print what failed, and end on "N passed, N failed, N skipped".
#   tools/dev/run-unit.sh PROGRAM...
# With RUN_UNDER set, each runs under that command (valgrind).
set -u
passed=0 failed=0 skipped=0 out=$(mktemp)
trap 'rm -f "$out"' EXIT
for program; do
	# shellcheck disable=SC2086 # a command with its arguments
	${RUN_UNDER-} "$program" >"$out" 2>&1
	code=$?
	ok=$(grep -c '^\[       OK \]' "$out")
	skip=$(grep -c '^\[  SKIPPED \] [a-z_0-9]*$' "$out")
	bad=$(grep -c '^\[  FAILED  \] [a-z_0-9]*$' "$out")
	# cmocka lists failed tests a second time in its summary.
	bad=$((bad / 2))
	if [ "$code" != 0 ] && [ "$bad" = 0 ]; then
		bad=1
	fi
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	if [ "$bad" != 0 ]; then
		echo "--- $program (exit $code)"
		grep -v '^\[ *\(RUN\|OK\|=*\|PASSED\) *\]' "$out" | tail -n "${TAIL:-60}"
	fi
	grep '^SKIPPED' "$out"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
