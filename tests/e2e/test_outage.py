"""What is down is waited for: no mail is lost, none bounces, and it comes later."""
import smtplib
import subprocess

import pytest

from stack import LMTPD, SPAM, letter, wait_until


def test_milter_down(mail):
    """The MTA says 4xx, the sender tries again, and the message arrives scored."""
    alice = mail.new_user()
    daemon = mail.millrace.daemons[SPAM]
    daemon.stop()
    try:
        outcome = mail.send("bob@example.net", alice, letter("Later"))
        assert outcome.code // 100 == 4, outcome
    finally:
        daemon.start()
    assert mail.send("bob@example.net", alice, letter("Later")).accepted
    message, = mail.wait_mail(alice)
    assert message["X-Spam-Score"]


def test_milter_down_and_mail_flows(make_system):
    """As conf/ has it: without the filter mail is delivered unscored, and whoever forges a score is not
    believed."""
    system = make_system(spam=True, deliver="lmtpd", spam_when_down="accept")
    alice = system.new_user()
    system.millrace.daemons[SPAM].stop()
    forged = b"X-Spam-Flag: YES\r\n" + letter("Unscored").as_bytes()
    assert system.send("bob@example.net", alice, forged).accepted
    message, = system.wait_mail(alice, "INBOX")
    assert not message["X-Spam-Score"]


def test_milter_killed_inside_a_session(mail):
    """kill -9 between RCPT and the content: that message is 4xx, the next one is taken."""
    alice = mail.new_user()
    daemon = mail.millrace.daemons[SPAM]
    with mail.connect() as smtp:
        smtp.mail("bob@example.net")
        smtp.rcpt(alice)
        daemon.kill()
        daemon.start()
        try:
            code, _ = smtp.data(b"Subject: Broken\r\n\r\nx\r\n")
        except smtplib.SMTPDataError as error:      # sendmail refuses DATA itself
            code = error.smtp_code
        assert code // 100 == 4
    with mail.mailbox(alice) as box:
        assert not box.messages()
    assert mail.send("bob@example.net", alice, letter("Whole")).accepted
    mail.wait_mail(alice)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_lmtpd_down(mail, how):
    """The message waits in the MTA's queue and is delivered once."""
    alice = mail.new_user()
    daemon = mail.millrace.daemons[LMTPD]
    getattr(daemon, how)()
    try:
        outcome = mail.send("bob@example.net", alice, letter("Later"))
        assert outcome.accepted
        wait_until(lambda: outcome.queue_id in mail.mta.queue(), 10, "it waits")
    finally:
        daemon.start()
    mail.mta.flush()
    mail.wait_mail(alice, seconds=60)
    mail.wait_queue_empty()
    with mail.mailbox(alice) as box:
        assert len(box.messages()) == 1


def test_mail_dir_not_writable(mail):
    """A broken disk is a temporary failure: the message waits."""
    alice = mail.new_user()
    maildir = mail.millrace.mail / "example.org" / alice.split("@")[0]
    maildir.parent.mkdir(exist_ok=True)
    maildir.write_text("a file where a folder should be")
    try:
        outcome = mail.send("bob@example.net", alice, letter("Later"))
        wait_until(lambda: [line for line in mail.mta.log().splitlines()
                            if outcome.queue_id in line and "dsn=4." in line],
                   20, "a temporary failure in the log")
        assert outcome.queue_id in mail.mta.queue()
    finally:
        maildir.unlink()
    mail.mta.flush()
    mail.wait_mail(alice, seconds=60)


def test_disk_full(make_system):
    """452 4.3.1 (RFC 3463 3.4: mail system full), for a small message and for one that goes through a
    file; with room again both arrive."""
    system = make_system(spam=True, deliver="lmtpd")
    alice = system.new_user()
    domain = system.millrace.mail / "example.org"
    domain.mkdir(exist_ok=True)
    options = "size=64k,mode=0700,uid=mail,gid=mail"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", domain], check=True)
    try:
        (domain / "ballast").write_bytes(b"x" * 65536)
        for size in (100, 300000):
            text = "good morning\n" * (size // 13)
            outcome = system.send("bob@example.net", alice, letter(f"Later {size}", text))
            assert outcome.accepted
            wait_until(lambda: [line for line in system.mta.log().splitlines()
                                if outcome.queue_id in line and "dsn=4.3.1" in line],
                       20, "a full system in the log")
        assert 'result="452 4.3.1"' in system.millrace.log(LMTPD)
        (domain / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=4m", domain], check=True)
        system.mta.flush()
        assert len(system.wait_mail(alice, count=2, seconds=60)) == 2
    finally:
        subprocess.run(["umount", "-l", domain], check=True)
