"""millrace-deliver: by pipe(8) on Postfix, as a mailer on sendmail."""
import re

import pytest

from stack import LMTPD, letter, wait_until


@pytest.fixture(scope="module")
def piped(build, mta):
    """MTA, millrace-deliver, lmtpd, Dovecot; the filter is left out."""
    from conftest import serve, up
    yield from serve(up(build, mta, deliver="pipe"))


def test_arrives(piped):
    alice = piped.new_user()
    assert piped.send("bob@example.net", alice, letter("By pipe", to=alice)).accepted
    message, = piped.wait_mail(alice)
    assert message["Subject"] == "By pipe"
    assert message["Return-Path"] == "<bob@example.net>"
    assert message["Delivered-To"] == alice
    assert "ten past nine" in message.get_content()


def test_queue_id_is_handed_on(piped):
    alice = piped.new_user()
    outcome = piped.send("bob@example.net", alice, letter("Story"))
    piped.wait_mail(alice)
    wait_until(lambda: outcome.queue_id in piped.millrace.log(LMTPD), 5,
               f"{outcome.queue_id} in millrace-lmtpd's log")


def test_null_sender(piped):
    alice = piped.new_user()
    piped.send("", alice, letter("A bounce"))
    message, = piped.wait_mail(alice)
    assert message["Return-Path"] == "<>"


def test_several_recipients(piped):
    alice, carol = piped.new_user(), piped.new_user()
    piped.send("bob@example.net", [alice, carol], letter("Both"))
    for user in (alice, carol):
        message, = piped.wait_mail(user)
        assert message.get_all("Delivered-To") == [user]


def test_unknown_user(piped):
    """A permanent failure is one to the MTA as well: the sender is told."""
    bob = piped.new_user()
    piped.send(bob, "nobody@example.org", letter("Anyone?"))
    report, = piped.wait_mail(bob)
    assert re.search(rb"5\.1\.1", report.as_bytes())
    piped.wait_queue_empty()


@pytest.mark.parametrize("local", ["o'neil", "a$b", "a&b|c", "back`tick", "star*"])
def test_awkward_local_part(piped, local):
    """No shell is between the MTA and us, and no character of an address is anything but itself."""
    piped.add_user(f"{local}@example.org")
    outcome = piped.send("x'$(touch /tmp/no)@example.net", f'"{local}"@example.org', letter("Odd"))
    assert outcome.accepted
    # Not by IMAP: Dovecot puts a backslash before the quote of o'neil when it looks for his password.
    new = piped.millrace.mail / "example.org" / local / "new"
    files = wait_until(lambda: new.is_dir() and list(new.iterdir()), 20, f"a file in {new}")
    assert b"Subject: Odd" in files[0].read_bytes()


def test_dots_and_last_line(piped):
    """Content on standard input ends where it ends, not at a dot."""
    alice = piped.new_user()
    body = b"one\r\n.\r\n..\r\nMAIL FROM:<x>\r\nend"
    piped.send("bob@example.net", alice, b"Subject: dots\r\n\r\n" + body + b"\r\n")
    piped.wait_mail(alice)
    with piped.mailbox(alice) as box:
        assert box.raw()[0].partition(b"\r\n\r\n")[2] == body + b"\r\n"


def test_lmtpd_down(piped):
    """Exit status 75: the MTA keeps the message and it is delivered later."""
    alice = piped.new_user()
    daemon = piped.millrace.daemons[LMTPD]
    daemon.stop()
    try:
        outcome = piped.send("bob@example.net", alice, letter("Later"))
        assert outcome.accepted
        wait_until(lambda: outcome.queue_id in piped.mta.queue(), 10, "it waits")
    finally:
        daemon.start()
    piped.mta.flush()
    piped.wait_mail(alice, seconds=60)
