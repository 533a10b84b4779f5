"""Mail by LMTP while something breaks, and the account of it afterwards. No MTA: the clients speak on the
server's socket as an MTA would, and offer a message again until it is answered.

    clients = [Client(n, socket, ending, people) for n in range(8)]     # start, break things, end, join
    account = audit(mail, clients, dead)

Nothing that was acknowledged may be missing. A message is there twice only where the process that stored
it died before it said so: lmtpd's file names have its process id, so each copy is traced to the attempt
that made it, and a copy that no attempt explains fails the audit."""
import random
import re
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

DOMAIN = "example.org"
SIZES = (100, 4_000, 50_000, 300_000)    # the last one goes through lmtpd's file
SPAM_HEAD = "X-Spam-Flag: YES\r\nReceived: by the test\r\n"


class Lmtpd:
    """One millrace-lmtpd after the other, on one configuration."""

    def __init__(self, build, folder, disk=None, users=(), mail=None):
        """disk: where store and mailboxes are; mail: where the mailboxes are; users: local parts, which are
        added."""
        disk = disk or folder
        self.program, self.command = build / "bin/millrace-lmtpd", build / "bin/millrace"
        self.folder, self.socket, self.mail = folder, folder / "lmtp.sock", mail or disk / "mail"
        self.log = open(folder / "log", "ab")
        self.config = folder / "millrace.conf"
        (folder / "run").mkdir(exist_ok=True)
        self.config.write_text(f'run_dir = "{folder}/run"\nstore = "sqlite:{disk}/store"\n'
                               f'mail_dir = "{self.mail}"\nlmtp_listen = {{"unix:{self.socket}"}}\n')
        self.process, self.dead = None, set()
        assert self.say("domain", "add", DOMAIN) == 0
        for local in users:
            assert self.say("user", "add", f"{local}@{DOMAIN}") == 0

    def say(self, *words):
        """The operator's command; its exit code."""
        return subprocess.run([self.command, "-c", self.config, *words], check=False, stdout=self.log,
                              stderr=self.log, stdin=subprocess.DEVNULL, timeout=60).returncode

    def hear(self, *words):
        """The operator's command; the lines that it prints."""
        return subprocess.run([self.command, "-c", self.config, *words], check=True, stdout=subprocess.PIPE,
                              stderr=self.log, stdin=subprocess.DEVNULL, timeout=60).stdout.decode().split()

    def start(self):
        """Start one; wait_ready() waits for it."""
        self.process = subprocess.Popen([self.program, "-c", self.config, "-d"], stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL)

    def wait_ready(self):
        """The socket of a killed process is there already, so only an answer counts."""
        for _ in range(4000):
            assert self.process.poll() is None, f"lmtpd ended by itself; see {self.folder}/log"
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(self.socket))
                    if s.recv(4) == b"220 ":
                        return
            except OSError:
                pass
            time.sleep(0.005)
        raise AssertionError("lmtpd does not answer")

    def end(self, how=signal.SIGKILL):
        """Its exit status."""
        self.process.send_signal(how)
        status = self.process.wait(timeout=20)
        if how == signal.SIGKILL:
            self.dead.add(self.process.pid)
        return status


def message(ident, size, spam=False):
    """The same each time: what was sent need not be kept."""
    line = (ident * 80)[:70] + "\r\n"
    return (f"{SPAM_HEAD if spam else ''}Message-ID: <{ident}>\r\nSubject: load\r\n\r\n"
            f"{line * (size // len(line))}end of {ident}\r\n")


@dataclass
class Offered:
    """One message to one person: who took it whole, and who said so. Process ids of the server."""
    size: int
    spam: bool
    acknowledged: list = field(default_factory=list)
    unsure: list = field(default_factory=list)      # sent to its end, and no answer


class Client(threading.Thread):
    """Sends messages until told to end."""

    def __init__(self, number, path, ending, people, *, spam=0.0, deferred=False, cut=False, pause_s=0.0):
        """people: local parts. spam: share of what goes to the folder. deferred: 4xx is no error; cut: nor
        does it say that the message is not there. pause_s: between messages."""
        super().__init__()
        self.number, self.path, self.ending, self.people = number, str(path), ending, list(people)
        self.spam, self.deferred, self.cut, self.pause_s = spam, deferred or cut, cut, pause_s
        self.random = random.Random(number)
        self.offered, self.errors, self.put_off = {}, [], Counter()     # the last: 4xx replies

    def run(self):
        count = 0
        while not self.ending.is_set():
            ident = f"m{self.number}-{count}"
            count += 1
            size, spam = self.random.choice(SIZES), self.random.random() < self.spam
            waiting = set(self.random.sample(self.people, self.random.choice((1, 1, 2))))
            while not self.offer(ident, waiting, size, spam) and not self.ending.is_set():
                time.sleep(0.01)
            self.ending.wait(self.pause_s)

    def offer(self, ident, waiting, size, spam=False):
        """A message of this size to all of the set waiting, once; whether all have it. Who has is removed."""
        for local in waiting:
            self.offered.setdefault((ident, local), Offered(size, spam))
        self.attempt(ident, message(ident, size, spam), waiting)
        return not waiting

    def attempt(self, ident, body, waiting):
        """Offer it to all who wait; who was told 250 waits no longer."""
        people = sorted(waiting)
        unanswered, pid = [], 0
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(30)
                s.connect(self.path)
                # Who listened there: after kill -9 and a new start it is another.
                pid, _, _ = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                f = s.makefile("rb")
                self.expect(f, b"220")
                commands = ["LHLO test", f"MAIL FROM:<{ident}@example.net>",
                            *(f"RCPT TO:<{local}@{DOMAIN}>" for local in people), "DATA"]
                s.sendall(("\r\n".join(commands) + "\r\n").encode())
                for want in (b"250", b"250", *[b"250"] * len(people), b"354"):
                    self.expect(f, want)
                s.sendall(body.encode() + b".\r\n")
                unanswered = list(people)       # the last octet is with the kernel: it may be stored
                for local in people:
                    if self.answer(f, ident, local, pid):
                        waiting.discard(local)
                    unanswered.remove(local)
        except (OSError, EOFError):
            time.sleep(0.002)
        except ValueError as error:     # to a command
            self.refused(error)
            time.sleep(0.05)
        for local in unanswered:
            self.offered[ident, local].unsure.append(pid)

    def answer(self, f, ident, local, pid):
        """One reply to the content; whether it is taken. 4xx: it must not be there."""
        try:
            self.expect(f, b"250")
        except ValueError as error:
            self.refused(error)
            if self.cut:
                self.offered[ident, local].unsure.append(pid)
            return False
        self.offered[ident, local].acknowledged.append(pid)
        return True

    def refused(self, error):
        """Another reply than was wanted."""
        if self.deferred and str(error).startswith("4"):
            self.put_off[str(error)] += 1
        else:
            self.errors.append(str(error))

    def expect(self, f, code):
        """The next reply; ValueError: another one."""
        while True:
            line = f.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            if not line.startswith(code):
                raise ValueError(line.decode().strip())
            if line[3:4] != b"-":
                return


@dataclass
class Account:
    """What an audit found."""
    acknowledged: int = 0
    twice: int = 0      # the process died between storing the message and saying so
    unsure: int = 0     # sent to its end, and the connection broke

    def __str__(self):
        return (f"{self.acknowledged} acknowledged, none lost; {self.twice} twice, each of them stored by a "
                f"process that died before it answered; {self.unsure} times nobody knew")


def audit(mail, clients, dead):
    """Count the mailboxes below mail. dead: process ids that were killed (or cut off from their disk).
    AssertionError: something is lost, changed, or there more often than that explains."""
    offered, account = {}, Account()
    for client in clients:
        assert not client.errors, client.errors[:3]
        offered |= client.offered
    found = _found(mail, offered)
    for key, o in offered.items():
        copies = found.pop(key, Counter())
        for pid in o.acknowledged:
            assert copies[pid] >= 1, f"{key}: acknowledged by {pid}, and lost; there: {dict(copies)}"
        extra = copies - Counter(o.acknowledged)
        assert not extra - Counter(o.unsure), f"{key}: more often than it was sent: {o}, {dict(copies)}"
        assert set(extra) <= dead, f"{key}: there, not acknowledged, by one that lived: {o}"
        account.acknowledged += len(o.acknowledged)
        account.twice += sum(extra.values()) if o.acknowledged else 0
        account.unsure += len(o.unsure)
    assert not found, f"nobody sent {list(found)[:3]}"
    return account


def _found(mail, offered):
    """What is in the mailboxes: (ident, local): how often by each process."""
    found = defaultdict(Counter)
    for path in sorted(mail.glob(f"{DOMAIN}/*/**/*")):
        if path.parent.name == "new":
            _check_file(path, mail, offered, found)
        else:       # in tmp/ is what a crash leaves, swept later
            assert path.parent.name == "tmp" or path.is_dir() or path.name == "maildirfolder", path
    return found


def _check_file(path, mail, offered, found):
    """Whole, in its place, and as large as its name says; count it."""
    content, name = path.read_bytes(), path.name
    local, *folder = path.relative_to(mail / DOMAIN).parts[:-2]
    ident = re.search(rb"Message-ID: <(.*)>", content)
    assert ident, f"{path}: {len(content)} octets, no message"
    ident = ident[1].decode()
    o = offered[ident, local]
    assert folder == ([".Spam"] if o.spam else []), path
    went = "folder=Spam; reason=flag" if o.spam else "folder=INBOX; reason=unscored"
    wanted = (f"Return-Path: <{ident}@example.net>\nDelivered-To: {local}@{DOMAIN}\n"
              f"X-Millrace-Delivery: {went}\n" + message(ident, o.size, o.spam).replace("\r\n", "\n")).encode()
    assert content == wanted, f"{path}: {len(content)} octets, {len(wanted)} were sent"
    assert int(re.search(r",S=(\d+)", name)[1]) == len(content), path
    assert int(re.search(r",W=(\d+)", name)[1]) == len(content) + content.count(b"\n"), path
    found[ident, local][int(re.search(r"P(\d+)Q", name)[1])] += 1
