"""A disk of its own for a test: a file system in a file, on a loop device, in the jail's own mounts. It can
be full, without inodes, read-only; and lose its power."""
import fcntl
import os
import shutil
import stat
import struct
import subprocess
from pathlib import Path

import pytest

from . import jail

_EXT4_IOC_SHUTDOWN, _NOLOGFLUSH = 0x8004587D, 2     # linux/ext4.h: _IOR('X', 125, __u32)
_LOOP_MAJOR, _LOOPS = 7, 32


class Disk:
    """A file system in a file below folder; skips the test where the machine has no loop device."""

    def __init__(self, folder, *, mib=64, owner=None, make=("mkfs.ext4", "-q", "-F"),
                 options="loop,commit=300"):
        """owner: of its root. make: the command, without the file. options: by default nothing is written
        by itself for 300 s: what is kept then was synced."""
        self.image, self.path = Path(folder) / "image", Path(folder) / "disk"
        self.path.mkdir()
        _make_devices()
        with open(self.image, "wb") as file:
            file.truncate(mib << 20)
        subprocess.run([*make, self.image], check=True, capture_output=True)
        self.options, self.mounted = options, False
        done = self._mount()
        if done.returncode != 0:
            pytest.skip(f"no loop device to mount: {done.stderr.strip()}")
        if owner:
            shutil.chown(self.path, owner, owner)

    def _mount(self):
        done = subprocess.run(["mount", "-o", self.options, self.image, self.path], check=False,
                              capture_output=True, text=True)
        self.mounted = done.returncode == 0
        return done

    def remount(self, options):
        """mount -o remount,OPTIONS; whether it was done: ro needs a moment when no file is open to be written."""
        return subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=False,
                              capture_output=True).returncode == 0

    def cut(self):
        """The power goes: from now on nothing reaches the disk, and what was only in memory is lost, the
        journal's newest part too."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NOLOGFLUSH))
        finally:
            os.close(fd)

    def power(self):
        """It is back: what the journal has is replayed. Nobody may have a file open on it."""
        self.unmount()
        done = self._mount()
        assert done.returncode == 0, done.stderr

    def check(self):
        """Unmounts it; fsck finds nothing wrong."""
        self.unmount()
        done = subprocess.run(["fsck.ext4", "-fn", self.image], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout

    def unmount(self, lazy=False):
        """lazy: whoever has files open on it keeps them."""
        if self.mounted:
            subprocess.run(["umount", *(["-l"] if lazy else []), self.path], check=True)
            self.mounted = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unmount(lazy=True)


def _make_devices():
    """The jail's own /dev has none of the machine's disks."""
    for n in range(_LOOPS if jail.inside() else 0):
        if not os.path.exists(f"/dev/loop{n}"):
            os.mknod(f"/dev/loop{n}", stat.S_IFBLK | 0o600, os.makedev(_LOOP_MAJOR, n))
