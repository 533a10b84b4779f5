"""The spam milter and `millrace spam` on real mail: what is learned from a mailbox is what was seen when
it arrived, and lessons are a set."""
import email.policy
import hashlib
import os
import re
import sqlite3
import subprocess

import pytest

from stack import SPAM as MILTER, corpus, letter
from stack.cost import cost

HAM, SPAM = 30, 30


@pytest.fixture(scope="module")
def real(build):
    """Messages of a public corpus: corpus.Message with .content, .spam, .name."""
    try:
        return corpus.pick(corpus.fetch(build.parent), HAM, SPAM)
    except corpus.NoCorpus as error:
        return pytest.skip(f"no real messages: {error}")


class Filter:
    """`millrace spam` on a model of its own."""

    def __init__(self, build, folder, name="model"):
        self.program = build / "bin/millrace"
        if not self.program.exists():
            pytest.skip(f"binary missing: {self.program}")
        self.model = folder / name

    def run(self, verb, *words, stdin=None, code=0):
        done = subprocess.run([str(self.program), "spam", verb, "--model", str(self.model),
                               *map(str, words)], capture_output=True, check=False,
                              input=stdin.encode() if isinstance(stdin, str) else stdin)
        assert done.returncode == code, done.stderr
        return done.stdout.decode()

    def digest(self):
        return hashlib.sha256(self.model.read_bytes()).hexdigest()


@pytest.fixture
def mails(real, tmp_path):
    """Files: {"spam": [paths], "ham": [paths]}."""
    paths = {"spam": [], "ham": []}
    for i, message in enumerate(real):
        kind = "spam" if message.spam else "ham"
        path = tmp_path / f"{kind}-{i}.eml"
        path.write_bytes(message.content)
        paths[kind].append(path)
    return paths


@pytest.mark.seconds(240)
def test_stored_scores_as_it_arrived(mail, real, build, tmp_path):
    """A delivered message, read again from its mailbox, has the score that the milter gave it, to the
    last decimal: nothing that came later counts, on either MTA."""
    user = mail.new_user()
    with mail.connect() as smtp:
        for message in real:
            assert smtp.deliver(message.sender, user, message.content).accepted, message.name
    mail.wait_queue_empty(60)
    program, conf = build / "bin/millrace", tmp_path / "conf"
    conf.write_text("")
    count, wrong = 0, []
    with mail.mailbox(user) as box:
        for folder in ("INBOX", "Spam"):
            for message, raw in zip(box.messages(folder), box.raw(folder)):
                path = tmp_path / f"{folder}-{count}.eml"
                path.write_bytes(raw)
                count += 1
                out = subprocess.run([str(program), "-c", str(conf), "spam", "score", str(path)],
                                     capture_output=True, text=True, check=True).stdout
                if out.split("\t")[1] != message["X-Spam-Score"]:
                    wrong.append((message["Subject"], message["X-Spam-Score"], out.split("\t")[1]))
    assert count == len(real)
    assert not wrong


def test_a_lesson_acts_at_once(make_system):
    """The running milter takes what `millrace spam learn` and unlearn make, without a restart."""
    system = make_system(spam=True, deliver="lmtpd")
    lesson = system.path / "store/lesson.eml"
    system.millrace.write_conf(spam_model=system.path / "store/spam.model")
    system.millrace.reload(MILTER)
    scores = []
    for step, folder in ((None, "INBOX"), ("learn --spam", "Spam"), ("unlearn", "INBOX")):
        if step:
            system.millrace.command("spam", *step.split(), lesson)
        user = system.new_user()
        assert system.send("bob@example.net", user, letter("The train", to="u@example.org")).accepted
        message, = system.wait_mail(user, folder)
        scores.append(float(message["X-Spam-Score"]))
        if not step:
            with system.mailbox(user) as box:
                lesson.write_bytes(box.raw()[0])
    assert scores[1] > scores[0] + 0.5, scores
    assert scores[2] == scores[0], scores


def test_forged_fields_are_removed(mail):
    """A forged verdict goes in whatever form it is written, and so do 1,500 of them; fields between
    them stay."""
    forms = [b"X-Spam-Flag : YES", b"X-Spam-Flag\t: YES", b"X-Spam-Flag:YES",
             b"X-Spam-Flag:\r\n YES", b"X-Spam-Flag   :\r\n\tYES", b"x-spam-flag: YES",
             b"X-SPAM-FLAG:\tYES\r\n (c)"]
    cases = {"forms": b"".join(form + b"\r\nX-A: 1\r\n" for form in forms),
             "many": b"X-Spam-Flag: YES\r\n" * 1500 + b"X-A: 1\r\n" * len(forms)}
    for name, forged in cases.items():
        user = mail.new_user()
        content = forged + letter("The train", to=user).as_bytes(policy=email.policy.SMTP)
        outcome = mail.send("bob@example.net", user, content)
        assert outcome.accepted, (name, outcome)
        mail.wait_queue_empty()
        with mail.mailbox(user) as box:
            raw, = box.raw() + box.raw("Spam")
        header = raw.replace(b"\r\n", b"\n").split(b"\n\n")[0]
        flags = re.findall(rb"(?im)^x-spam-flag[ \t]*:\s*(\w+)", header)
        assert flags == [b"NO"], (name, flags[:5], len(flags))
        assert header.count(b"\nX-A: 1") == len(forms), name


def test_more_forgeries_than_can_go(mail):
    """What can neither pass nor be mended by waiting is refused for good, and says why."""
    alice = mail.new_user()
    content = b"X-Spam-Flag: NO\r\n" * 12000 + letter("x", to=alice).as_bytes(policy=email.policy.SMTP)
    outcome = mail.send("bob@example.net", alice, content)
    assert outcome.code // 100 == 5 and outcome.text.startswith("5.6.0"), outcome
    if mail.mta.name == "postfix":      # sendmail has a limit of its own
        assert "X-Spam" in outcome.text


def test_lessons_are_a_set(build, mails, tmp_path):
    """Two models taught in different orders, one of them with a lesson taken back, are equal."""
    one, two = Filter(build, tmp_path, "one"), Filter(build, tmp_path, "two")
    one.run("learn", "--model", "empty", "--spam", *mails["spam"], "--ham", *mails["ham"][1:])
    two.run("learn", "--model", "empty", "--ham", *reversed(mails["ham"]))
    two.run("learn", "--spam", *mails["spam"][10:])
    two.run("learn", "--spam", *mails["spam"][:20])  # ten of them for the second time
    assert one.digest() != two.digest()
    assert two.run("unlearn", mails["ham"][0]).startswith("took back 1 lesson\n")
    assert one.digest() == two.digest()
    # what was never taught cannot be taken back, and changes nothing
    assert two.run("unlearn", mails["ham"][0]).startswith("took back 0 ")
    assert one.digest() == two.digest()
    # taught as the other class: the last word counts
    two.run("learn", "--spam", mails["ham"][1])
    assert one.digest() != two.digest()
    two.run("learn", "--ham", mails["ham"][1])
    assert one.digest() == two.digest()
    # mails["spam"] and all but one of mails["ham"]
    assert two.run("rebuild") == f"made {two.model} from {SPAM + HAM - 1} lessons\n"
    assert one.digest() == two.digest()


def test_sources(build, mails, tmp_path):
    """A Maildir, an mbox and a list of names teach the same as the files themselves."""
    maildir = tmp_path / "Maildir"
    for name in ("cur", "new", "tmp", ".Spam/cur", ".Spam/new"):
        (maildir / name).mkdir(parents=True)
    (maildir / "dovecot-uidlist").write_text("3 V1 N1\n")
    (maildir / ".Spam/cur/1:2,").write_bytes(mails["spam"][0].read_bytes())
    (maildir / "tmp/1").write_bytes(b"half a mess")
    mbox = b""
    for i, path in enumerate(mails["ham"]):
        content = path.read_bytes()
        (maildir / ("new" if i % 2 else "cur") / f"{i}.host:2,S").write_bytes(content)
        quoted = content.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ")
        mbox += b"From a@b Thu Aug 22 12:36:23 2002\n" + quoted + b"\n"
    (tmp_path / "mbox").write_bytes(mbox)
    names = "".join(f"{path}\n" for path in mails["ham"])
    digests = set()
    for name, words, stdin in (("files", mails["ham"], None), ("maildir", [maildir], None),
                               ("mbox", [tmp_path / "mbox"], None), ("list", ["--list"], names),
                               ("pipe", ["-"], mbox)):
        spam = Filter(build, tmp_path, name)
        out = spam.run("learn", "--model", "empty", "--ham", *words, stdin=stdin)
        assert f"learned 0 spam and {len(mails['ham'])} good messages" in out, name
        digests.add(spam.digest())
    assert len(digests) == 1


def test_one_message_on_standard_input(build, mails, tmp_path):
    """As in millrace-spam -m -; the message's lines are no names of files."""
    spam = Filter(build, tmp_path)
    spam.run("learn", "--spam", mails["spam"][0], "--ham", mails["ham"][0])
    name, *points = spam.run("score", mails["spam"][0]).split("\t")
    assert name == str(mails["spam"][0])
    assert spam.run("score", "-", stdin=mails["spam"][0].read_bytes()).split("\t") == ["-", *points]
    spam.run("score", "-", "--list", stdin="", code=64)     # it can be read once


@pytest.mark.parametrize("words", [["--spam", "--ham", "{}"], ["--ham", "{}", "--spam"], ["{}"], ["--spam"],
                                   ["--ham", "{}", "--spam", "--json", "--ham", "{}"]])
def test_a_class_without_a_path_is_usage(build, mails, tmp_path, words):
    """Nothing is learned from a line that can be read in two ways."""
    spam = Filter(build, tmp_path)
    spam.run("learn", *(word.format(mails["ham"][0]) for word in words), code=64)
    assert not spam.model.exists()


def test_bulk_scores_are_columns(build, mails, tmp_path):
    spam = Filter(build, tmp_path)
    spam.run("learn", "--spam", *mails["spam"], "--ham", *mails["ham"])
    lines = spam.run("score", *mails["spam"], *mails["ham"]).splitlines()
    assert len(lines) == SPAM + HAM
    right = 0
    for line, path in zip(lines, mails["spam"] + mails["ham"]):
        name, score, verdict = line.split("\t")
        assert name == str(path)
        assert verdict == ("spam" if float(score) >= 5.0 else "ham")
        right += verdict == path.name.split("-")[0]
    assert right >= SPAM + HAM - 6, lines


def test_unknown_model_scores_zero(build, mails, tmp_path):
    spam = Filter(build, tmp_path)
    out = spam.run("score", "--model", "empty", mails["spam"][0])
    assert out.split("\t")[1:] == ["0.000", "ham\n"]


def test_damage_is_said(build, mails, tmp_path):
    spam = Filter(build, tmp_path)
    spam.run("learn", "--ham", mails["ham"][0])
    whole = spam.model.read_bytes()
    spam.model.write_bytes(whole[:-1])
    assert spam.run("score", mails["ham"][0], code=1) == ""
    spam.model.write_bytes(whole[:5000] + b"\xff" + whole[5001:])
    spam.run("score", mails["ham"][0], code=1)
    spam.run("rebuild")  # the lessons are whole, so the model can be
    assert spam.model.read_bytes() == whole
    spam.run("score", tmp_path / "nothing", code=1)


class Host:
    """One of several installations on one store, each with a model file of its own."""

    def __init__(self, build, folder, name):
        self.program, self.model = build / "bin/millrace", folder / f"{name}.model"
        self.conf = folder / f"{name}.conf"
        self.conf.write_text(f'spam_model = "{self.model}"\nstore = "sqlite:{folder}/store"\n'
                             f'run_dir = "{folder}"\n')

    def run(self, verb, *words, stdin=None, code=0):
        done = subprocess.run([str(self.program), "-c", str(self.conf), "spam", verb, *map(str, words)],
                              capture_output=True, text=True, check=False, input=stdin)
        assert done.returncode == code, done.stderr
        return done.stdout

    def points(self, path, *words):
        return float(self.run("score", *words, path).split("\t")[1])

    def add(self, *users):
        """Users, and their domains."""
        for user in users:
            domain = user.split("@")[1]
            subprocess.run([self.program, "-c", self.conf, "domain", "add", domain], check=False,
                           stderr=subprocess.DEVNULL)
            subprocess.run([self.program, "-c", self.conf, "user", "add", user], check=True)


def test_two_installations_on_one_store(build, mails, tmp_path):
    """They teach, change their minds and take back in different orders, and users teach on either; once
    both have rebuilt, their models are equal, byte for byte."""
    one, two = (Host(build, tmp_path, name) for name in ("one", "two"))
    spam, ham = mails["spam"], mails["ham"]
    one.add("ann@a.example", "bob@b.example")
    one.run("learn", "--spam", *spam[:20], "--ham", *ham[:5])
    two.run("learn", "--ham", *reversed(ham[5:20]), "--spam", spam[25])
    one.run("learn", "--user", "ann@a.example", "--spam", *spam[20:25], ham[20])
    two.run("learn", "--user", "bob@b.example", "--spam", *spam[20:25])
    two.run("learn", "--ham", spam[0])             # and back again, on the other one
    one.run("learn", "--spam", spam[0])
    one.run("unlearn", spam[25])
    two.run("unlearn", "--user", "ann@a.example", ham[20])
    assert one.model.read_bytes() != two.model.read_bytes()
    for host in (one, two):
        out = host.run("rebuild")
        assert out == f"made {host.model} from 40 lessons and 10 of users; 2 corrections\n"
    assert one.model.read_bytes() == two.model.read_bytes()
    assert one.run("lessons") == two.run("lessons")


def test_a_users_lesson_is_his(build, mails, tmp_path):
    """It counts for him at once, for nobody else, however often he says it; the operator sees who taught."""
    host = Host(build, tmp_path, "one")
    letter_, user = mails["ham"][0], ("--user", "Ann@A.example")
    # Before anybody taught anything there is no store: the built-in model says what it thinks.
    assert host.points(letter_, *user) == host.points(letter_)
    assert host.run("explain", *user, letter_) == host.run("explain", letter_)
    host.add("ann@a.example")
    host.run("learn", "--ham", *mails["ham"][1:], "--spam", *mails["spam"][1:])
    before = host.points(letter_)
    assert before < 5 and host.points(letter_, *user) == before
    model = host.model.read_bytes()
    host.run("learn", *user, "--spam", letter_)
    assert host.model.read_bytes() == model
    assert host.points(letter_, *user) >= 5
    assert host.points(letter_) == before == host.points(letter_, "--user", "bob@a.example")
    assert "reasons" in host.run("explain", "--json", *user, letter_)
    assert re.fullmatch(r"operator +29 spam +29 good, today\n"
                        r"ann@a.example +1 spam +0 good, today\n", host.run("lessons"))
    assert re.fullmatch(r"[0-9a-f]{64}  spam  \d{4}-\d\d-\d\dT[\d:]{8}Z  expires \d{4}-.*Z\n",
                        host.run("lessons", *user))
    host.run("rebuild")
    assert host.points(letter_) == before
    assert host.points(letter_, *user) >= 5
    assert "took back 1 lesson\n" in host.run("unlearn", *user, letter_)
    assert host.points(letter_, *user) == before
    host.run("learn", "--user", "ann", "--spam", letter_, code=64)


def test_who_is_removed_is_no_voice(build, mails, tmp_path):
    """Lessons and correction go with a user; who is not in the directory any more is left out, and said."""
    host = Host(build, tmp_path, "one")
    host.add("ann@a.example", "bob@a.example", "eve@c.example")
    for user in ("ann@a.example", "bob@a.example", "@a.example", "eve@c.example"):
        host.run("learn", "--user", user, "--spam", *mails["spam"][:3])
    db = sqlite3.connect(tmp_path / "store/directory.db")
    db.execute("DELETE FROM mail_user WHERE local = 'eve'")
    db.commit()
    db.close()
    assert ('"user_lessons":9,' in host.run("rebuild", "--json"))
    for words, left in (("user remove Ann@A.example", 6), ("user remove bob@a.example", 3),
                        ("user remove eve@c.example", 3), ("domain remove a.example", 0)):
        done = subprocess.run([host.program, "-c", host.conf, *words.split()], capture_output=True, text=True,
                              check=False)
        # The directory did not have eve; what she taught goes all the same.
        assert (done.returncode, "not found" in done.stderr) == ((1, True) if "eve" in words else (0, False))
        assert f'"user_lessons":{left},' in host.run("rebuild", "--json")
    assert host.run("lessons") == ""
    db = sqlite3.connect(tmp_path / "store/spam.db")
    assert db.execute("SELECT COUNT(*) FROM correction").fetchone() == (0,)
    db.close()


def test_a_step_and_a_rebuild(build, tmp_path):
    """One lesson on top of many steps the model, which says so; a rebuild makes what teaching all at
    once would have made."""
    paths = {"spam": [], "ham": []}
    for i in range(520):
        kind = "spam" if i % 2 else "ham"
        word = "lottery" if i % 2 else "meeting"
        paths[kind].append(tmp_path / f"{i}.eml")
        paths[kind][-1].write_text(f"Subject: {word} {i}\n\nThe {word} is number {i * i}.\n")
    odd = tmp_path / "odd.eml"
    odd.write_text("Subject: tulips\n\nBulbs of tulips, and of nothing else.\n")
    one, two = Filter(build, tmp_path, "one"), Filter(build, tmp_path, "two")
    one.run("learn", "--model", "empty", "--spam", *paths["spam"], "--ham", *paths["ham"])
    built = one.digest()
    assert '"stepped":true' in one.run("learn", "--json", "--spam", odd)
    assert '"new":0' in one.run("learn", "--json", "--spam", odd)       # known: nothing moves
    assert '"stepped":1,' in one.run("model", "--json")
    assert "stepped    by 1 lesson since then" in one.run("model")
    taught = float(one.run("score", odd).split("\t")[1])
    assert taught >= 5
    two.run("learn", "--model", "empty", "--spam", odd, *paths["spam"], "--ham", *paths["ham"])
    assert one.digest() != two.digest()
    one.run("rebuild")
    assert one.digest() == two.digest()
    assert '"stepped":0,' in one.run("model", "--json")
    one.run("unlearn", odd)                                              # a step, too
    assert float(one.run("score", odd).split("\t")[1]) < taught - 1
    one.run("rebuild")
    assert one.digest() == built


@pytest.mark.seconds(240)
def test_many_lessons_and_users(build, mails, tmp_path):
    """A journal of 120,000 lessons and 200 users: the newest count, what is left out is said, and memory
    stays small. `make bench ROW=journal` has a million, and ten thousand users."""
    host = Host(build, tmp_path, "one")
    host.run("learn", "--ham", *mails["ham"][:5], "--spam", *mails["spam"][:5])
    db = sqlite3.connect(tmp_path / "store/spam.db")
    (features,), = db.execute("SELECT features FROM lesson ORDER BY LENGTH(features) LIMIT 1").fetchall()
    db.executemany("INSERT INTO lesson VALUES (?, ?, 1, ?, 0, ?)", (
        (hashlib.sha256(b"%d" % i).digest(), "" if i >= 200 else f"u{i}@d{i % 20}.example", 1000 + i,
         features) for i in range(120200)))
    db.commit()
    db.close()
    host.add("ann@a.example")
    db = sqlite3.connect(tmp_path / "store/directory.db")
    db.executemany("INSERT INTO domain VALUES (?)", ((f"d{i}.example",) for i in range(20)))
    db.executemany("INSERT INTO mail_user VALUES (?, ?, ?, 0, 1)",
                   ((f"u{i}", f"d{i % 20}.example", f"u{i}") for i in range(200)))
    db.commit()
    db.close()
    with host.conf.open("a") as conf:
        conf.write("spam_lessons_max = 2000\n")
    took = cost(host.program, "-c", host.conf, "spam", "rebuild")
    assert took.code == 0, took.err
    assert "the oldest 118010 lessons left out: spam_lessons_max is 2000" in took.err
    assert "from 2000 lessons and 200 of users; 200 corrections" in took.out
    assert took.peak_kib < 400 << 10
