"""How long the tests run that break things again and again: `make soak` says MR_SOAK, `make check` does not."""
import os

FACTOR = max(1, int(os.environ.get("MR_SOAK", "1")))


def times(count):
    """How often, where `make check` does it count times. The test has the mark `soak`, which gives it as
    many times as long, too."""
    return count * FACTOR
