#!/bin/sh
# make bench ROW=spam: the spam filter against bogofilter and rspamd with its Bayes on the same messages,
# in one run: CPU-ms to learn and to classify one message, recall at 0.1 % false positives, with and
# without header (rspamd: rspamd_bayes.py says what is counted; needs root, as `make e2e` does); then the
# share of spam that is still found when its senders disguise it (attack.py: one row for each way),
# and what one user who teaches wrongly does to the others (bound.py). The
# corpus is ../shared/data/spam; without it the row is skipped and says so.
#
set -eu
here=$(dirname "$0") build=build/release
shared=${MR_SHARED:-../shared}/data/spam
work=${TMPDIR:-/tmp}/millrace-bench-spam.$$

if [ ! -f "$shared/dev.tar.zst" ]; then
	echo "spam: no corpus in $shared: skipped" >&2
	exit 77
fi
tools/dev/deps.sh tests/bench/spam/deps.txt >&2
make -s -j2 MODE=release all >&2
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/corpus"
tar --zstd -xf "$shared/dev.tar.zst" -C "$work/corpus"
python3 "$here/split.py" "$work/corpus" "$shared/index.tsv.gz" "$work/whole"
python3 "$here/split.py" "$work/corpus" "$shared/index.tsv.gz" "$work/content" --content
python3 "$here/compare.py" "$build/bin/millrace" "$work/whole" "$work/content"
for set in whole content; do
	python3 "$here/attacks.py" "$build/bin/millrace" "$work/$set"
done
python3 "$here/bound.py" "$build/bin/millrace" "$work/whole" millrace bogofilter
