"""Quotas of users and domains: by mail through both MTAs, and by IMAP."""
import smtplib

import pytest

from stack import letter, wait_until


def lmtp(system, user, size, sender="bob@example.net"):
    """What lmtpd answers to a message of about so many octets: the code, and how the text begins."""
    body = "".join(f"{i:063d}\n" for i in range(max(1, size // 64)))
    content = letter("Fill", body, to=user).as_bytes()
    with smtplib.LMTP(str(system.millrace.lmtp_socket)) as client:
        client.ehlo()
        client.mail(sender, [f"SIZE={len(content)}"])
        code, text = client.rcpt(user)
        if code == 250:
            code, text = client.data(content)
    return code, text.decode()[:5]


def usage(system, name):
    """What the store has of a user or domain, as `millrace quota` says."""
    found, = system.millrace.command_json("quota", name)
    return found["octets"], found["messages"]


def test_over_quota_waits_and_is_refused(mail):
    """452 for the time of grace, which is over at once where it is 0; then 552, which the sender gets."""
    user = mail.new_user()
    mail.millrace.command("user", "set", user, "quota", "64K")
    assert lmtp(mail, user, 40000)[0] == 250
    assert lmtp(mail, user, 40000) == (452, "4.2.2")
    assert lmtp(mail, user, 70000) == (552, "5.2.3")
    assert lmtp(mail, user, 2000)[0] == 250
    outcome = mail.send("bob@example.net", user, letter("Fill", "x\n" * 20000, to=user))
    assert outcome.accepted
    wait_until(lambda: "452 4.2.2" in mail.mta.log(), 20, "the MTA is told to wait", 0.1)
    assert outcome.queue_id in mail.mta.queue()
    mail.millrace.command("user", "set", user, "quota_grace_hours", "0")
    mail.mta.flush()
    mail.wait_queue_empty(30)
    assert lmtp(mail, user, 40000) == (552, "5.2.2")
    # a small message, without a sender
    assert lmtp(mail, user, 30000, "")[0] == 250
