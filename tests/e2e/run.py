#!/usr/bin/python3
"""Run the end-to-end tests in a jail with a network of its own (stack/jail.py).

    tests/e2e/run.py BUILD [T] [PYTEST OPTIONS]

T is the T of a file test_T.py, or else what pytest's -k takes. The last line is
"N passed, N failed, N skipped"; exit status 1 if anything failed or nothing ran.
"""
import sys
from pathlib import Path

import pytest

from stack import corpus, jail

HERE = Path(__file__).resolve().parent


class Tally:
    """Counts as `make check` sums them: an error at setup is a failure."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, set(), 0

    def pytest_runtest_logreport(self, report):
        """Called for setup, call and teardown of each test."""
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.skipped:
            self.skipped += 1
        elif report.when == "call":
            self.passed += 1

    def pytest_collectreport(self, report):
        """A file that cannot even be read is a failure."""
        if report.failed:
            self.failed.add(report.nodeid)


def main(build, words):
    """Returns the exit status."""
    build = Path(build).resolve()
    where = [str(HERE)]
    if words and not words[0].startswith("-"):
        part = words.pop(0)
        file = HERE / f"test_{part}.py"
        where = [str(file)] if file.exists() else [str(HERE), "-k", part]
    try:
        corpus.fetch(build.parent)      # here is the last chance: the jail has no way out
    except corpus.NoCorpus as error:
        print(f"no real messages, their tests are skipped: {error}", file=sys.stderr)
    jail.enter(net=True)
    tally = Tally()
    status = pytest.main(["-rfEs", "-q", "-p", "no:cacheprovider", "--rootdir", str(HERE),
                          "--build", str(build), *where, *words], plugins=[tally])
    print(f"{tally.passed} passed, {len(tally.failed)} failed, {tally.skipped} skipped", flush=True)
    return 0 if status == 0 and tally.passed else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
