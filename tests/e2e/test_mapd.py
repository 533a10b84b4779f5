"""What the MTA asks millrace-mapd: nobody else knows domains, users and aliases here. The same on both MTAs, whose
lines are those of conf/postfix/mapd.cf and conf/sendmail/mapd.mc."""
import os
import smtplib
from pathlib import Path

import pytest

from conftest import serve, up
from stack import Listener, MAPD, PASSWORD, ground, jail, letter, wait_until

SALES, LISTS = "sales@example.org", "lists@example.org"


@pytest.fixture(scope="module", name="maps")
def _maps(build, mta):
    ports = {"submission": ground.free_port()} if mta == "postfix" else {}
    # sendmail expands no alias: lmtpd does, and hands on what has several targets.
    port = ground.free_port()
    options = {"ports": ports, "listeners": [Listener("reinject", port)], "settings": {"reinject": f"127.0.0.1:{port}"}}
    for system in serve(up(build, mta, deliver="lmtpd", mapd=True, **options)):
        command = system.millrace.command
        for user in ("ann@example.org", "bob@example.org"):
            system.add_user(user)
        command("domain", "add", "catch.example")
        command("alias", "add", SALES, "ann@example.org", "bob@example.org")
        command("alias", "add", LISTS, "ann+lists@example.org")
        command("alias", "add", "@catch.example", "bob@example.org")
        yield system


@pytest.fixture(autouse=True)
def same_process(request):
    """Nobody restarts mapd."""
    if "maps" not in request.fixturenames:
        yield
        return
    maps = request.getfixturevalue("maps")
    pid = maps.millrace.daemons[MAPD].pid
    yield
    assert maps.millrace.daemons[MAPD].pid == pid


def rcpt(maps, address, sender="bob@example.net"):
    """What a client from outside hears at RCPT, or before: sendmail looks at the sender's domain, too."""
    with maps.connect(source=jail.OUTSIDE_ADDRESSES[0]) as smtp:
        code, text = smtp.mail(sender)
        if code == 250:
            code, text = smtp.rcpt(address)
        return code, text.decode()


def arrives(maps, recipient, *users, folder="INBOX"):
    """A message to recipient is in the mailboxes of users."""
    subject = f"To {recipient}"
    outcome = maps.send("bob@example.net", recipient, letter(subject, to=recipient))
    assert outcome.accepted, outcome
    for user in users:
        def there(user=user):
            with maps.mailbox(user) as box:
                return [m for m in box.messages(folder) if m["Subject"] == subject]
        found = wait_until(there, 30, lambda: f"{subject} in {folder} of {user}\n{maps.logs()}", 0.1)
        assert len(found) == 1, user


@pytest.mark.parametrize("address, code, status", [
    ("ann@example.org", 250, "2.1.0 2.1.5"),
    ("Ann@Example.ORG", 250, "2.1.0 2.1.5"),
    ("ann+lists@example.org", 250, "2.1.0 2.1.5"),
    (SALES, 250, "2.1.0 2.1.5"),
    ("whoever@catch.example", 250, "2.1.0 2.1.5"),
    ("nobody@example.org", 550, "5.1.1"),
    ("nobody+lists@example.org", 550, "5.1.1"),
    ("ann@elsewhere.example", None, "5.7.1"),       # no relay
])
def test_at_rcpt(maps, address, code, status):
    got, text = rcpt(maps, address)
    assert got == code or (code is None and 550 <= got <= 554), text
    assert text.split()[0] in status.split(), text


def test_domain_and_user_need_no_reload(maps):
    assert rcpt(maps, "ann@new.example")[0] >= 550     # Postfix keeps that for this address a while
    maps.millrace.command("domain", "add", "new.example")
    maps.millrace.command("user", "add", "zoe@new.example")
    assert rcpt(maps, "zoe@new.example")[0] == 250


def test_user_and_folder(maps):
    with maps.mailbox("ann@example.org") as box:
        box.imap.create("lists")
    arrives(maps, "ann+lists@example.org", "ann@example.org", folder="lists")
    arrives(maps, LISTS, "ann@example.org", folder="lists")


def test_alias(maps):
    arrives(maps, SALES, "ann@example.org", "bob@example.org")
    if maps.mta.name == "postfix":      # it has expanded it
        assert f"orig_to=<{SALES}>" in maps.mta.log()


def test_catch_all(maps):
    arrives(maps, "whoever@catch.example", "bob@example.org")


@pytest.mark.parametrize("login, sender, code", [
    ("ann@example.org", "ann@example.org", 250),
    ("ann@example.org", "Ann+any@example.org", 250),
    ("ann@example.org", LISTS, 250),                    # leads to her alone
    ("ann@example.org", SALES, 553),                    # not alone
    ("ann@example.org", "bob@example.org", 553),
    ("ann@example.org", "nobody@example.org", 553),
    ("ann@example.org", "ann@elsewhere.example", 553),
    ("bob@example.org", "whoever@catch.example", 250),
])
def test_senders(maps, login, sender, code):
    """RFC 6409 6.1: whoever has logged in sends as himself. No passwords on sendmail here."""
    if "submission" not in maps.ports:
        pytest.skip("no submission with passwords on sendmail here")
    with smtplib.SMTP("127.0.0.1", maps.ports["submission"], timeout=60) as smtp:
        smtp.login(login, PASSWORD)
        smtp.mail(sender)
        got, text = smtp.rcpt("bob@example.org")
        assert got == code, text
        assert code == 250 or b"5.7.1" in text


def test_transport(maps):
    """A domain's mail goes another way, one that the operator lists."""
    if maps.mta.name != "postfix":
        pytest.skip("sendmail's lines ask for no transports")
    maps.millrace.command("domain", "add", "away.example")
    maps.millrace.command("user", "add", "ann@away.example")
    maps.millrace.write_conf(map_transports=[f"out=smtp:[127.0.0.1]:{maps.outside.port}"])
    maps.millrace.reload(MAPD)
    maps.millrace.command("domain", "set", "away.example", "transport", "out")
    wait_until(lambda: "settings reloaded" in maps.millrace.log(MAPD), 10, "reloaded", 0.05)
    assert maps.send("bob@example.net", "ann@away.example", letter("Away", to="ann@away.example")).accepted
    wait_until(lambda: any("ann@away.example" in arrival.recipients for arrival in maps.outside.arrivals), 20,
               lambda: f"arrives outside; {maps.logs()}", 0.1)


def test_store_away(maps):
    """Without the directory nobody is unknown: mail waits, and flows again by itself."""
    file = maps.path / "store/directory.db"
    away = file.with_suffix(".away")
    os.rename(file, away)
    try:
        for address in ("ann@example.org", "nobody@example.org"):
            code, text = rcpt(maps, address)
            assert code == 451, text
    finally:
        os.rename(away, file)
    wait_until(lambda: rcpt(maps, "ann@example.org")[0] == 250, 20, "mail is taken again", 0.2)
    assert rcpt(maps, "nobody@example.org")[0] == 550
    log = maps.millrace.log(MAPD)
    assert log.count("store is away") == 1 and log.count("store is back") == 1, log




@pytest.mark.parametrize("name, comment", [("postfix/mapd.cf", "#"), ("sendmail/mapd.mc", "dnl")])
def test_manual_has_the_tested_lines(name, comment):
    """What the stack of these tests uses is what millrace-mapd(8) shows."""
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs/man/millrace-mapd.8").read_text().replace("\\e", "\\").splitlines()
    for line in (root / "conf" / name).read_text().splitlines():
        assert not line or line.startswith(comment) or line in page, line
