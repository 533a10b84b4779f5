"""Filters of others, as Debian has them: what they write is what ours have to read."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from .client import wire
from .mta import Milter
from .process import Daemon, DaemonFailed, wait_until


class Opendkim:
    """opendkim as a verifier."""
    program = "/usr/sbin/opendkim"
    tools = "/usr/sbin/opendkim-testmsg", "/usr/sbin/opendkim-genkey"

    @classmethod
    def installed(cls):
        """Whether it is here, and its tools."""
        return all(os.path.exists(path) for path in (cls.program, *cls.tools))

    def __init__(self, folder, authserv_id):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.socket = self.folder / "opendkim.sock"
        conf = self.folder / "opendkim.conf"
        conf.write_text(f"Socket local:{self.socket}\nMode v\nSyslog no\nLogWhy no\nUMask 000\n"
                        f"AuthservID {authserv_id}\nAlwaysAddARHeader yes\nNameservers 127.0.0.1\n"
                        "RequireSafeKeys no\nInternalHosts 203.0.113.1\n"
                        # Without these it leaves forged fields where they are.
                        f"RemoveARAll yes\nRemoveARFrom {authserv_id}\n")
        self.daemon = Daemon("opendkim", [self.program, "-f", "-x", conf], self.folder / "log",
                             listens=[self.socket])

    def milter(self):
        """For a System."""
        return Milter("opendkim", f"unix:{self.socket}")

    def start(self):
        """Start it."""
        self.daemon.start()

    def stop(self):
        """End it."""
        self.daemon.stop()


class Rspamd:
    """rspamd: SPF, DKIM, ARC and DMARC, and the field that tells of them; one process that scans."""
    program = "/usr/bin/rspamd"
    user = "_rspamd"
    off = ("asn", "bimi", "dkim_signing", "fuzzy_check", "greylist", "mx_check", "neural",
           "p0f", "ratelimit", "rbl", "replies", "reputation", "rspamd_update", "surbl",
           "url_redirector", "whitelist", "antivirus", "dcc", "external_services", "phishing",
           "history_redis", "hfilter", "mime_types", "maillist", "multimap")

    @classmethod
    def installed(cls):
        """Whether it is here."""
        return os.path.exists(cls.program)

    def __init__(self, folder, authserv_id):    # pylint: disable=unused-argument # it asks the MTA
        self.folder = Path(folder)
        for name in ("db", "run", "log", "override.d"):
            path = self.folder / name
            path.mkdir(parents=True)
            shutil.chown(path, self.user, self.user)
        self.socket = self.folder / "run/rspamd.sock"
        override = self.folder / "override.d"
        (self.folder / "tld").write_text("com\nexample\nnet\norg\n")
        for worker in ("normal", "controller"):
            (override / f"worker-{worker}.inc").write_text("enabled = false;\n")
        (override / "worker-proxy.inc").write_text(
            f'bind_socket = "{self.socket} mode=0666";\n'
            'upstream "local" { default = yes; self_scan = yes; hosts = "localhost"; }\n')
        (override / "options.inc").write_text(
            'filters = "spf,dkim,regexp";\nlocal_addrs = ["203.0.113.1"];\n'
            # It compiles expressions for all of the world's domains first, a minute where others work.
            f'disable_hyperscan = true;\nurl_tld = "{self.folder}/tld";\n'
            'dns { nameserver = ["127.0.0.1"]; }\n')
        (override / "milter_headers.conf").write_text(
            'use = ["authentication-results"];\nskip_local = false;\nskip_authenticated = false;\n')
        (self.folder / "rspamd.conf.local.override").write_text(
            "".join(f"{name} {{ enabled = false; }}\n" for name in self.off))
        self.daemon = Daemon(
            "rspamd",
            [self.program, "-f", "-u", self.user, "-g", self.user, "-c", "/etc/rspamd/rspamd.conf",
             *(f"--var={name}={value}" for name, value in (
                 ("LOCAL_CONFDIR", self.folder), ("DBDIR", self.folder / "db"),
                 ("RUNDIR", self.folder / "run"), ("LOGDIR", self.folder / "log")))],
            self.folder / "start.log", listens=[self.socket], ready_s=60)

    def milter(self):
        """For a System."""
        return Milter("rspamd", f"unix:{self.socket}")

    def log(self):
        """What it said."""
        return (self.folder / "log/rspamd.log").read_text(errors="replace")

    def start(self):
        """Start it."""
        try:
            self.daemon.start()
        except DaemonFailed as error:
            raise DaemonFailed(f"{error}\n{self.log()[-3000:]}") from error

    def stop(self):
        """End it."""
        self.daemon.stop()


class Signer:
    """Signs as a domain (opendkim's tools); record is what its DNS has to say."""

    def __init__(self, folder, domain, selector="s1"):
        self.folder, self.domain, self.selector = Path(folder), domain, selector
        self.folder.mkdir()
        subprocess.run(["/usr/sbin/opendkim-genkey", "-b", "1024", "-d", domain, "-s", selector,
                        "-D", self.folder], check=True, capture_output=True)
        text = (self.folder / f"{selector}.txt").read_text()
        self.name = f"{selector}._domainkey.{domain}"
        # The key says that it is for SHA-256 alone, and opendkim-testmsg knows SHA-1 only.
        self.record = "".join(re.findall(r'"([^"]*)"', text)).replace("h=sha256; ", "")

    def sign(self, message):
        """The message with a DKIM-Signature above it."""
        done = subprocess.run(
            ["/usr/sbin/opendkim-testmsg", "-d", self.domain, "-s", self.selector,
             "-k", self.folder / f"{self.selector}.private", "-C"],
            input=wire(message), capture_output=True, check=True)
        return wire(done.stdout)
