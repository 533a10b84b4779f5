"""The harness itself: mail passes through each MTA to Dovecot, and nothing stays behind."""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stack import InUse, Listener, Sender, System, ground, letter, send, wait_until

HERE = Path(__file__).resolve().parent


def test_mail_arrives(plain):
    alice = plain.new_user()
    outcome = plain.send("bob@example.net", alice, letter("The train", to=alice))
    assert outcome.accepted and outcome.queue_id
    message, = plain.wait_mail(alice)
    assert message["Subject"] == "The train"
    assert message["Return-Path"] == "<bob@example.net>"
    assert "ten past nine" in message.get_content()


def test_client_from_outside(plain):
    alice = plain.new_user()
    plain.send("bob@example.net", alice, letter("From afar"), source="192.0.2.10")
    message, = plain.wait_mail(alice)
    # The MTA's Received is the second: Dovecot's LMTP writes one, too.
    assert "[192.0.2.10]" in message.get_all("Received")[1]


def test_client_by_xclient(plain):
    if not plain.mta.has_xclient:
        pytest.skip("sendmail has no XCLIENT")
    alice = plain.new_user()
    plain.send("bob@example.net", alice, letter("From afar"),
               xclient={"ADDR": "198.51.100.7", "NAME": "far.example.com", "HELO": "far"})
    message, = plain.wait_mail(alice)
    assert "far.example.com [198.51.100.7]" in message.get_all("Received")[1]


def test_unknown_user_bounces(plain):
    bob = plain.new_user()
    plain.send(bob, "nobody@example.org", letter("Anyone there?"))
    message, = plain.wait_mail(bob)
    assert message.get_content_type() == "multipart/report"
    assert b"5.1.1" in message.as_bytes()
    plain.wait_queue_empty()


def test_mail_leaves(plain):
    plain.send("alice@example.org", "carol@outside.example", letter("Out"))
    arrival = wait_until(
        lambda: next((a for a in plain.outside.arrivals if a.recipients == ["carol@outside.example"]),
                     None), 20, "the message is outside")
    assert b"Subject: Out\r\n" in arrival.content


def test_other_domains_are_refused_from_outside(plain):
    outcome = plain.send("bob@example.net", "x@outside.example", letter("Relay"), source="192.0.2.10")
    assert outcome.code // 100 == 5 and not outcome.accepted


def test_several_recipients(plain):
    alice, carol = plain.new_user(), plain.new_user()
    plain.send("bob@example.net", [alice, carol], letter("Both"))
    plain.wait_mail(alice)
    plain.wait_mail(carol)


def test_dots_and_eight_bit(plain):
    alice = plain.new_user()
    body = b"Subject: dots\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" \
           b"Content-Transfer-Encoding: 8bit\r\n\r\n.one\r\n..two\r\n.\r\nStra\xc3\x9fe\r\n"
    with plain.connect() as smtp:
        assert smtp.deliver("bob@example.net", alice, body, ["BODY=8BITMIME"]).accepted
    plain.wait_mail(alice)
    with plain.mailbox(alice) as box:
        assert box.raw()[0].endswith(body.partition(b"\r\n\r\n")[2])


def test_listener_of_its_own(make_system):
    port = ground.free_port()
    system = make_system(listeners=[Listener("reinject", port, milters=[])])
    alice = system.add_user("alice@example.org")
    assert send(port, "", alice, letter("A warning")).accepted
    message, = system.wait_mail(alice)
    assert message["Return-Path"] == "<>"


def test_submission_with_password(make_system, mta):
    if mta != "postfix":
        pytest.skip("submission is Postfix's here")
    port = ground.free_port()
    system = make_system(ports={"submission": port})
    alice, carol = system.new_user(), system.new_user()
    with Sender(port, source="192.0.2.10") as smtp:
        assert not smtp.deliver(alice, carol, letter("No password")).accepted
        smtp.login(alice, "secret")
        assert smtp.deliver(alice, carol, letter("With password")).accepted
    message, = system.wait_mail(carol)
    assert message["Subject"] == "With password"


def test_mta_stops_and_starts_again(make_system):
    system = make_system()
    alice = system.add_user("alice@example.org")
    for round_number in (1, 2):
        system.mta.stop()
        assert not ground.answers(system.mta.port)
        system.mta.start()
        assert system.send("bob@example.net", alice, letter("Again")).accepted
        system.wait_mail(alice, count=round_number)


def test_address_in_use_is_refused(build, plain):
    with pytest.raises(InUse):
        System(build, ports={"smtp": plain.mta.port})


def test_no_daemon_survives_its_harness(build, mta):
    """A harness that is killed, not even by a signal it could handle, takes all of its daemons along."""
    code = ("import sys, time; sys.path.insert(0, sys.argv[1])\n"
            "from stack import System, jail\n"
            "jail.enter(net=False)\n"
            "System(sys.argv[2], sys.argv[3]).start()\n"
            "print('up', flush=True); time.sleep(100)\n")
    for signum in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        harness = subprocess.Popen([sys.executable, "-c", code, str(HERE), str(build), mta],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert harness.stdout.readline() == b"up\n"
        assert {"dovecot", "sendmail" if mta == "sendmail" else "master"} <= {
            Path(name(p).split()[0].rstrip(":")).name for p in jailed() if name(p)}
        harness.send_signal(signum)
        harness.wait(20)
        harness.stdout.close()
        wait_until(lambda: not jailed(), 10, lambda: f"all gone; {[name(p) for p in jailed()]}")


def jailed():
    """Ids of all processes in a jail of somebody whom we started: in a PID namespace below ours. Those
    of our own namespace come and go as Postfix and Dovecot like."""
    ours = os.readlink("/proc/self/ns/pid")
    found = set()
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/ns/pid") != ours:
                found.add(entry)
        except OSError:     # it is gone, or a zombie
            pass
    return found


def name(pid):
    """What a process is called."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "?"
