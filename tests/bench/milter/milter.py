#!/usr/bin/python3
"""ROW=milter: what a spam filter costs behind Postfix, and how long mail waits for it.

    milter.py BUILD         environment: ROUNDS (5), COUNT (messages of a run at 20 connections, 400)
"""
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "e2e")]

from common import cpu, report                                 # noqa: E402
from common.contest import Field                               # noqa: E402
from common.dns import NoSuchName                              # noqa: E402
from stack import corpus, jail                                 # noqa: E402

SIZE = 4096
CONNECTIONS = (1, 20)
ALONE, OURS_UNIX, OURS_TCP = "Postfix alone", "millrace-spam, unix", "millrace-spam, TCP"
RSPAMD_UNIX, RSPAMD_TCP, LEAN = "rspamd, unix", "rspamd, TCP", "rspamd lean, unix"


def main(build):
    """Returns the exit status."""
    rounds, count = int(os.environ.get("ROUNDS", "5")), int(os.environ.get("COUNT", "400"))
    build = Path(build).resolve()
    archive = corpus.fetch(build.parent)
    jail.enter(net=True)
    dns = NoSuchName()
    contest = Field(build)
    contest.add_ours(OURS_UNIX, "unix")
    contest.add_ours(OURS_TCP, "inet")
    contest.add_rspamd({"unix": RSPAMD_UNIX, "inet": RSPAMD_TCP})
    contest.add_rspamd({"unix": LEAN}, lean=True)
    with contest:
        files = report.messages(archive, contest.ground.folder("messages"), SIZE)
        print(f"{len(files)} real messages, cut or filled to {SIZE} bytes, each sent with a field that "
              "makes it unique", flush=True)
        cells = [(c, n) for c in contest.contestants for n in CONNECTIONS]
        for cell in cells:          # warm
            contest.run(*cell, 60, SIZE, files)
        for one in {id(c.filter): c.filter for c in contest.contestants if c.filter}.values():
            if not cpu.wait_quiet(one.pid):
                print("a filter does not come to rest; going on", file=sys.stderr)
        results = {(c.name, n): [] for c, n in cells}
        for number in range(rounds):
            for i in range(len(cells)):
                contestant, connections = cells[(i + number) % len(cells)]
                start = (number * 7919 + i * 131) % len(files)
                results[contestant.name, connections].append(contest.run(
                    contestant, connections, count if connections > 1 else count // 2, SIZE,
                    files[start:] + files[:start]))
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        asking = sum(count // (1 if n > 1 else 2) * rounds + 60 for name, n in results
                     if name in (RSPAMD_UNIX, RSPAMD_TCP))
        print(f"rspamd asked the name server {dns.asked / asking:.0f} times a message, and was told at "
              "once: no such name")
    show(results)
    return 0


def show(results):
    """The tables."""
    names = list(dict.fromkeys(name for name, _ in results))
    for n in CONNECTIONS:
        alone = results[ALONE, n]
        rows = []
        for name in names:
            runs = results[name, n]
            added = [r["p50"] - a["p50"] for r, a in zip(runs, alone)]
            rows.append([name, *(report.spread([r[k] for r in runs])
                                 for k in ("postfix", "filter", "p50", "p99")),
                         report.spread(added) if name != ALONE else ""])
        print(f"\n{n} connection{'s' if n > 1 else ''}: medians of {len(alone)} runs (lowest to highest)")
        print(report.table(["", "Postfix, CPU-ms", "filter, CPU-ms", "p50, ms", "p99, ms",
                            "added to p50, ms"], rows))
    rows = []
    for ours, theirs in ((OURS_UNIX, RSPAMD_UNIX), (OURS_TCP, RSPAMD_TCP), (OURS_UNIX, LEAN)):
        for n in CONNECTIONS:
            pairs = list(zip(results[ours, n], results[theirs, n]))
            rows.append([f"{ours} / {theirs}", str(n)] + [
                report.spread([f(a) / f(b) for a, b in pairs], 3)
                for f in (lambda r: r["filter"], lambda r: r["filter"] + r["postfix"],
                          lambda r: r["p50"], lambda r: r["p99"])])
    print("\nratios, ours / theirs, of the runs of one round: median (lowest to highest)")
    print(report.table(["", "connections", "filter's CPU", "filter's and Postfix's CPU", "p50", "p99"],
                       rows))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
