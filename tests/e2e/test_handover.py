"""Mailboxes that Dovecot's LMTP keeps, with Pigeonhole's Sieve: everything is decided by lmtpd, then handed over."""
import pytest

from stack import LMTPD, corpus, letter, wait_until
from stack.dovecot import has_sieve

SCRIPT = """\
require ["fileinto", "mailbox", "envelope", "subaddress", "reject"];
if header :contains "Subject" "invoice" { fileinto :create "Bills"; stop; }
if header :is "X-Spam-Flag" "YES" { fileinto :create "Quarantine"; stop; }
"""


@pytest.fixture(name="system")
def _system(make_system):
    if not has_sieve():
        pytest.skip("dovecot-sieve missing: make deps")
    return make_system(spam=True, deliver="lmtpd", handover=SCRIPT)


@pytest.fixture(name="lure", scope="module")
def _lure(build):
    """A message that the built-in model calls spam."""
    try:
        messages = corpus.pick(corpus.fetch(build.parent), 1, 20)
    except corpus.NoCorpus as error:
        pytest.skip(f"no real messages: {error}")
    return next(m for m in messages if m.spam)


def user_of(system):
    user = system.new_user()
    system.millrace.command("user", "set", user, "mailbox", "handover")
    return user


def test_sieve_files(system, lure):
    """The script of the user's own server runs, and sees what was decided; others' mailboxes are ours as ever."""
    user, other = user_of(system), system.new_user()
    assert system.send("bob@example.net", [user, other], letter("Your invoice", to=user)).accepted
    message, = system.wait_mail(user, "Bills")
    assert message["X-Spam-Flag"] == "NO" and message["Return-Path"] == "<bob@example.net>"
    assert [str(field) for field in message.get_all("Delivered-To")] == [user]
    ours, = system.wait_mail(other, "INBOX")
    assert ours["Subject"] == "Your invoice"
    # His own threshold, and the script's own folder for spam.
    system.millrace.command("user", "set", user, "spam_threshold", "0")
    assert system.send(lure.sender, user, lure.content).accepted
    spam, = system.wait_mail(user, "Quarantine")
    assert "folder=Spam" in spam["X-Millrace-Delivery"]
    assert spam["X-Spam-Flag"] == "YES" and "required=0.000" in spam["X-Spam-Status"]
    spelled = user.replace("@", "+Spam@")
    wait_until(lambda: f"Handed over: <{spelled}>" in system.millrace.daemons[LMTPD].tail(), 10, system.logs)


def test_waits(system):
    """That server is away: mail waits, and comes once."""
    user = user_of(system)
    system.dovecot.stop()
    assert system.send("bob@example.net", user, letter("Later", to=user)).accepted
    wait_until(lambda: "dsn=4." in system.mta.log(), 30, "a temporary failure in the log")
    system.dovecot.start()
    system.mta.flush()
    system.wait_queue_empty(60)
    message, = system.wait_mail(user)
    assert message["Subject"] == "Later"


def test_detail(system):
    """user+folder is told to the other server as it came, and spam as user+Spam where no script says otherwise."""
    user = user_of(system)
    local, domain = user.split("@")
    assert system.send("bob@example.net", f"{local}+lists@{domain}", letter("Digest", to=user)).accepted
    message, = system.wait_mail(user, "lists")
    assert message["Subject"] == "Digest"
