"""Our own programs: one millrace.conf, one daemon each, and the operator's command."""
import json
import os
import shutil
import signal
import socket
from pathlib import Path

from .process import Daemon, run

SPAM, LMTPD, MAPD, SRSD, DELIVER, COMMAND = ("millrace-spam", "millrace-lmtpd", "millrace-mapd", "millrace-srsd",
                                             "millrace-deliver",
                                       "millrace")


def missing(build, names):
    """Which of the named programs are not built."""
    return [name for name in names if not (Path(build) / "bin" / name).exists()]


class Millrace:
    """The programs of one build, in one folder."""

    def __init__(self, build, folder, *, user="mail", settings=None):
        """settings: more lines for millrace.conf, or other values for those below."""
        self.folder, self.user = Path(folder), user
        self.bin = self._copy_programs(Path(build) / "bin")
        self.conf = self.folder / "millrace.conf"
        self.spam_socket = self.folder / "run/spam.sock"
        self.lmtp_socket = self.folder / "run/lmtp.sock"
        self.map_socket = self.folder / "run/map.sock"
        self.policy_socket = self.folder / "run/policy.sock"
        self.mail = self.folder / "mail"
        self.settings = {
            "run_dir": self.folder / "run",
            "store": f"sqlite:{self.folder}/store",
            "user": user,
            "spool_dir": self.folder / "spool",
            "spam_model": self.folder / "store/spam.model",
            "spam_listen": f"unix:{self.spam_socket}",
            "spam_socket_mode": "0666",
            "lmtp_listen": [f"unix:{self.lmtp_socket}"],
            "lmtp_socket_mode": "0666",
            "map_listen": [f"unix:{self.map_socket}"],
            "map_socket_mode": "0666",
            "policy_listen": [f"unix:{self.policy_socket}"],
            "srs_socket": f"unix:{self.folder}/run/srs.sock",
            "srs_secret": self.folder / "srs.secret",
            "mail_dir": self.mail,
            "authserv_id": "mx.example.org",
            **(settings or {})}
        for name in ("run", "store", "spool", "mail", "notify"):
            path = self.folder / name
            path.mkdir(exist_ok=True)
            shutil.chown(path, user, user)
        self.daemons = {}
        self.write_conf()

    def _copy_programs(self, source):
        """Other users must be able to start them, wherever the checkout is; and a build while they
        run must not matter."""
        target = self.folder / "bin"
        target.mkdir(exist_ok=True)
        for name in (SPAM, LMTPD, MAPD, SRSD, DELIVER, COMMAND):
            if (source / name).exists():
                shutil.copy(source / name, target / name)
        return target

    def write_conf(self, **changes):
        """Write millrace.conf again, with changed settings; daemons see it at start or reload."""
        self.settings.update(changes)
        self.conf.write_text("".join(f"{name} = {_value(value)}\n"
                                     for name, value in self.settings.items()))

    def start(self, program):
        """Start a daemon; it serves when this returns."""
        if program not in self.daemons:
            self.daemons[program] = Daemon(
                program, [self.bin / program, "-c", self.conf, "-d"], self.folder / f"{program}.log",
                listens=self._listens(program), notify=self.folder / f"notify/{program}")
        return self.daemons[program].start()

    def stop(self):
        """Stop all daemons."""
        for daemon in self.daemons.values():
            daemon.stop()

    def reload(self, program):
        """SIGHUP: read the settings (and the model) again."""
        self.daemons[program].signal(signal.SIGHUP)

    def control(self, program, line):
        """Say line to a daemon's control socket (mr_control.h); returns the lines of its answer.
        AssertionError if the last one is not OK."""
        path = self.folder / "run" / f"{program.removeprefix('millrace-')}.ctl"
        lines = []
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(os.fspath(path))
            sock.sendall(line.encode() + b"\n")
            for answer in sock.makefile(encoding="utf-8"):
                if not answer.startswith(" "):
                    assert answer == "OK\n", f"{program}: {line}: {answer}"
                    return lines
                lines.append(answer.strip())
        raise AssertionError(f"{program}: {line}: it closed after {lines}")

    def command(self, *words):
        """Run `millrace -c FILE WORDS`, return what it prints. It runs as the programs' user: what it
        makes in the store must be theirs."""
        return run([self.bin / COMMAND, "-c", self.conf, *words], user=self.user, group=self.user,
                   extra_groups=[], env=dict(os.environ, LC_ALL="C.UTF-8")).stdout

    def command_json(self, *words):
        """The same with --json, read."""
        return json.loads(self.command(*words, "--json"))

    def lmtp_address(self):
        """The first address of lmtpd, as mta.Delivery wants it."""
        return self._listens(LMTPD)[0]

    def map_address(self):
        """The first address of mapd's maps, a path."""
        return _address(self.settings["map_listen"][0])

    def deliver_argv(self):
        """millrace-deliver's command line for an MTA; see mta.Delivery.pipe."""
        return [self.bin / DELIVER, "-c", self.conf, "-r", "{recipient}", "-f", "{sender}",
                "-q", "{queue_id}"]

    def log(self, program):
        """What a daemon said so far."""
        path = self.folder / f"{program}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _listens(self, program):
        wanted = {SPAM: [self.settings["spam_listen"]], LMTPD: self.settings["lmtp_listen"],
                  MAPD: self.settings["map_listen"], SRSD: [self.settings["srs_socket"]]}
        return [_address(text) for text in wanted.get(program, [])]


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(_value(v) for v in value) + "}"
    text = os.fspath(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _address(text):
    """unix:PATH, inet:HOST:PORT (ours) or inet:PORT@HOST (libmilter's) as ground.answers() wants it."""
    kind, rest = text.split(":", 1)
    if kind == "unix":
        return Path(rest)
    return int(rest.split("@")[0] if "@" in rest else rest.rsplit(":", 1)[1])
