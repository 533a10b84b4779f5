"""What people at both ends do: send by SMTP, read by IMAP."""
import email
import email.policy
import imaplib
import re
import smtplib
from dataclasses import dataclass, field
from email.message import EmailMessage

QUEUE_ID = re.compile(rb"queued as ([0-9A-Za-z]+)|2\.0\.0 ([0-9A-Za-z]{10,}) Message accepted")


@dataclass
class Outcome:
    """What the MTA answered. reply: to the content, or to the command before it that failed."""
    code: int
    text: str
    queue_id: str = None
    refused: dict = field(default_factory=dict)     # recipient: (code, text)

    @property
    def accepted(self):
        """Whether the MTA took the message."""
        return self.code == 250


class Sender(smtplib.SMTP):
    """An SMTP connection. source: the address that the client has, one of jail.OUTSIDE_ADDRESSES
    (needs the jail's own network). xclient: what to say in XCLIENT, such as ADDR=..., NAME=...."""

    def __init__(self, port, *, source="127.0.0.1", xclient=None, helo="client.example.net",
                 timeout=60):
        super().__init__("127.0.0.1", port, local_hostname=helo, timeout=timeout,
                         source_address=(source, 0))
        self.ehlo()
        if xclient:
            words = " ".join(f"{name}={value}" for name, value in xclient.items())
            code, text = self.docmd("XCLIENT", words)
            if code != 220:
                raise smtplib.SMTPResponseException(code, text)
            self.ehlo()

    def __exit__(self, kind, *rest):
        """An exception in the middle of a conversation: no QUIT, the MTA's next answer is to something
        else."""
        if kind is not None:
            self.close()
            return
        super().__exit__(kind, *rest)

    def deliver(self, sender, recipients, message, options=()):
        """Send message (bytes, or an EmailMessage) and say what became of it; no exception."""
        if isinstance(recipients, str):
            recipients = [recipients]
        content = wire(message)
        if self.has_extn("size"):
            options = (*options, f"SIZE={len(content)}")
        code, text = self.mail(sender, options)
        if code != 250:
            self.rset()
            return Outcome(code, text.decode("utf-8", "replace"))
        refused = {}
        for recipient in recipients:
            code, text = self.rcpt(recipient)
            if code not in (250, 251):
                refused[recipient] = (code, text.decode("utf-8", "replace"))
        if len(refused) == len(recipients):
            self.rset()
            return Outcome(code, text.decode("utf-8", "replace"), refused=refused)
        try:
            code, text = self.data(content)
        except smtplib.SMTPDataError as error:      # DATA itself was refused
            code, text = error.smtp_code, error.smtp_error
        found = QUEUE_ID.search(text)
        queue_id = next(filter(None, found.groups())).decode() if found else None
        return Outcome(code, text.decode("utf-8", "replace"), queue_id, refused)


def send(port, sender, recipients, message, **options):
    """One message over a connection of its own; see Sender."""
    with Sender(port, **options) as smtp:
        return smtp.deliver(sender, recipients, message)


def wire(message):
    """A message as SMTP sends it: every line ends in CRLF."""
    if isinstance(message, EmailMessage):
        message = message.as_bytes(policy=email.policy.SMTP)
    elif isinstance(message, str):
        message = message.encode()
    return re.sub(rb"\r\n|\r|\n", b"\r\n", message)


def letter(subject, body="Good morning,\n\nthe train leaves at ten past nine.\n\nBob\n", *,
           sender="bob@example.net", to="alice@example.org", **fields):
    """A plain message. fields: more header fields, with _ for -."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = "Mon, 06 May 2024 10:00:00 +0000"
    message["Message-ID"] = f"<{abs(hash((subject, to)))}@client.example.net>"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message


class Mailbox:
    """One user's mail, seen through IMAP."""

    def __init__(self, port, user, password):
        self.imap = imaplib.IMAP4("127.0.0.1", port, timeout=60)
        self.imap.login(user, password)

    def messages(self, folder="INBOX"):
        """The messages of a folder, oldest first; none if there is no such folder."""
        return [email.message_from_bytes(raw, policy=email.policy.default)
                for raw in self.raw(folder)]

    def raw(self, folder="INBOX"):
        """Their bytes."""
        ok, _ = self.imap.select(f'"{folder}"', readonly=True)
        if ok != "OK":
            return []
        _, found = self.imap.search(None, "ALL")
        if not found[0]:
            return []
        _, data = self.imap.fetch(found[0].replace(b" ", b",").decode(), "(BODY.PEEK[])")
        return [item[1] for item in data if isinstance(item, tuple)]

    def folders(self):
        """The names of all folders."""
        _, lines = self.imap.list()
        return [line.decode().rsplit('"."', 1)[-1].strip().strip('"') for line in lines if line]

    def close(self):
        """Log out."""
        self.imap.logout()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
