"""The store on SQLite: several programs at once, one that holds it, kill -9, a full disk, rights."""
import os
import shutil
import signal
import smtplib
import sqlite3
import subprocess
import threading
import time

import pytest

from stack import LMTPD, ground, missing
from stack.millrace import COMMAND, Millrace

USER = "ann@example.org"


class Files:
    """A store in a folder, and lmtpd on it."""

    def __init__(self, build, path, store):
        self.millrace = Millrace(build, path, settings={"store": f"sqlite:{store}"})
        self.folder = store

    def argv(self, *words):
        """Of the operator's command."""
        return [self.millrace.bin / COMMAND, "-c", self.millrace.conf, *words]

    def run(self, *words):
        """Its exit code, as the programs' user."""
        return subprocess.run(self.argv(*words), check=False, capture_output=True, timeout=60, user="mail",
                              group="mail", extra_groups=[], cwd="/").returncode

    def code(self, address=USER):
        """What lmtpd says to RCPT."""
        with smtplib.LMTP(os.fspath(self.millrace.lmtp_socket)) as lmtp:
            lmtp.ehlo_or_helo_if_needed()
            lmtp.mail("bob@example.net")
            return lmtp.rcpt(address)[0]

    def users(self):
        """All of them, as the command lists them."""
        return {line.split()[0] for line in self.millrace.command("user", "list").splitlines()}


@pytest.fixture(name="files")
def _files(build):
    gone = missing(build, [LMTPD, COMMAND])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    with ground.Ground("files") as place:
        files = Files(build, place.path, place.path / "store")
        files.millrace.command("domain", "add", "example.org")
        files.millrace.command("user", "add", USER)
        files.millrace.start(LMTPD)
        try:
            yield files
        finally:
            files.millrace.stop()


def test_several_programs(files):
    """Four programs write while lmtpd reads: every user that was added is there, and nobody hears 4xx."""
    codes, failed, stop = set(), [], threading.Event()

    def ask():
        while not stop.is_set():
            codes.add(files.code())

    def add(writer):
        for i in range(15):
            if files.run("user", "add", f"w{writer}.{i}@example.org") != 0:
                failed.append((writer, i))
    reader = threading.Thread(target=ask)
    writers = [threading.Thread(target=add, args=(n,)) for n in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert not failed
    assert codes == {250}
    assert {f"w{n}.{i}@example.org" for n in range(4) for i in range(15)} <= files.users()


def test_writers_killed(files):
    """kill -9 of whoever writes, at any moment: what was said to be done is there, and the store is whole."""
    done, killed = set(), 0
    for i in range(40):
        address = f"k{i}@example.org"
        with subprocess.Popen(files.argv("user", "add", address), user="mail", group="mail", extra_groups=[],
                              cwd="/", stderr=subprocess.DEVNULL) as process:
            time.sleep(i * 0.0005)
            process.send_signal(signal.SIGKILL)
        if process.returncode == 0:
            done.add(address)
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 5, "none was killed in time"
    assert done <= files.users()
    assert "ok" in files.millrace.command("store", "check")
    assert files.code() == 250


def test_held(files):
    """Somebody holds the writer's lock: for a moment, and the others wait; for long, and they say so.
    Readers do not notice."""
    holder = sqlite3.connect(files.folder / "directory.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(2, lambda: holder.execute("ROLLBACK"))
    timer.start()
    start = time.monotonic()
    assert files.run("user", "add", "waits@example.org") == 0
    assert time.monotonic() - start > 1
    timer.join()
    holder.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    assert files.run("user", "add", "late@example.org") == 75
    assert time.monotonic() - start < 20
    assert files.code() == 250
    assert files.code("late@example.org") == 550
    holder.execute("ROLLBACK")
    assert files.run("user", "add", "late@example.org") == 0
    assert files.code("late@example.org") == 250
    holder.close()


def test_disk_full(build):
    """No room: exit code 75, nothing half done; lmtpd goes on; with room all is well."""
    with ground.Ground("full") as place:
        disk = place.path / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", disk], check=True)
        try:
            shutil.chown(disk, "mail", "mail")
            files = Files(build, place.path, disk / "store")
            files.millrace.command("domain", "add", "example.org")
            files.millrace.command("user", "add", USER)
            files.millrace.start(LMTPD)
            subprocess.run(["dd", "if=/dev/zero", f"of={disk}/ballast", "bs=4k"], check=False,
                           capture_output=True)
            codes = {}
            for i in range(200):
                codes[f"f{i}@example.org"] = files.run("user", "add", f"f{i}@example.org")
                if codes[f"f{i}@example.org"]:
                    break
            assert set(codes.values()) - {0} == {75}, codes
            assert files.code() == 250
            (disk / "ballast").unlink()
            assert files.run("user", "add", "after@example.org") == 0
            listed = files.users()
            for address, code in codes.items():
                assert (address in listed) == (code == 0), (address, code)
            assert files.code("after@example.org") == 250
            files.millrace.stop()
        finally:
            subprocess.run(["umount", "-l", disk], check=False)
