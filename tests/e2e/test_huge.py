"""Messages without measure: a hundred megabytes, ten thousand recipients, a line of ten megabytes, NUL
bytes, a header that never ends. They are stored as they came, or refused in plain words; and lmtpd takes
no more memory for them than for others."""
import hashlib
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

from stack import LMTPD, wait_until
from stack.post import DOMAIN, USER, Post

MIB = 1 << 20
SIZE_MAX = 256 * MIB
RECIPIENTS = 10_000
PEAK_MIB = 24           # of the whole process, sandbox, libraries and all
RCPT_PEAK_MIB = 56      # with ten thousand recipients, each of which has an address and an answer
HEAD = b"From: bob@example.net\r\nSubject: huge\r\n"


@pytest.fixture(name="post", scope="module")
def _post(build):
    with Post.up(build, {"message_size_max": SIZE_MAX, "lmtp_recipients_max": RECIPIENTS,
                         "lmtp_workers": 8}) as post:
        yield post


class Peak:
    """The most memory that a process had while this lasted."""

    def __init__(self, build, pid):
        self.sanitized = build.name in ("asan", "tsan")
        self.folder, self.mib = f"/proc/{pid}", 0

    def __enter__(self):
        with open(f"{self.folder}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")     # proc(5): begin to count anew
        return self

    def __exit__(self, *_):
        with open(f"{self.folder}/status", encoding="ascii") as file:
            self.mib = int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) / 1024

    def check(self, mib, what):
        """At most so many; programs with sanitizers take what they like."""
        print(f"{what}: {self.mib:.1f} MiB")
        assert self.sanitized or self.mib < mib, f"{what}: {self.mib:.1f} MiB"


class Talk:
    """An LMTP conversation by hand: content is sent as it is made."""

    def __init__(self, post, *recipients):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(os.fspath(post.millrace.lmtp_socket))
        self.file = self.sock.makefile("rb")
        assert self.answer().startswith("220")
        assert self.say("LHLO test").startswith("250")
        assert self.say("MAIL FROM:<bob@example.net>").startswith("250")
        for recipient in recipients:
            assert self.say(f"RCPT TO:<{recipient}>").startswith("250")

    def say(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.answer()

    def answer(self):
        while True:
            line = self.file.readline().decode().rstrip("\r\n")
            assert line, "it closed"
            if line[3:4] != "-":
                return line

    def pour(self, pieces):
        """Send the content; the first answer. pieces: octets, in which no line begins with a dot."""
        assert self.say("DATA").startswith("354")
        for piece in pieces:
            self.sock.sendall(piece)
        self.sock.sendall(b"\r\n.\r\n")
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.sock.close()


def lines(size):
    """Of 78 octets, size in all."""
    piece = b"".join(b"%05d " % n + b"the quick brown fox jumps over the lazy dog, again and again it".ljust(70, b".")
                     + b"\r\n" for n in range(1000))
    yield HEAD + b"\r\n"
    for _ in range(size // len(piece)):
        yield piece


def long_line(size, before=b"\r\n"):
    yield HEAD + before
    for _ in range(size // 65536):
        yield b"x" * 65536


def nul_bytes(size):
    yield HEAD + b"\r\n"
    for _ in range(size // 65536):
        yield (b"\0" * 62 + b"\r\n") * 1024


def endless_header(size):
    yield HEAD
    for n in range(size // 65536):
        yield b"".join(b"X-Field-%07d: value value value value value value val\r\n" % (n * 1092 + i)
                       for i in range(1092))


def endless_field(size):
    yield HEAD + b"X-Field: a"
    for _ in range(size // 65536):
        yield b"\r\n folded folded folded folded folded folded folded folded fold" * 1024


def delivered_to(size):
    """What lmtpd looks for, again and again."""
    yield HEAD
    for n in range(size // 65536):
        yield b"".join(b"Delivered-To: somebody.else.%07d@example.net, and so on..\r\n" % (n * 1092 + i)
                       for i in range(1092))


KINDS = {"100 MB": lines(100 * MIB), "a line of 10 MB": long_line(10 * MIB),
         "a field of 10 MB": long_line(10 * MIB, b"X-Long: "), "NUL bytes": nul_bytes(4 * MIB),
         "a header without end": endless_header(50 * MIB), "a field without end": endless_field(50 * MIB),
         "Delivered-To without end": delivered_to(20 * MIB)}


@pytest.mark.parametrize("kind", KINDS)
def test_huge(post, build, kind):
    """Stored as it was sent, and streamed: lmtpd does not have it in memory."""
    box = post.new_user()
    sent, size = hashlib.sha256(), 0

    def noted():
        nonlocal size
        for piece in KINDS[kind]:
            stored = piece.replace(b"\r\n", b"\n")
            sent.update(stored)
            size += len(stored)
            yield piece
        sent.update(b"\n")
        size += 1
    with Peak(build, post.millrace.daemons[LMTPD].pid) as peak, Talk(post, f"{box.name}@{DOMAIN}") as talk:
        assert talk.pour(noted()).startswith("250 2.0.0"), kind
    peak.check(PEAK_MIB, kind)
    path, = (box / "new").iterdir()
    head = (f"Return-Path: <bob@example.net>\nDelivered-To: {box.name}@{DOMAIN}\n"
            "X-Millrace-Delivery: folder=INBOX; reason=unscored\n").encode()
    with open(path, "rb") as file:
        assert file.read(len(head)) == head
        found = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else \
            hashlib.sha256(file.read())
    assert found.hexdigest() == sent.hexdigest()
    assert f",S={size + len(head)}," in path.name
    path.unlink()


def test_larger_than_allowed(post, build):
    """552 5.3.4 (RFC 3463): at MAIL where the client says how large, else behind the content; and the
    connection goes on."""
    box = post.new_user()
    with post.connect() as lmtp:
        lmtp.ehlo_or_helo_if_needed()
        code, text = lmtp.mail("bob@example.net", [f"SIZE={SIZE_MAX + 1}"])
        assert code == 552 and text.startswith(b"5.3.4")
    with Peak(build, post.millrace.daemons[LMTPD].pid) as peak, Talk(post, f"{box.name}@{DOMAIN}") as talk:
        assert talk.pour(lines(SIZE_MAX + MIB)).startswith("552 5.3.4")
        assert talk.say("MAIL FROM:<bob@example.net>").startswith("250")
    peak.check(PEAK_MIB, "larger than allowed")
    assert not (box / "new").exists()


def test_eight_at_once(post, build):
    """As many as there are workers, 20 MB each."""
    boxes = [post.new_user() for _ in range(8)]
    with Peak(build, post.millrace.daemons[LMTPD].pid) as peak:
        talks = [Talk(post, f"{box.name}@{DOMAIN}") for box in boxes]
        for talk in talks:
            assert talk.say("DATA").startswith("354")
        for piece in lines(20 * MIB):
            for talk in talks:
                talk.sock.sendall(piece)
        for talk in talks:
            talk.sock.sendall(b"\r\n.\r\n")
        for talk in talks:
            assert talk.answer().startswith("250")
            with talk:
                pass
    peak.check(PEAK_MIB, "eight of 20 MB at once")
    for box in boxes:
        shutil.rmtree(box)


def test_recipients(post, build):
    """Ten thousand of them, an answer to each, in order; one more is told 452 (RFC 5321 4.5.3.1.10), and
    those before it get their mail."""
    boxes = [post.new_user() for _ in range(50)]
    domain = post.mail / DOMAIN
    domain.mkdir(exist_ok=True)
    # Who waits ten thousand times for a disk learns nothing about recipients.
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=256m,mode=0700,uid={USER},gid={USER}", "tmpfs", domain],
                   check=True)
    try:
        with Peak(build, post.millrace.daemons[LMTPD].pid) as peak, Talk(post) as talk:
            # An address that nobody had before: no answer is remembered for two of them.
            names = [f"{boxes[n % len(boxes)].name}+{n}" for n in range(RECIPIENTS)]
            for at in range(0, RECIPIENTS, 500):
                talk.sock.sendall("".join(f"RCPT TO:<{name}@{DOMAIN}>\r\n" for name in names[at:at + 500]).encode())
                for _ in range(500):
                    assert talk.answer().startswith("250")
            assert talk.say(f"RCPT TO:<{names[0]}@{DOMAIN}>").startswith("452 4.5.3")
            start = time.monotonic()
            first = talk.pour([HEAD, b"\r\nto all\r\n"])
            answers = [first, *(talk.answer() for _ in range(RECIPIENTS - 1))]
            print(f"{RECIPIENTS} copies in {time.monotonic() - start:.1f} s")
            assert {answer[:9] for answer in answers} == {"250 2.0.0"}
            assert talk.say("NOOP").startswith("250")
        peak.check(RCPT_PEAK_MIB, f"{RECIPIENTS} recipients")
        found = [path.read_bytes() for path in domain.glob("*/new/*")]
        assert len(found) == RECIPIENTS
        assert len({re.search(rb"Delivered-To: (.*)", content)[1] for content in found}) == RECIPIENTS
    finally:
        subprocess.run(["umount", "-l", domain], check=True)


def test_through_the_mta(make_system, mta):
    """A hundred megabytes through Postfix (fewer through the other): delivered whole, with lmtpd as small as
    ever."""
    system = make_system(deliver="lmtpd", message_size_max=120 * MIB)
    alice = system.new_user()
    content = b"".join(lines((100 if mta == "postfix" else 20) * MIB))
    with Peak(system.build, system.millrace.daemons[LMTPD].pid) as peak:
        assert system.send("bob@example.net", alice, content).accepted
        new = system.millrace.mail / DOMAIN / alice.split("@")[0] / "new"
        path, = wait_until(lambda: list(new.glob("*")) if new.exists() else None, 90, "it is delivered")
    peak.check(PEAK_MIB, f"{len(content)} octets through {mta}")
    stored = path.read_bytes()
    assert stored.endswith(content.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n"))
