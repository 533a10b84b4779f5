"""What `make install` puts down works as it stands: users and folders as sysusers.d and tmpfiles.d say,
daemons as the units start them (their line, capabilities, umask), a real Postfix that reaches the
sockets by its groups, and an operator who is root.

Everything is below a folder of ours, and so are the paths in the settings; users are in an /etc/passwd
that the jail alone sees.
"""
import pwd
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from stack import COMMAND, LMTPD, MAPD, SPAM, Daemon, System, ground, jail, letter, missing, wait_until
from stack.process import run

TOP = Path(__file__).resolve().parents[2]
USERS = {SPAM: "millrace-spam", LMTPD: "millrace-mail", MAPD: "millrace-map"}


class Installed:
    """One installation."""

    def __init__(self, build, root):
        self.root, self.daemons = root, {}
        run([TOP / "tools/dev/install.sh", build, root, "/usr"], cwd=TOP)
        (root / "etc/millrace").mkdir(parents=True)
        for name in ("passwd", "group"):
            shutil.copy(f"/etc/{name}", root / "etc" / name)
        run(["systemd-sysusers", f"--root={root}"])
        run(["systemd-tmpfiles", f"--root={root}", "--create"])
        groups = re.sub(r"^(millrace-(?:spam|mail|map):.*:)$", r"\1postfix",
                        (root / "etc/group").read_text(), flags=re.MULTILINE)
        jail.private_file("/etc/group", groups)
        jail.private_file("/etc/passwd", (root / "etc/passwd").read_text())
        # RuntimeDirectory=millrace, RuntimeDirectoryMode=0755, no User=.
        (root / "run/millrace").mkdir(parents=True)
        (root / "notify").mkdir()
        (root / "notify").chmod(0o777)
        self.conf = root / "etc/millrace/millrace.conf"
        sample = (root / "usr/share/doc/millrace/millrace.conf.sample").read_text()
        # A default that is a path of ours becomes one below root; all others stay comments.
        self.conf.write_text(re.sub(r"^#(\w+ = .*?)(?=/(?:run|var/lib|var/mail)/millrace)",
                                    rf"\1{root}", sample, flags=re.MULTILINE)
                             + "spool_memory_max = 4096\n")

    def path(self, name):
        """Where an absolute path is here."""
        return self.root / name.lstrip("/")

    def unit(self, program, name):
        """The value of a line of its unit."""
        text = self.path(f"usr/lib/systemd/system/{program}.service").read_text()
        return re.search(rf"^{name}=(.*)$", text, re.MULTILINE).group(1)

    def limited(self, program):
        """What a command of its unit is run under, without the name of the command."""
        bounding = "-all" + "".join(f",+{c.removeprefix('CAP_').lower()}"
                                    for c in self.unit(program, "CapabilityBoundingSet").split())
        assert self.unit(program, "NoNewPrivileges") == "yes"
        return ["setpriv", f"--bounding-set={bounding}", "--no-new-privs",
                "sh", "-c", f'umask {self.unit(program, "UMask")}; exec "$@"', "sh"]

    def reload(self, program):
        """As its unit does."""
        words = self.unit(program, "ExecReload").split()
        run([*self.limited(program), self.path(words[0]), "-c", self.conf, *words[1:]])

    def start(self, program, socket):
        """As its unit does."""
        words = self.unit(program, "ExecStart").split()
        daemon = Daemon(program, [*self.limited(program), self.path(words[0]), *words[1:],
                                  "-c", self.conf, "-d"],
                        self.root / f"{program}.log", listens=[self.path(socket)],
                        notify=self.root / f"notify/{program}")
        self.daemons[program] = daemon
        return daemon.start()

    def command(self, *words):
        """As root."""
        return run([self.path(f"usr/bin/{COMMAND}"), "-c", self.conf, *words]).stdout

    def logs(self):
        """For an error text."""
        return "\n".join(daemon.tail() for daemon in self.daemons.values())


class Around(System):
    """Postfix around an installation: our daemons are not its own."""

    def programs(self):
        return []


def score(text):
    """X-Spam-Score of a message."""
    return float(re.search(r"^X-Spam-Score: (\S+)$", text, re.MULTILINE).group(1))


@pytest.fixture
def installed(build):
    """An installation whose daemons run."""
    gone = missing(build, [SPAM, LMTPD, MAPD, COMMAND])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    for tool in ("systemd-sysusers", "systemd-tmpfiles"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} missing")
    with ground.Ground() as place:
        made = Installed(build, place.folder("root"))
        try:
            made.command("domain", "add", "example.org")     # makes the store
            made.command("user", "add", "alice@example.org")
            made.start(SPAM, "/run/millrace/spam.sock")
            made.start(LMTPD, "/run/millrace/lmtp.sock")
            made.command("store", "init")      # mapd writes to groups that no domain is in
            made.start(MAPD, "/run/millrace/map.sock")
            yield made
        finally:
            for daemon in made.daemons.values():
                daemon.stop()


def test_rights(installed):
    """Each daemon is its user; the sockets are for its group; no stranger may look into the state."""
    for program, user in USERS.items():
        status = Path(f"/proc/{installed.daemons[program].pid}/status").read_text()
        uid = pwd.getpwnam(user).pw_uid
        assert re.search(rf"^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    for name, user in (("spam", "millrace-spam"), ("lmtp", "millrace-mail"), ("map", "millrace-map")):
        path = installed.path(f"run/millrace/{name}.sock")
        assert (path.owner(), path.group()) == (user, user)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    for path in ("var/lib/millrace", "var/lib/millrace/spool", "var/mail/millrace"):
        looked = subprocess.run(["ls", installed.path(path)], user="nobody", group="nogroup",
                                extra_groups=[], capture_output=True, check=False)
        assert looked.returncode != 0, path


# Who does what with the files of which group; root all.
RIGHTS = {"directory": {"millrace-mail": "read", "millrace-map": "read", "millrace-spam": "read"},
          "senders": {"millrace-mail": "read", "millrace-spam": "read"},
          "spam": {"millrace-mail": "read", "millrace-spam": "read"},
          "quota": {"millrace-mail": "write", "millrace-map": "write"},
          "limits": {"millrace-mail": "write", "millrace-map": "write"}}
TRY = """
import os, sqlite3, sys
path, right = sys.argv[1], "none"
try:
    db = sqlite3.connect(f"file:{path}?mode=rw", uri=True)
    db.execute("SELECT * FROM schema_version").fetchall()
    right = "read"
    db.execute("UPDATE schema_version SET version = version")
    db.commit()
    right = "write"
except sqlite3.Error:
    pass
if os.access(os.path.dirname(path), os.W_OK) and right != "write":
    right = "may replace it"
print(right)
"""


def test_store_rights(installed):
    """Each group of the store is for its programs alone, read where they read, and nobody else's."""
    installed.command("store", "init")
    there = {path.stem for path in installed.path("var/lib/millrace").glob("*/*.db")}
    assert there and there <= set(RIGHTS)
    got, want = {}, {}
    for group in there:
        path = installed.path(f"var/lib/millrace/{group}/{group}.db")
        for user in (*USERS.values(), "postfix", "nobody"):
            got[group, user] = run(["setpriv", f"--reuid={user}", f"--regid={user if user != 'nobody' else 'nogroup'}",
                                    "--init-groups", "/usr/bin/python3", "-c", TRY, path]).stdout.strip()
            want[group, user] = RIGHTS[group].get(user, "none")
    assert got == want


def test_works(installed, build):
    """Operator, Postfix, milter, delivery, learning, reload: mail arrives, scored, before and after."""
    listens = {"spam_listen": f"unix:{installed.path('run/millrace/spam.sock')}",
               "lmtp_listen": [f"unix:{installed.path('run/millrace/lmtp.sock')}"],
                "map_listen": [f"unix:{installed.path('run/millrace/map.sock')}"]}
    with Around(build, "postfix", spam=True, deliver="lmtpd", settings=listens,
                own_users=False, mapd=True) as system:
        mailbox = installed.path("var/mail/millrace/example.org/alice")

        def arrived():
            return {*mailbox.glob("new/*"), *mailbox.glob(".Spam/new/*")}

        def arrive(subject, body):
            seen = arrived()
            outcome = system.send("bob@example.net", "alice@example.org", letter(subject, body))
            assert outcome.accepted, outcome
            path, = wait_until(lambda: arrived() - seen, 30,
                               lambda: f"{system.logs()}\n{installed.logs()}")
            assert path.owner() == "millrace-mail"
            return path, path.read_text()

        path, text = arrive("Small", "The train leaves at ten past nine.\n")
        assert "X-Spam-Flag: NO" in text
        assert system.send("bob@example.net", "zoe@example.org", letter("Nobody", "x")).code == 550
        # Beyond spool_memory_max it lies in the spool folder.
        _, text = arrive("Large", "The train leaves at ten past nine.\n" * 3000)
        assert "X-Spam-Flag: NO" in text

        # The built-in model takes it for good already: a lesson that says so would teach it nothing.
        installed.command("spam", "learn", "--spam", path)
        for program in USERS:
            installed.reload(program)
        assert installed.path("var/lib/millrace/spam.model").exists()
        for daemon in installed.daemons.values():
            wait_until(lambda d=daemon: "settings reloaded" in d.tail(), 10, installed.logs)
        # The same letter again: it was taught as spam, so it has more points.
        before = score(path.read_text())
        _, text = arrive("Small", "The train leaves at ten past nine.\n")
        assert score(text) > before
        for program in USERS:
            assert program in installed.command("status"), program
        assert all(daemon.alive for daemon in installed.daemons.values())
        assert "denied" not in installed.logs().lower(), installed.logs()
