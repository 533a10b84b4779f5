#!/bin/sh
# What a reader should not have to look for.
#   tools/dev/lint.sh BUILD [CHECK...]
# Checks: format layers lengths headers paths buffers docs settings cppcheck tidy; without names, all.
set -u
build=$1
shift
bad=0
files() { git ls-files -- "$@"; }
complain() { # NAME: what comes in is a finding
	if out=$(cat) && [ -n "$out" ]; then
		echo "== $1"
		echo "$out" | head -n "${LINES_MAX:-60}"
		bad=$((bad + 1))
	fi
}

check_format() {
	files '*.c' '*.h' | xargs clang-format --dry-run -Werror 2>&1 | grep ': error:'
}

# base < mail < net, store < run; programs, tools and tests stand above all.
check_layers() {
	files 'lib/*.c' 'lib/*.h' | xargs awk '
		BEGIN {
			may["base"] = " base "
			may["mail"] = " base mail "
			may["net"] = " base mail net "
			may["store"] = " base mail store "
			may["run"] = " base mail net store run "
		}
		/^#include "/ {
			split(FILENAME, at, "/")
			split($2, in_, "/")
			sub(/^"/, "", in_[1])
			if (in_[1] == "conf" || $2 !~ /\//)
				next
			if (in_[1] != "lib" || index(may[at[2]], " " in_[2] " ") == 0)
				print FILENAME ":" FNR ": " at[2] " must not include " $2
		}'
}

# A test may have its table inside.
check_lengths() {
	files '*.c' '*.h' | xargs awk '
		FNR == 1 { if (last && lines > 800) print last ": " lines " lines, 800 at most"; last = FILENAME; most = FILENAME ~ /^tests/ ? 100 : 70 }
		{ lines = FNR }
		length($0) && /^{/ { from = FNR }
		/^}/ && from { if (FNR - from - 1 > most) print FILENAME ":" from ": " FNR - from - 1 " lines in a function, " most " at most"; from = 0 }
		END { if (lines > 800) print last ": " lines " lines, 800 at most" }'
}

# name.c has name.h, or, as a part of a module, includes a header beside it; a header is a manual.
check_headers() {
	for c in $(files 'lib/*.c'); do
		[ -e "${c%.c}.h" ] || grep -q "^#include \"$(dirname "$c")/" "$c" ||
			echo "$c: no header of its own"
	done
	for h in $(files 'lib/*.h'); do
		case $h in */mr_ban.h) continue ;; esac
		head -n 1 "$h" | grep -q '^/\*' || echo "$h: does not begin with what it is for"
	done
}

# Paths of one machine.
check_paths() {
	files | grep -v '^tests/.*/seeds/\|^tests/data/' | xargs grep -nIE '/wor[k]/|/hom[e]/[a-z]|/roo[t]/' 2>/dev/null
}

# A buffer that is released at the end of its block has its value from the start.
check_buffers() {
	files '*.c' | xargs grep -nE 'MR_AUTO_BUF [a-z_, ]+;'
}

check_docs() {
	for kind in sample:conf/millrace.conf.sample man:docs/man/millrace.conf.5; do
		"$build/bin/gen_conf" "${kind%%:*}" | cmp -s - "${kind#*:}" ||
			echo "${kind#*:} does not fit conf/settings.def: make docs"
	done
}

# A program's manual page names each setting that is its own.
check_settings() {
	"$build/bin/gen_conf" programs | while read -r name programs; do
		for program in $programs; do
			page=docs/man/millrace-$program.8
			[ "$program" = all ] || grep -qw "$name" "$page" || echo "$page does not name $name"
		done
	done
}

check_cppcheck() {
	files '*.c' | grep -v '^tests/' | xargs cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=comparePointers:milters/spam/builtin.c \
		-D__x86_64__ -D__GNUC__=12 -DMR_VERSION='""' -I. -I"$build/gen" 2>&1
}

check_tidy() {
	make -s compile_commands.json
	files '*.c' | grep -v '^tests/' | xargs -P 2 -n 8 clang-tidy -p . --quiet 2>/dev/null |
		grep -E '(warning|error):'
}

for check in ${*:-format layers lengths headers paths buffers docs settings cppcheck tidy}; do
	complain "$check" <<EOF
$("check_$check")
EOF
done
[ "$bad" = 0 ] && echo "lint: clean"
