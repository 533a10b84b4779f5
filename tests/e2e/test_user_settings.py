"""What a user wants done with spam: `millrace user set` beside running programs, on both MTAs."""
import email
import email.policy
import re
import subprocess
import time

import pytest

from stack import LMTPD, corpus, letter, wait_until


@pytest.fixture(scope="module")
def lure(build):
    """A message that the built-in model calls spam, without a tag in its subject."""
    try:
        messages = corpus.pick(corpus.fetch(build.parent), 1, 20)
    except corpus.NoCorpus as error:
        pytest.skip(f"no real messages: {error}")
    return next(m for m in messages if m.spam and m.subject and "[" not in m.subject)


def delivered(mail, user, message):
    """Send it; the folder it went to and the message there."""
    assert mail.send(message.sender, user, message.content).accepted
    mail.wait_queue_empty()
    with mail.mailbox(user) as box:
        found = [(name, m) for name in ("INBOX", "Spam") for m in box.messages(name)]
    assert len(found) == 1, mail.logs()
    return found[0]


def test_places(mail, lure):
    """Next to the default; each takes effect at the next message, with no restart."""
    for value, where in ((None, "Spam"), ("inbox", "INBOX"), ("tag", "INBOX"), ("folder", "Spam")):
        user = mail.new_user()
        if value:
            mail.millrace.command("user", "set", user, "spam", value)
        folder, message = delivered(mail, user, lure)
        assert folder == where and message["X-Spam-Flag"] == "YES"
        assert str(message["Subject"]).startswith("[SPAM] ") == (value == "tag")


def test_good_mail_gets_no_tag(mail):
    user = mail.new_user()
    mail.millrace.command("user", "set", user, "spam", "tag")
    assert mail.send("bob@example.net", user, letter("The train", to=user)).accepted
    message, = mail.wait_mail(user)
    assert message["Subject"] == "The train" and not message["X-Spam-Tag"]


def test_threshold_and_fields(mail, lure):
    """Two recipients of one message: each copy is true for its owner."""
    strict, mild = mail.new_user(), mail.new_user()
    mail.millrace.command("user", "set", mild, "spam_threshold", "99")
    assert mail.send(lure.sender, [strict, mild], lure.content).accepted
    spam, = mail.wait_mail(strict, "Spam")
    good, = mail.wait_mail(mild, "INBOX")
    assert spam["X-Spam-Score"] == good["X-Spam-Score"]
    assert (spam["X-Spam-Flag"], good["X-Spam-Flag"]) == ("YES", "NO")
    assert "required=5.000" in spam["X-Spam-Status"]
    assert good["X-Spam-Status"].startswith("No, ") and "required=99.000" in good["X-Spam-Status"]


def test_domain_and_all(make_system, lure):
    """His own, else his domain's, else that of all."""
    system = make_system(spam=True, deliver="lmtpd")
    system.millrace.command("domain", "set", "--all", "spam", "inbox")
    folder, _ = delivered(system, system.new_user(), lure)
    assert folder == "INBOX"
    system.millrace.command("domain", "set", "example.org", "spam", "tag")
    _, message = delivered(system, system.new_user(), lure)
    assert message["X-Spam-Tag"] == "[SPAM]"
    user = system.new_user()
    system.millrace.command("user", "set", user, "spam", "folder")
    folder, _ = delivered(system, user, lure)
    assert folder == "Spam"
    shown = system.millrace.command_json("user", "show", user)
    assert {"name": "spam", "value": "folder", "from": "user"} in shown
    shown = system.millrace.command_json("domain", "show", "example.org")
    assert {"name": "spam", "value": "tag", "from": "domain"} in shown


@pytest.mark.parametrize("words, says", [
    (["user", "set", "nobody@example.org", "spam", "tag"], "no such user"),
    (["user", "set", "{}", "spam", "digest"], "comes with the web pages"),
    (["user", "set", "{}", "spam", "bin"], "folder, tag or inbox"),
    (["user", "set", "{}", "spam_threshold", "101"], "points"),
    (["user", "set", "{}", "quotas", "1"], "no such setting"),
    (["domain", "set", "nowhere.example", "spam", "tag"], "there is no domain")])
def test_refused(mail, words, says):
    user = mail.new_user()
    done = subprocess.run([mail.millrace.bin / "millrace", "-c", mail.millrace.conf,
                           *(word.format(user) for word in words)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and says in done.stderr, done


def test_learned_from_there_it_is_what_arrived(mail, lure, build, tmp_path):
    """With a tag and a threshold, on either MTA, the score by hand is the milter's."""
    user = mail.new_user()
    mail.millrace.command("user", "set", user, "spam", "tag")
    mail.millrace.command("user", "set", user, "spam_tag", "\N{WARNING SIGN} Spam")
    mail.millrace.command("user", "set", user, "spam_threshold", "4.5")
    _, message = delivered(mail, user, lure)
    assert str(message["Subject"]).startswith("\N{WARNING SIGN} Spam ")
    with mail.mailbox(user) as box:
        (tmp_path / "stored.eml").write_bytes(box.raw()[0])
    (tmp_path / "conf").write_text("")
    out = subprocess.run([build / "bin/millrace", "-c", tmp_path / "conf", "spam", "score",
                          tmp_path / "stored.eml"], capture_output=True, text=True, check=True).stdout
    assert out.split("\t")[1] == message["X-Spam-Score"]


DAY = 86400


def old_spam(mail, user):
    """Three messages in the user's Spam folder: of today, of 20 days ago, and that, flagged."""
    folder = mail.millrace.mail / "example.org" / user.split("@")[0] / ".Spam"
    now = int(time.time())
    names = {"today": f"new/{now}.M1P1.x", "old": f"cur/{now - 20 * DAY}.M2P2.x:2,S",
             "flagged": f"cur/{now - 20 * DAY}.M3P3.x:2,FS"}
    for part in ("", "new", "cur", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    paths = {name: folder / path for name, path in names.items()}
    for path in paths.values():
        path.write_text("Subject: spam\n\nx\n")
    subprocess.run(["chown", "-R", "mail:mail", folder.parent.parent], check=True)
    return paths


def test_old_spam_goes_by_command(mail):
    """Of those alone who said so."""
    users = {days: mail.new_user() for days in ("0", "10", "30")}
    spam = {days: old_spam(mail, user) for days, user in users.items()}
    for days, user in users.items():
        mail.millrace.command("user", "set", user, "spam_expire_days", days)
    assert mail.millrace.command("spam", "expire").startswith("removed 1 message from ")
    left = {days: [name for name, path in paths.items() if path.exists()]
            for days, paths in spam.items()}
    everything = ["today", "old", "flagged"]
    assert left == {"0": everything, "10": ["today", "flagged"], "30": everything}
    mail.millrace.command("user", "set", users["30"], "spam_expire_days", "5")
    one = mail.millrace.command_json("spam", "expire", "--user", users["30"])
    assert one == {"messages": 1, "mailboxes": 1, "links": 0}


def test_a_link_is_left_out(mail):
    """It leads nowhere, it is told, the others are done, and it is no temporary failure."""
    linked, user = mail.new_user(), mail.new_user()
    spam, target = old_spam(mail, user), old_spam(mail, linked)
    folder = target["old"].parent.parent
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    for name in (linked, user):
        mail.millrace.command("user", "set", name, "spam_expire_days", "10")
    done = subprocess.run([mail.millrace.bin / "millrace", "-c", mail.millrace.conf, "spam", "expire"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert f"old spam of {linked}: is a link" in done.stderr
    assert "left out 1 mailbox" in done.stdout
    assert not spam["old"].exists()
    assert (folder.with_name("elsewhere") / target["old"].relative_to(folder)).exists()
    mail.millrace.command("user", "set", linked, "spam_expire_days", "0")


def test_old_spam_goes_when_idle(mail):
    """After a delivery to that mailbox, by lmtpd, which says so."""
    user = mail.new_user()
    spam = old_spam(mail, user)
    mail.millrace.command("user", "set", user, "spam_expire_days", "10")
    assert mail.send("bob@example.net", user, letter("The train", to=user)).accepted
    mail.wait_mail(user)
    wait_until(lambda: not spam["old"].exists(), 20, "the old one is gone")
    assert spam["today"].exists() and spam["flagged"].exists()
    wait_until(lambda: "old spam removed" in mail.millrace.log(LMTPD), 10, "a line in the log")
    assert "millrace_lmtpd_expired_total" in mail.millrace.command("stats", "lmtpd")


def both(mail, users, message):
    """Send one message to two users: the folder and the message of each."""
    before = {user: _all(mail, user) for user in users}
    assert mail.send(message.sender, users, message.content).accepted
    mail.wait_queue_empty()
    found = []
    for user in users:
        new = [item for item in _all(mail, user) if item not in before[user]]
        assert len(new) == 1, (user, mail.logs())
        folder, raw = new[0]
        found.append((folder, email.message_from_bytes(raw, policy=email.policy.default), raw))
    return found


def _all(mail, user):
    with mail.mailbox(user) as box:
        return [(name, raw) for name in ("INBOX", "Spam") for raw in box.raw(name)]


def test_what_he_taught_counts_for_him(make_system, lure):
    """One recipient teaches that it is good mail: the next copy of his is in INBOX and says why, the
    other's is in Spam as before. The score by hand is the same; taken back by the copy itself, all is as
    it was."""
    system = make_system(spam=True, deliver="lmtpd")
    ann, bob = system.new_user(), system.new_user()
    lesson = system.path / "store/lesson.eml"

    def spam(*words):
        return system.millrace.command("spam", *words, "--user", ann, lesson)

    (_, first, raw), _ = both(system, [ann, bob], lure)
    assert first["X-Spam-Flag"] == "YES" and "shared=" not in first["X-Spam-Status"]
    lesson.write_bytes(raw)
    system.millrace.command("spam", "learn", "--user", ann, "--ham", lesson)
    (where, his, raw), (other_where, other, _) = both(system, [ann, bob], lure)
    assert (where, his["X-Spam-Flag"]) == ("INBOX", "NO"), his["X-Spam-Status"]
    assert (other_where, other["X-Spam-Flag"]) == ("Spam", "YES")
    assert other["X-Spam-Score"] == first["X-Spam-Score"]
    assert f"shared={first['X-Spam-Score']}" in his["X-Spam-Status"]
    assert re.search(r"lessons -\d+\.\d$", his["X-Spam-Status"].rstrip())
    # What he sees is what the command says, from his copy, whose fields were written anew.
    lesson.write_bytes(raw)
    assert spam("score").split("\t")[1] == his["X-Spam-Score"]
    line, = [line for line in system.millrace.log(LMTPD).splitlines() if "shared=" in line]
    assert f"score={his['X-Spam-Score']} shared={first['X-Spam-Score']}" in line
    assert spam("unlearn").startswith("took back 1 ")
    (where, again, _), _ = both(system, [ann, bob], lure)
    assert where == "Spam" and again["X-Spam-Status"] == first["X-Spam-Status"]


def test_a_domain_teaches(make_system, lure):
    """@example.org moves all of its users."""
    system = make_system(spam=True, deliver="lmtpd")
    ann, bob = system.new_user(), system.new_user()
    lesson = system.path / "store/lesson.eml"
    (_, _, raw), _ = both(system, [ann, bob], lure)
    lesson.write_bytes(raw)
    system.millrace.command("spam", "learn", "--user", "@example.org", "--ham", lesson)
    for where, message, _ in both(system, [ann, bob], lure):
        assert where == "INBOX" and "shared=" in message["X-Spam-Status"]
