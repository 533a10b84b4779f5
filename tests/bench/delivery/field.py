"""The servers that deliver, all of them there all the time, so that short runs can take turns."""
import json
import subprocess
from pathlib import Path

from common import cpu
from stack import LMTPD, ground
from stack.dovecot import Dovecot
from stack.millrace import Millrace

USER = "ann@example.org"
OWNER = "mail"      # of the mailboxes, whoever delivers
LOG_TAIL = 2000     # characters of a log, when something fails

# Who delivers for Dovecot asks it about the user, and runs as the owner of the mailboxes.
FOR_LDA = """\
protocol lda {{
  log_path = {folder}/lda.log
}}
service auth {{
  unix_listener auth-userdb {{
    mode = 0600
    user = {user}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0600
    user = {user}
  }}
}}
"""


class Field:
    """Use as a context manager. reader: a second Dovecot, which serves our mailboxes by IMAP."""

    def __init__(self, build):
        self.build, self.ground = Path(build).resolve(), ground.Ground()
        self.ours = Millrace(build, self.ground.folder("millrace"))
        self.dovecot = self._dovecot("dovecot", self.ground.folder("dovecot-mail", user=OWNER))
        self.reader = self._dovecot("reader", self.ours.mail)
        self.maildrop = self.ground.folder("maildrop", user=OWNER)
        self._away, self._emptied = self.ground.folder("away"), 0
        self.virtual = self.ground.folder("virtual", user=OWNER)

    def _dovecot(self, name, mail):
        folder = self.ground.folder(name, user=OWNER)
        return Dovecot(folder, mail, ground.free_port(), OWNER,
                       more=FOR_LDA.format(user=OWNER, folder=folder))

    def __enter__(self):
        try:
            self.ours.command("domain", "add", USER.partition("@")[2])
            self.ours.command("user", "add", USER)
            self.ours.start(LMTPD)
            for one in (self.dovecot, self.reader):
                one.start()
                one.add_user(USER, "secret")    # its static userdb asks the passdb
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for one in (self.ours, self.dovecot, self.reader):
            one.stop()
        self.ground.remove()

    @property
    def lmtpd_pid(self):
        """Of our server."""
        return self.ours.daemons[LMTPD].pid

    def empty(self):
        """Put all mailboxes away. Not removed: for a minute ext4 would look for other inodes than those
        just freed, in each delivery, and that was half of its CPU."""
        for mail in (self.ours.mail, self.dovecot.mail, self.maildrop, self.virtual):
            for path in mail.iterdir():
                self._emptied += 1
                path.rename(self._away / str(self._emptied))

    def load(self, program, *words):
        """Run smtp_load or pipe_load; what it says. Everything must have been delivered."""
        argv = [str(word) for word in (self.build / "bin" / program, *words)]
        out = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=300, check=False)
        if out.returncode != 0:
            log = (self.dovecot.folder / "dovecot.log").read_text(errors="replace")
            raise RuntimeError(f"{' '.join(argv)}: {out.stdout} {out.stderr}\n{log[-LOG_TAIL:]}")
        return json.loads(out.stdout)


class Meter:
    """CPU of process trees while it is entered. Afterwards: cpu_ms."""

    def __init__(self, *roots, quiet=True):
        self.roots, self.quiet, self.cpu_ms = roots, quiet, 0.0

    def _seconds(self):
        return sum(cpu.seconds(root) for root in self.roots)

    def __enter__(self):
        self._before = self._seconds()
        return self

    def __exit__(self, kind, *_):
        if kind is None and self.quiet:     # what goes on after the last answer is a part of it
            for root in self.roots:
                cpu.wait_quiet(root, used_max=0.0005, every_s=0.05, seconds_max=3)
        self.cpu_ms = 1000 * (self._seconds() - self._before)
