#!/usr/bin/env python3
"""measure.py TRUTH SCORES NAME: what scores are worth.

TRUTH: lines "path TAB spam|ham TAB source". SCORES: lines "path TAB score TAB verdict". Prints recall
at 0.1 % false positives, 1-ROCA %, and both kinds of error at the filter's own threshold, for all and
for each source of spam (against all good mail) and of good mail (against all spam).
"""
import sys


def recall_at(spam, ham, fp):
    ham = sorted(ham, reverse=True)
    allowed = int(fp * len(ham))
    limit = ham[allowed] if allowed < len(ham) else float("-inf")
    return 100.0 * sum(s > limit for s in spam) / max(1, len(spam))


def one_roca(spam, ham):
    """Percent of pairs in the wrong order; a tie is half of one."""
    order = sorted([(s, 1) for s in spam] + [(s, 0) for s in ham])
    wrong, spam_below, i = 0.0, 0, 0
    while i < len(order):
        j = i
        while j < len(order) and order[j][0] == order[i][0]:
            j += 1
        s = sum(kind for _, kind in order[i:j])
        wrong += (j - i - s) * (spam_below + s / 2.0)
        spam_below += s
        i = j
    return 100.0 * wrong / max(1, len(spam) * len(ham))


def row(name, what, rows):
    spam = [s for kind, s, _ in rows if kind == "spam"]
    ham = [s for kind, s, _ in rows if kind == "ham"]
    fp = sum(v == "spam" for kind, _, v in rows if kind == "ham")
    tp = sum(v == "spam" for kind, _, v in rows if kind == "spam")
    print("%-18s %-18s %5d spam %5d good  recall at 0.1%% FP %6.2f %%  1-ROCA %7.4f %%"
          "  own threshold: FP %7.3f %%, recall %6.2f %%"
          % (name, what, len(spam), len(ham), recall_at(spam, ham, 0.001), one_roca(spam, ham),
             100.0 * fp / max(1, len(ham)), 100.0 * tp / max(1, len(spam))))


def main():
    truth = {}
    with open(sys.argv[1]) as lines:
        for line in lines:
            path, kind, source = line.rstrip("\n").split("\t")
            truth[path] = (kind, source)
    rows = []
    with open(sys.argv[2]) as lines:
        for line in lines:
            path, score, verdict = line.rstrip("\n").split("\t")[:3]
            kind, source = truth.pop(path)
            rows.append((kind, source, float(score), verdict))
    if truth:
        sys.exit("%s: %d messages have no score" % (sys.argv[3], len(truth)))
    row(sys.argv[3], "all", [(k, s, v) for k, _, s, v in rows])
    for kind, source in sorted({(k, s) for k, s, _, _ in rows}):
        row(sys.argv[3], kind + " " + source,
            [(k, s, v) for k, src, s, v in rows if k != kind or src == source])


main()
