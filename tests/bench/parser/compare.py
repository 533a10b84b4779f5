#!/usr/bin/python3
"""The parser row: run the three programs in turns, print ratios, and list what differs.

    compare.py FOLDER ROUNDS

FOLDER has the programs ours, gmime, dovecot and the file `names`. What differs goes to
FOLDER/differences-PEER.txt, a line for each message; the summary counts messages by kind.
"""
import collections
import statistics
import subprocess
import sys
from pathlib import Path

PEERS = ("gmime", "dovecot")
PASSES = {"ours": 5, "gmime": 1, "dovecot": 1}  # over the corpus, in each round


def measure(folder, program):
    """CPU seconds of one pass over the corpus, the number of messages, of bytes, and the sum."""
    with open(folder / "names", "rb") as names:
        line = subprocess.run([folder / program, str(PASSES[program])], stdin=names, check=True,
                              capture_output=True, text=True).stdout
    seconds, count, size, total = line.split()
    return float(seconds), int(count), int(size), total


def found(folder, program):
    """For each message: its sum, its header and parts, each a list of b"label=value"."""
    with open(folder / "names", "rb") as names:
        text = subprocess.run([folder / program, "show"], stdin=names, check=True,
                              capture_output=True).stdout
    messages, name = {}, None
    for line in text.split(b"\n"):
        first, *rest = line.split(b"\t")
        if first == b"message":
            name = rest[0].decode()
            messages[name] = [rest[1:]]
        elif first == b"part":
            messages[name].append(rest)
        elif first == b"sum":
            messages[name].insert(0, rest[0])
    return messages


def kinds(ours, theirs):
    """In which fields two readings of a message differ, with the first example of each."""
    if len(ours) != len(theirs):
        return {"parts": f"{len(ours) - 2} {len(theirs) - 2}"}
    result = {}
    for mine, other in zip(ours[1:], theirs[1:]):
        if len(mine) != len(other):
            result.setdefault("kind", f"{mine} {other}")
        for a, b in zip(mine, other):
            if a != b:
                label = a.split(b"=")[0].decode()
                a, b = (x.split(b"=", 1)[1].decode(errors="replace") for x in (a, b))
                if label == "len":      # tell the encodings apart
                    label += " of " + dict([x.split(b"=", 1) for x in mine]).get(
                        b"encoding", b"?").decode().translate({50: "qp", 51: "base64"})
                result.setdefault(label, f"{a!r} {b!r}")
    return result


def differences(folder, peer, ours):
    """Print how many messages agree, and what differs in the others."""
    theirs = found(folder, peer)
    count, same = collections.Counter(), 0
    with open(folder / f"differences-{peer}.txt", "w", encoding="utf-8") as out:
        for name, mine in ours.items():
            if mine[0] == theirs[name][0]:      # the sum
                same += 1
                continue
            for kind, example in kinds(mine, theirs[name]).items():
                count[kind] += 1
                print(name, kind, example, sep="\t", file=out)
    listed = ", ".join(f"{kind} {n}" for kind, n in count.most_common())
    print(f"{peer}: one sum in {same} of {len(ours)} messages; others differ in: {listed}")
    print(f"  each one: {folder}/differences-{peer}.txt; why: docs/DEVIATIONS.md")


def main(folder, rounds):
    """Returns the exit status."""
    seconds = collections.defaultdict(list)
    for _ in range(rounds):
        for program in ("ours", *PEERS):
            result = measure(folder, program)
            seconds[program].append(result[0])
    print(f"{result[1]} messages, {result[2] / 1e6:.1f} MB, {rounds} rounds, CPU (best, median):")
    for program, all_s in seconds.items():
        print(f"  {program:8} {min(all_s) * 1e3:8.1f} ms {statistics.median(all_s) * 1e3:8.1f} ms "
              f"{result[2] / 1e6 / statistics.median(all_s):7.0f} MB/s")
    for peer in PEERS:
        ratios = [b / a for a, b in zip(seconds["ours"], seconds[peer])]
        print(f"ours is {statistics.median(ratios):.1f} times as fast as {peer} "
              f"({min(ratios):.1f} to {max(ratios):.1f})")
    ours = found(folder, "ours")
    for peer in PEERS:
        differences(folder, peer, ours)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
