"""Nothing that millrace-lmtpd acknowledged is ever lost: it is killed again and again under load, with
SIGKILL, at random moments. Afterwards every mailbox is counted (stack/storm.py)."""
import random
import signal
import threading
import time

import pytest

from stack import missing, soak
from stack.storm import Client, Lmtpd, audit

CLIENTS = 8
PEOPLE = [f"user{n}" for n in range(4)]
RUN_MS = (5, 120)                        # how long it may live
SECONDS_MAX = 100


@pytest.mark.soak
def test_kills(build, tmp_path):
    """kill -9 a hundred times (by `make soak` a thousand) under load: all that was acknowledged is there,
    whole; and once, but where lmtpd died between storing it and saying so."""
    gone = missing(build, ["millrace-lmtpd", "millrace"])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    lmtpd = Lmtpd(build, tmp_path, users=PEOPLE)
    rng = random.Random(4)
    ending = threading.Event()
    clients = [Client(n, lmtpd.socket, ending, PEOPLE) for n in range(CLIENTS)]
    lmtpd.start()
    lmtpd.wait_ready()
    for client in clients:
        client.start()
    begin = time.monotonic()
    try:
        while len(lmtpd.dead) < soak.times(100):
            assert time.monotonic() - begin < soak.times(SECONDS_MAX), f"{len(lmtpd.dead)} kills"
            time.sleep(rng.randint(*RUN_MS) / 1000)
            assert lmtpd.end() == -signal.SIGKILL
            lmtpd.start()
            lmtpd.wait_ready()
        time.sleep(0.5)
    finally:
        ending.set()
        for client in clients:
            client.join()
        assert lmtpd.end(signal.SIGTERM) == 0    # and one that may finish
    account = audit(lmtpd.mail, clients, lmtpd.dead)
    print(f"{len(lmtpd.dead)} kills: {account}; {time.monotonic() - begin:.0f} s")
    assert account.acknowledged > soak.times(100)
    assert account.unsure > 0, "none was killed with a message in its hands"
