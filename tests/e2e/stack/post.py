"""lmtpd alone, as it runs in service: sandboxed, as one user. No MTA: a test is the client."""
import contextlib
import itertools
import os
import shutil
import smtplib

import pytest

from . import ground
from .millrace import COMMAND, LMTPD, Millrace, missing

USER = "mail"
DOMAIN = "example.org"


class Post:
    """lmtpd, and its users."""

    def __init__(self, build, folder, settings=None):
        self.millrace = Millrace(build, folder, user=USER, settings=settings)
        self.millrace.command("domain", "add", DOMAIN)
        self.mail = self.millrace.mail
        self.names = (f"u{n}" for n in itertools.count())
        self.marks = itertools.count()
        self.victim = self.new_user()
        self.millrace.start(LMTPD)

    @classmethod
    @contextlib.contextmanager
    def up(cls, build, settings=None):
        """One that runs; skips if a program is not built. settings: for millrace.conf."""
        gone = missing(build, [LMTPD, COMMAND])
        if gone:
            pytest.skip(f"binary missing: {', '.join(gone)}")
        with ground.Ground("post") as place:
            post = cls(build, place.path, settings)
            try:
                yield post
            finally:
                post.millrace.stop()

    def new_user(self, domain=DOMAIN):
        """The path of the mailbox."""
        local = next(self.names)
        self.millrace.command("user", "add", f"{local}@{domain}")
        return self.mail / domain / local

    def folder(self, box, name):
        """One that the user has made."""
        for part in ("", "tmp", "new", "cur"):
            (box / name / part).mkdir()
            shutil.chown(box / name / part, USER, USER)

    def connect(self):
        """A connection to lmtpd."""
        return smtplib.LMTP(os.fspath(self.millrace.lmtp_socket), local_hostname="test", timeout=60)

    def send(self, box, spam=False, folder=None):
        """Code of the answer, and the mark that is in the message."""
        mark = f"mark-{next(self.marks)}-"
        head = "X-Spam-Flag: YES\r\nReceived: by the test\r\n" if spam else ""
        to = f"{box.name}{'+' + folder if folder else ''}@{box.parent.name}"
        with self.connect() as lmtp:
            lmtp.ehlo_or_helo_if_needed()
            assert lmtp.mail("bob@example.net")[0] == 250
            assert lmtp.rcpt(to)[0] == 250
            return lmtp.data(f"{head}Subject: {mark}\r\n\r\n{mark}\r\n".encode())[0], mark


def holds(folder, mark):
    """How many files there have the mark."""
    return sum(mark.encode() in path.read_bytes() for path in folder.iterdir() if path.is_file())
