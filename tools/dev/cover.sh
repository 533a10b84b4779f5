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
	llvm-cov export -format=lcov -instr-profile="$out.profdata" "$first" $objects \
		-ignore-filename-regex='(^|/)(tests|usr)/' >"$out.lcov" || exit 1
}
export_lines all "$raw"/all/*.profraw "$raw"/seeds/*.profraw
export_lines seeds "$raw"/seeds/*.profraw
# A line counts as reached where one of the files that include it reaches it.
python3 - "$raw/all.lcov" "$raw/seeds.lcov" <<'EOT'
import os, sys
def lines(path):
    files, name = {}, ""
    for line in open(path):
        if line.startswith("SF:"):
            name = os.path.relpath(line[3:].rstrip())
        elif line.startswith("DA:"):
            at, count = line[3:].split(",")[:2]
            reached = files.setdefault(name, {})
            reached[at] = reached.get(at, False) or int(count) > 0
    return files
def row(every, seeds, name):
    print(f"{100 * sum(every) / len(every):6.1f}  {100 * sum(seeds) / len(every):6.1f}"
          f"  {sum(every):5} of {len(every):5}  {name}")
every, seeds = lines(sys.argv[1]), lines(sys.argv[2])
print("   all   seeds        lines  file")
for name in sorted(every):
    row(every[name].values(), seeds.get(name, {}).values(), name)
row([v for f in every.values() for v in f.values()], [v for f in seeds.values() for v in f.values()], "all")
EOT
