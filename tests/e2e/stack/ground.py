"""The ground: the one folder that a private mail system lives in, and the addresses it listens on.

Folders are under /var/lib/millrace-e2e: the path is short (a unix socket's has 107 bytes), root owns
every folder on the way (sendmail quietly does without a milter whose socket is below a folder that
anyone may write to), and other users may pass (a checkout in a home of mode 0700 would not do).
"""
import fcntl
import os
import shutil
import socket
import tempfile
from pathlib import Path

BASE = Path("/var/lib/millrace-e2e")


class InUse(Exception):
    """An address is somebody else's: the next test would talk to the wrong server."""


class Ground:
    """A folder that is ours while this process lives. Use as a context manager, or call remove()."""

    def __init__(self, name=None):
        """name: what the folder is called, if nobody else has taken that."""
        BASE.mkdir(mode=0o755, parents=True, exist_ok=True)
        with open(BASE / ".lock", "w", encoding="ascii") as base_lock:
            fcntl.flock(base_lock, fcntl.LOCK_EX)
            _sweep()
            if name and not (BASE / name).exists():
                self.path = BASE / name
                self.path.mkdir()
            else:
                self.path = Path(tempfile.mkdtemp(dir=BASE, prefix=f"{name or 't'}-"))
            self.path.chmod(0o755)
            self._lock = open(self.path / "lock", "w", encoding="ascii")
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def folder(self, name, mode=0o755, user=None):
        """A folder of that name below, made if it is missing."""
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if user:
            shutil.chown(path, user, user)
        return path

    def remove(self):
        """Delete the folder and everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


def _sweep():
    """Remove folders whose process is gone: it was killed before it could."""
    for path in BASE.iterdir():
        if not path.is_dir():
            continue
        try:
            with open(path / "lock", "w", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            continue


def free_port():
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def refuse_in_use(address):
    """Raise InUse if someone listens on address, a port of 127.0.0.1 or the path of a unix socket."""
    if isinstance(address, int):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", address))
            except OSError as error:
                raise InUse(f"127.0.0.1:{address} is in use: {error.strerror}") from error
    elif answers(address):
        raise InUse(f"{address} is in use")


def answers(address):
    """Whether someone accepts connections at a port of 127.0.0.1 or at the path of a unix socket."""
    family = socket.AF_INET if isinstance(address, int) else socket.AF_UNIX
    with socket.socket(family) as sock:
        sock.settimeout(2)
        try:
            sock.connect(("127.0.0.1", address) if family == socket.AF_INET else os.fspath(address))
            return True
        except OSError:
            return False
