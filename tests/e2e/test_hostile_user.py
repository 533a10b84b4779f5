"""What a user does to his own mailbox, who may plant anything in it: nothing is written outside of it, what
waiting can mend is 4xx, and what was acknowledged is there. lmtpd runs as it does in service: sandboxed, as
one user; and so that its sandbox is not what helps, the links lead into another user's mailbox."""
import ctypes
import itertools
import os
import shutil
import socket
import threading
import time

import pytest

from stack import soak
from stack.post import DOMAIN, USER, Post, holds

WAITS = (450, 451, 452)
RACE_S = soak.times(0.8)
_EXCHANGE, _AT_FDCWD = 2, -100      # renameat2(2)
_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(name="post", scope="module")
def _post(build):
    with Post.up(build) as post:
        for extra in ({}, {"spam": True}):
            assert post.send(post.victim, **extra)[0] == 250
        post.folder(post.victim, ".lists")
        yield post


def tree(path):
    """All that is below path, and what plain files hold."""
    found = {}
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            at = os.path.join(folder, name)
            plain = os.path.isfile(at) and not os.path.islink(at)
            found[at] = open(at, "rb").read() if plain else os.lstat(at).st_mode
    return found


def link(path, victim):
    path.symlink_to(victim)


def link_to_nothing(path, victim):
    path.symlink_to(victim.parent / f"made-{path.name}")


def link_to_itself(path, _victim):
    path.symlink_to(path.name)


def fifo(path, _victim):
    os.mkfifo(path)


def unix_socket(path, _victim):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.fspath(path))


def device(path, _victim):
    os.mknod(path, 0o20666, os.makedev(1, 3))       # where all that is written is lost


def plain_file(path, _victim):
    path.touch()


THINGS = (link, link_to_nothing, link_to_itself, fifo, unix_socket, device, plain_file)
# Where it is planted, and what is sent. cur/ is no business of a delivery.
PLACES = {"tmp": {}, "new": {}, "cur": {}, "": {}, "..": {},
          ".Spam": {"spam": True}, ".Spam/tmp": {"spam": True}, ".Spam/new": {"spam": True},
          ".lists": {"folder": "lists"}, ".lists/tmp": {"folder": "lists"}, ".lists/new": {"folder": "lists"}}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place or "mailbox")
def test_planted(post, place):
    """A link, a FIFO, a device... in the place of each folder: mail waits, and arrives once it is gone."""
    domain = DOMAIN
    if place == "..":
        domain = "planted.example"
        post.millrace.command("domain", "add", domain)
    how = PLACES[place]
    box = post.new_user(domain)
    assert post.send(box)[0] == post.send(box, spam=True)[0] == 250
    post.folder(box, ".lists")
    # Not Path(box / ".."), which is another way to the same.
    at = box.parent if place == ".." else box / place
    other = post.victim.parent if place == ".." else post.victim / place
    for thing in THINGS:
        before = tree(post.mail / DOMAIN)
        aside = at.with_name("aside")
        at.rename(aside)
        thing(at, other)
        start = time.monotonic()
        code, mark = post.send(box, **how)
        assert time.monotonic() - start < 5, thing
        assert code in ((250,) if place == "cur" else WAITS), (thing, code)
        at.unlink()
        aside.rename(at)
        new = (box / place.split("/")[0] if place.startswith(".") and place != ".." else box) / "new"
        assert holds(new, mark) == (code == 250)
        if code != 250:
            assert tree(post.mail / DOMAIN) == before, thing
        code, mark = post.send(box, **how)
        assert code == 250 and holds(new, mark) == 1


def test_planted_marker(post):
    """maildirfolder as a link to what does not exist, and as another name of somebody's message."""
    for plant in (lambda at: at.symlink_to(post.victim / "made"),
                  lambda at: at.hardlink_to(next((post.victim / "new").iterdir())), os.mkfifo):
        box = post.new_user()
        assert post.send(box, spam=True)[0] == 250
        marker = box / ".Spam/maildirfolder"
        marker.unlink()
        plant(marker)
        before = tree(post.victim)
        code, mark = post.send(box, spam=True)
        assert code == 250 and holds(box / ".Spam/new", mark) == 1
        assert tree(post.victim) == before


def test_hard_links(post):
    """Names in tmp/ and new/ that are other names of somebody's messages: nothing is written to them."""
    box = post.new_user()
    assert post.send(box)[0] == 250
    for n, path in enumerate((post.victim / "new").iterdir()):
        for part in ("tmp", "new", "cur"):
            (box / part / f"{n}.{path.name}").hardlink_to(path)
    before = tree(post.victim)
    code, mark = post.send(box)
    assert code == 250 and holds(box / "new", mark) == 1
    assert tree(post.victim) == before


@pytest.mark.parametrize("place", [p for p in PLACES if p not in ("cur", "..")], ids=lambda place: place or "mailbox")
def test_rights(post, place):
    """A folder without rights, or somebody else's: mail waits, and arrives once that is mended."""
    how = PLACES[place]
    box = post.new_user()
    assert post.send(box)[0] == post.send(box, spam=True)[0] == 250
    post.folder(box, ".lists")
    at = box / place
    for mode, owner in ((0, USER), (0o500, USER), (0o700, "nobody"), (0o755, "root")):
        at.chmod(mode)
        shutil.chown(at, owner)
        code, mark = post.send(box, **how)
        # A folder's own parts are there: nothing need be written into it.
        may = mode & 0o500 and not (owner != USER and mode == 0o700) and place in ("", ".Spam", ".lists")
        assert code in ((250,) if may else WAITS), (oct(mode), owner, code)
        at.chmod(0o700)
        shutil.chown(at, USER)
        new = (box / place.split("/")[0] if place.startswith(".") else box) / "new"
        assert holds(new, mark) == (code == 250)
        code, mark = post.send(box, **how)
        assert code == 250 and holds(new, mark) == 1


def test_missing(post):
    """What is missing is made: the domain's folder, the mailbox, and each part of it."""
    domain = "missing.example"
    post.millrace.command("domain", "add", domain)
    box = post.new_user(domain)
    for gone in (box.parent, box, box / "tmp", box / "new", box / "cur"):
        assert post.send(box)[0] == 250
        shutil.rmtree(gone)
        code, mark = post.send(box)
        assert code == 250 and holds(box / "new", mark) == 1, gone


def test_no_dot_locks(post):
    """What a killed Dovecot, or anybody, left as a lock stops nothing, and none is made."""
    box = post.new_user()
    assert post.send(box)[0] == 250
    for name in ("dovecot-uidlist.lock", "dovecot.index.log.lock", "maildirsize.lock", ".lock", "new.lock"):
        (box / name).write_text("1:gone\n")
    start = time.monotonic()
    code, mark = post.send(box)
    assert code == 250 and holds(box / "new", mark) == 1
    assert time.monotonic() - start < 1
    assert len(list(box.glob("**/*lock"))) == 5


def test_at_once(post):
    """Eight deliveries at the same moment to a mailbox, and a folder, that do not exist yet."""
    for _ in range(5):
        box = post.new_user()
        start, said = threading.Barrier(8), []

        def deliver(spam, box=box, start=start, said=said):
            start.wait()
            said.append((spam, *post.send(box, spam=spam)))
        threads = [threading.Thread(target=deliver, args=(n % 2 == 1,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(said) == 8
        for spam, code, mark in said:
            assert code == 250 and holds(box / (".Spam/new" if spam else "new"), mark) == 1


@pytest.mark.soak
@pytest.mark.parametrize("place", ["", "tmp", "new", ".Spam", ".Spam/new"], ids=lambda place: place or "mailbox")
def test_race(post, place):
    """The folder and a link into somebody's mailbox change places all the time, while mail comes in."""
    box = post.new_user()
    how = PLACES[place]
    for spam in (False, True):
        assert post.send(box, spam=spam)[0] == 250
    at, aside = box / place, box.parent / f"aside-{box.name}"
    aside.symlink_to(post.victim / place)
    before, ending, swaps = tree(post.victim), threading.Event(), itertools.count()

    def swap():
        names = [ctypes.c_char_p(os.fsencode(path)) for path in (at, aside)]
        while not ending.is_set():
            assert _libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE) == 0
            next(swaps)
            time.sleep(0.0003)
    thread = threading.Thread(target=swap)
    thread.start()
    said = []
    end = time.monotonic() + RACE_S
    try:
        while time.monotonic() < end:
            said.append(post.send(box, **how))
    finally:
        ending.set()
        thread.join()
    if at.is_symlink():
        at.unlink()
        aside.rename(at)
    assert tree(post.victim) == before
    codes = {code for code, _ in said}
    assert codes <= {250, *WAITS} and len(codes) > 1, codes     # else there was no race
    new = (box / place.split("/")[0] if place.startswith(".") else box) / "new"
    for code, mark in said:
        assert holds(new, mark) == (code == 250), (code, mark)
    assert next(swaps) > 100
