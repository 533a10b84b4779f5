"""Send limits, asked of millrace-mapd by both MTAs: by check_policy_service, and by a socket map in check_rcpt and
check_data. The lines are those of conf/postfix/policy.cf and conf/sendmail/policy.mc; accounts log in with
Dovecot's passwords."""
import json
import os
import smtplib
import threading
import time
from pathlib import Path

import pytest

from conftest import serve, up
from stack import MAPD, PASSWORD, Listener, ground, jail, letter, wait_until

HOUR_S = 6      # an hour of these tests: six slots of a second; after 7 seconds all is forgotten
THIEF, OTHER, WHOLE = "thief@example.org", "other@example.org", "whole@limited.example"
OUTSIDE, ADMIN = "zoe@elsewhere.example", "root@example.org"


@pytest.fixture(scope="module", name="office")
def _office(build, mta):
    port = ground.free_port()
    settings = {"policy_burst_s": 1, "policy_hour_s": HOUR_S, "policy_tell_s": 3600, "policy_tell": ADMIN,
                "reinject": f"127.0.0.1:{port}"}
    for system in serve(up(build, mta, deliver="lmtpd", policy=True, mapd=True, settings=settings,
                           listeners=[Listener("reinject", port, milters=[])],
                           ports={"submission": ground.free_port()})):
        command = system.millrace.command
        command("domain", "add", "limited.example")
        for user in (THIEF, OTHER, WHOLE, ADMIN, "part@limited.example"):
            system.add_user(user)
        command("domain", "set", "--all", "send_messages", "0/100/0")
        command("domain", "set", "--all", "send_recipients", "0/0/0")
        command("domain", "set", "limited.example", "domain_send_messages", "0/3/0")
        yield system


@pytest.fixture(autouse=True)
def same_process(office):
    """Nobody restarts mapd, and its log has no surprise."""
    pid = office.millrace.daemons[MAPD].pid
    yield
    assert office.millrace.daemons[MAPD].pid == pid


def limits(office, who):
    """What `millrace limits` tells."""
    return json.loads(office.millrace.command("--json", "limits", who))


def reset(office, *whom):
    for who in whom:
        office.millrace.command("limits", "--reset", who)


class Login(smtplib.SMTP):
    """A connection of somebody who has the password."""

    def __init__(self, office, user):
        super().__init__("127.0.0.1", office.ports["submission"], timeout=60)
        self.user = user
        self.login(user, PASSWORD)

    def one(self, *recipients):
        """Send a message: (code, text) of the last answer."""
        code, text = self.mail(self.user)
        for recipient in recipients or (OTHER,):
            if code == 250:
                code, text = self.rcpt(recipient)
        if code == 250:
            code, text = self.docmd("DATA")
        if code == 354:
            self.send(letter("x", sender=self.user).as_bytes().replace(b"\n", b"\r\n") + b"\r\n.\r\n")
            code, text = self.getreply()
        else:
            self.rset()
        return code, text.decode()


def test_stolen_password(office):
    """1,000 mails by ten connections: exactly the limit is taken. Another account goes on; when the hour is over, the
    first one may send again."""
    reset(office, THIEF, OTHER)
    answers, lock = [], threading.Lock()

    def steal():
        """A hundred messages; whoever is refused too often is thrown out by the MTA, and comes back."""
        left = 100
        while left > 0:
            try:
                with Login(office, THIEF) as smtp:
                    while left > 0:
                        answer = smtp.one(OUTSIDE)
                        if answer[0] == 421:
                            break
                        left -= 1
                        with lock:
                            answers.append(answer)
            except (smtplib.SMTPServerDisconnected, ConnectionError):
                pass
    office.millrace.command("user", "set", THIEF, "send_messages", "0/0/100")
    threads = [threading.Thread(target=steal) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [a for a in answers if a[0] == 250]
    refused = {a for a in answers if a[0] != 250}
    assert len(answers) == 1000 and len(taken) == 100, (len(taken), refused)
    assert all(code == 450 and text.startswith("4.7.1 ") and "100 a day" in text for code, text in refused), refused
    assert limits(office, THIEF)["day"]["messages"] == 100
    with Login(office, OTHER) as smtp:
        assert smtp.one(THIEF)[0] == 250
    log = office.millrace.log(MAPD)
    assert log.count("a stolen password?") == 1, log
    notice, = [m for m in office.wait_mail(ADMIN) if THIEF in m["Subject"]]
    assert "Send limit reached" in notice["Subject"] and notice["Auto-Submitted"] == "auto-generated"
    office.millrace.command("user", "set", THIEF, "send_messages", "--unset")
    reset(office, THIEF)


def test_hour_passes(office):
    """Over the limit, and an hour later not any more."""
    reset(office, THIEF)
    office.millrace.command("user", "set", THIEF, "send_messages", "0/2/0")
    with Login(office, THIEF) as smtp:
        assert [smtp.one()[0] for _ in range(3)] == [250, 250, 450]
        # The account hears so at RCPT already.
        smtp.mail(THIEF)
        code, text = smtp.rcpt(OTHER)
        assert code == 450 and text.startswith(b"4.7.1 "), text
        smtp.rset()
        start = time.monotonic()
        wait_until(lambda: smtp.one()[0] == 250, HOUR_S + 10, "it may send again", 0.5)
        assert time.monotonic() - start < HOUR_S + 5


def test_reject_and_recipients(office):
    """send_over = reject; a message with too many recipients is refused whole, and not counted."""
    reset(office, THIEF)
    office.millrace.command("user", "set", THIEF, "send_messages", "--unset")
    office.millrace.command("user", "set", THIEF, "send_over", "reject")
    office.millrace.command("user", "set", THIEF, "send_recipients", "0/0/4")
    try:
        with Login(office, THIEF) as smtp:
            code, text = smtp.one(*(f"r{n}@elsewhere.example" for n in range(5)))
            assert code == 550 and text.startswith("5.5.3 "), text
            assert smtp.one(*(f"r{n}@elsewhere.example" for n in range(3)))[0] == 250
            code, text = smtp.one("r1@elsewhere.example", "r2@elsewhere.example")
            assert code == 550 and text.startswith("5.7.1 "), text
            assert smtp.one("r1@elsewhere.example")[0] == 250
            assert smtp.one("r1@elsewhere.example")[0] == 550
        assert limits(office, THIEF)["day"]["recipients"] == 4
    finally:
        for name in ("send_over", "send_recipients"):
            office.millrace.command("user", "set", THIEF, name, "--unset")


def test_domain(office):
    """A domain's limit is that of all its accounts together."""
    reset(office, "@limited.example")
    with Login(office, WHOLE) as one, Login(office, "part@limited.example") as two:
        assert [one.one()[0], two.one()[0], one.one()[0], two.one()[0]] == [250, 250, 250, 450]
    with Login(office, OTHER) as smtp:
        assert smtp.one()[0] == 250


def test_outsider_touches_nothing(office):
    """Whoever has not logged in is not counted, whatever he writes as sender."""
    reset(office, OTHER)
    for _ in range(5):
        with office.connect(source=jail.OUTSIDE_ADDRESSES[0]) as smtp:
            assert smtp.deliver(OTHER, [THIEF], letter("x")).accepted
    assert limits(office, OTHER)["day"]["messages"] == 0


def test_full_mailbox(office):
    """Refused at RCPT; mail without a sender is not."""
    full = office.new_user()

    def rcpt(sender="bob@example.net"):
        with office.connect(source=jail.OUTSIDE_ADDRESSES[0]) as smtp:
            smtp.mail(sender)
            return smtp.rcpt(full)
    office.millrace.command("user", "set", full, "quota_messages", "1")
    assert rcpt()[0] == 250
    assert office.send("bob@example.net", full, letter("x", to=full)).accepted
    office.wait_mail(full)
    code, text = wait_until(lambda: (lambda r: r if r[0] != 250 else None)(rcpt()), 20,
                            "the mailbox is known to be full", 0.2)
    assert code == 452 and text.startswith(b"4.2.2 "), text
    assert rcpt("")[0] == 250
    # NEEDSWORK: emptied again, it was seen to be refused for 20 s and more: how soon room that a client made is
    # known at RCPT, without a report by Dovecot's quota_clone, is not tested.


def test_store_away(office):
    """Who has logged in waits; mail from outside flows. Then all is well again, by itself."""
    reset(office, OTHER)
    files = [office.path / f"store/limits.db{end}" for end in ("", "-wal", "-shm")]
    for file in files:
        if file.exists():
            os.rename(file, f"{file}.away")
    try:
        with Login(office, OTHER) as smtp:
            code, text = smtp.one()
            assert code == 451 and text.startswith("4.3.0 "), text
        with office.connect(source=jail.OUTSIDE_ADDRESSES[0]) as smtp:
            assert smtp.deliver("bob@example.net", [OTHER], letter("x")).accepted
    finally:
        for file in files:
            if Path(f"{file}.away").exists():
                os.rename(f"{file}.away", file)

    def sends():
        with Login(office, OTHER) as smtp:
            return smtp.one()[0] == 250
    wait_until(sends, 20, "mail is taken again", 0.2)


@pytest.mark.parametrize("name, comment", [("postfix/policy.cf", "#"), ("sendmail/policy.mc", "dnl")])
def test_manual_has_the_tested_lines(name, comment):
    """What the stack of these tests uses is what millrace-mapd(8) shows."""
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs/man/millrace-mapd.8").read_text().replace("\\e", "\\").splitlines()
    for line in (root / "conf" / name).read_text().splitlines():
        assert not line or line.startswith(comment) or line in page, line
