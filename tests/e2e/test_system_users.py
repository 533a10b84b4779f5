"""Mail of system users: in ~/Maildir, written as the user, by a program none of whose threads could become
anybody."""
import os
import pwd
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from stack import LMTPD, ground, jail, wait_until
from stack.post import USER, Post, holds

HOST = "host.example"
UIDS = {"sysann": 4101, "sysbob": 4102, "syshomeless": 4103, "syslow": 900}
WAITS = (450, 451, 452)


class Home:
    """A system user, in the way that Post.send() wants a mailbox."""

    def __init__(self, homes, name):
        self.name, self.parent = name, Path(HOST)
        self.home, self.maildir = homes / name, homes / name / "Maildir"


@pytest.fixture(name="town", scope="module")
def _town(build):
    with ground.Ground("homes") as place:
        homes = place.folder("home")
        for path in ("/etc/passwd", "/etc/group"):
            text = Path(path).read_text(encoding="utf-8")
            for name, uid in UIDS.items():
                text += (f"{name}:x:{uid}:{uid}::{homes}/{name}:/bin/false\n" if path == "/etc/passwd"
                         else f"{name}:x:{uid}:\n")
            jail.private_file(path, text)
        with Post.up(build, {"system_domain": HOST}) as post:
            post.millrace.command("domain", "add", HOST)
            for name in (*UIDS, "sysnobody"):
                post.millrace.command("user", "add", f"{name}@{HOST}")
                if name in ("sysann", "sysbob", "syslow"):
                    (homes / name).mkdir(mode=0o700)
                    shutil.chown(homes / name, name, name)
            yield post, {name: Home(homes, name) for name in (*UIDS, "sysnobody")}


def owners(path):
    """Who owns what is below path, and path."""
    found = [os.lstat(path), *(os.lstat(p) for p in path.glob("**/*"))]
    return {(st.st_uid, st.st_gid) for st in found}


def test_home(town):
    """INBOX, Spam, a folder of his own; large ones; everything is his, and nobody else may look."""
    post, users = town
    ann = users["sysann"]
    for spam in (False, True, False):
        code, mark = post.send(ann, spam=spam)
        assert code == 250
        assert holds(ann.maildir / (".Spam/new" if spam else "new"), mark) == 1
    code, mark = post.send(ann, folder="lists")
    assert code == 250 and holds(ann.maildir / "new", mark) == 1
    shutil.copytree(ann.maildir / ".Spam", ann.maildir / ".lists", ignore=lambda folder, names:
                    [n for n in names if "," in n])
    for path in (ann.maildir / ".lists", *(ann.maildir / ".lists").glob("**/*")):
        shutil.chown(path, "sysann", "sysann")
    code, mark = post.send(ann, folder="lists")
    assert code == 250 and holds(ann.maildir / ".lists/new", mark) == 1
    with post.connect() as lmtp:
        body = b"Subject: large\r\n\r\n" + b"good morning\r\n" * 100_000
        lmtp.sendmail("bob@example.net", f"sysann@{HOST}", body)
    stored, = (p for p in (ann.maildir / "new").iterdir() if p.stat().st_size > 10**6)
    assert stored.read_bytes().endswith(body.replace(b"\r\n", b"\n"))
    assert f",S={stored.stat().st_size}," in stored.name
    ids = pwd.getpwnam("sysann")
    assert owners(ann.maildir) == {(ids.pw_uid, ids.pw_gid)}
    assert {p.stat().st_mode & 0o077 for p in (ann.maildir, *(ann.maildir / "new").iterdir())} == {0}
    assert not list(ann.maildir.glob("**/tmp/*"))
    assert "folder=Spam" in post.millrace.log(LMTPD)


def test_virtual_beside(town):
    """Users of other domains are as ever."""
    post, _ = town
    box = post.new_user()
    code, mark = post.send(box)
    assert code == 250 and holds(box / "new", mark) == 1
    assert owners(box) == {(pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)}


@pytest.mark.parametrize("name", ["sysnobody", "syshomeless", "syslow"])
def test_nobody(town, name):
    """No such system user, one without a home, one below system_uid_min: mail waits, nothing is made."""
    post, users = town
    assert post.send(users[name])[0] in WAITS
    assert not users[name].maildir.exists()
    if name == "syshomeless":
        users[name].home.mkdir(mode=0o700)
        assert post.send(users[name])[0] in WAITS       # it is root's
        shutil.chown(users[name].home, name, name)
        code, mark = post.send(users[name])
        assert code == 250 and holds(users[name].maildir / "new", mark) == 1


@pytest.mark.parametrize("place", ["", "new", "tmp", ".Spam"], ids=lambda place: place or "Maildir")
def test_planted(town, place):
    """A link to another's Maildir, or to a folder that only lmtpd or root may write to: mail waits."""
    post, users = town
    ann, bob = users["sysann"], users["sysbob"]
    for user in (ann, bob):
        for spam in (False, True):
            assert post.send(user, spam=spam)[0] == 250
    virtual = post.new_user()
    assert post.send(virtual)[0] == 250
    of_root = ann.home.parent / "root"
    for part in ("", "tmp", "new", "cur"):
        (of_root / part).mkdir(mode=0o700, exist_ok=True)
    for target in (bob.maildir / place, virtual, of_root):
        before = sorted(target.glob("**/*"))
        at, aside = ann.maildir / place, ann.home / "aside"
        at.rename(aside)
        at.symlink_to(target)
        assert post.send(ann, spam=place == ".Spam")[0] in WAITS
        at.unlink()
        aside.rename(at)
        assert sorted(target.glob("**/*")) == before
        assert post.send(ann, spam=place == ".Spam")[0] == 250


def test_rights(town):
    """What lmtpd has: one user, no right; what its helper has: two rights, no files."""
    post, users = town
    assert post.send(users["sysann"])[0] == 250
    pid = post.millrace.daemons[LMTPD].pid
    tasks = [Path(f"/proc/{pid}/task/{task}/status").read_text(encoding="ascii")
             for task in os.listdir(f"/proc/{pid}/task")]
    assert len(tasks) > 8
    for text in tasks:
        assert re.search(r"CapEff:\s+0+\n", text) and re.search(r"CapPrm:\s+0+\n", text)
        assert set(re.search(r"Uid:\s+(.*)", text)[1].split()) == {str(pwd.getpwnam(USER).pw_uid)}
    helper, = _helpers(pid)
    text = Path(f"/proc/{helper}/status").read_text(encoding="ascii")
    assert re.search(r"CapPrm:\s+0*c0\n", text), text       # CAP_SETGID 6, CAP_SETUID 7
    assert "NoNewPrivs:\t1" in text and "Seccomp:\t2" in text
    opened = {os.readlink(f"/proc/{helper}/fd/{fd}") for fd in os.listdir(f"/proc/{helper}/fd")}
    assert len([name for name in opened if name.startswith("socket:")]) == 1, opened
    wait_until(lambda: not _helpers(helper), 5, "writers have ended")


def _helpers(pid):
    """Children of a process."""
    return [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children")
            for word in path.read_text(encoding="ascii").split()]


def test_many_at_once(town):
    """Two users, eight connections: each message is there, once."""
    post, users = town
    said = []

    def deliver(number):
        user = users[("sysann", "sysbob")[number % 2]]
        with post.connect() as lmtp:
            for count in range(10):
                mark = f"many-{number}-{count}-"
                lmtp.sendmail("bob@example.net", f"{user.name}@{HOST}", f"Subject: x\r\n\r\n{mark}\r\n")
                said.append((user, mark))
    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(8)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"80 in {time.monotonic() - start:.2f} s")
    assert len(said) == 80
    for user, mark in said:
        assert holds(user.maildir / "new", mark) == 1


def test_disk_full_at_home(town):
    """452 4.3.1, and nothing is left; then it arrives."""
    post, users = town
    bob = users["sysbob"]
    assert post.send(bob)[0] == 250
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=64k,mode=0700,uid={UIDS['sysbob']}", "tmpfs", bob.home],
                   check=True)
    try:
        (bob.home / "ballast").write_bytes(b"x" * 65536)
        with post.connect() as lmtp:
            lmtp.ehlo_or_helo_if_needed()
            lmtp.mail("bob@example.net")
            lmtp.rcpt(f"sysbob@{HOST}")
            code, text = lmtp.data(b"Subject: x\r\n\r\n" + b"good morning\r\n" * 1000)
        assert code == 452 and text.startswith(b"4.3.1")
        wait_until(lambda: not [p for p in bob.maildir.glob("**/*") if p.is_file()], 5, "nothing is left")
        (bob.home / "ballast").unlink()
        code, mark = post.send(bob)
        assert code == 250 and holds(bob.maildir / "new", mark) == 1
    finally:
        subprocess.run(["umount", "-l", bob.home], check=True)


def test_helper_gone(town):
    """lmtpd cannot make another one: it ends, so that its supervisor starts both. The MTA was promised
    nothing."""
    post, users = town
    daemon = post.millrace.daemons[LMTPD]
    helper, = _helpers(daemon.pid)
    os.kill(helper, 9)
    with pytest.raises(Exception):
        post.send(users["sysann"])
    wait_until(lambda: not daemon.alive, 10, "lmtpd ends")
    daemon.kill()
    daemon.start()
    assert post.send(users["sysann"])[0] == 250
    helper, = _helpers(daemon.pid)
    daemon.stop()
    wait_until(lambda: not Path(f"/proc/{helper}").exists(), 5, "the helper ends with lmtpd")
    daemon.start()
