#!/usr/bin/env python3
"""compare.py MILLRACE SET...: train and measure the spam filter and bogofilter on each SET that split.py
wrote, rspamd on the first one (RSPAMD=all: on each), and print what they cost and what they find. rspamd
takes minutes where the others take seconds, and without a header its own rules say nothing."""
import json
import os
import resource
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def cpu(argv, stdin=None, stdout=subprocess.DEVNULL, good=(0,)):
    """Run a command; CPU seconds, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, stdin=stdin, stdout=stdout, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in good:
        sys.exit("%s: exit code %d" % (argv, done.returncode))
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def lines(path):
    with open(path) as f:
        return f.read().splitlines()


def links(folder, kind):
    """A folder with a link for each message that is to be learned."""
    out = os.path.join(folder, "learn." + kind + ".d")
    os.mkdir(out)
    for i, name in enumerate(lines(os.path.join(folder, "learn." + kind))):
        os.link(name, os.path.join(out, "%06d.eml" % i))
    return out


def ours(millrace, folder):
    model = os.path.join(folder, "model")
    scores = os.path.join(folder, "millrace.tsv")
    learn = cpu([millrace, "spam", "learn", "--model", "empty", "--model", model,
                 "--spam", links(folder, "spam"), "--ham", links(folder, "ham")])
    with open(os.path.join(folder, "test")) as names, open(scores, "w") as out:
        score = cpu([millrace, "spam", "score", "--model", model, "--list"], names, out)
    return learn, score, scores


def bogofilter(folder):
    words = os.path.join(folder, "bogofilter")
    os.mkdir(words)
    learn = 0.0
    for option, kind in (("-s", "spam"), ("-n", "ham")):
        with open(os.path.join(folder, "learn." + kind)) as names:
            learn += cpu(["bogofilter", "-d", words, option, "-b"], names)
    raw = os.path.join(folder, "bogofilter.raw")
    with open(os.path.join(folder, "test")) as names, open(raw, "w") as out:
        score = cpu(["bogofilter", "-d", words, "-T", "-b", "-v"], names, out, (0, 1, 2))
    scores = os.path.join(folder, "bogofilter.tsv")
    with open(scores, "w") as out:
        for line in lines(raw):
            name, kind, value = line.rsplit(" ", 2)
            out.write("%s\t%s\t%s\n" % (name, value, "spam" if kind == "S" else "ham"))
    return learn, score, scores


def rspamd(folder):
    """Its whole score; rspamd_bayes.py has what is counted."""
    done = subprocess.run([sys.executable, "-B", HERE + "/rspamd_bayes.py", folder],
                          stdout=subprocess.PIPE, check=True)
    cost = json.loads(done.stdout)
    if cost["refused"]:
        print("rspamd did not learn %d of the messages: too short, or known" % cost["refused"])
    return cost["learn"], cost["score"], os.path.join(folder, "rspamd.tsv")


def measure(folder, scores, name):
    """Print what scores are worth."""
    sys.stdout.flush()
    subprocess.run([sys.executable, HERE + "/measure.py", folder + "/truth", scores, name], check=True)


def main():
    millrace = sys.argv[1]
    for number, folder in enumerate(sys.argv[2:]):
        learned = len(lines(folder + "/learn.spam")) + len(lines(folder + "/learn.ham"))
        scored = len(lines(folder + "/test"))
        name = os.path.basename(folder)
        cost = {}
        results = [("millrace", ours(millrace, folder)), ("bogofilter", bogofilter(folder))]
        if number == 0 or os.environ.get("RSPAMD") == "all":
            results.append(("rspamd", rspamd(folder)))
        for who, (learn, score, scores) in results:
            cost[who] = (1000 * learn / learned, 1000 * score / scored)
            measure(folder, scores, who + " " + name)
        if "rspamd" in cost:
            measure(folder, os.path.join(folder, "rspamd-bayes.tsv"), "its Bayes " + name)
        for i, what in enumerate(("learn", "classify")):
            for peer in list(cost)[1:]:
                print("%s: CPU-ms to %s a message: millrace %.3f, %s %.3f, ratio %.3f"
                      % (name, what, cost["millrace"][i], peer, cost[peer][i],
                         cost["millrace"][i] / cost[peer][i]))


main()
