"""lmtpd tells watchers of each delivery (docs/WAKE.md), from inside its sandbox, and waits for none."""
import os
import shutil
import socket
import time

from stack import LMTPD, ground, wait_until
from stack.post import USER, Post


def watcher(path):
    """A watcher's socket, which lmtpd may write to."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(os.fspath(path))
    shutil.chown(path, USER, USER)
    sock.settimeout(5)
    return sock


def lines(datagram):
    """Its lines, as words and values."""
    text = datagram.decode()
    assert text.endswith("\n")
    return [tuple(line.split(" ", 1)) for line in text[:-1].split("\n")]


def test_watchers(build):
    """One reads, one sleeps until its queue is full, one's path is nobody's and one's is root's: all mail
    is taken, and the first hears of each message; a watcher that is new in the settings after a reload."""
    with ground.Ground("wake") as place:
        names = [place.path / name for name in ("reads", "sleeps", "nobody", "forbidden")]
        reads, sleeps, forbidden = (watcher(names[n]) for n in (0, 1, 3))
        os.chmod(names[3], 0)
        shutil.chown(names[3], "root", "root")
        with Post.up(build, settings={"lmtp_wake": [f"unix:{name}" for name in names]}) as post:
            ann = post.new_user()
            start = time.monotonic()
            for number in range(40):
                spam = number % 2 == 1
                assert post.send(ann, spam=spam)[0] == 250
                told = lines(reads.recv(4096))
                where = ann / (".Spam/new" if spam else "new")
                assert told[:3] == [("millrace-wake", "1"), ("mailbox", f"{ann.name}@example.org"),
                                    ("folder", "Spam" if spam else "INBOX")]
                assert told[3][0] == "file" and (where / told[3][1]).exists()
            assert time.monotonic() - start < 20
            sleeps.setblocking(False)
            forbidden.setblocking(False)
            count = 0
            try:
                while lines(sleeps.recv(4096)):
                    count += 1
            except BlockingIOError:
                pass
            assert 0 < count < 40
            status = post.millrace.command("status", "lmtpd")
            # One to the reader, what fitted to the sleeper; two that nobody can reach.
            assert f"wakes {40 + count}\n" in status and f"wakes_lost {120 - count}\n" in status, status
            late = watcher(place.path / "late")
            post.millrace.write_conf(lmtp_wake=[f"unix:{place.path}/late"])
            post.millrace.reload(LMTPD)

            def heard():
                assert post.send(ann)[0] == 250
                late.settimeout(0.1)
                try:
                    return lines(late.recv(4096))
                except TimeoutError:
                    return None
            assert dict(wait_until(heard, 10, "the new watcher is told"))["folder"] == "INBOX"
