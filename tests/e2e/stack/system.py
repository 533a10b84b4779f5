"""A whole private mail system: an MTA, Dovecot, the rest of the Internet, and our programs."""
from pathlib import Path

from . import ground
from .client import Mailbox, Sender, send
from .dovecot import Dovecot, sieve
from .millrace import COMMAND, DELIVER, LMTPD, MAPD, SPAM, SRSD, Millrace
from .mta import Delivery, Listener, Milter, Plan
from .outside import Outside
from .postfix import Postfix
from .postgres import Postgres
from .process import wait_until
from .sendmail import Sendmail

MTAS = ("postfix", "sendmail")
PASSWORD = "secret"


class System:
    """Made of parts that are started in order and stopped in reverse. Use as a context manager."""

    def __init__(self, build, mta="postfix", *, spam=False, deliver="dovecot", name=None,
                 settings=None, ports=None, milters=(), milters_before=(), listeners=(),
                 message_size_max=20 << 20, process_limit=200, spam_when_down="tempfail", own_users=None,
                 store="sqlite", mapd=False, policy=False, quota=False, handover=None):
        """deliver: dovecot (its LMTP), lmtpd (ours), pipe (millrace-deliver, which hands to lmtpd).
        spam: our spam milter in the chain. settings: for millrace.conf. ports: a dict with smtp,
        imap, submission; what is missing is a free one. milters: other Milters, after ours;
        milters_before: before ours.
        listeners: further Listeners. spam_when_down: what the MTA does without our filter (tempfail,
        reject, accept). own_users: a user is added to our directory, too; by default when lmtpd
        runs. store: sqlite, or postgresql: a server of its own. mapd: the MTA asks it who has which
        address; without, it takes all of our domain. policy: and whether it may send so much. quota: Dovecot
        asks mapd what may be held, and tells it what is. handover: a Sieve script: Dovecot keeps the mailboxes of
        users who say so."""
        self.build = Path(build).resolve()
        self.ports = {"smtp": ground.free_port(), "imap": ground.free_port(), **(ports or {})}
        for port in self.ports.values():
            ground.refuse_in_use(port)
        self.ground = ground.Ground(name)
        self.path = self.ground.path
        self.mapd, self.policy = mapd or policy or quota, policy
        self.deliver, self.spam, self._spam_when_down = deliver, spam, spam_when_down
        self.own_users = deliver != "dovecot" if own_users is None else own_users
        self.outside = self.postgres = None
        if store == "postgresql":
            self.postgres = Postgres(self.ground.folder("pg"))
            settings = {"store": self.postgres.url(connect_timeout=2), **(settings or {})}
        dict_socket = self.ground.path / "run/dict.sock" if quota else None
        if quota:
            settings = {"dict_listen": [f"unix:{dict_socket}"], **(settings or {})}
        if handover:
            settings = {"lmtp_handover": f"unix:{self.path}/dovecot/lmtp", **(settings or {})}
        self.millrace = Millrace(self.build, self.path,
                                 settings={"message_size_max": message_size_max, **(settings or {})})
        if "srs_domain" in self.millrace.settings:
            secret = self.millrace.settings["srs_secret"]
            secret.write_text("a secret of the tests\n")
            secret.chmod(0o400)
        self.dovecot = Dovecot(self.ground.folder("dovecot"), self.millrace.mail, self.ports["imap"],
                               dict_socket=dict_socket,
                               more=sieve(self.ground.folder("sieve"), handover) if handover else "")
        self._mta_name, self._milters, self._listeners = mta, list(milters), list(listeners)
        self._milters_before = list(milters_before)
        self._limits = {"message_size_max": message_size_max, "process_limit": process_limit}
        self.mta, self._users, self._left = None, 0, set()

    def start(self):
        """Start everything; returns self."""
        try:
            self.outside = Outside()
            self.mta = self._make_mta()
            if self.postgres:
                self._start_postgres()
            if self.own_users:
                self.millrace.command("domain", "add", "example.org")
            self.dovecot.start()
            for program in self.programs():
                self.millrace.start(program)
            self.mta.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, keep=False):
        """Stop everything and remove the folder."""
        if self.postgres and self.postgres.daemon:
            self.postgres.hang(False)
        for part in (self.mta, self.millrace, self.dovecot, self.outside, self.postgres):
            if part:
                part.stop()
        if not keep:
            self.ground.remove()

    def _start_postgres(self):
        """The server, and what `millrace store init` makes of it; our user owns it all."""
        self.postgres.create().start().create_database()
        user = self.millrace.user
        self.millrace.command("store", "--store", self.postgres.url(user="postgres"), "init",
                              *(f"{user}={group}:owner"
                                for group in ("directory", "spam", "senders", "quota", "limits")))

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def programs(self):
        """Our daemons that take part."""
        return (([SRSD] if "srs_domain" in self.millrace.settings else [])
                + ([SPAM] if self.spam else []) + ([LMTPD] if self.deliver != "dovecot" else [])
                + ([MAPD] if self.mapd else []))

    @staticmethod
    def needs(spam=False, deliver="dovecot", mapd=False):
        """All programs of ours that must be built for such a system."""
        return (([SPAM] if spam else []) + ([LMTPD, COMMAND] if deliver != "dovecot" else [])
                + ([DELIVER] if deliver == "pipe" else []) + ([MAPD] if mapd else []))

    def _make_mta(self):
        milters = ([Milter("spam", self.millrace.settings["spam_listen"], self._spam_when_down)] if self.spam else [])
        listeners = [Listener("smtp", self.ports["smtp"])]
        if "submission" in self.ports:
            listeners.append(Listener("submission", self.ports["submission"], auth=True))
        delivery = {
            "dovecot": lambda: Delivery(lmtp=self.dovecot.lmtp_socket),
            "lmtpd": lambda: Delivery(lmtp=self.millrace.lmtp_address()),
            "pipe": lambda: Delivery(pipe=self.millrace.deliver_argv()),
        }[self.deliver]()
        plan = Plan(folder=self.ground.folder(self._mta_name),
                    listeners=listeners + self._listeners, delivery=delivery,
                    milters=self._milters_before + milters + self._milters,
                    outside_port=self.outside.port,
                    auth_socket=self.dovecot.auth_socket,
                    map_socket=self.millrace.map_address() if self.mapd else None, policy=self.policy,
                    **self._limits)
        if self._mta_name == "postfix":
            return Postfix(plan)
        return Sendmail(plan, self.build.parent / "sendmail/root")

    def add_user(self, address, password=PASSWORD):
        """A user with a mailbox."""
        self.dovecot.add_user(address, password)
        if self.own_users:
            self.millrace.command("user", "add", address)
        return address

    def new_user(self):
        """A user whom no other test knows."""
        self._users += 1
        return self.add_user(f"user{self._users}@example.org")

    def send(self, sender, recipients, message, **options):
        """Send one message to the MTA; see client.Sender for options."""
        return send(self.mta.port, sender, recipients, message, **options)

    def connect(self, **options):
        """An SMTP connection to the MTA."""
        return Sender(self.mta.port, **options)

    def mailbox(self, address, password=PASSWORD):
        """The user's mail through IMAP."""
        return Mailbox(self.ports["imap"], address, password)

    def wait_mail(self, address, folder="INBOX", count=1, seconds=40):
        """Wait until count messages are in the folder; return them."""
        with self.mailbox(address) as box:
            return wait_until(
                lambda: (lambda found: found if len(found) >= count else None)(box.messages(folder)),
                seconds, lambda: f"{count} messages in {folder} of {address}, there are "
                f"{len(box.messages(folder))}; queue {self.mta.queue()}\n{self.logs()}", 0.1)

    def begin_test(self):
        """What earlier tests left in the queue is theirs."""
        self._left = set(self.mta.queue())

    def wait_queue_empty(self, seconds=60):
        """Wait until the MTA has got rid of all that came in this test."""
        wait_until(lambda: set(self.mta.queue()) <= self._left, seconds,
                   lambda: f"the queue is empty; it has {self.mta.queue()}\n{self.logs()}", 0.1)

    def check_alive(self):
        """Raise AssertionError if a daemon that should run has ended."""
        daemons = [self.mta.daemon, self.dovecot.daemon, *self.millrace.daemons.values()]
        dead = [d for d in daemons if d.process is not None and not d.alive]
        assert not dead, "\n".join(
            f"{d.name} ended by itself with {d.process.returncode}\n{d.tail()}" for d in dead)

    def logs(self, lines=15):
        """The end of every log, for an error text."""
        files = [self.path / f"{self._mta_name}/mail.log", self.dovecot.daemon.log if
                 self.dovecot.daemon else None, *(d.log for d in self.millrace.daemons.values())]
        text = []
        for file in files:
            if file and file.exists():
                text += [f"    {file.stem}: {line}"
                         for line in file.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(text)
