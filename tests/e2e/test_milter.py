"""The milter runtime under real MTAs, with the stage of tests/unit/mr_note_stage.h: what it asks for
is what arrives, and nothing is lost when it is reloaded, stopped or killed."""
import re
import shutil
import signal
import socket
import threading
import time

import pytest

from stack import Daemon, Milter, ground, letter, wait_until


class Note:
    """note_milter of one build, in a folder of its own."""

    def __init__(self, build, socket_kind="unix"):
        program = build / "tests/fake/note_milter"
        if not program.exists():
            pytest.skip("binary missing: note_milter")
        self.ground = ground.Ground()
        self.folder = self.ground.path
        shutil.copy(program, self.folder)
        for name in ("run", "spool"):
            self.ground.folder(name, user="mail")
        port = ground.free_port()
        address = self.folder / "run/note.sock" if socket_kind == "unix" else port
        self.socket = f"unix:{address}" if socket_kind == "unix" else f"inet:{port}@127.0.0.1"
        self.conf = self.folder / "conf"
        self.conf.write_text(f'run_dir = "{self.folder}/run"\nspool_dir = "{self.folder}/spool"\n'
                             f'spam_listen = "{self.socket}"\nspam_socket_mode = "0666"\n'
                             f'user = "mail"\nspool_memory_max = 65536\n'
                             f'store = "sqlite:{self.folder}/run"\n')
        self.daemon = Daemon("note", [self.folder / "note_milter", "-c", self.conf, "-d"],
                             self.folder / "log", listens=[address])

    def log(self):
        """What it said."""
        return (self.folder / "log").read_text(errors="replace")

    def __enter__(self):
        self.daemon.start()
        return self

    def __exit__(self, *_):
        self.daemon.stop()
        self.ground.remove()


@pytest.fixture(params=["unix", "inet"])
def note(build, request):
    """The milter, on either kind of socket."""
    with Note(build, request.param) as milter:
        yield milter


@pytest.fixture
def unix_note(build):
    """The milter on a unix socket."""
    with Note(build) as milter:
        yield milter


def system_with(make_system, milter):
    """An MTA with that milter."""
    return make_system(milters=[Milter("note", milter.socket)])


def arrived(system, user, seconds=20):
    """The one message of user, as bytes."""
    def look():
        with system.mailbox(user) as box:
            return box.raw()
    raw, = wait_until(look, seconds, lambda: f"a message\n{system.logs()}", 0.1)
    return raw


def fields(raw, name):
    """The values of all fields of that name, as written behind the colon."""
    head = raw.split(b"\r\n\r\n", 1)[0]
    return re.findall(rb"(?im)^" + name.encode() + rb":([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", head)


def test_what_it_asks_for_arrives(make_system, note):
    system = system_with(make_system, note)
    alice = system.new_user()
    content = (b"X-Note: forged 1\r\nFrom: bob@example.net\r\nTo: " + alice.encode() + b"\r\n"
               b"Subject: before\r\nX-Kept:no blank\r\nX-Kept:  two\r\n\tand a fold\r\n"
               b"x-note: forged 2\r\nX-Raw: \xe4\r\nX-Do: change\r\nX-Do: add8\r\nX-Do: env\r\n"
               b"Date: Mon, 06 May 2024 10:00:00 +0000\r\nMessage-ID: <1@example.net>\r\n"
               b"\r\nbody\r\n")
    with system.connect(source="192.0.2.10", helo="client.example.net") as smtp:
        outcome = smtp.deliver("bob@example.net", alice, content)
    assert outcome.accepted
    raw = arrived(system, alice)
    # Of three, two came from outside; ours is above the MTA's own Received.
    assert len(fields(raw, "X-Note")) == 1
    assert fields(raw, "X-Note")[0].startswith(b" seen ")
    head = raw[:raw.index(b"\r\n\r\n")]
    assert head.index(b"X-Note:") < head.index(b"Received: from client.example.net")
    assert fields(raw, "Subject") == [b" changed\r\n and folded"]
    assert fields(raw, "X-Kept") == [b"no blank", b"  two\r\n\tand a fold"]
    # Of two fields of one name Postfix puts the added one last, sendmail first.
    assert sorted(fields(raw, "X-Raw")) == [b" \xe4", b" \xe4\xf6 \xc3\xa4"]
    env = fields(raw, "X-Env")[0].strip().decode().split("|")
    assert env[0] == outcome.queue_id
    assert env[1] == "192.0.2.10" and env[3] == "client.example.net"
    assert env[4] == "bob@example.net" and env[6] == alice and env[7] == "1"
    assert f"id={outcome.queue_id} verdict=accept" in note.log()


def test_body_and_recipients(make_system, unix_note):
    system = system_with(make_system, unix_note)
    old, new = "old@example.org", "new@example.org"
    for user in (old, new):
        system.add_user(user)
    assert system.send("bob@example.net", old, b"Subject: x\r\nX-Do: body\r\nX-Do: rcpts\r\n\r\nb\r\n").accepted
    assert arrived(system, new).endswith(b"\r\n\r\nanother\r\nbody\r\n")
    with system.mailbox(old) as box:
        assert box.raw() == []


def test_verdicts(make_system, unix_note):
    system = system_with(make_system, unix_note)
    alice = system.new_user()

    def outcome(word):
        return system.send("bob@example.net", alice, letter("x", X_Do=word))
    rejected = outcome("reject")
    assert rejected.code == 550
    assert rejected.text.splitlines() == ["5.7.1 100% no", "5.7.1 and %s never"]
    assert outcome("tempfail").code == 451
    failed = outcome("fail")
    assert (failed.code, failed.text) == (451, "4.7.1 Not decided; please try again later")
    assert outcome("discard").accepted
    assert system.send("bob@example.net", "nobody@example.org", letter("x")).code == 550
    with system.connect(helo="bad.example") as smtp:
        refused = smtp.deliver("bob@example.net", alice, letter("x"))
        # sendmail puts the address between.
        assert refused.code == 550 and refused.text.endswith("Not from there")
    with system.mailbox(alice) as box:
        assert box.raw() == []


def test_sizes(make_system, unix_note, mta):
    """No body, a field above 64 KiB (sendmail takes 32 KiB at most), and a body through the spool's
    file."""
    system = system_with(make_system, unix_note)
    lines = 90 if mta == "postfix" else 30
    for content in (b"Subject: x\r\n\r\n",
                    b"Subject: x\r\nX-Long: " + b"\r\n ".join([b"y" * 900] * lines) + b"\r\n\r\nb\r\n",
                    b"Subject: x\r\n\r\n" + (b"z" * 70 + b"\r\n") * 50000):
        alice = system.new_user()
        assert system.send("bob@example.net", alice, content).accepted
        raw = arrived(system, alice)
        assert fields(raw, "X-Note")
        if len(content) > 1000000:
            assert raw.split(b"\r\n\r\n", 1)[1] == content.split(b"\r\n\r\n", 1)[1]


def test_many_messages_on_a_connection(make_system, unix_note):
    system = system_with(make_system, unix_note)
    alice = system.new_user()
    with system.connect() as smtp:
        for number in range(5):
            smtp.mail("x@example.net")
            smtp.rset()
            assert smtp.deliver("bob@example.net", alice, letter(f"number {number}")).accepted
    assert all(m["X-Note"] for m in system.wait_mail(alice, count=5))


@pytest.mark.seconds(180)
def test_reloads_lose_nothing(make_system, unix_note):
    """A reload every 20 ms while four connections send: every message is answered and noted."""
    system = system_with(make_system, unix_note)
    alice = system.new_user()
    done, codes = threading.Event(), []

    def send(worker):
        with system.connect() as smtp:
            for number in range(15):
                codes.append(smtp.deliver("bob@example.net", alice,
                                          letter(f"{worker} {number}")).code)
    workers = [threading.Thread(target=send, args=(n,)) for n in range(4)]

    def reload():
        while not done.wait(0.02):
            unix_note.daemon.signal(signal.SIGHUP)
    reloader = threading.Thread(target=reload)
    reloader.start()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done.set()
    reloader.join()
    assert codes == [250] * 60
    assert all(m["X-Note"] for m in system.wait_mail(alice, count=60, seconds=60))
    assert unix_note.log().count("settings reloaded") > 3


def test_down_is_tempfail_and_up_again(make_system, unix_note):
    """Without its milter the MTA keeps mail outside; killed, it comes back on its own socket."""
    system = system_with(make_system, unix_note)
    alice = system.new_user()
    assert system.send("bob@example.net", alice, letter("before")).accepted
    unix_note.daemon.kill()
    outcome = system.send("bob@example.net", alice, letter("while it is down"))
    assert outcome.code // 100 == 4
    unix_note.daemon.start()
    assert system.send("bob@example.net", alice, letter("after")).accepted
    assert len(system.wait_mail(alice, count=2)) == 2


def test_stop_answers_what_has_ended(make_system, unix_note):
    """SIGTERM while a message is decided (it takes 400 ms): the message is accepted all the same."""
    system = system_with(make_system, unix_note)
    alice = system.new_user()
    outcome = []
    sender = threading.Thread(target=lambda: outcome.append(
        system.send("bob@example.net", alice, letter("slow", X_Do="slow"))))
    sender.start()
    wait_until(lambda: "busy 1" in status(unix_note), 10, "the stage is at work", 0.01)
    began = time.monotonic()
    assert unix_note.daemon.stop() == 0
    assert time.monotonic() - began < 5
    sender.join()
    assert outcome[0].accepted
    assert fields(arrived(system, alice), "X-Note")


def status(note):
    """The answer to status at its control socket."""
    text = b""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(note.folder / "run/note.ctl"))
        sock.sendall(b"status\n")
        while not text.endswith(b"OK\n"):
            more = sock.recv(4096)
            if not more:
                break
            text += more
    return text.decode()
