"""What became of messages, as people's mail programs see it: through IMAP."""
import email
import email.errors
import email.header
import email.policy
import email.utils
import imaplib
import re
from dataclasses import dataclass

from . import jail

_FIELDS = "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT RECEIVED X-SPAM-SCORE X-SPAM-STATUS)]"
# The MTA's own Received: both write "by HOST ... id QUEUEID", and Postfix folds before "id" in a bounce.
_QUEUE_ID = re.compile(rf"by {re.escape(jail.HOST_NAME)} \(.*?\sid ([0-9A-Za-z]+)", re.DOTALL)


@dataclass
class Delivered:
    """One message in a mailbox."""
    user: str
    folder: str
    queue_id: str
    sender: str
    subject: str
    score: str      # "" if there is none
    status: str


class Watch:
    """Looks into every folder of some users; new() tells what was not there before."""

    def __init__(self, port, users, password):
        self._boxes = {}
        for user in users:
            imap = imaplib.IMAP4("127.0.0.1", port, timeout=30)
            imap.login(user, password)
            self._boxes[user] = imap
        self._next_uid = {}

    def new(self):
        """List of Delivered since the last call."""
        found = []
        for user, imap in self._boxes.items():
            for folder in self._folders(imap):
                found += self._new_in(user, imap, folder)
        return found

    def close(self):
        """Log out."""
        for imap in self._boxes.values():
            imap.logout()

    @staticmethod
    def _folders(imap):
        _, lines = imap.list()
        return [line.decode().rsplit(' "." ', 1)[-1].strip('"') for line in lines if line]

    def _new_in(self, user, imap, folder):
        if imap.select(f'"{folder}"', readonly=True)[0] != "OK":
            return []
        first = self._next_uid.get((user, folder), 1)
        _, data = imap.uid("FETCH", f"{first}:*", f"(UID {_FIELDS})")
        found = []
        for item in data:
            if not isinstance(item, tuple):
                continue
            uid = int(re.search(rb"UID (\d+)", item[0]).group(1))
            if uid < first:     # "N:*" names the last message even if N is beyond it
                continue
            self._next_uid[(user, folder)] = max(uid + 1, self._next_uid.get((user, folder), 1))
            found.append(_delivered(user, folder, item[1]))
        return found


def _delivered(user, folder, header):
    message = email.message_from_bytes(header, policy=email.policy.compat32)
    ids = [_QUEUE_ID.search(str(value)) for value in message.get_all("Received", [])]
    queue_id = next((found.group(1) for found in ids if found), "")
    return Delivered(user, folder, queue_id, who(message.get("From")),
                     one_line(message.get("Subject")), str(message.get("X-Spam-Score", "")).strip(),
                     one_line(message.get("X-Spam-Status")))


def who(value):
    """The name in a From field, or else the address."""
    name, address = email.utils.parseaddr(one_line(value))
    return name or address or one_line(value)


def one_line(value):
    """A header field for the eye: decoded as far as it can be, on one line, printable."""
    try:
        text = str(email.header.make_header(email.header.decode_header(str(value or ""))))
    except (LookupError, ValueError, email.errors.HeaderParseError):
        text = str(value)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
