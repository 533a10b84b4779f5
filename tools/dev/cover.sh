#!/bin/sh
# Run unit tests and fuzz targets, and print for each file the share of its lines that all of them
# reach, and the share that the fuzz targets reach with the seeds in the tree alone.
#   tools/dev/cover.sh BUILD PROGRAM...
# Seeds: tests/fuzz/seeds/NAME. What `make fuzz` found (build/fuzz/corpus/NAME) counts in the first
# column, where it is there.
set -u
build=$1
shift
raw=$build/profile
rm -rf "$raw"
mkdir -p "$raw/all" "$raw/seeds"

# run FOLDER NAME PROGRAM...: its profile goes to FOLDER/NAME.
run() {
	profile=$raw/$1/$2 log=$raw/$2.log name=$2
	shift 2
	LLVM_PROFILE_FILE=$profile.%p.profraw "$@" >"$log" 2>&1 ||
		echo "cover: $name failed, see $log" >&2
}

objects= first=
for program; do
	name=${program##*/} set_of=${program##*/fuzz_}
	seeds=tests/fuzz/seeds/$set_of corpus=build/fuzz/corpus/$set_of
	case $name in
	fuzz_*)
		[ -d "$seeds" ] && run seeds "$name" "$program" -runs=0 -rss_limit_mb=4096 "$seeds"
		[ -d "$corpus" ] && run all "$name" "$program" -runs=0 -rss_limit_mb=4096 "$corpus" ;;
	*)
		run all "$name" "$program" ;;
	esac
	if [ -z "$first" ]; then first=$program; else objects="$objects -object $program"; fi
done

# export NAME PROFILE...
export_lines() {
	out=$raw/$1
	shift
	# A program that a test kills leaves half a file.
	llvm-profdata merge -failure-mode=all -sparse "$@" -o "$out.profdata" || exit 1
	# shellcheck disable=SC2086
	llvm-cov export -summary-only -instr-profile="$out.profdata" "$first" $objects \
		-ignore-filename-regex='(^|/)tests/' >"$out.json" || exit 1
}
export_lines all "$raw"/all/*.profraw "$raw"/seeds/*.profraw
export_lines seeds "$raw"/seeds/*.profraw
python3 - "$raw/all.json" "$raw/seeds.json" <<'EOT'
import json, os, sys
def lines(path):
    data = json.load(open(path))["data"][0]
    found = {os.path.relpath(f["filename"]): f["summary"]["lines"] for f in data["files"]}
    return found, data["totals"]["lines"]
(every, total), (seeds, seeds_total) = lines(sys.argv[1]), lines(sys.argv[2])
print("   all   seeds        lines  file")
for name in sorted(every):
    at = seeds.get(name, {"percent": 0.0})
    print(f"{every[name]['percent']:6.1f}  {at['percent']:6.1f}  {every[name]['covered']:5} of {every[name]['count']:5}  {name}")
print(f"{total['percent']:6.1f}  {seeds_total['percent']:6.1f}  {total['covered']:5} of {total['count']:5}  all")
EOT
