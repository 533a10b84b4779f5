"""A private mail system for tests, benchmarks and the playground, all of it on loopback.

    from stack import jail, System
    jail.enter(net=True)                # first, before any thread; returns in a new process
    with System("build/dev", mta="postfix", spam=True, deliver="lmtpd") as system:
        system.add_user("alice@example.org")
        system.send("bob@example.net", "alice@example.org", letter("Hello"))
        print(system.wait_mail("alice@example.org"))

Modules: jail (namespaces: nothing stays behind), ground (the folder, ports), process (daemons),
mta (what an MTA is to be: listeners, milters, delivery), postfix, sendmail, dovecot, millrace,
outside (the rest of the Internet), syslog, client (SMTP and IMAP), corpus (real messages),
system (all of it together).
"""
from . import jail, soak
from .client import Mailbox, Outcome, Sender, letter, send, wire
from .ground import InUse
from .millrace import COMMAND, DELIVER, LMTPD, MAPD, SPAM, SRSD, missing
from .mta import Delivery, Listener, Milter, Plan
from .process import Daemon, DaemonFailed, wait_until
from .system import MTAS, PASSWORD, System
