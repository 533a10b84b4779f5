#!/usr/bin/env python3
"""bound.py MILLRACE FOLDER: what one user who teaches wrongly does to all others.

FOLDER is a set that split.py wrote: the operator teaches its learn.spam and learn.ham. Of the rest a
third is taught by users, who have the same kinds of mail as the others, and two thirds are measured.
Twenty honest users of ten domains teach a little each, or one or two teach more; the attacker teaches 1,000 good messages as
spam, and in another run 1,000 spam as good. bogofilter learns the same into its one list of words.
"""
import os
import random
import shutil
import subprocess
import sys

USERS, DOMAINS, OF_EACH, WRONG = 20, 10, 15, 1000
FEW_SPAM, FEW_HAM = 300, 100  # what one honest user teaches, or two together


def lines(path):
    with open(path) as f:
        return f.read().splitlines()


def write(path, names):
    with open(path, "w") as f:
        f.write("".join(n + "\n" for n in names))
    return path


def learn(millrace, model, kind, names, *options):
    """Names one by one on standard input, as --list wants them."""
    subprocess.run([millrace, "spam", "learn", "--model", model, *options, kind, "--list"],
                   input="".join(n + "\n" for n in names), text=True, check=True,
                   stdout=subprocess.DEVNULL)


def measure(millrace, model, spam, ham, *options):
    """False positives and recall in percent, at the model's own threshold."""
    out = subprocess.run([millrace, "spam", "score", "--model", model, *options, "--list"],
                         input="".join(n + "\n" for n in spam + ham), text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    called = [line.rsplit("\t", 1)[1] == "spam" for line in out.splitlines()]
    return (100.0 * sum(called[len(spam):]) / len(ham), 100.0 * sum(called[:len(spam)]) / len(spam))


class Ours:
    def __init__(self, millrace, work, base=()):
        self.millrace, self.model, self.base = millrace, os.path.join(work, "model"), base

    def operator(self, spam, ham):
        if not spam and not ham:
            subprocess.run([self.millrace, "spam", "rebuild", "--model", self.model], check=True,
                           stdout=subprocess.DEVNULL)
            return
        listed = os.path.join(os.path.dirname(self.model), "operator")
        for kind, names in (("spam", spam), ("ham", ham)):
            os.makedirs(listed + kind)
            for i, name in enumerate(names):
                os.link(name, "%s%s/%d" % (listed, kind, i))
        subprocess.run([self.millrace, "spam", "learn", "--model", self.model, *self.base,
                        "--spam", listed + "spam", "--ham", listed + "ham"], check=True,
                       stdout=subprocess.DEVNULL)

    def user(self, who, kind, names):
        learn(self.millrace, self.model, "--" + kind, names, "--user", who)

    def settle(self):
        subprocess.run([self.millrace, "spam", "rebuild", "--model", self.model], check=True,
                       stdout=subprocess.DEVNULL)

    def measure(self, spam, ham, who=None):
        return measure(self.millrace, self.model, spam, ham, *(("--user", who) if who else ()))


class Bogofilter:
    def __init__(self, _, work, base=()):
        self.words, self.work = os.path.join(work, "words"), work
        os.mkdir(self.words)

    def teach(self, option, names):
        if names:
            with open(write(os.path.join(self.work, "names"), names)) as f:
                subprocess.run(["bogofilter", "-d", self.words, option, "-b"], stdin=f, check=True)

    def operator(self, spam, ham):
        self.teach("-s", spam)
        self.teach("-n", ham)

    def user(self, _, kind, names):
        self.teach("-s" if kind == "spam" else "-n", names)

    def settle(self):
        pass

    def measure(self, spam, ham, who=None):
        with open(write(os.path.join(self.work, "names"), spam + ham)) as f:
            out = subprocess.run(["bogofilter", "-d", self.words, "-T", "-b"], stdin=f,
                                 stdout=subprocess.PIPE, text=True, check=False).stdout
        called = [line.rsplit(" ", 2)[1] == "S" for line in out.splitlines()]
        return (100.0 * sum(called[len(spam):]) / len(ham),
                100.0 * sum(called[:len(spam)]) / len(spam))


def parts(folder, wrong, seed=1):
    """What honest users teach, what the attacker does (`wrong` of one kind, the other way round), and
    what is measured: (spam, ham) of each."""
    truth = [line.split("\t") for line in lines(folder + "/truth")]
    taught, twisted, rest = [], [], []
    for kind in ("spam", "ham"):
        names = [t[0] for t in truth if t[1] == kind]
        random.Random(seed).shuffle(names)
        honest_end = USERS * OF_EACH
        end = honest_end + (WRONG if kind == wrong else 0)
        taught.append(names[:honest_end])
        twisted += names[honest_end:end]
        rest.append(names[end:])
    return taught, twisted, rest


def honest(filt, spam, ham):
    for i in range(USERS):
        who = "u%d@d%d.example" % (i, i % DOMAINS)
        filt.user(who, "spam", spam[i * OF_EACH:(i + 1) * OF_EACH])
        filt.user(who, "ham", ham[i * OF_EACH:(i + 1) * OF_EACH])


def honest_few(filt, count, spam, ham):
    """One honest user or two, each of a domain of his own, none of them the attacker's."""
    for i in range(count):
        who = "bob%d@e%d.example" % (i, i)
        filt.user(who, "spam", spam[:FEW_SPAM][i::count])
        filt.user(who, "ham", ham[:FEW_HAM][i::count])


def row(name, what, got, before=None):
    text = "%-18s %-44s FP %6.3f %%  recall %6.2f %%" % (name, what, *got)
    if before:
        text += "   %+7.3f  %+7.2f" % (got[0] - before[0], got[1] - before[1])
    print(text, flush=True)


def one(make, millrace, folder, base, operator, count, users, twisted, as_kind):
    """One system; what others see of it: users of other domains, and of the attacker's."""
    work = os.path.join(folder, "bound")
    shutil.rmtree(work, ignore_errors=True)
    os.mkdir(work)
    filt = make(millrace, work, base)
    filt.operator(*operator)
    if count == USERS:
        honest(filt, *users)
    else:
        honest_few(filt, count, *users)
    if twisted:
        filt.user("mallory@d3.example", as_kind, twisted)
    filt.settle()
    return filt


def run(make, name, millrace, folder, base, operator):
    own = (lines(folder + "/learn.spam"), lines(folder + "/learn.ham")) if operator else ([], [])
    for wrong, as_kind in (("ham", "spam"), ("spam", "ham")):
        taught, twisted, rest = parts(folder, wrong)
        print("-- %s, %s; %d %s taught as %s by one user; measured on %d spam, %d good"
              % (name, "the operator's lessons" if operator else "the shipped model", WRONG, wrong,
                 as_kind, len(rest[0]), len(rest[1])), flush=True)
        for count in (0, 1, 2, USERS):
            who = "and %d users'" % count if count else "nobody else's"
            before = near = None
            for attack in (None, twisted):
                filt = one(make, millrace, folder, base, own, count, taught, attack, as_kind)
                got = filt.measure(*rest)
                row(name, who + (", and his" if attack else ""), got, before)
                before = before or got
                if count and name == "millrace":
                    got = filt.measure(*rest, "somebody@d3.example")
                    row(name, "    ... in the attacker's domain", got, near)
                    near = near or got


def main():
    millrace, folder = sys.argv[1:3]
    which = sys.argv[3:] or ["millrace", "shipped", "bogofilter"]
    if "millrace" in which:
        run(Ours, "millrace", millrace, folder, ("--model", "empty"), True)
    if "shipped" in which:
        run(Ours, "millrace", millrace, folder, (), False)
    if "bogofilter" in which:
        run(Bogofilter, "bogofilter", millrace, folder, (), True)


main()
