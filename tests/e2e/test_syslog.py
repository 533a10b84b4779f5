"""A system log that stops: deliveries go on, and what could not be logged is counted."""
import os
import re
import smtplib
import time

import pytest

from stack import LMTPD, letter, syslog, wait_until
from stack.client import wire
from stack.ground import Ground
from stack.millrace import Millrace

USER = "ann@example.org"
MESSAGES = 600      # more lines than the kernel keeps of a socket that nobody reads
SECONDS = 15        # for all of them; each of them would wait for the log without an end


@pytest.fixture
def logged(build):
    """lmtpd that logs to syslog, and the file where its lines are."""
    ground = Ground()
    millrace = Millrace(build, ground.path)
    file = ground.path / "syslog"
    try:
        syslog.keep(LMTPD, file)
        millrace.command("domain", "add", "example.org")
        millrace.command("user", "add", USER)
        daemon = millrace.start(LMTPD)
        daemon.stop()
        daemon.argv.remove("-d")
        daemon.start()
        yield millrace, file
    finally:
        millrace.stop()
        syslog.forget(LMTPD)
        ground.remove()


def deliver(lmtp, count):
    """So many messages, each of them answered 250."""
    content = wire(letter("The train"))
    for _ in range(count):
        assert lmtp.sendmail("bob@example.net", [USER], content) == {}


def test_log_stopped(logged):
    millrace, file = logged
    lines = re.compile(r" delivered id=")
    with smtplib.LMTP(os.fspath(millrace.lmtp_socket), timeout=SECONDS) as lmtp:
        deliver(lmtp, 1)
        wait_until(lambda: lines.search(file.read_text()), 5, "a line in the log")
        with syslog.stopped():
            start = time.monotonic()
            deliver(lmtp, MESSAGES)
            assert time.monotonic() - start < SECONDS
        sent = 1 + MESSAGES

        def counted():
            nonlocal sent
            deliver(lmtp, 1)
            sent += 1
            return re.search(r" log lines lost count=(\d+)\n.* delivered id=", file.read_text())
        lost = int(wait_until(counted, 10, "a count of what is lost", 0.2).group(1))
    assert lost > 0
    wait_until(lambda: len(lines.findall(file.read_text())) + lost == sent, 5, "all other lines")
    assert len(list((millrace.mail / "example.org/ann/new").iterdir())) == sent
