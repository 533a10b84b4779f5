#!/usr/bin/env python3
"""attacks.py MILLRACE FOLDER [ATTACK...]: what each attack of attack.py costs.

FOLDER is what compare.py has measured: a set of split.py, models of each filter, scores. Prints for
each filter the share of spam found, as it came and under each attack: at the filter's own threshold,
and at the one that 0.1 % of the good mail of this set exceeds. Good mail is not attacked, so false
positives are those of the clean rows.
"""
import os
import shutil
import subprocess
import sys

import attack

SEED = 4


def lines(path):
    with open(path) as f:
        return f.read().splitlines()


def scored_ours(millrace, folder, names):
    done = subprocess.run([millrace, "spam", "score", "--model", folder + "/model", "--list"],
                          input=names, stdout=subprocess.PIPE, text=True, check=True)
    return [(float(score), verdict == "spam") for _, score, verdict in
            (line.split("\t")[:3] for line in done.stdout.splitlines())]


def scored_bogofilter(_, folder, names):
    done = subprocess.run(["bogofilter", "-d", folder + "/bogofilter", "-T", "-b", "-v"],
                          input=names, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode > 2:
        sys.exit("bogofilter: exit code %d" % done.returncode)
    return [(float(value), kind == "S") for _, kind, value in
            (line.rsplit(" ", 2) for line in done.stdout.splitlines())]


# A filter: its name, and its scores for a list of names, in the list's order.
FILTERS = (("millrace", scored_ours), ("bogofilter", scored_bogofilter))


def limit_of(folder, who, good):
    scores = dict(line.split("\t")[:2] for line in lines("%s/%s.tsv" % (folder, who)))
    order = sorted((float(scores[name]) for name in good), reverse=True)
    return order[int(0.001 * len(order))]


def main():
    millrace, folder = sys.argv[1:3]
    wanted = sys.argv[3:] or list(attack.ATTACKS)
    truth = [line.split("\t")[:2] for line in lines(folder + "/truth")]
    spam = [name for name, kind in truth if kind == "spam"]
    limits = {who: limit_of(folder, who, [n for n, k in truth if k == "ham"]) for who, _ in FILTERS}
    pool = attack.Pool(lines(folder + "/learn.ham"))
    base = os.path.basename(folder)
    for what in ["clean"] + wanted:
        out = os.path.join(folder, "attack")
        names = spam if what == "clean" else attack.write_all(what, spam, pool, out, SEED)
        row = "%-8s %-16s" % (base, what)
        for who, scored in FILTERS:
            scores = scored(millrace, folder, "".join(n + "\n" for n in names))
            if len(scores) != len(spam):
                sys.exit("%s: %d of %d messages have a score" % (who, len(scores), len(spam)))
            row += "  %s: own threshold %6.2f %%, at 0.1 %% FP %6.2f %%" % (
                who, 100.0 * sum(v for _, v in scores) / len(spam),
                100.0 * sum(s > limits[who] for s, _ in scores) / len(spam))
        print(row, flush=True)
        shutil.rmtree(out, ignore_errors=True)


main()
