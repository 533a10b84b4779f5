#!/usr/bin/env python3
"""Split the corpus into what is learned and what is scored, and write one list of names for each.

split.py CORPUS INDEX OUT [--content]

Learned: of the SpamAssassin corpus and of the phishing mail the first 60 and 50 % by date, one Enron
mailbox, one mailing list. Scored: the later rest of the first two, the other mailbox, the other lists.
--content: copies with no header but Subject and what tells how the body is to be read, since header
names alone give these corpora away.
"""
import gzip
import os
import sys

LEARN_WHOLE = {"enron-beck-s", "list-usrp"}
LEARN_PART = {"sa": 0.6, "pot": 0.5}
KEEP = (b"subject:", b"content-", b"mime-version:")


def content_only(data):
    end = len(data)
    for empty in (b"\n\n", b"\n\r\n"):
        at = data.find(empty)
        if 0 <= at < end:
            end = at + 1
    kept, keep = [], False
    for line in data[:end].splitlines(keepends=True):
        if line[:1] not in b" \t":
            keep = line.lower().startswith(KEEP)
        if keep:
            kept.append(line)
    return b"".join(kept) + data[end:]


def main():
    corpus, index, out = sys.argv[1:4]
    content = "--content" in sys.argv
    os.makedirs(out, exist_ok=True)
    rows = []
    with gzip.open(index, "rt") as lines:
        for line in lines:
            name, kind, source, date = line.rstrip("\n").split("\t")[:4]
            rows.append((name, kind, source, int(date)))
    count, seen = {}, {}
    for _, kind, source, _ in rows:
        count[kind, source] = count.get((kind, source), 0) + 1
    lists = {key: [] for key in ("learn.spam", "learn.ham", "test")}
    truth = open(os.path.join(out, "truth"), "w")
    for name, kind, source, _ in sorted(rows, key=lambda r: r[3]):
        at = seen.get((kind, source), 0)
        seen[kind, source] = at + 1
        share = LEARN_PART.get(source, 1 if source in LEARN_WHOLE else 0)
        learn = at < share * count[kind, source]
        path = os.path.join(corpus, name)
        if content:
            copy = os.path.join(out, "mail", name)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            with open(path, "rb") as f, open(copy, "wb") as g:
                g.write(content_only(f.read()))
            path = copy
        lists["learn." + kind if learn else "test"].append(path)
        if not learn:
            truth.write("%s\t%s\t%s\n" % (path, kind, source))
    for key, names in lists.items():
        with open(os.path.join(out, key), "w") as f:
            f.write("".join(n + "\n" for n in names))
    print({key: len(names) for key, names in lists.items()}, file=sys.stderr)


main()
