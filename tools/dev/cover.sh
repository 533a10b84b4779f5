#!/bin/sh
# Run unit tests and the corpora of fuzz targets, and print the lines that they reach, file by file.
#   tools/dev/cover.sh BUILD PROGRAM...
# Corpora: tests/fuzz/seeds/NAME, and what `make fuzz` found (build/fuzz/corpus/NAME).
set -u
build=$1
shift
raw=$build/profile
rm -rf "$raw"
mkdir -p "$raw"
objects= first=
for program; do
	name=$(basename "$program")
	case $name in
	fuzz_*)
		set_of=${name#fuzz_}
		dirs=
		for d in "tests/fuzz/seeds/$set_of" "build/fuzz/corpus/$set_of"; do
			[ -d "$d" ] && dirs="$dirs $d"
		done
		[ -n "$dirs" ] || continue
		# shellcheck disable=SC2086 # a list of folders
		LLVM_PROFILE_FILE=$raw/$name.%p.profraw "$program" -runs=0 -rss_limit_mb=4096 $dirs ;;
	*)
		LLVM_PROFILE_FILE=$raw/$name.%p.profraw "$program" ;;
	esac >"$raw/$name.log" 2>&1 || echo "cover: $name failed, see $raw/$name.log" >&2
	if [ -z "$first" ]; then first=$program; else objects="$objects -object $program"; fi
done
# A program that a test kills leaves half a file.
llvm-profdata merge -failure-mode=all -sparse "$raw"/*.profraw -o "$raw/all.profdata" || exit 1
# shellcheck disable=SC2086
llvm-cov export -summary-only -instr-profile="$raw/all.profdata" "$first" $objects \
	-ignore-filename-regex='(^|/)tests/' >"$raw/all.json" || exit 1
python3 - "$raw/all.json" <<'EOF'
import json, os, sys
data = json.load(open(sys.argv[1]))["data"][0]
rows = sorted((os.path.relpath(f["filename"]), f["summary"]["lines"]) for f in data["files"])
for name, lines in rows:
    print(f"{lines['percent']:6.1f} %  {lines['covered']:5} of {lines['count']:5}  {name}")
total = data["totals"]["lines"]
print(f"{total['percent']:6.1f} %  {total['covered']:5} of {total['count']:5}  all")
EOF
