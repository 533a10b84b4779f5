"""Nothing that millrace-lmtpd acknowledged is ever lost: it is killed a hundred times under load, with
SIGKILL, at random moments. No MTA: the clients speak LMTP on its unix socket, as an MTA would, and
send a message again until it is answered. Afterwards every mailbox is counted.

A message may be there twice only where lmtpd died between storing it and saying so: then its client
saw the connection break behind the end of the content and sent it again."""
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from stack import missing

KILLS = int(os.environ.get("MR_KILLS", "100"))
CLIENTS = 8
USERS = 4
SIZES = (100, 4_000, 50_000, 300_000)    # the last one goes through the spool file
RUN_MS = (5, 120)                        # how long it may live
SECONDS_MAX = 100


class Lmtpd:
    """One millrace-lmtpd after the other, on one configuration."""

    def __init__(self, build, folder):
        self.program = build / "bin/millrace-lmtpd"
        self.folder = folder
        self.socket = folder / "lmtp.sock"
        self.mail = folder / "mail"
        self.log = open(folder / "log", "ab")
        self.config = folder / "millrace.conf"
        (folder / "run").mkdir()
        self.config.write_text(f'run_dir = "{folder}/run"\nstore = "sqlite:{folder}/store"\n'
                               f'mail_dir = "{self.mail}"\nlmtp_listen = {{"unix:{self.socket}"}}\n')
        self.process = None
        command = build / "bin/millrace"
        for words in (["domain", "add", "example.org"],
                      *(["user", "add", f"user{n}@example.org"] for n in range(USERS))):
            subprocess.run([command, "-c", self.config, *words], check=True, stdout=self.log,
                           stderr=self.log, stdin=subprocess.DEVNULL)

    def start(self):
        self.process = subprocess.Popen([self.program, "-c", self.config, "-d"], stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL)

    def wait_ready(self):
        """The socket of a killed process is there already, so only an answer counts."""
        for _ in range(1000):
            if self.process.poll() is not None:
                pytest.fail(f"lmtpd ended by itself; see {self.folder}/log")
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(self.socket))
                    if s.recv(4) == b"220 ":
                        return
            except OSError:
                pass
            time.sleep(0.005)
        pytest.fail("lmtpd does not answer")

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        return self.process.wait(timeout=20)


class Client(threading.Thread):
    """Sends messages until told to end; keeps what it was told about each."""

    def __init__(self, number, path, ending):
        super().__init__()
        self.number, self.path, self.ending = number, str(path), ending
        self.random = random.Random(number)
        self.acknowledged, self.unsure, self.errors = {}, Counter(), []

    def run(self):
        count = 0
        while not self.ending.is_set():
            ident = f"m{self.number}-{count}"
            count += 1
            body = self.body(ident)
            rcpts = self.random.sample(range(USERS), self.random.choice((1, 1, 2)))
            waiting = set(rcpts)
            while waiting and not self.ending.is_set():
                self.attempt(ident, body, waiting)

    def body(self, ident):
        size = self.random.choice(SIZES)
        line = (ident * 80)[:70] + "\r\n"
        return (f"Message-ID: <{ident}>\r\nSubject: load\r\n\r\n{line * (size // len(line))}"
                f"end of {ident}\r\n")

    def attempt(self, ident, body, waiting):
        """Offer it to all who wait; who was told 250 waits no longer."""
        rcpts = sorted(waiting)
        ended = False
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(30)
                s.connect(self.path)
                f = s.makefile("rwb")
                self.expect(f, b"220")
                commands = ["LHLO test", f"MAIL FROM:<{ident}@example.net>",
                            *(f"RCPT TO:<user{n}@example.org>" for n in rcpts), "DATA"]
                f.write(("\r\n".join(commands) + "\r\n").encode())
                f.flush()
                for want in (b"250", b"250", *[b"250"] * len(rcpts), b"354"):
                    self.expect(f, want)
                f.write(body.encode())
                f.write(b".\r\n")
                ended = True    # from here on it may have been stored
                f.flush()
                for n in rcpts:
                    self.expect(f, b"250")
                    self.acknowledged[ident, n] = body
                    waiting.discard(n)
        except (OSError, EOFError):
            if ended:
                for n in waiting:
                    self.unsure[ident, n] += 1
            time.sleep(0.002)
        except ValueError as error:
            self.errors.append(str(error))
            time.sleep(0.05)

    @staticmethod
    def expect(f, code):
        while True:
            line = f.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            if not line.startswith(code):
                raise ValueError(f"wanted {code}, got {line}")
            if line[3:4] != b"-":
                return


def check_file(path, found):
    """Whole, and as large as its name says; count it."""
    content = path.read_bytes()
    name = path.name
    size = int(re.search(r",S=(\d+)", name)[1])
    wire = int(re.search(r",W=(\d+)", name)[1])
    assert len(content) == size, f"{path}: {len(content)} octets"
    assert size + content.count(b"\n") == wire, path
    head, _, text = content.partition(b"Message-ID: <")
    user = path.parts[-3]
    assert head == (b"Return-Path: <" + text.split(b">")[0] + b"@example.net>\nDelivered-To: "
                    + user.encode() + b"@example.org\n"), path
    ident = text.split(b">")[0].decode()
    found[ident, int(user[4:])].append(content)


def count_mailboxes(mail):
    found = {}

    class Missing(dict):
        def __missing__(self, key):
            return self.setdefault(key, [])
    found = Missing()
    for path in sorted(mail.glob("example.org/*/*/*")):
        if path.parent.name == "new":
            check_file(path, found)
        else:
            assert path.parent.name == "tmp", path    # what a crash leaves, swept later
    return found


def test_hundred_kills(build, tmp_path):
    """kill -9 under load: all that was acknowledged is there, whole, and once."""
    gone = missing(build, ["millrace-lmtpd", "millrace"])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    lmtpd = Lmtpd(build, tmp_path)
    rng = random.Random(4)
    ending = threading.Event()
    clients = [Client(n, lmtpd.socket, ending) for n in range(CLIENTS)]
    lmtpd.start()
    lmtpd.wait_ready()
    for client in clients:
        client.start()
    kills, begin = 0, time.monotonic()
    try:
        while kills < KILLS:
            assert time.monotonic() - begin < SECONDS_MAX * max(1, KILLS / 100), f"{kills} kills"
            time.sleep(rng.randint(*RUN_MS) / 1000)
            assert lmtpd.kill() == -signal.SIGKILL
            kills += 1
            lmtpd.start()
            lmtpd.wait_ready()
        time.sleep(0.5)
    finally:
        ending.set()
        for client in clients:
            client.join()
        assert lmtpd.kill(signal.SIGTERM) == 0    # and one that may finish
    acknowledged, unsure = {}, Counter()
    for client in clients:
        assert not client.errors, client.errors[:3]
        acknowledged |= client.acknowledged
        unsure += client.unsure
    found = count_mailboxes(lmtpd.mail)
    twice = 0
    for key, body in acknowledged.items():
        copies = found.pop(key, [])
        assert copies, f"{key} was acknowledged and is lost"
        wanted = body.encode().replace(b"\r\n", b"\n")
        assert all(copy.endswith(wanted) for copy in copies), f"{key} was changed"
        # Once, and once more at most for each time that nobody knew.
        assert len(copies) <= 1 + unsure[key], f"{key} is there {len(copies)} times"
        twice += len(copies) - 1
    for key, copies in found.items():
        assert unsure[key] >= len(copies), f"{key} is there and nobody sent it to its end"
    print(f"{kills} kills, {len(acknowledged)} acknowledged, {twice} twice, "
          f"{sum(unsure.values())} unsure, {time.monotonic() - begin:.0f} s")
    assert len(acknowledged) > 100
