#!/bin/sh
# Run unit test programs, print what failed, and end on "N passed, N failed, N skipped"; above that
# line, the name of each test that failed.
#   tools/dev/run-unit.sh PROGRAM...
# With RUN_UNDER set, each runs under that command (valgrind).
set -u
passed=0 failed=0 skipped=0 names= out=$(mktemp)
trap 'rm -f "$out"' EXIT
for program; do
	# shellcheck disable=SC2086 # a command with its arguments
	${RUN_UNDER-} "$program" >"$out" 2>&1
	code=$?
	# By name, for cmocka lists failed tests a second time in its summary, and a test that is run again
	# for each allocation says each time that it is skipped, and then ends well.
	result=$(awk '
		/^SKIPPED [A-Za-z_0-9]+: / { name = substr($2, 1, length($2) - 1); if (!(name in is)) is[name] = "skip" }
		/^\[ +OK \] [A-Za-z_0-9]+$/ { if (!($NF in is)) is[$NF] = "ok" }
		/^\[  FAILED  \] [A-Za-z_0-9]+$/ { is[$NF] = "bad" }
		END {
			for (name in is) { n[is[name]]++; if (is[name] == "bad") list = list " " name }
			print n["ok"] + 0, n["skip"] + 0, n["bad"] + 0 list
		}' "$out")
	read -r ok skip bad list <<-END
		$result
	END
	if [ "$code" != 0 ] && [ "$bad" = 0 ]; then
		bad=1
		list=exit-$code
	fi
	for name in $list; do names="${names}FAILED ${program##*/}: $name
"; done
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	if [ "$bad" != 0 ]; then
		echo "--- $program (exit $code)"
		grep -v '^\[ *\(RUN\|OK\|=*\|PASSED\) *\]' "$out" | tail -n "${TAIL:-60}"
	fi
	grep '^SKIPPED' "$out" | sort -u
done
printf %s "$names"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
