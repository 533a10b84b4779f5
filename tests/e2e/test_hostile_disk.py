"""A disk that is full, has no inodes left, is over its quota, or read-only: while mail comes in, what was
acknowledged is there, all else was told to wait, and nothing half is left; and once the disk is mended,
lmtpd goes on without a restart.

EDQUOT is the kernel's own: the quota of a btrfs subvolume (not every kernel has that of ext4)."""
import subprocess
import threading

import pytest

from stack import ground, missing, wait_until
from stack.disk import Disk
from stack.storm import DOMAIN, Client, Lmtpd, audit

CLIENTS = 3
PEOPLE = [f"user{n}" for n in range(6)]
EXT4 = ("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal")
# Each way that a message takes: size, spam, to whom.
WAYS = ((100, False, "user0"), (300_000, False, "user1"), (100, True, "user2"), (100, False, "fresh"))


class Full:
    """No blocks."""
    code = "452 4.3.1"      # RFC 3463 3.4: mail system full
    pause_s = 0

    def __init__(self, folder):
        self.disk = Disk(folder, mib=16, make=EXT4, options="loop")
        self.mail = self.disk.path / "mail"
        (self.disk.path / "ballast").write_bytes(b"x" * (6 << 20))

    def breaks(self):
        """Nothing: mail fills it."""

    def mend(self):
        """Whoever it was makes room."""
        (self.disk.path / "ballast").unlink()


class Inodes(Full):
    """Blocks, but no inodes."""

    def __init__(self, folder):
        self.disk = Disk(folder, mib=64, make=(*EXT4, "-N", "256"), options="loop")
        self.mail = self.disk.path / "mail"
        self.ballast = [self.disk.path / f"ballast{n}" for n in range(100)]
        for path in self.ballast:
            path.touch()

    def mend(self):
        for path in self.ballast:
            path.unlink()


class Quota(Full):
    """EDQUOT, on blocks and on inodes."""

    def __init__(self, folder):
        self.disk = Disk(folder, mib=256, make=("mkfs.btrfs", "-q"), options="loop")
        self.mail = self.disk.path / "mail"
        self._btrfs("quota", "enable", self.disk.path)
        self._btrfs("subvolume", "create", self.mail)
        self._btrfs("qgroup", "limit", "8M", self.mail)

    @staticmethod
    def _btrfs(*words):
        subprocess.run(["btrfs", *words], check=True, capture_output=True)

    def mend(self):
        self._btrfs("qgroup", "limit", "none", self.mail)


class ReadOnly(Full):
    """As an operator makes it, or the kernel when it meets an error."""
    code = "451 4"
    pause_s = 0.03      # there are moments without a file that is written

    def __init__(self, folder):
        self.disk = Disk(folder, mib=128)
        self.mail = self.disk.path / "mail"

    def breaks(self):
        wait_until(lambda: self.disk.remount("ro"), 20, "the disk is read-only", 0.001)

    def mend(self):
        assert self.disk.remount("rw")


@pytest.mark.parametrize("kind", [Full, Inodes, Quota, ReadOnly])
def test_disk(build, kind):
    """Under load until mail is put off; then each way that a message takes; then with the disk mended."""
    gone = missing(build, ["millrace-lmtpd", "millrace"])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    with ground.Ground("disk") as place:
        ill = kind(place.path)
        with ill.disk:
            lmtpd = Lmtpd(build, place.path, users=[*PEOPLE, "fresh"], mail=ill.mail)
            lmtpd.start()
            try:
                lmtpd.wait_ready()
                _deliver(ill, lmtpd)
            finally:
                assert lmtpd.end(15) == 0


def _deliver(ill, lmtpd):
    ending = threading.Event()
    clients = [Client(n, lmtpd.socket, ending, PEOPLE, spam=0.2, deferred=True, pause_s=ill.pause_s)
               for n in range(CLIENTS)]
    hand = Client(CLIENTS, lmtpd.socket, ending, [], deferred=True)
    for client in clients:
        client.start()
    try:
        wait_until(lambda: sum(len(c.offered) for c in clients) > 20, 20, "mail comes in")
        ill.breaks()
        wait_until(lambda: sum(c.put_off.total() for c in clients) > 10, 60, "mail is put off")
    finally:
        ending.set()
        for client in clients:
            client.join()
    everybody = [*clients, hand]
    for count in range(4000):       # until there is no room for the smallest one either
        if not hand.offer(f"last-{count}", {"user0"}, 100):
            break
    for number, (size, spam, local) in enumerate(WAYS):
        assert not hand.offer(f"way-{number}", {local}, size, spam)
    said = set().union(*(c.put_off for c in everybody))
    assert {line[:len(ill.code)] for line in said} == {ill.code}, said
    print(f"{type(ill).__name__}: {audit(ill.mail, everybody, set())}")
    assert not list(ill.mail.glob(f"{DOMAIN}/**/tmp/*"))
    ill.mend()
    for number, (size, spam, local) in enumerate(WAYS):
        assert hand.offer(f"way-{number}", {local}, size, spam), hand.put_off
    audit(ill.mail, everybody, set())
