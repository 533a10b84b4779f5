"""A private rspamd: the installed programs and their default rules, a configuration folder of its own."""
import os
import shutil
from pathlib import Path

from stack.process import Daemon, DaemonFailed, wait_until

USER = "_rspamd"

# What asks others: DNS lists, sender authentication, fuzzy storage, neighbours. Ours does none of it.
NETWORK_MODULES = ("arc", "asn", "bimi", "dkim", "dkim_signing", "dmarc", "fuzzy_check", "greylist",
                   "mx_check", "neural", "once_received", "p0f", "ratelimit", "rbl", "replies",
                   "reputation", "rspamd_update", "spf", "surbl", "url_redirector", "whitelist",
                   "antivirus", "dcc", "external_services")


class Rspamd:
    """As Debian installs it: the milter's process hands each message to another, which scans. lean: one
    process does both, and what asks the network is off: the least that rspamd can cost with its own rules.
    Without Redis, which only override can name, there is no Bayes."""

    def __init__(self, folder, sockets, lean=False, override=None, listens=()):
        """sockets: in libmilter's form; all of them lead to the same processes. override: {name: text} of
        files of settings that go before the installed ones. listens: ports to wait for besides."""
        self.folder, self.sockets, self.lean = Path(folder), list(sockets), lean
        self.override = dict(override or {})
        for name in ("db", "run", "log"):
            path = self.folder / name
            path.mkdir(parents=True)
            shutil.chown(path, USER, USER)
        self._write()
        self.daemon = Daemon(
            "rspamd",
            ["/usr/bin/rspamd", "-f", "-u", USER, "-g", USER, "-c", "/etc/rspamd/rspamd.conf",
             *(f"--var={name}={value}" for name, value in (
                 ("LOCAL_CONFDIR", self.folder), ("DBDIR", self.folder / "db"),
                 ("RUNDIR", self.folder / "run"), ("LOGDIR", self.folder / "log")))],
            self.folder / "start.log", listens=[*map(_address, self.sockets), *listens], ready_s=60)

    def start(self):
        """Start it, twice: the first time it compiles its expressions, and one process of it goes on
        without them while the others have 150 MiB more than ever after."""
        try:
            self.daemon.start()
            wait_until(lambda: "to the hyperscan tree" in self.log(), 120, "rspamd compiles")
            self.daemon.stop()
            self.daemon.start()
        except DaemonFailed as error:
            raise DaemonFailed(f"{error}\n{self.log()[-3000:]}") from error

    def stop(self):
        """End it."""
        self.daemon.stop()

    @property
    def pid(self):
        """Of its main process."""
        return self.daemon.pid

    def log(self):
        """What it said."""
        return (self.folder / "log/rspamd.log").read_text(errors="replace")

    def _write(self):
        override = self.folder / "override.d"
        override.mkdir()
        binds = "".join(f"bind_socket = \"{_bind(s)}\";\n" for s in self.sockets)
        proxy = binds
        if self.lean:
            proxy += 'upstream "local" { default = yes; self_scan = yes; hosts = "localhost"; }\n'
            (override / "worker-normal.inc").write_text("enabled = false;\n")
            (override / "worker-controller.inc").write_text("enabled = false;\n")
            (override / "options.inc").write_text(
                'filters = "chartable,regexp";\ndns { nameserver = ["127.0.0.1"]; }\n')
            local = self.folder / "rspamd.conf.local.override"
            local.write_text("".join(f"{name} {{ enabled = false; }}\n" for name in NETWORK_MODULES))
        (override / "worker-proxy.inc").write_text(proxy)
        for name, text in self.override.items():
            (override / name).write_text(text)


def _bind(address):
    """rspamd's form of unix:PATH and inet:PORT@HOST."""
    kind, rest = address.split(":", 1)
    if kind == "unix":
        return f"{os.fspath(rest)} mode=0666"
    port, host = rest.split("@")
    return f"{host}:{port}"


def _address(address):
    kind, rest = address.split(":", 1)
    return Path(rest) if kind == "unix" else int(rest.split("@")[0])
