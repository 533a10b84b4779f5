"""A private sendmail: its programs unpacked under build/ (installing it would remove Postfix), its own
configuration made with m4, its own queue.

It reads no file outside its folder but /etc/hosts (the jail's). It logs to /dev/log only: see
syslog.py. It has no XCLIENT; a client that is to come from outside binds an outside address (jail.py).
"""
import re
import subprocess
from pathlib import Path

from . import syslog
from .mta import Mta, snippet
from .process import Daemon, DaemonFailed, run
from .sasl import Saslauthd

MILTER_FLAG = {"tempfail": ", F=T", "reject": ", F=R", "accept": ""}


class Sendmail(Mta):
    """sendmail 8.17. unpacked: the folder that `make deps` unpacked its packages in."""
    name = "sendmail"

    def __init__(self, plan, unpacked):
        super().__init__(plan)
        self.unpacked = Path(unpacked)
        self.sasl = None
        self.program = self.unpacked / "usr/libexec/sendmail/sendmail"
        self.cf = self.folder / "sendmail.cf"
        self.pid_file = self.folder / "sendmail.pid"
        self.ident = f"sendmail-{self.folder.parent.name}"

    def start(self):
        if any(listener.auth for listener in self.plan.listeners):
            self.sasl = Saslauthd(self.folder / "sasl", self.plan.auth_socket)
            self.sasl.start()
        # 0700, or it refuses to run the queue.
        for name, mode in (("queue", 0o700), ("sm", 0o755)):
            path = self.folder / name
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)
        (self.folder / "statistics").touch()
        self._write_cf()
        syslog.keep(self.ident, self.folder / "mail.log")
        # -bD: in the foreground. It rewrites its title but keeps its process id.
        self.daemon = Daemon(
            "sendmail", [self.program, "-C", self.cf, "-L", self.ident, "-bD",
                         f"-q{self.plan.retry_s}s"],
            self.folder / "start.log",
            listens=[listener.port for listener in self.plan.listeners])
        self.daemon.start()

    def stop(self):
        if self.daemon:
            self.daemon.stop()
        if self.sasl:
            self.sasl.stop()
        syslog.forget(self.ident)

    def queue(self):
        """A message that waits has a qf file; one that a process delivers right now has one, too."""
        return [path.name[2:] for path in (self.folder / "queue").glob("qf*")]

    def flush(self):
        run([self.program, "-C", self.cf, "-L", self.ident, "-q"])

    def log(self):
        path = self.folder / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def version(self):
        """What the unpacked one is."""
        text = subprocess.run([self.program, "-d0.1", "-bt", "-C", "/dev/null"], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False).stdout
        found = re.search(r"Version ([\d.]+)", text)
        return found.group(1) if found else "unknown"

    def _write_cf(self):
        source = self.folder / "sendmail.mc"
        source.write_text(self._mc())
        # The last slash of _CF_DIR_ is needed.
        macros = self.unpacked / "usr/share/sendmail/cf"
        result = subprocess.run(["m4", f"-D_CF_DIR_={macros}/", source], capture_output=True,
                                stdin=subprocess.DEVNULL, text=True, check=False)
        if result.returncode != 0 or "***" in result.stderr:
            raise DaemonFailed(f"m4 {source}: {result.stderr}")
        self.cf.write_text(result.stdout)

    def _mc(self):
        plan, folder = self.plan, self.folder
        defines = {
            "confDOMAIN_NAME": plan.host_name,
            "confPID_FILE": self.pid_file,
            "QUEUE_DIR": folder / "queue",
            "STATUS_FILE": folder / "statistics",
            "HELP_FILE": self.unpacked / "etc/mail/helpfile",
            "ALIAS_FILE": "",
            "confDEF_USER_ID": "mail:mail",
            "confMAX_MESSAGE_SIZE": plan.message_size_max,
            "confLOG_LEVEL": "14",
            "confTO_IDENT": "0",
            "confMIN_QUEUE_AGE": "0",
            # Otherwise a busy machine refuses mail.
            "confQUEUE_LA": "1000",
            "confREFUSE_LA": "1000",
            "confDELAY_LA": "0",
            "confDONT_PROBE_INTERFACES": "True",
            "confBAD_RCPT_THROTTLE": "0",
            "confDOUBLE_BOUNCE_ADDRESS": "",
            "SMART_HOST": "outside:[127.0.0.1]",
        }
        listeners = "".join(
            "DAEMON_OPTIONS(`" + f"Name={listener.name}, Family=inet, Addr=127.0.0.1, "
            f"Port={listener.port}, {'M=a, ' if listener.auth else ''}InputMailFilters="
            + ";".join(m.name for m in plan.milters_of(listener)) + "')dnl\n"
            for listener in plan.listeners)
        milters = "".join(
            "MAIL_FILTER(`" + m.name + f"', `S={m.socket}" + MILTER_FLAG[m.when_down]
            + ", T=C:5s;S:30s;R:30s;E:60s')dnl\n" for m in plan.milters)
        return (
            f"include(`{self.unpacked}/usr/share/sendmail/cf/m4/cf.m4')dnl\n"
            "OSTYPE(`linux')dnl\n"
            + "".join(f"define(`{name}', `{value}')dnl\n" for name, value in defines.items())
            + "FEATURE(`nocanonify')dnl\nFEATURE(`accept_unresolvable_domains')dnl\n"
            "FEATURE(`accept_unqualified_senders')dnl\nFEATURE(`no_default_msa')dnl\n"
            + ("" if plan.map_socket else
               "".join(f"RELAY_DOMAIN(`{domain}')dnl\n" for domain in plan.domains))
            # A: AUTH= of MAIL only from those who have logged in. Passwords without TLS: it is a loopback.
            + ("define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl\nTRUST_AUTH_MECH(`PLAIN LOGIN')dnl\n"
               "define(`confAUTH_OPTIONS', `A')dnl\n" if self.sasl else "")
            + listeners + milters
            + "MAILER(`local')dnl\nMAILER(`smtp')dnl\n"
            + "MAILER_DEFINITIONS\n" + self._mailer()
            + "Moutside, P=[IPC], F=mDFMuXa8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP,\n"
            "\tE=\\r\\n, L=990, T=DNS/RFC822/SMTP,\n"
            f"\tA=TCP $h {plan.outside_port or 1}\n"
            + (snippet("sendmail/policy.mc", plan.map_socket) if plan.policy else "")
            + (snippet("sendmail/mapd.mc", plan.map_socket) if plan.map_socket else self._class()))

    def _class(self):
        """Which domains are ours, without mapd."""
        return ("LOCAL_CONFIG\n"
                + "".join(f"C{{Millrace}}{domain}\n" for domain in self.plan.domains)
                + "LOCAL_RULE_0\n"
                "R$+ < @ $={Millrace} . >\t$#millrace $@ localhost $: $1 < @ $2 . >\n"
                "R$+ < @ $={Millrace} >\t$#millrace $@ localhost $: $1 < @ $2 . >\n")

    def _mailer(self):
        delivery = self.plan.delivery
        if delivery.pipe:
            words = [word.format(recipient="$u", sender="$f", queue_id="$i")
                     for word in map(str, delivery.pipe)]
            words[0] = Path(words[0]).name
            user = delivery.pipe_user
            return (f"Mmillrace, P={delivery.pipe[0]}, F=DFM8, U={user}:{user},\n"
                    "\tS=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, T=DNS/RFC822/X-Unix,\n"
                    f"\tA={' '.join(words)}\n")
        if isinstance(delivery.lmtp, int):
            where = f"TCP [127.0.0.1] {delivery.lmtp}"    # without brackets it asks the DNS
        else:
            where = f"FILE {delivery.lmtp}"
        # z: LMTP; X: dots are doubled; m: many recipients at once; 8: 8-bit as it is.
        return ("Mmillrace, P=[IPC], F=DFMXzm8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP,\n"
                f"\tE=\\r\\n, T=DNS/RFC822/SMTP, A={where}\n")
