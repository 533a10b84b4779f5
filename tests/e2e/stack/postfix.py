"""A private Postfix: its own configuration, queue and log; only the programs are the installed ones."""
import json
import subprocess
from pathlib import Path

from .mta import Mta, snippet
from .process import Daemon, run

PROGRAMS = Path("/usr/lib/postfix/sbin")

# chroot is n everywhere: sockets and maps are where the configuration says.
MASTER_CF = """\
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 10 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Mta):
    """Postfix 3.7."""
    name = "postfix"
    has_xclient = True

    def start(self):
        for part, user in (("queue", None), ("data", "postfix")):
            path = self.folder / part
            path.mkdir(parents=True, exist_ok=True)
            if user:
                run(["chown", f"{user}:", path])
        (self.folder / "master.cf").write_text(self._master_cf())
        (self.folder / "main.cf").write_text(self._main_cf())
        # What `postfix start-fg` does, without its shell, which would not pass our signals on.
        if not (self.folder / "queue/pid").exists():
            run(["postfix", "-c", self.folder, "check"])    # makes the queue's folders
        self.daemon = Daemon(
            "postfix", [PROGRAMS / "master", "-c", self.folder, "-d"], self.folder / "start.log",
            listens=[listener.port for listener in self.plan.listeners])
        self.daemon.start()

    def stop(self):
        if self.daemon:
            # On SIGTERM master ends its whole process group.
            self.daemon.stop()

    def reload(self):
        """Read the configuration again."""
        run(["postfix", "-c", self.folder, "reload"])

    def queue(self):
        out = run(["postqueue", "-c", self.folder, "-j"]).stdout
        return [json.loads(line)["queue_id"] for line in out.splitlines()]

    def flush(self):
        run(["postqueue", "-c", self.folder, "-f"])

    def log(self):
        path = self.folder / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @staticmethod
    def version():
        """What the installed one is."""
        return subprocess.run(["postconf", "-hd", "mail_version"], capture_output=True, text=True,
                              check=True).stdout.strip()

    def _main_cf(self):
        plan = self.plan
        settings = {
            "compatibility_level": "3.6",
            # The layout of Debian's package; /etc/postfix needs no main.cf for it.
            "meta_directory": "/etc/postfix",
            "daemon_directory": PROGRAMS,
            "shlib_directory": "/usr/lib/postfix",
            "command_directory": "/usr/sbin",
            "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data",
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "maillog_file": self.folder / "mail.log",
            "maillog_file_prefixes": self.folder,
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "smtp_dns_support_level": "disabled",
            "myhostname": plan.host_name,
            "mydestination": "",
            "local_recipient_maps": "",
            "alias_maps": "",
            "alias_database": "",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, "
                                        "reject_unauth_destination",
            # A test can be an outside client. Never on a real server.
            "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
            "smtpd_peername_lookup": "no",
            "virtual_mailbox_domains": " ".join(plan.domains),
            "virtual_transport": self._transport(),
            "recipient_delimiter": plan.recipient_delimiter,
            "default_transport": (f"smtp:[127.0.0.1]:{plan.outside_port}" if plan.outside_port
                                  else "retry:no outside world here"),
            "message_size_limit": plan.message_size_max,
            # Below message_size_limit virtual(8) would die at start and mail would silently wait.
            "virtual_mailbox_limit": "0",
            "mailbox_size_limit": "0",
            "queue_run_delay": f"{plan.retry_s}s",
            "minimal_backoff_time": f"{plan.retry_s}s",
            "maximal_backoff_time": f"{plan.retry_s}s",
            "lmtp_connect_timeout": "5s",
            "lmtp_send_xforward_command": "yes",
            "default_process_limit": plan.process_limit,
            "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0",
            "smtpd_error_sleep_time": "0",
            "smtpd_timeout": "300s",
            "smtputf8_enable": "yes",
            "biff": "no",
            "smtpd_tls_security_level": "none",
            "smtp_tls_security_level": "none",
            "milter_protocol": "6",
            "smtpd_milters": self._milters(plan.milters),
            # Only what came by SMTP is filtered: filters must not reject a sendmail(1) recipient.
            "non_smtpd_milters": "",
        }
        if plan.delivery.pipe:
            settings["millrace_destination_recipient_limit"] = "1"
        for name in (["mapd"] if plan.map_socket else []) + (["policy"] if plan.policy else []):
            lines = snippet(f"postfix/{name}.cf", plan.map_socket).splitlines()
            settings.update(line.split(" = ", 1) for line in lines if line and line[0] != "#")
        settings.update(plan.own_settings)
        return "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _transport(self):
        delivery = self.plan.delivery
        if delivery.pipe:
            return "millrace:"
        if delivery.lmtp is None:
            return "discard:"
        if isinstance(delivery.lmtp, int):
            return f"lmtp:inet:127.0.0.1:{delivery.lmtp}"
        return f"lmtp:unix:{delivery.lmtp}"

    @staticmethod
    def _milters(milters):
        return ", ".join(f"{{ {_endpoint(m.socket)}, default_action={m.when_down}, "
                         "connect_timeout=5s, command_timeout=30s }" for m in milters)

    def _master_cf(self):
        text = ""
        for listener in self.plan.listeners:
            text += f"127.0.0.1:{listener.port} inet n - n - - smtpd -o syslog_name=postfix/{listener.name}\n"
            if listener.milters is not None:
                text += f"  -o {{ smtpd_milters={self._milters(self.plan.milters_of(listener))} }}\n"
            if listener.auth:
                text += ("  -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=dovecot\n"
                         f"  -o smtpd_sasl_path={self.plan.auth_socket}\n"
                         "  -o smtpd_tls_auth_only=no -o smtpd_sasl_security_options=noanonymous\n"
                         "  -o { smtpd_relay_restrictions=permit_sasl_authenticated, reject }\n")
        text += MASTER_CF
        delivery = self.plan.delivery
        if delivery.pipe:
            words = [word.format(recipient="${recipient}", sender="${sender}",
                                 queue_id="${queue_id}") for word in map(str, delivery.pipe)]
            text += (f"millrace unix - n n - 10 pipe flags=q user={delivery.pipe_user} null_sender=\n"
                     f"  argv={' '.join(words)}\n")
        return text


def _endpoint(address):
    """Postfix writes inet:host:port, libmilter inet:port@host."""
    if address.startswith("inet:"):
        port, host = address[5:].split("@")
        return f"inet:{host}:{port}"
    return address
