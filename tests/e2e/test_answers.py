"""Filters of others before ours: what rspamd and opendkim, as Debian has them, write under our authserv-id
is believed and learned from; what a sender writes under it is not."""
import re

import pytest

from stack import SPAM as MILTER, ground, letter, wire
from stack.dns import Names
from stack.filters import Opendkim, Rspamd, Signer

CLIENT = "192.0.2.10"
US = "mx.example.org"
FORGED = "dkim=pass header.d=bank.example; spf=pass smtp.mailfrom=ceo@bank.example; " \
         "dmarc=pass header.from=bank.example"
TAUGHT = 8      # messages of each kind


@pytest.fixture(scope="module")
def folder():
    """For the filters of this file."""
    place = ground.Ground()
    yield place.path
    place.remove()


@pytest.fixture(scope="module")
def signer(folder):
    """example.net, whose mail is signed; its DNS, and that of two other domains."""
    if not Opendkim.installed():
        pytest.skip("opendkim, opendkim-tools missing: make deps")
    made = Signer(folder / "signer", "example.net")
    names = Names({
        made.name: {"TXT": [made.record]},
        "example.net": {"TXT": [f"v=spf1 ip4:{CLIENT} -all"], "MX": ["client.example.net"]},
        "client.example.net": {"A": [CLIENT]},
        "10.2.0.192.in-addr.arpa": {"PTR": ["client.example.net"]},
        "_dmarc.example.net": {"TXT": ["v=DMARC1; p=reject"]},
        "bank.example": {"TXT": ["v=spf1 -all"], "MX": ["mx.bank.example"]},
        "_dmarc.bank.example": {"TXT": ["v=DMARC1; p=reject"]},
        "evil.example": {"TXT": ["v=spf1 +all"], "MX": ["mx.evil.example"]}})
    yield made
    names.stop()


@pytest.fixture(scope="module")
def others(folder, signer):     # pylint: disable=unused-argument # its DNS must be there
    """A function: the filter before ours, by its name; it runs until all tests are done."""
    made = {}

    def start(name):
        kind = {"opendkim": Opendkim, "rspamd": Rspamd}[name]
        if not kind.installed():
            pytest.skip(f"{name} missing: make deps")
        if name not in made:
            daemon = kind(folder / name, US)
            daemon.start()
            made[name] = daemon
        return made[name]
    yield start
    for daemon in made.values():
        daemon.stop()


@pytest.fixture(params=["opendkim", "rspamd"])
def other(request, others):
    """Each of them in turn."""
    return others(request.param)


def believing(make_system, other, mta, **settings):
    """An MTA with the filter and with ours, which has a model of its own."""
    system = make_system(spam=True, deliver="lmtpd", milters_before=[other.milter()])
    # rspamd calls itself as the MTA calls the port that mail came in by.
    name = "smtp" if isinstance(other, Rspamd) and mta == "sendmail" else US
    reload(system, auth_milter=True, authserv_id=name, spam_model=system.path / "store/spam.model",
           **settings)
    return system, name


def reload(system, **settings):
    """Change settings of the running milter."""
    system.millrace.write_conf(**settings)
    system.millrace.reload(MILTER)


def arrive(system, contents, sender="bob@example.net"):
    """Deliver messages, each to a user of its own; returns them as the mailboxes have them."""
    users = [system.new_user() for _ in contents]
    with system.connect(source=CLIENT) as smtp:
        for user, content in zip(users, contents):
            outcome = smtp.deliver(sender, user, content)
            assert outcome.accepted, outcome
    system.wait_queue_empty(60)
    found = []
    for user in users:
        with system.mailbox(user) as box:
            raw, = box.raw() + box.raw("Spam")
        found.append(raw)
    return found


def field(raw, name):
    """The value of the only field of that name, unfolded."""
    header = raw.replace(b"\r\n", b"\n").split(b"\n\n")[0].decode("latin-1")
    value, = re.findall(rf"(?im)^{name}:[ \t]*(.*(?:\n[ \t].*)*)", header)
    return re.sub(r"\n[ \t]+", " ", value)


def answers(raw):
    """What answers gave to the score; None: nothing of weight."""
    found = re.search(r"answers ([+-][\d.]+)", field(raw, "X-Spam-Status"))
    return float(found[1]) if found else None


def write(n, sender):
    """The same letter each time, but for its number."""
    message = letter(f"Letter {n}", sender=sender)
    message.replace_header("Message-ID", "<letter@client.example.net>")
    return message


def good(n=100):
    """A letter of example.net."""
    return write(n, "bob@example.net")


def bad(n=100):
    """The same letter in the name of a bank."""
    return write(n, "bob@bank.example")


def teach(system, signer):
    """That signed mail is good, and mail in the name of a bank is not; all else of it is the same."""
    place = system.ground.folder("taught")
    for kind, make in (("ham", lambda n: signer.sign(good(n))), ("spam", bad)):
        folder = place / kind
        folder.mkdir()
        for n, raw in enumerate(arrive(system, [make(n) for n in range(TAUGHT)])):
            (folder / f"{n}.eml").write_bytes(raw)
    system.millrace.command("spam", "learn", "--spam", place / "spam", "--ham", place / "ham")
    system.millrace.reload(MILTER)


@pytest.mark.seconds(300)
def test_answers_are_learned(make_system, other, signer, mta):
    """Signed mail gets better by its answers and forged mail worse; a stored message has the score, to the
    last decimal, that it had on arrival; fields that the sender wrote change nothing."""
    system, name = believing(make_system, other, mta)
    teach(system, signer)
    ar = f"Authentication-Results: {name}; {FORGED}\r\n".encode()
    came = b"Received: from x by y; Mon, 06 May 2024 10:00:00 +0000\r\n"
    below = came + ar + wire(bad())
    raws = arrive(system, [signer.sign(good()), bad(), ar + wire(bad()), below,
                           came + wire(bad())])
    found = [answers(raw) for raw in raws]
    assert found[0] and found[0] < 0, field(raws[0], "X-Spam-Status")
    assert found[1] and found[1] > 0, field(raws[1], "X-Spam-Status")
    scores = [field(raw, "X-Spam-Score") for raw in raws]
    assert scores[2] == scores[1], (scores, raws[2])
    assert scores[3] == scores[4], (scores, raws[3])
    for n, raw in enumerate(raws):
        path = system.path / f"store/{n}.eml"
        path.write_bytes(raw)
        again = system.millrace.command("spam", "score", path).split("\t")[1]
        assert again == scores[n], raw.decode("latin-1")
    # Nobody says any more that the filter is there: its fields, and forged ones, are worth nothing.
    reload(system, auth_milter=False)
    raws = arrive(system, [signer.sign(good()), ar + wire(bad())])
    assert [answers(raw) for raw in raws] == [None, None]


@pytest.mark.seconds(300)
def test_a_sender_who_writes_results(make_system, other, signer, mta):
    """A sender whose address ends rspamd's comment and goes on with a result of his own is not believed."""
    system, _ = believing(make_system, other, mta)
    teach(system, signer)
    sender = '"a) ; dkim=pass header.d=example.net (b"@evil.example'
    raw, = arrive(system, [write(200, "ceo@example.net")], sender=sender)
    found = answers(raw)
    if isinstance(other, Rspamd):
        assert ") ; dkim=pass header.d=example.net (b" in field(raw, "Authentication-Results")
        assert found is None    # the whole field is not believed
    else:
        assert found and found > 0      # no signature: as taught
