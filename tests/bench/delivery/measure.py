"""measure.py BUILD [PART]: see run.sh. Prints Markdown."""
import os
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e"))
sys.path.insert(0, str(HERE.parent))
from common.report import spread, table    # noqa: E402
from delivery import behind, direct, read    # noqa: E402
from delivery.field import Field    # noqa: E402
from stack import jail    # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "2"))
SIZES = (4096, 51200)
CASES = [(connections, size) for connections in (1, 20) for size in SIZES]


def measure(field, names, cases, run):
    """{name: {case: [result of each round]}}. Each round begins with another one."""
    results = {name: {case: [] for case in cases} for name in names}
    for number in range(ROUNDS):
        for case in cases:
            order = names[number % len(names):] + names[:number % len(names)]
            for name in order:
                field.empty()
                results[name][case].append(run(name, *case))
    return results


def case_name(case):
    """As a table shows it."""
    return f"{case[0]}, {case[1] // 1024} KiB"


def show(title, results, columns, ratios, unit):
    """columns: {key: (head, digits)}; ratios: keys, of the first name by each other one."""
    names = list(results)
    print(f"\n### {title}: medians of {ROUNDS} rounds\n")
    rows = [[f"{case_name(case)}: {name}"]
            + [f"{statistics.median(r[key] for r in results[name][case]):.{digits}f}" if key in results[name][case][0]
               else "" for key, (_, digits) in columns.items()]
            for case in results[names[0]] for name in names]
    print(table([unit, *(head for head, _ in columns.values())], rows))
    print()
    rows = [[f"{case_name(case)}: {names[0]} / {name}"]
            + [spread([a[key] / b[key] for a, b in zip(results[names[0]][case], results[name][case])])
               for key in ratios]
            for case in results[names[0]] for name in names[1:]]
    print(table(["ratios", *(columns[key][0] for key in ratios)], rows), flush=True)


ALL = {"rate": ("deliveries/s", 0), "cpu": ("CPU-ms", 2), "p50": ("p50, ms", 1), "p99": ("p99, ms", 1)}


def part_lmtp(field):
    """LMTP."""
    counts = {1: 300, 20: 1000}
    results = measure(field, ["millrace-lmtpd", "Dovecot LMTP"], CASES,
                      lambda name, c, size: direct.lmtp(field, name, c, counts[c], size))
    show("LMTP", results, ALL, list(ALL), "connections, size")


def part_pipe(field):
    """Programs by pipe."""
    counts = {1: 60, 20: 120}

    def run(name, at_once, size):
        direct.prepare(field)
        return direct.pipe(field, name, at_once, counts[at_once], size)

    results = measure(field, ["millrace-deliver", "maildrop", "dovecot-lda"], CASES, run)
    show("by pipe", results, {**ALL, "own": ("of it the program's", 2)}, list(ALL), "at once, size")


def part_postfix(field):
    """Behind Postfix."""
    counts = {1: 150, 20: 300}
    with behind.Behind(field) as postfix:
        results = measure(field, list(behind.DOMAINS), CASES,
                          lambda name, c, size: postfix.run(name, c, counts[c], size))
    show("behind Postfix", results, {**ALL, "own": ("of it Postfix's agent", 2)}, list(ALL),
         "connections, size")


def part_imap(field):
    """Until it was read."""
    cases = [(burst, 4096) for burst in (1, 10)]
    results = measure(field, ["millrace-lmtpd", "Dovecot LMTP"], cases,
                      lambda name, burst, size: read.run(field, name, burst, 60 // burst, size))
    show("delivery, SELECT and FETCH by IMAP", results,
         {"cpu": ("CPU-ms a message", 2), "send": ("delivery, ms", 1), "look": ("SELECT and FETCH, ms", 1),
          "p50": ("both, p50", 1), "p99": ("both, p99", 1)}, ["cpu", "look", "p50"], "messages at a time, size")


PARTS = {"lmtp": part_lmtp, "pipe": part_pipe, "postfix": part_postfix, "imap": part_imap}


def main(build, only=None):
    """All parts, or one."""
    jail.enter(net=True)
    with Field(build) as field:
        try:
            for name, part in PARTS.items():
                if only in (None, name):
                    part(field)
        finally:
            jail.hold_interrupts()


if __name__ == "__main__":
    main(*sys.argv[1:])
