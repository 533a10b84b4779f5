"""Quotas of users and domains: by mail through both MTAs, by IMAP, and what the store says of them."""
import imaplib
import random
import re
import smtplib
import threading
import time

import pytest

from conftest import serve, up
from stack import PASSWORD, Listener, ground, letter, soak, wait_until

# What is known must be right so soon after the last change.
SETTLED_S = 5
CHANGES = 500 if soak.FACTOR == 1 else max(10000, soak.times(500))


@pytest.fixture(scope="module", name="quotas")
def _quotas(build, mta):
    """lmtpd, mapd, and Dovecot that asks mapd; a port for mail of our own."""
    port = ground.free_port()
    yield from serve(up(build, mta, deliver="lmtpd", quota=True, settings={"reinject": f"127.0.0.1:{port}"},
                        listeners=[Listener("reinject", port, milters=[])]))


def domain_of(system, name, **limits):
    """A domain of its own, with users ann and zoe."""
    command = system.millrace.command
    command("domain", "add", name)
    for setting, value in limits.items():
        command("domain", "set", name, setting, str(value))
    return [system.add_user(f"{local}@{name}") for local in ("ann", "zoe")]


def content(size, user="ann@example.org"):
    """A message of about so many octets."""
    return letter("Fill", "".join(f"{i:063d}\n" for i in range(max(1, size // 64))), to=user).as_bytes()


def lmtp(system, user, size, sender="bob@example.net"):
    """What lmtpd answers: the code, and how the text begins."""
    message = content(size, user)
    with smtplib.LMTP(str(system.millrace.lmtp_socket)) as client:
        client.ehlo()
        client.mail(sender, [f"SIZE={len(message)}"])
        code, text = client.rcpt(user)
        if code == 250:
            code, text = client.data(message)
    return code, text.decode()[:5]


def append(system, user, size):
    """A client's APPEND: what Dovecot says of it."""
    with system.mailbox(user) as box:
        ok, text = box.imap.append("INBOX", None, None, content(size, user))
        return ok, text[0].decode()


def shown(system, name):
    """Octets and messages of a user or a domain, as `millrace quota` says."""
    found = system.millrace.command_json("quota", name)[0]
    return found["octets"], found["messages"]


def counted(system, *users):
    """The same, of the files that are there."""
    sizes = [int(re.search(r",S=(\d+)", file.name).group(1)) if ",S=" in file.name else file.stat().st_size
             for user in users for place in ("new", "cur", ".*/new", ".*/cur")
             for file in (system.millrace.mail / "/".join(reversed(user.split("@")))).glob(f"{place}/*")]
    return sum(sizes), len(sizes)


def maildirsize(system, user):
    """The same, of the mailbox's maildirsize."""
    file = system.millrace.mail / "/".join(reversed(user.split("@"))) / "maildirsize"
    lines = [line.split() for line in file.read_text().splitlines()[1:]]
    return sum(int(line[0]) for line in lines), sum(int(line[1]) for line in lines)


def test_over_quota_waits_and_is_refused(quotas):
    """452 for the time of grace, which is over at once where it is 0; then 552, which the sender gets."""
    user = quotas.new_user()
    quotas.millrace.command("user", "set", user, "quota", "64K")
    assert lmtp(quotas, user, 40000)[0] == 250
    assert lmtp(quotas, user, 40000) == (452, "4.2.2")
    assert lmtp(quotas, user, 70000) == (552, "5.2.3")
    assert lmtp(quotas, user, 2000)[0] == 250
    outcome = quotas.send("bob@example.net", user, content(40000))
    assert outcome.accepted
    wait_until(lambda: "4.2.2" in quotas.mta.log(), 20, "the MTA is told to wait", 0.1)
    assert outcome.queue_id in quotas.mta.queue()
    quotas.millrace.command("user", "set", user, "quota_grace_hours", "0")
    quotas.mta.flush()
    quotas.wait_queue_empty(30)
    assert lmtp(quotas, user, 40000) == (552, "5.2.2")
    assert lmtp(quotas, user, 30000, "")[0] == 250      # small, and without a sender
    # Who is refused counts as full until his mailbox is seen to have room.
    wait_until(lambda: re.search(r" 1\d\d%", quotas.millrace.command("quota", user)), 20,
               lambda: quotas.millrace.command("quota", user), 0.1)
    assert lmtp(quotas, user, 2000) == (552, "5.2.2")
    assert "full" in quotas.millrace.command("quota", user)


def test_dovecot_has_the_same_limit(quotas):
    """The user's: by maildirsize, which both keep."""
    user = quotas.new_user()
    quotas.millrace.command("user", "set", user, "quota", "100K")
    quotas.millrace.command("user", "set", user, "quota_messages", "5")
    assert append(quotas, user, 30000)[0] == "OK"
    assert lmtp(quotas, user, 30000)[0] == 250
    assert append(quotas, user, 30000)[0] == "OK"
    file = quotas.millrace.mail / "/".join(reversed(user.split("@"))) / "maildirsize"
    assert file.read_text().startswith("102400S,5C\n")
    inode = file.stat().st_ino
    refused = append(quotas, user, 30000)
    assert refused[0] == "NO" and "OVERQUOTA" in refused[1]
    assert lmtp(quotas, user, 30000) == (452, "4.2.2")
    assert lmtp(quotas, user, 100)[0] == 250
    assert file.stat().st_ino == inode                  # neither has written the other's anew
    assert maildirsize(quotas, user) == counted(quotas, user)
    with quotas.mailbox(user) as box:
        _, (_, (root,)) = box.imap.getquotaroot("INBOX")
        assert re.search(rb"STORAGE \d+ 100 MESSAGE 4 5", root), root
        box.imap.select("INBOX")
        box.imap.store("1", "+FLAGS", r"(\Deleted)")
        box.imap.expunge()
    assert lmtp(quotas, user, 30000)[0] == 250
    assert maildirsize(quotas, user) == counted(quotas, user)


def test_domain_shares_its_quota(quotas):
    """Mail, APPEND and COPY, whoever of the domain it is for; room again for all when one makes it."""
    ann, zoe = domain_of(quotas, "shared.example", domain_quota="200K", quota="150K")
    assert lmtp(quotas, ann, 100000)[0] == 250
    assert append(quotas, zoe, 60000)[0] == "OK"
    time.sleep(1)
    assert lmtp(quotas, zoe, 60000) == (452, "4.2.2")
    assert lmtp(quotas, ann, 45000) == (452, "4.2.2")
    refused = append(quotas, zoe, 60000)
    assert refused[0] == "NO" and "OVERQUOTA" in refused[1], refused
    with quotas.mailbox(zoe) as box:
        box.imap.select("INBOX")
        assert box.imap.copy("1", "Spam")[0] == "NO"
    with quotas.mailbox(ann) as box:
        box.imap.select("INBOX")
        box.imap.store("1", "+FLAGS", r"(\Deleted)")
        box.imap.expunge()
    wait_until(lambda: shown(quotas, "shared.example") == counted(quotas, ann, zoe), SETTLED_S,
               "the sum is right", 0.2)
    assert lmtp(quotas, zoe, 60000)[0] == 250
    assert append(quotas, ann, 20000)[0] == "OK"
    wait_until(lambda: shown(quotas, "shared.example") == counted(quotas, ann, zoe), SETTLED_S,
               "the sum is right", 0.2)


def test_owner_is_warned(quotas):
    """At 80 and 95 per cent, once each, also where a client fills the mailbox; the letter is no sender's."""
    user = quotas.new_user()
    quotas.millrace.command("user", "set", user, "quota", "200K")
    assert append(quotas, user, 165000)[0] == "OK"
    warning = quotas.wait_mail(user, count=2)[1]
    assert warning["Return-Path"] == "<>" and warning["Auto-Submitted"] == "auto-generated"
    assert "80 %" in warning["Subject"] and user in warning.get_content()
    assert lmtp(quotas, user, 1000)[0] == 250
    assert lmtp(quotas, user, 30000)[0] == 250
    warning = quotas.wait_mail(user, count=5)[4]
    assert "95 %" in warning["Subject"]
    assert lmtp(quotas, user, 100)[0] == 250
    time.sleep(2)
    assert len(quotas.wait_mail(user, count=6)) == 6


def test_recount_mends(quotas):
    """What somebody did behind our backs."""
    ann, zoe = domain_of(quotas, "mend.example", quota="1M")
    for user in (ann, zoe):
        assert lmtp(quotas, user, 5000)[0] == 250
    before = counted(quotas, ann, zoe)
    wait_until(lambda: shown(quotas, "mend.example") == before, SETTLED_S, "the sum is right", 0.2)
    file = next((quotas.millrace.mail / "mend.example/ann/new").iterdir())
    file.unlink()
    assert shown(quotas, "mend.example") == before
    told = quotas.millrace.command_json("quota", "recount", "mend.example")
    assert (told["mailboxes"], told["wrong"], told["failed"]) == (2, 1, 0)
    assert shown(quotas, "mend.example") == counted(quotas, ann, zoe)
    assert maildirsize(quotas, ann) == (0, 0)
    quotas.millrace.command("user", "remove", zoe)
    assert shown(quotas, "mend.example") == (0, 0)
    names = [row["name"] for row in quotas.millrace.command_json("quota", "mend.example")]
    assert names == ["mend.example", ann]


class Changer(threading.Thread):
    """Somebody who changes mailboxes, at random, so many times."""

    def __init__(self, system, users, count, seed):
        super().__init__()
        self.system, self.users, self.count, self.random = system, users, count, random.Random(seed)
        self.error = None

    def run(self):
        try:
            self.changes()
        except Exception as error:      # pylint: disable=broad-except
            self.error = error

    def changes(self):
        """All of them."""
        raise NotImplementedError


class Deliverer(Changer):
    """An MTA: by LMTP, to lmtpd or to Dovecot."""

    def __init__(self, socket, *args):
        super().__init__(*args)
        self.socket = socket

    def changes(self):
        with smtplib.LMTP(str(self.socket)) as client:
            for _ in range(self.count):
                user = self.random.choice(self.users)
                client.sendmail("bob@example.net", [user], content(self.random.randrange(64, 6000), user))


class Client(Changer):
    """A mail program: it appends, copies, moves to Trash and expunges."""

    def changes(self):
        user = self.users[0]
        imap = imaplib.IMAP4("127.0.0.1", self.system.ports["imap"], timeout=60)
        imap.login(user, PASSWORD)
        imap.create("Trash")
        imap.select("INBOX")
        for i in range(self.count):
            self.change(imap, user)
            if i % 10 == 9:
                imap.noop()
        imap.logout()

    def change(self, imap, user):
        """One."""
        what = self.random.randrange(4)
        if what == 0:
            imap.append("INBOX", None, None, content(self.random.randrange(64, 6000), user))
            return
        _, found = imap.search(None, "ALL")
        numbers = found[0].split()
        if not numbers:
            return
        number = self.random.choice(numbers)
        if what == 1:
            imap.copy(number, "Trash")
        elif what == 2:
            imap._simple_command("MOVE", number.decode(), "Trash")     # pylint: disable=protected-access
        else:
            imap.store(number, "+FLAGS", r"(\Deleted)")
            imap.expunge()


def change_all(system, count):
    """By us, by Dovecot's LMTP and by mail programs, all at once, count times in all: five seconds later the sums are
    those of a recount, and it finds nothing to mend."""
    name = f"many{int(time.time())}.example"
    users = domain_of(system, name, quota="1G", domain_quota="4G")
    changers = [Deliverer(system.millrace.lmtp_socket, system, users, count // 4, 1),
                Deliverer(system.dovecot.lmtp_socket, system, users, count // 4, 2),
                *(Client(system, [user], count // 4, 3 + i) for i, user in enumerate(users))]
    for changer in changers:
        changer.start()
    for changer in changers:
        changer.join()
    end = time.monotonic()
    assert [changer.error for changer in changers] == [None] * len(changers)
    time.sleep(max(0, end + SETTLED_S - time.monotonic()))
    for who in ((name, users), *((user, [user]) for user in users)):
        assert shown(system, who[0]) == counted(system, *who[1]), who[0]
    told = system.millrace.command_json("quota", "recount", name)
    assert (told["mailboxes"], told["wrong"], told["failed"]) == (2, 0, 0)


@pytest.mark.soak
def test_changes_at_once(quotas):
    change_all(quotas, CHANGES)


def test_on_postgresql(build):
    """The same story, and the domain's limit, on the other engine."""
    for system in serve(up(build, "postfix", deliver="lmtpd", quota=True, store="postgresql")):
        ann, zoe = domain_of(system, "shared.example", domain_quota="100K")
        assert lmtp(system, ann, 80000)[0] == 250
        time.sleep(1)
        assert lmtp(system, zoe, 40000) == (452, "4.2.2")
        refused = append(system, zoe, 40000)
        assert refused[0] == "NO" and "OVERQUOTA" in refused[1], refused
        change_all(system, 100)
