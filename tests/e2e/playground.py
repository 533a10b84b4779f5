#!/usr/bin/python3
"""The playground: a whole private mail system on loopback, real messages sent through it, a live
table of what became of each, and mailboxes that a mail program can open. Ctrl-C ends all of it.

Needs root, as Postfix and Dovecot do. Nothing in /etc is read or changed, and nothing stays behind.
"""
import argparse
import os
import shutil
import signal
import sys
import time
import unicodedata
from pathlib import Path

from stack import InUse, DaemonFailed, MAPD, PASSWORD, Sender, System, jail, missing
from stack.corpus import PACKAGE, VERSION, NoCorpus, fetch, pick
from stack.watch import Watch

USERS = ("alice@example.org", "bob@example.org", "carol@example.org")
SETTLE_S = 30       # how long a message may take before the table goes on without it


class Screen:
    """Where the table goes: with colour on a terminal, plain otherwise."""
    STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

    def __init__(self):
        self.fancy = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.width = max(80, min(160, shutil.get_terminal_size((120, 40)).columns - 1))
        self.encoding = (sys.stdout.encoding or "ascii").lower()
        self.unicode = self.fancy and self.encoding.startswith("utf")
        self.ellipsis = "…" if self.unicode else "..."
        self.arrow = " → " if self.unicode else " -> "
        if not self.encoding.startswith("utf"):
            sys.stdout.reconfigure(errors="replace")

    def style(self, text, *names):
        """text in a style, where there are any."""
        if not self.fancy or not names:
            return text
        return f"\033[{';'.join(self.STYLES[n] for n in names)}m{text}\033[0m"

    def say(self, text=""):
        """One line."""
        print(text, flush=True)

    def heading(self, text):
        """A line that stands out."""
        self.say()
        self.say(self.style(text, "bold"))

    def cell(self, text, width, right=False):
        """Exactly width columns; wide characters count twice. What the output's encoding lacks becomes
        "?" here already, for that is one column."""
        text = text.encode(self.encoding, "replace").decode(self.encoding)
        if columns(text) > width:
            room = width - len(self.ellipsis)
            while columns(text) > room:
                text = text[:-1]
            text += self.ellipsis
        blanks = " " * (width - columns(text))
        return blanks + text if right else text + blanks


def columns(text):
    """How wide text is on a terminal."""
    return sum(0 if unicodedata.category(c) in ("Mn", "Me", "Cf")
               else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Table:
    """One row for each message, printed when its fate is known."""

    def __init__(self, screen):
        self.screen = screen
        self.rows, self.explained = 0, False
        room = screen.width - 4 - 7 - 10 - 18 - 16 - 6 * 2
        self.widths = (4, room // 3, room - room // 3, 7, 10, 18, 16)

    def head(self):
        """The names of the columns."""
        names = ("#", "from", "subject", "score", "people say", "became", "queue id")
        line = "  ".join(self.screen.cell(n, w, n in ("#", "score"))
                         for n, w in zip(names, self.widths)).rstrip()
        self.screen.say(self.screen.style(line, "dim"))

    def row(self, sender, subject, score, people, became, queue_id, *, good=None):
        """good: whether filter and people agree (None: nobody knows)."""
        self.rows += 1
        style, widths = self.screen.style, self.widths
        cell = self.screen.cell
        colour = ["red"] if became.endswith("Spam") else ["green"] if "INBOX" in became else ["yellow"]
        self.screen.say("  ".join((
            style(cell(str(self.rows), widths[0], True), "dim"),
            cell(sender, widths[1]), cell(subject, widths[2]),
            style(cell(score, widths[3], True), *colour),
            style(cell(people, widths[4]), *(["bold", "yellow"] if good is False else ["dim"])),
            style(cell(became, widths[5]), *colour),
            style(queue_id, "dim"))).rstrip())

    def unscored(self):
        """Below the first row without a score: why."""
        if not self.explained:
            self.explained = True
            self.screen.say(self.screen.style(
                "      no score: the MTA wrote this message itself, and shows such to no milter", "dim"))


class Playground:
    """The system, and what is shown of it."""

    def __init__(self, options, screen):
        self.options, self.screen = options, screen
        self.system = self.watch = None
        self.table = Table(screen)
        self.early = []             # arrived while we waited for another one
        self.counts = {"ham right": 0, "ham wrong": 0, "spam right": 0, "spam wrong": 0, "other": 0}

    def start(self):
        """Start everything, say what runs."""
        options, screen = self.options, self.screen
        ports = {"smtp": options.smtp_port, "imap": options.imap_port}
        if options.mta == "postfix":
            ports["submission"] = options.submission_port
        began = time.monotonic()
        self.system = System(options.build, options.mta, spam=True, deliver="lmtpd", mapd=True,
                             name="playground", ports=ports, store=options.store)
        self.system.start()
        for user in USERS:
            self.system.add_user(user)
        self.watch = Watch(options.imap_port, USERS, PASSWORD)
        mta = self.system.mta
        programs = [name for name in self.system.programs() if name != MAPD]   # it is beside the way
        parts = [f"{mta.name.capitalize() if mta.name == 'postfix' else mta.name} {mta.version()}",
                 *programs, *self._store(), f"Dovecot {self.system.dovecot.version()}"]
        screen.say(screen.style("Millrace playground", "bold") + "   "
                   + screen.style(f"up in {time.monotonic() - began:.1f} s", "dim"))
        screen.say("Internet" + screen.arrow + screen.arrow.join(parts) + screen.arrow
                   + "your mail program")

    def _store(self):
        """The server that has the users, where there is one."""
        return [f"(PostgreSQL {self.system.postgres.version()})"] if self.system.postgres else []

    def send_all(self, messages):
        """Send each, wait for its fate, print its row."""
        self.screen.heading(f"What becomes of {len(messages)} real messages "
                            f"(npm {PACKAGE} {VERSION})")
        self.table.head()
        for number, real in enumerate(messages):
            self._send(real, USERS[number % len(USERS)])
        n = self.counts
        self.screen.say()
        self.screen.say(
            f"{n['ham right']} of {n['ham right'] + n['ham wrong']} wanted messages are in INBOX, "
            f"{n['spam right']} of {n['spam right'] + n['spam wrong']} spam messages in Spam"
            + (f", {n['other']} went elsewhere." if n["other"] else "."))
        self.screen.say(self.screen.style(
            "No measure of the filter: its built-in model has learned from these very messages. "
            "`make bench` measures.", "dim"))

    def _send(self, real, user):
        people = "spam" if real.spam else "wanted"
        outcome = self._submit(real, user)
        if not outcome.accepted:
            first_line = outcome.text.splitlines()[0] if outcome.text else ""
            self._count(real, None)
            self.table.row(real.sender, real.subject, "", people,
                           f"refused: {outcome.code} {first_line}", "")
            return
        arrived = self._wait(outcome.queue_id)
        if arrived is None:
            self._count(real, None)
            waits = outcome.queue_id in self.system.mta.queue()
            self.table.row(real.sender, real.subject, "", people,
                           "waits in the queue" if waits else "not delivered", outcome.queue_id)
            return
        good = self._count(real, arrived.folder)
        self._row(arrived, people, good)

    def _row(self, arrived, people, good=None):
        self.table.row(arrived.sender, arrived.subject, arrived.score, people, became(arrived),
                       arrived.queue_id, good=good)
        if not arrived.score:
            self.table.unscored()

    def _submit(self, real, user):
        xclient = ({"ADDR": "192.0.2.10", "NAME": "client.example.net"}
                   if self.system.mta.has_xclient else None)
        with Sender(self.options.smtp_port, xclient=xclient) as smtp:
            return smtp.deliver(real.sender, user, real.content)

    def _wait(self, queue_id):
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end:
            self.early += self.watch.new()
            for arrived in self.early:
                if arrived.queue_id == queue_id:
                    self.early.remove(arrived)
                    return arrived
            time.sleep(0.02)
        return None

    def _count(self, real, folder):
        if folder is None:
            self.counts["other"] += 1
            return None
        good = real.spam == (folder == "Spam")
        self.counts[f"{'spam' if real.spam else 'ham'} {'right' if good else 'wrong'}"] += 1
        return good

    def explain(self):
        """Ports, mail program, things to try."""
        o, say, system = self.options, self.screen.say, self.system
        build = os.path.relpath(o.build)
        self.screen.heading("Ports on 127.0.0.1")
        say(f"  {o.smtp_port:5}  SMTP, {o.mta}: mail from the Internet comes in here")
        if o.mta == "postfix":
            say(f"  {o.submission_port:5}  SMTP submission, with a password: mail of our users goes out here")
        say(f"  {o.imap_port:5}  IMAP, Dovecot: the mailboxes")
        self.screen.heading("Point a mail program at it")
        say(f"  user {USERS[0]} (or {', '.join(u.split('@')[0] for u in USERS[1:])}), "
            f"password {PASSWORD}, no encryption (it is your own machine)")
        say(f"  incoming: IMAP, 127.0.0.1, port {o.imap_port}")
        if o.mta == "postfix":
            say(f"  outgoing: SMTP, 127.0.0.1, port {o.submission_port}, same user and password")
        else:
            say(f"  outgoing: SMTP, 127.0.0.1, port {o.smtp_port}, no password")
        say("  or: " + self.screen.style(
            f"curl -u {USERS[0]}:{PASSWORD} 'imap://127.0.0.1:{o.imap_port}/INBOX;MAILINDEX=1'", "cyan"))
        self.screen.heading("Try")
        millrace = f"{build}/bin/millrace -c {system.millrace.conf}"
        for command, what in (
                (f"{millrace} user list", "who has a mailbox"),
                (f"{millrace} store check", "what is in the store"),
                (f"{millrace} status", "how the daemons are"),
                (f"{millrace} spam explain {self._some_spam()}", "which words decided"),
                (f"less {system.path}/{o.mta}/mail.log", "what the MTA did; a queue id finds a message"),
                (f"ls {system.millrace.mail}/example.org/alice", "a Maildir")):
            say("  " + self.screen.style(command, "cyan"))
            say("      " + self.screen.style(what, "dim"))

    def _some_spam(self):
        """A file that a command can be tried on."""
        mail = self.system.millrace.mail
        return next(mail.glob("example.org/*/.Spam/new/*"), mail / "example.org/alice/new/*")

    def stay(self):
        """Show what else arrives, until Ctrl-C."""
        self.screen.heading("Mail that you send shows up here. Ctrl-C ends everything.")
        while True:
            time.sleep(0.5)
            for arrived in self.early + self.watch.new():
                self._row(arrived, "")
            self.early = []
            self.system.check_alive()

    def stop(self):
        """End everything."""
        if self.system:
            self.system.stop()


def became(arrived):
    """alice: INBOX"""
    return f"{arrived.user.split('@')[0]}: {arrived.folder}"


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=Path("build/dev"), metavar="build/MODE")
    parser.add_argument("--cache", type=Path, metavar="FOLDER",
                        help="where the messages are kept; by default beside the build")
    parser.add_argument("--mta", choices=("postfix", "sendmail"), default="postfix")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--once", action="store_true", help="end after the table")
    parser.add_argument("--messages", type=int, default=50, metavar="N")
    parser.add_argument("--smtp-port", type=int, default=2525, metavar="PORT")
    parser.add_argument("--submission-port", type=int, default=2587, metavar="PORT")
    parser.add_argument("--imap-port", type=int, default=2143, metavar="PORT")
    options = parser.parse_args()
    options.build = options.build.resolve()
    return options


def main():
    """Returns the exit status."""
    options = arguments()
    # A shell starts what is put behind "&" with SIGINT ignored, and Python then leaves it so.
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    try:
        return play(options)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT      # before anything had been started


def play(options):
    """From the first check to the last clean-up; returns the exit status."""
    if os.geteuid() != 0:
        sys.exit("playground: needs root: Postfix, sendmail and Dovecot start as root")
    gone = missing(options.build, System.needs(spam=True, deliver="lmtpd", mapd=True))
    if gone:
        sys.exit(f"not built in {options.build}: {', '.join(gone)} (run: make)")
    try:
        spams = options.messages * 2 // 5
        messages = pick(fetch(options.cache or options.build.parent), options.messages - spams, spams)
    except NoCorpus as error:
        sys.exit(f"no messages to send: {error}")
    jail.enter(net=False)
    screen = Screen()
    playground = Playground(options, screen)
    try:
        playground.start()
        playground.send_all(messages)
        if not options.once:
            playground.explain()
            playground.stay()
    except KeyboardInterrupt:
        jail.hold_interrupts()
        screen.say("\nending everything")
    except InUse as error:
        print(f"playground: {error}\nOther ports: --smtp-port, --submission-port, --imap-port",
              file=sys.stderr)
        return 1
    except (DaemonFailed, AssertionError) as error:
        print(f"playground: {error}", file=sys.stderr)
        return 1
    finally:
        jail.hold_interrupts()
        playground.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
