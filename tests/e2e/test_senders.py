"""Friends and blocked senders beside running programs, on both MTAs, with opendkim as the filter whose
answers are believed: a friend is in the inbox whatever his mail scores, nobody else by his name; a block
is Spam, or refused while the sender's server is there, where all recipients agree."""
import re

import pytest

from stack import LMTPD, SPAM as MILTER, corpus, ground, letter, wire
from stack.dns import Names
from stack.filters import Opendkim, Signer

US = "mx.example.org"
FRIEND = "bob@example.net"
CAME = b"Received: from x by y; Mon, 06 May 2024 10:00:00 +0000\r\n"
FORGED = f"Authentication-Results: {US}; dkim=pass header.d=example.net\r\n".encode()
DECIDED = b"X-Millrace-Delivery: folder=INBOX; reason=friend; list=user; entry=%s\r\n" % FRIEND.encode()


@pytest.fixture(scope="module", name="folder")
def _folder():
    place = ground.Ground()
    yield place.path
    place.remove()


@pytest.fixture(scope="module", name="signers")
def _signers(folder):
    """Who signs as example.net, and as evil.example; their DNS."""
    if not Opendkim.installed():
        pytest.skip("opendkim, opendkim-tools missing: make deps")
    made = [Signer(folder / name, name) for name in ("example.net", "evil.example")]
    names = Names({signer.name: {"TXT": [signer.record]} for signer in made})
    yield made
    names.stop()


@pytest.fixture(scope="module", name="filter_before")
def _filter_before(folder, signers):    # pylint: disable=unused-argument # its DNS must be there
    daemon = Opendkim(folder / "opendkim", US)
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module", name="lure")
def _lure(build):
    """A message that anybody calls spam, from the friend: his name is all that it has of him."""
    try:
        message = next(m for m in corpus.pick(corpus.fetch(build.parent), 1, 5) if m.spam)
    except corpus.NoCorpus as error:
        pytest.skip(f"no real messages: {error}")
    head, body = wire(message.content).split(b"\r\n\r\n", 1)
    kept = [line for line in re.split(rb"\r\n(?![ \t])", head)
            if not re.match(rb"(?i)(from|sender|return-path|received|dkim-signature)\b", line)]
    return b"\r\n".join([b"From: Bob <" + FRIEND.encode() + b">", *kept]) + b"\r\n\r\n" + body


@pytest.fixture(name="system")
def _system(make_system, filter_before):
    """Its millrace.conf says whom to believe."""
    made = make_system(spam=True, deliver="lmtpd", milters_before=[filter_before.milter()])
    settings(made, auth_milter=True, authserv_id=US)
    return made


def settings(system, **changes):
    """Of the running programs."""
    system.millrace.write_conf(**changes)
    system.millrace.command("reload")


def arrive(system, user, content, sender=FRIEND):
    """Where it went, and the message there."""
    outcome = system.send(sender, user, content)
    assert outcome.accepted, outcome
    system.wait_queue_empty(60)
    with system.mailbox(user) as box:
        found = [(name, m) for name in ("INBOX", "Spam") for m in box.messages(name)]
    (folder, message), = found
    return folder, message


def decided(message):
    """What X-Millrace-Delivery says, by its names."""
    value, = message.get_all("X-Millrace-Delivery")
    return dict(item.split("=", 1) for item in re.split(r";\s+", str(value)))


@pytest.mark.seconds(240)
def test_friends(system, signers, lure):
    """Signed by his domain, and in no other way."""
    ours, evil = signers
    user = system.new_user()
    system.millrace.command("friend", "add", user, FRIEND)
    folder, message = arrive(system, user, ours.sign(lure))
    assert folder == "INBOX", system.logs()
    said = decided(message)
    assert [said[name] for name in ("folder", "reason", "list", "entry")] == ["INBOX", "friend", "user", FRIEND]
    assert float(said["score"]) >= 5 and message["X-Spam-Flag"] == "NO"
    line, = [one for one in system.millrace.log(LMTPD).splitlines() if f"to={user}" in one]
    assert "folder=INBOX" in line and "reason=friend" in line and f"entry={FRIEND}" in line
    assert f"score={said['score']}" in line and "threshold=5.000" in line
    # No signature; another's; the sender's own word for it, at the top and where a filter would write;
    # a field of ours that he wrote. Each to somebody who has not had mail yet.
    for content in (lure, evil.sign(lure), FORGED + lure, CAME + FORGED + lure, FORGED + CAME + lure,
                    DECIDED + lure):
        other = system.new_user()
        system.millrace.command("friend", "add", other, FRIEND)
        folder, message = arrive(system, other, content)
        assert folder == "Spam" and decided(message)["reason"] == "score", content[:300]
        assert message["X-Spam-Flag"] == "YES"
    # A friend of nobody here; of his domain; and no longer, once nobody is believed.
    folder, _ = arrive(system, system.new_user(), ours.sign(lure))
    assert folder == "Spam"
    system.millrace.command("friend", "add", "example.org", "example.net")
    folder, message = arrive(system, system.new_user(), ours.sign(lure))
    assert folder == "INBOX" and decided(message)["list"] == "domain"
    settings(system, auth_milter=False)
    folder, _ = arrive(system, system.new_user(), ours.sign(lure))
    assert folder == "Spam"


@pytest.mark.seconds(240)
def test_blocks(system, signers):
    """In From, in the envelope; never one's own domain. Refused and dropped where all want it."""
    ann, zoe = system.new_user(), system.new_user()
    good = letter("The train", to=ann, sender=FRIEND)
    system.millrace.command("block", "add", ann, "example.net", "*.org")
    folder, message = arrive(system, ann, good)
    assert folder == "Spam" and decided(message)["reason"] == "block"
    folder, _ = arrive(system, zoe, letter("Hello", sender="zoe@example.org"), sender="zoe@example.org")
    assert folder == "INBOX"
    own = system.new_user()
    system.millrace.command("block", "add", own, "*.org", "--drop")
    folder, _ = arrive(system, own, letter("Hello", sender="zoe@example.org"), sender="zoe@example.org")
    assert folder == "INBOX"
    # One of two wants it refused: it passes, and for that one it is Spam, since nothing is proven.
    one, two = system.new_user(), system.new_user()
    system.millrace.command("block", "add", one, FRIEND, "--reject")
    assert system.send(FRIEND, [one, two], good).accepted
    system.wait_mail(one, "Spam")
    system.wait_mail(two, "INBOX")
    # The first alone: while his server is there. Both: dropped as both want it.
    refused = system.send(FRIEND, one, good)
    assert refused.code == 550 and refused.text.startswith("5.7.1"), refused
    drops = [system.new_user() for _ in range(2)]
    for user in drops:
        system.millrace.command("block", "add", user, "example.net", "--drop")
    assert system.send("x@evil.example", drops, good).accepted
    system.wait_queue_empty()
    for user in drops:
        with system.mailbox(user) as box:
            assert not box.messages("INBOX")
    assert any(f"blocked={FRIEND}" in line for line in system.millrace.log(MILTER).splitlines())
    # A refusal after the milter is a bounce: only to who has proven that he sent it.
    signed = signers[0].sign(good)
    system.millrace.command("user", "set", two, "spam_reject", "no")
    assert system.send(FRIEND, [one, two], signed).accepted
    system.wait_queue_empty()
    lines = [line for line in system.millrace.log(LMTPD).splitlines() if f"to={one}" in line]
    assert 'result="550 5.7.1"' in lines[-1] and "reason=block" in lines[-1], lines


@pytest.mark.seconds(240)
def test_the_score_refuses_what_all_let_it(system, signers, lure):
    settings(system, auth_milter=True, authserv_id=US, spam_reject_score=5)
    ann, friendly, free = (system.new_user() for _ in range(3))
    system.millrace.command("friend", "add", friendly, FRIEND)
    system.millrace.command("user", "set", free, "spam_reject", "no")
    signed = signers[0].sign(lure)
    for to, content in ((ann, signed), (friendly, lure), ([ann, friendly], FORGED + lure)):
        outcome = system.send(FRIEND, to, content)
        assert outcome.code == 550 and outcome.text.startswith("5.7.1"), (to, outcome)
    assert system.send(FRIEND, [ann, friendly], signed).accepted
    assert system.send(FRIEND, [ann, free], lure).accepted
    system.wait_mail(friendly, "INBOX")
    system.wait_mail(free, "Spam")
    system.wait_mail(ann, "Spam", count=2)
    log = system.millrace.log(MILTER)
    assert "spared=friend" in log and "spared=setting" in log


def test_commands(mail):
    """Owners that are not there, entries that nobody means, lists from a file."""
    user = mail.new_user()
    mail.millrace.command("friend", "add", user, "Bob@B.example", "--note", "the plumber")
    entry, = mail.millrace.command_json("friend", "list", user)
    assert (entry["entry"], entry["action"], entry["note"]) == ("bob@b.example", "friend", "the plumber")
    mail.millrace.command("block", "add", user, "bob@b.example", "--reject")
    assert not mail.millrace.command_json("friend", "list", user)
    assert mail.millrace.command_json("block", "list", user)[0]["action"] == "reject"
    mail.millrace.command("user", "remove", user)
    mail.millrace.command("user", "add", user)
    assert not mail.millrace.command_json("block", "list", user)
