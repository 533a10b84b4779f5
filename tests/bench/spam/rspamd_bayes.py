#!/usr/bin/python3
"""rspamd_bayes.py FOLDER: rspamd learns and scores what split.py wrote to FOLDER, and this prints as JSON
what it cost: {"learn": CPU seconds, "score": CPU seconds, "refused": lessons it did not take}.

rspamd as Debian installs it, with all its rules, and its Bayes, which is kept in a Redis of our own: no
port, a socket in a folder that goes away. CPU is that of both, with all their processes; that of the
client, which hands each message over loopback HTTP, is not counted. A name server of ours answers at once
that there is no such name, so DNS lists say nothing, as nothing tells the other filters who sent the mail.

FOLDER/rspamd.tsv: its score, and the verdict of its actions as installed: spam is what it marks or
rejects. FOLDER/rspamd-bayes.tsv: what its Bayes alone says.
"""
import hashlib
import http.client
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "e2e")]

from common import cpu                                         # noqa: E402
from common.dns import NoSuchName                              # noqa: E402
from common.rspamd import Rspamd                               # noqa: E402
from stack import ground, jail                                 # noqa: E402
from stack.process import Daemon                               # noqa: E402

NORMAL, CONTROLLER = 11333, 11334       # rspamd's own; the jail's loopback has nobody else
AT_ONCE = 4                             # messages under way
SPAM_ACTIONS = ("rewrite subject", "add header", "reject")


def post(port, path, content, headers=()):
    """(status, answer) of rspamd's protocol."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        link.request("POST", path, content, dict(headers))
        answer = link.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        link.close()


def learn(folder):
    """Teach it all, a few at once, good and bad mixed in an order that says nothing. Learn-Type has it
    learn also what it is sure of: without, it takes a quarter, and errs more. Returns how many it did not
    take: 204 and 208 are its answers to a message of too few words and to one whose words it has had."""
    lessons = [(name, kind) for kind in ("spam", "ham")
               for name in (folder / f"learn.{kind}").read_text().splitlines()]
    lessons.sort(key=lambda one: hashlib.sha256(os.path.basename(one[0]).encode()).digest())

    def one(lesson):
        name, kind = lesson
        status, said = post(CONTROLLER, "/learn" + kind, Path(name).read_bytes(),
                            {"Learn-Type": "bulk"})
        if status not in (200, 204, 208):
            raise RuntimeError(f"{name}: rspamd learns: {status} {said}")
        return status != 200

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(one, lessons))


def bayes(symbols):
    """(score, verdict) of Bayes alone: the probability is in a symbol's option, "99.97%"."""
    for symbol, sign in (("BAYES_SPAM", 1), ("BAYES_HAM", -1)):
        if symbol in symbols:
            sure = float(symbols[symbol]["options"][0].rstrip("%"))
            return sign * sure, "spam" if sign > 0 else "ham"
    return 0.0, "ham"


def score(folder):
    """Score all, a few at once."""
    names = (folder / "test").read_text().splitlines()

    def one(name):
        status, said = post(NORMAL, "/checkv2", Path(name).read_bytes())
        if status != 200 or "score" not in said:
            raise RuntimeError(f"{name}: rspamd scans: {status} {said}")
        return said

    with ThreadPoolExecutor(AT_ONCE) as pool, open(folder / "rspamd.tsv", "w") as whole, \
            open(folder / "rspamd-bayes.tsv", "w") as alone:
        for name, said in zip(names, pool.map(one, names)):
            verdict = "spam" if said["action"] in SPAM_ACTIONS else "ham"
            whole.write(f"{name}\t{said['score']:.4f}\t{verdict}\n")
            value, verdict = bayes(said["symbols"])
            alone.write(f"{name}\t{value:.4f}\t{verdict}\n")


def main(folder):
    """Returns what to print."""
    jail.enter(net=True)
    NoSuchName()
    with ground.Ground() as place:
        home = place.folder("redis")
        redis = Daemon("redis", ["/usr/bin/redis-server", "--port", "0", "--save", "", "--appendonly", "no",
                                 "--unixsocket", home / "redis.sock", "--unixsocketperm", "777",
                                 "--dir", home], home / "log", listens=[home / "redis.sock"])
        rspamd = Rspamd(place.folder("rspamd"), [], listens=[NORMAL, CONTROLLER], override={
            "classifier-bayes.conf": f'backend = "redis";\nservers = "{home}/redis.sock";\n'})
        both = (redis, rspamd)
        try:
            for daemon in both:
                daemon.start()
            cpu.wait_quiet(rspamd.pid)
            marks = [sum(cpu.seconds(d.pid) for d in both)]
            refused = learn(folder)
            marks.append(sum(cpu.seconds(d.pid) for d in both))
            score(folder)
            marks.append(sum(cpu.seconds(d.pid) for d in both))
        finally:
            for daemon in both:
                daemon.stop()
    return {"learn": marks[1] - marks[0], "score": marks[2] - marks[1], "refused": refused}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]).resolve())))
