"""Mail that goes on: forwards, aliases that lead outside, SRS and its bounces. The same on both MTAs."""
import socket
import subprocess

import pytest

from conftest import serve, up
from stack import LMTPD, Listener, ground, jail, letter, wait_until
from stack.gate import Gate

FAR = "far@far.example"


@pytest.fixture(scope="module", name="onward")
def _onward(build, mta):
    """With a listener for reinject, which has a gate before it, and srsd."""
    port = ground.free_port()
    gate = Gate(port)
    settings = {"reinject": f"127.0.0.1:{gate.port}", "srs_domain": "example.org", "srs_hash_length": 4}
    for system in serve(up(build, mta, deliver="lmtpd", mapd=True, settings=settings,
                           listeners=[Listener("reinject", port)])):
        system.gate = gate
        yield system
    gate.stop()


def forwards(system, *addresses, **settings):
    """A user who forwards to them."""
    user = system.new_user()
    system.millrace.command("user", "set", user, "forward", ",".join(addresses))
    for name, value in settings.items():
        system.millrace.command("user", "set", user, name, value)
    return user


def arrived(system, subject, count=1):
    """What reached the outside world with that subject."""
    def found():
        with system.outside.lock:
            return [a for a in system.outside.arrivals if f"Subject: {subject}\r\n".encode() in a.content]
    wait_until(lambda: len(found()) >= count, 40, lambda: f"{subject}: {count} outside\n{system.logs()}")
    system.wait_queue_empty()
    assert len(found()) == count, system.logs()
    return found()


def count_of(system, user):
    with system.mailbox(user) as box:
        return len(box.messages("INBOX"))


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_forward(onward, keep):
    """It arrives outside with a sender of ours, says who sent it on, and stays here if that is wanted."""
    user = forwards(onward, FAR, forward_keep=keep)
    subject = f"Forward {keep}"
    assert onward.send("bob@example.net", user, letter(subject, to=user)).accepted
    arrival, = arrived(onward, subject)
    assert arrival.recipients == [FAR]
    assert arrival.sender.startswith("SRS0=") and arrival.sender.endswith("=example.net=bob@example.org")
    head = arrival.content.split(b"\r\n\r\n")[0].decode()
    assert f"X-Millrace-Forward: {user}\r\nReceived:" in head and f"Delivered-To: {user}\r\n" in head
    assert count_of(onward, user) == (1 if keep == "yes" else 0)


def test_bounce_comes_back(onward):
    """To the sender of the mail that was sent on, from nobody; a forged address is refused at RCPT."""
    user = forwards(onward, FAR)
    assert onward.send("bob@example.net", user, letter("Will bounce", to=user)).accepted
    sender = arrived(onward, "Will bounce")[0].sender
    assert onward.send("", sender, letter("Undeliverable", sender="mailer-daemon@far.example", to=sender)).accepted
    bounce, = arrived(onward, "Undeliverable")
    assert (bounce.sender, bounce.recipients) == ("", ["bob@example.net"])
    forged = sender.replace(sender.split("=")[1], "AAAA", 1)
    with onward.connect(source=jail.OUTSIDE_ADDRESSES[0]) as smtp:
        assert smtp.mail("")[0] == 250
        assert smtp.rcpt(forged)[0] == 550
        assert smtp.rcpt(sender)[0] == 250


def test_postsrsd_agrees(onward, tmp_path):
    """Debian's postsrsd undoes what we made, and we what it made, with the same secret."""
    user = forwards(onward, FAR)
    assert onward.send("bob@example.net", user, letter("For postsrsd", to=user)).accepted
    ours = arrived(onward, "For postsrsd")[0].sender
    (tmp_path / "secret").write_text("a secret of the tests\n")
    there, back = ground.free_port(), ground.free_port()
    with subprocess.Popen(["postsrsd", "-4", "-l127.0.0.1", f"-f{there}", f"-r{back}", "-dexample.org",
                           f"-s{tmp_path / 'secret'}"], stdout=subprocess.DEVNULL) as daemon:
        try:
            wait_until(lambda: ground.answers(back), 10, "postsrsd answers")
            assert _ask(back, ours) == "200 bob@example.net"
            code, theirs = _ask(there, "carol@third.example").split()
            assert code == "200"
        finally:
            daemon.terminate()
    bounce = letter("From postsrsd", sender="mailer-daemon@far.example", to=theirs)
    assert onward.send("", theirs, bounce).accepted
    assert arrived(onward, "From postsrsd")[0].recipients == ["carol@third.example"]


def _ask(port, address):
    """postsrsd's tcp_table(5)."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(f"get {address}\n".encode())
        return sock.makefile().readline().strip()


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_two_who_forward_to_each_other(onward, keep):
    """It ends, nobody gets a bounce, and nothing is lost."""
    ann, bob = onward.new_user(), onward.new_user()
    for user, other in ((ann, bob), (bob, ann)):
        onward.millrace.command("user", "set", user, "forward", other)
        onward.millrace.command("user", "set", user, "forward_keep", keep)
    subject = f"Round and round {keep}"
    assert onward.send("bob@example.net", ann, letter(subject, to=ann)).accepted
    onward.wait_mail(bob)
    onward.wait_queue_empty()
    assert (count_of(onward, ann), count_of(onward, bob)) == ((1, 1) if keep == "yes" else (0, 1))
    with onward.outside.lock:
        assert not any(subject.encode() in a.content for a in onward.outside.arrivals)


def test_reinject_down(onward):
    """The mail waits, nothing is here yet, and later it is everywhere once."""
    user = forwards(onward, FAR)
    onward.gate.open = False
    try:
        assert onward.send("bob@example.net", user, letter("Later", to=user)).accepted
        wait_until(lambda: "4.4.1" in onward.millrace.log(LMTPD), 20, "a temporary answer")
        assert count_of(onward, user) == 0
    finally:
        onward.gate.open = True
    arrived(onward, "Later")
    assert count_of(onward, user) == 1


def test_alias(onward):
    """Outside and here, each once."""
    user = onward.new_user()
    onward.millrace.command("alias", "add", "team@example.org", user, FAR, "near@far.example")
    assert onward.send("bob@example.net", "team@example.org", letter("To all", to="team@example.org")).accepted
    onward.wait_mail(user)
    found = [a for a in arrived(onward, "To all", 1 if onward.mta.name == "postfix" else 1)]
    assert sorted(r for a in found for r in a.recipients) == [FAR, "near@far.example"]
    assert count_of(onward, user) == 1
