"""A delivery and the next look at the mailbox: Dovecot updates its index at delivery, we do not."""
import imaplib
import smtplib
import statistics
import time

from .field import USER, Meter

OLD = 300       # messages that lie in the mailbox, known to the index


class Reader:
    """A mail client that stays logged in."""

    def __init__(self, port):
        self.imap = imaplib.IMAP4("127.0.0.1", port, timeout=60)
        self.imap.login(USER, "secret")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.imap.logout()

    def look(self, first_uid):
        """SELECT, the list of what is new from first_uid on, and each of them whole; returns how many."""
        self._must(self.imap.select("INBOX"))
        found = self._must(self.imap.uid("FETCH", f"{first_uid}:*",
                                         "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"))
        uids = sorted(int(line.split(b"UID ")[1].split()[0]) for line in found if line)
        uids = [uid for uid in uids if uid >= first_uid]
        for uid in uids:
            self._must(self.imap.uid("FETCH", str(uid), "(BODY.PEEK[])"))
        self._must(self.imap.unselect())
        return len(uids)

    @staticmethod
    def _must(answer):
        if answer[0] != "OK":
            raise RuntimeError(f"IMAP: {answer}")
        return [line if isinstance(line, bytes) else line[0] for line in answer[1] if line]


def message(number, size):
    """One, of about size bytes."""
    head = (f"From: load@example.org\r\nTo: {USER}\r\nSubject: message {number}\r\n"
            f"Message-ID: <{number}.{time.monotonic_ns()}@load.example>\r\n"
            "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\n")
    line = "".join(f"word{(number * 7919 + i) % 9973} " for i in range(9)) + "\r\n"
    return (head + line * ((size - len(head)) // len(line))).encode()


def run(field, name, burst, count, size):
    """count times burst messages and a look. cpu and latency are for each message."""
    server, socket, roots = {
        "millrace-lmtpd": (field.reader, field.ours.lmtp_socket, [field.lmtpd_pid, field.reader.daemon.pid]),
        "Dovecot LMTP": (field.dovecot, field.dovecot.lmtp_socket, [field.dovecot.daemon.pid])}[name]
    field.load("smtp_load", "--lmtp", socket, 4, OLD, size, USER)
    looks, sends = [], []
    with Reader(server.imap_port) as reader, smtplib.LMTP(str(socket)) as lmtp:
        lmtp.ehlo("load.example")
        next_uid = 1 + reader.look(1)
        with Meter(*roots) as meter:
            for number in range(count):
                start = time.monotonic()
                for i in range(burst):
                    lmtp.sendmail("s@example.net", [USER], message(number * burst + i, size))
                between = time.monotonic()
                found = reader.look(next_uid)
                end = time.monotonic()
                if found != burst:
                    raise RuntimeError(f"{name}: {found} new messages, not {burst}")
                next_uid += found
                sends.append(1000 * (between - start))
                looks.append(1000 * (end - between))
    both = sorted(send + look for send, look in zip(sends, looks))
    return {"cpu": meter.cpu_ms / count / burst, "send": statistics.median(sends),
            "look": statistics.median(looks), "p50": statistics.median(both),
            "p99": both[count * 99 // 100]}
