"""cut.py BUILD: see run.sh. Prints Markdown."""
import os
import re
import shutil
import smtplib
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e"))
from stack import LMTPD, ground, jail    # noqa: E402
from stack.disk import Disk    # noqa: E402
from stack.dovecot import Dovecot    # noqa: E402
from stack.millrace import Millrace    # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "20"))
CLIENTS, PEOPLE = 8, 20
RUN_S = 0.6
OWNER, DOMAIN = "mail", "example.org"
MARK = re.compile(rb"^X-Mark: (\S+)$", re.MULTILINE)


class Lmtp:
    """Delivers by LMTP, over one connection for each client."""

    def connect(self):
        """A function: deliver(mark, local); an exception: not acknowledged."""
        lmtp = smtplib.LMTP(os.fspath(self.socket), local_hostname="bench", timeout=20)

        def deliver(mark, local):
            lmtp.sendmail("s@example.net", f"{local}@{DOMAIN}", _message(mark))
        return deliver


class Ours(Lmtp):
    """millrace-lmtpd."""
    name = "millrace-lmtpd"

    def __init__(self, build, folder, mail):
        self.millrace = Millrace(build, folder, settings={"mail_dir": mail})
        self.socket = self.millrace.lmtp_socket
        self.millrace.command("domain", "add", DOMAIN)
        for n in range(PEOPLE):
            self.millrace.command("user", "add", f"user{n}@{DOMAIN}")

    def start(self):
        self.millrace.start(LMTPD)

    def kill(self):
        """With whatever it has in its hands."""
        self.millrace.daemons[LMTPD].kill()


class Theirs(Lmtp):
    """Dovecot's LMTP."""
    name = "Dovecot LMTP"

    def __init__(self, _build, folder, mail):
        self.dovecot = Dovecot(folder, mail, ground.free_port(), OWNER)
        self.socket = self.dovecot.lmtp_socket

    def start(self):
        self.dovecot.start()
        for n in range(PEOPLE):
            self.dovecot.add_user(f"user{n}@{DOMAIN}", "secret")

    def kill(self):
        """Dovecot is many processes, all of them in its group."""
        self.dovecot.stop()


class Maildrop:
    """By pipe: exit status 0 is the acknowledgement."""
    name = "maildrop"

    def __init__(self, _build, folder, mail):
        self.folder, self.mail = folder, mail

    def start(self):
        """It makes no mailbox by itself."""
        for n in range(PEOPLE):
            for sub in ("", "tmp", "new", "cur"):
                path = self.mail / f"user{n}" / sub
                path.mkdir(parents=True, exist_ok=True)
                shutil.chown(path, OWNER, OWNER)
            rules = self.folder / f"user{n}.rules"
            rules.write_text(f'to "{self.mail}/user{n}"\n')
            shutil.chown(rules, OWNER, OWNER)
            rules.chmod(0o600)
        os.sync()

    def connect(self):
        def deliver(mark, local):
            subprocess.run(["/usr/bin/maildrop", "-f", "s@example.net", self.folder / f"{local}.rules"],
                           input=_message(mark).encode(), user=OWNER, group=OWNER, extra_groups=[], check=True,
                           capture_output=True, timeout=20, cwd="/")
        return deliver

    def kill(self):
        """Each process ends by itself."""


def _message(mark):
    return f"X-Mark: {mark}\r\nSubject: cut\r\n\r\n" + "the quick brown fox\r\n" * 100 + f"end of {mark}\r\n"


def _client(deliverer, number, ending, acknowledged):
    deliver, count = None, 0
    while not ending.is_set():
        count += 1
        mark = f"{number}-{count}"
        try:
            deliver = deliver or deliverer.connect()
            deliver(mark, f"user{(number * 7 + count) % PEOPLE}")
            acknowledged.append(mark)
        except (OSError, subprocess.SubprocessError):
            deliver = None
            time.sleep(0.01)


def one_round(disk, deliverer, number, acknowledged):
    """Load, cut, power."""
    deliverer.start()
    ending, threads = threading.Event(), []
    for n in range(CLIENTS):
        threads.append(threading.Thread(target=_client, args=(deliverer, number * CLIENTS + n, ending, acknowledged)))
        threads[-1].start()
    time.sleep(RUN_S)
    disk.cut()
    ending.set()
    for thread in threads:
        thread.join()
    deliverer.kill()
    disk.power()


def count(mail, acknowledged):
    """(acknowledged, lost, broken: there, and not whole)"""
    whole, broken = set(), 0
    for path in mail.glob("**/*"):
        if not path.is_file() or path.parent.name not in ("new", "cur"):
            continue
        content = path.read_bytes()
        mark = MARK.search(content.replace(b"\r\n", b"\n"))
        if mark and f"end of {mark[1].decode()}".encode() in content:
            whole.add(mark[1].decode())
        else:
            broken += 1
    return len(acknowledged), len(set(acknowledged) - whole), broken


def main(build):
    """The table."""
    jail.enter(net=True)
    print(f"| {ROUNDS} cuts | acknowledged | lost | there, and not whole |\n|---|--:|--:|--:|")
    for kind in (Ours, Theirs, Maildrop):
        with ground.Ground("cut") as place, Disk(place.path, mib=512) as disk:
            mail = disk.path / "mail"
            mail.mkdir()
            shutil.chown(mail, OWNER, OWNER)
            deliverer = kind(Path(build).resolve(), place.folder("home"), mail)
            os.sync()
            acknowledged = []
            for number in range(ROUNDS):
                one_round(disk, deliverer, number, acknowledged)
            print(f"| {kind.name} | {' | '.join(f'{n:,}' for n in count(mail, acknowledged))} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
