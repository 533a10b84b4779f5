"""`millrace`, the operator's command, beside running programs."""
import os
import pwd
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from stack import LMTPD, SPAM, letter, wait_until
from stack.millrace import COMMAND, DELIVER

USAGE, FAILED, CONFIG = 64, 1, 78
NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []}


def outcome(mail, *words, **options):
    """Run `millrace -c FILE WORDS` as root; it may fail."""
    return subprocess.run([mail.millrace.bin / COMMAND, "-c", mail.millrace.conf, *words], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False,
                          **options)


def test_users_come_and_go(mail):
    address = "eve@example.org"
    mail.millrace.command("user", "add", "Eve@Example.ORG")
    assert address in mail.millrace.command("user", "list", "example.org").split()
    eve, = (user for user in _json(mail, "user", "list") if user["local"] == "eve")
    assert (eve["domain"], eve["disabled"]) == ("example.org", False)
    again = outcome(mail, "user", "add", address)
    assert again.returncode == FAILED and "exists already" in again.stderr
    mail.millrace.command("user", "remove", address)
    assert address not in mail.millrace.command("user", "list").split()
    assert outcome(mail, "user", "remove", address).returncode == FAILED


def test_domain_with_users_stays(mail):
    mail.new_user()
    refused = outcome(mail, "domain", "remove", "example.org")
    assert refused.returncode == FAILED and "has users" in refused.stderr
    assert "example.org" in [row["domain"] for row in _json(mail, "domain", "list")]


def test_disabled_user_gets_no_mail_until_enabled(mail):
    user = mail.new_user()
    mail.millrace.command("user", "disable", user)
    mail.send("a@example.net", user, letter("kept back", to=user))
    time.sleep(2)
    with mail.mailbox(user) as box:
        assert not box.messages("INBOX")
    mail.millrace.command("user", "enable", user)
    mail.send("a@example.net", user, letter("after", to=user))
    wait_until(lambda: "after" in [m["Subject"] for m in mail.wait_mail(user)], 30, "the mail")


@pytest.mark.parametrize("words", [["user"], ["user", "add"], ["domain", "list", "x"], ["nothing"], [],
                                   ["version", "now"], ["drain"]])
def test_usage(mail, words):
    wrong = outcome(mail, *words)
    assert wrong.returncode == USAGE and "usage: millrace" in wrong.stderr


@pytest.mark.parametrize("words, says", [
    (["--help"], "usage: millrace "), (["--json", "--help"], "COMMAND"),
    (["user", "--help"], "user add|remove"),
    (["spam", "learn", "--help"], "learn --spam|--ham PATH"), (["playground", "--help"], "--once")])
def test_help(build, words, says):
    """Help that was asked for is no error, and needs no settings."""
    done = subprocess.run([build / "bin" / COMMAND, *words], text=True, capture_output=True, check=True)
    assert says in done.stdout and done.stdout.startswith("usage: ") and done.stderr == ""


def test_help_of_a_milter_has_all_options(build):
    done = subprocess.run([build / "bin" / SPAM, "--help"], text=True, capture_output=True, check=True)
    assert done.stdout.startswith(f"usage: {SPAM} ") and done.stderr == ""
    for option in ("-c", "-u", "-d", "-n", "-V", "-m", "-w", "--ip", "--name", "--helo", "--from", "--rcpt",
                   "--auth", "--queue-id"):
        assert re.search(rf"^  {option}\b", done.stdout, re.MULTILINE), option


def test_version_is_one(build):
    said = {subprocess.run([build / "bin" / COMMAND, word], text=True, capture_output=True,
                           check=True).stdout for word in ("version", "-V", "--version")}
    assert len(said) == 1 and re.fullmatch(r"millrace [0-9.]+\n", said.pop())


@pytest.mark.parametrize("line, offers", [
    ("", {"domain", "user", "alias", "friend", "block", "limits", "quota", "spam", "store", "status", "stats", "trace", "reload",
          "drain", "playground", "version"}),
    ("--v", {"--version"}), ("domain remove ", {"example.org"}), ("user list exa", {"example.org"}),
    ("user remove tab", {"tab@example.org"}), ("spam reb", {"rebuild"}), ("spam score ", {"a", "b"}),
    ("spam learn --ham ", {"a", "b"}), ("spam learn --h", {"--ham"}), ("spam score --h", set()),
    ("spam score --model ", {"a", "b"}), ("spam rebuild ", {"--model", "--json"}),
    ("playground --m", {"--mta", "--messages"}), ("playground --mta s", {"sendmail"})])
def test_completion(mail, tmp_path, line, offers):
    """What bash offers behind `millrace -c FILE LINE`, in a folder with the files a and b."""
    script = Path(__file__).parents[2] / "tools/millrace.bash-completion"
    if "tab@example.org" not in mail.millrace.command("user", "list").split():
        mail.millrace.command("user", "add", "tab@example.org")
    for name in ("a", "b"):
        (tmp_path / name).touch()
    words = ["millrace", "-c", str(mail.millrace.conf), *line.split(" ")]
    asked = """source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _millrace
             printf '%s\\n' "${COMPREPLY[@]}" """
    done = subprocess.run(["bash", "-c", asked, "bash", script, *words], text=True, capture_output=True,
                          check=True, cwd=tmp_path, stdin=subprocess.DEVNULL, timeout=60,
                          env={**os.environ, "PATH": f"{mail.millrace.bin}:{os.environ['PATH']}"})
    assert set(done.stdout.split()) == offers and done.stderr == ""


@pytest.mark.parametrize("words, why", [
    (["user", "add", "bob@nosuch.org"],
     "there is no domain nosuch.org; to add it: millrace domain add nosuch.org"),
    (["user", "add", "alice"], "an address is NAME@DOMAIN"),
    (["user", "add", "a b@example.org"], "before the @ are no spaces"),
    (["user", "add", "a" * 65 + "@example.org"], "the part before the @ is too long"),
    (["user", "remove", "bob@exa_mple.org"], "no domain name: it has letters"),
    (["domain", "add", "exa_mple.org"], "no domain name: it has letters"),
    (["domain", "add", "a." * 127 + "ab"], "no domain name: too long")])
def test_wrong_names_are_explained(mail, words, why):
    refused = outcome(mail, *words)
    assert refused.returncode == FAILED and refused.stdout == ""
    assert refused.stderr.startswith(f"millrace: cannot {words[1]} {words[0]} {words[2]}: {why}")


@pytest.mark.parametrize("words, why", [
    ("learn --user bob@nosuch.org --ham {}",
     "cannot learn for bob@nosuch.org: there is no domain nosuch.org; to add it: millrace domain add nosuch.org"),
    ("learn --user @nosuch.org --ham {}",
     "cannot learn for @nosuch.org: there is no domain nosuch.org; to add it: millrace domain add nosuch.org"),
    ("learn --user Nobody@example.org --ham {}",
     "cannot learn for nobody@example.org: there is no such user; to add one: millrace user add nobody@example.org"),
    ("expire --user nobody@example.org",
     "cannot remove old spam of nobody@example.org: there is no such user; to add one: "
     "millrace user add nobody@example.org")])
def test_spam_knows_its_users(mail, tmp_path, words, why):
    """Nothing is kept of a lesson of somebody who is not there."""
    before = mail.millrace.command("spam", "lessons")
    path = tmp_path / "one.eml"
    path.write_text("Subject: one\n\nA message.\n")
    refused = outcome(mail, "spam", *(word.format(path) for word in words.split()))
    assert refused.returncode == FAILED and refused.stdout == ""
    assert refused.stderr == f"millrace: {why}\n"
    assert mail.millrace.command("spam", "lessons") == before


@pytest.mark.parametrize("words, why", [
    ("foo", "spam has no verb foo"),
    ("learn", "what is it to learn? --ham or --spam, and behind it "),
    ("learn --ham", "behind --ham there is no path: a message, an mbox, a Maildir, "),
    ("learn --spam --ham x", "behind --spam there is no path: "),
    ("learn x", "is x good mail or spam? --ham or --spam stands before it"),
    ("learn --user bob --ham x", "bob is neither local@domain nor @domain"),
    ("learn --user a@b@c --ham x", "a@b@c is neither local@domain nor @domain"),
    ("learn --ham x --user", "behind --user there is no address"),
    ("score", "spam score needs a path: "), ("score --model", "behind --model there is no file"),
    ("score --loud x", "spam score takes no --loud"), ("rebuild x", "spam rebuild takes no x"),
    ("rebuild --user a@example.org", "spam rebuild takes no --user"),
    ("score - -", "standard input can be read once")])
def test_spam_says_what_is_wrong_with_words(build, tmp_path, words, why):
    (tmp_path / "x").write_text("Subject: x\n\n")
    wrong = subprocess.run([build / "bin" / COMMAND, "spam", *words.split()], text=True, capture_output=True,
                           stdin=subprocess.DEVNULL, check=False, cwd=tmp_path)
    assert wrong.returncode == USAGE and wrong.stdout == ""
    assert wrong.stderr.startswith(f"millrace: {why}"), wrong.stderr
    assert "\nusage: millrace [-c FILE] [--json] spam " in wrong.stderr


def test_nobody_taught_anything_yet(build, tmp_path):
    """A fresh installation has an empty list of lessons."""
    conf = tmp_path / "millrace.conf"
    conf.write_text(f'store = "sqlite:{tmp_path}/store"\nspam_model = "{tmp_path}/model"\n')
    for words, says in ((["spam", "lessons"], ""), (["spam", "lessons", "--user", "a@example.org"], ""),
                        (["--json", "spam", "lessons"], "[]\n")):
        done = subprocess.run([build / "bin" / COMMAND, "-c", conf, *words], text=True, capture_output=True,
                              check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, says, "")
    assert not (tmp_path / "store").exists()


def test_broken_configuration_is_named(mail, tmp_path):
    conf = tmp_path / "millrace.conf"
    conf.write_text("lmtp_workers = 3\nno_such_setting = 1\n")
    broken = subprocess.run([mail.millrace.bin / COMMAND, "-c", conf, "user", "list"], text=True,
                            capture_output=True, timeout=60, check=False)
    assert broken.returncode == CONFIG
    assert f"{conf}:2:" in broken.stderr and "no_such_setting" in broken.stderr


def test_root_makes_a_store_that_the_programs_can_open(mail, tmp_path):
    """The first domain is added by root, into a folder that belongs to the programs' user."""
    os.chmod(tmp_path, 0o755)
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    owner = pwd.getpwnam(mail.millrace.user)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    conf = tmp_path / "millrace.conf"
    conf.write_text(f'store = "sqlite:{folder}"\n')
    subprocess.run([mail.millrace.bin / COMMAND, "-c", conf, "domain", "add", "example.com"],
                   check=True, timeout=60)
    made = list(folder.iterdir())
    assert made and {path.stat().st_uid for path in made} == {owner.pw_uid}
    assert {path.stat().st_mode & 0o777 for path in made} == {0o600}


def test_status_and_stats(mail):
    status = _json(mail, "status")
    for program, word in ((SPAM, "spam"), (LMTPD, "lmtpd")):
        assert status[word]["program"] == program
        assert int(status[word]["pid"]) == mail.millrace.daemons[program].pid
    text = mail.millrace.command("status", "lmtpd")
    assert text.startswith("lmtpd:\n") and "  program millrace-lmtpd\n" in text
    before = _scored(mail)
    mail.send("a@example.net", mail.new_user(), letter("one more"))
    assert _scored(mail) == before + 1


def test_status_of_what_does_not_run(mail):
    gone = outcome(mail, "status", "vault")
    assert gone.returncode == FAILED and "vault is not running" in gone.stderr


def test_who_may_not_ask_is_told(mail):
    """A control socket is its own user's and root's; a program that gave no answer has no heading."""
    refused = outcome(mail, "status", **NOBODY)
    assert refused.returncode == FAILED and refused.stdout == ""
    assert refused.stderr.splitlines() == [f"millrace: {word}: not permitted: ask as root"
                                           for word in ("lmtpd", "spam")]


@pytest.mark.parametrize("command", ["status", "trace"])
def test_nothing_runs_where_there_is_no_run_dir(mail, tmp_path, command):
    conf = tmp_path / "millrace.conf"
    conf.write_text(f'run_dir = "{tmp_path}/none"\n')
    idle = subprocess.run([mail.millrace.bin / COMMAND, "-c", conf, command], text=True,
                          capture_output=True, timeout=60, check=False)
    assert idle.returncode == FAILED and idle.stdout == ""
    assert idle.stderr == f"millrace: nothing is running (no socket in {tmp_path}/none)\n"


def test_deliver_says_why_it_cannot_reach_lmtpd(mail):
    """To the bounce or the log of the MTA, and the mail waits (75)."""
    mail.millrace.lmtp_socket.chmod(0o600)
    try:
        for socket, why in ((mail.millrace.lmtp_socket, "not permitted"),
                            (mail.millrace.folder / "none", "nobody listens there")):
            gone = subprocess.run([mail.millrace.bin / DELIVER, "-s", f"unix:{socket}", "-f", "a@b",
                                   "-r", "b@c"], text=True, capture_output=True, check=False,
                                  stdin=subprocess.DEVNULL, timeout=60, **NOBODY)
            assert gone.returncode == 75
            assert gone.stdout == f"4.3.0 cannot reach millrace-lmtpd: unix:{socket}: {why}\n"
    finally:
        mail.millrace.lmtp_socket.chmod(0o666)


def test_trace_follows_one_message(mail):
    user = mail.new_user()
    with subprocess.Popen([mail.millrace.bin / COMMAND, "-c", mail.millrace.conf, "trace"],
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as trace:
        try:
            time.sleep(1)       # it has connected to both
            queue_id = mail.send("a@example.net", user, letter("traced", to=user)).queue_id
            mail.wait_mail(user)
            time.sleep(1)
        finally:
            trace.send_signal(signal.SIGINT)
        lines = [line for line in trace.stdout if queue_id in line]
    assert {line.split()[0] for line in lines} == {"spam", "lmtpd"}, lines


def test_reload_says_what_is_wrong(mail):
    assert "spam:" in mail.millrace.command("reload")
    good = mail.millrace.conf.read_text()
    try:
        mail.millrace.conf.write_text(good + "lmtp_workers = none\n")
        for program in ("spam", "lmtpd"):
            broken = outcome(mail, "reload", program)
            assert broken.returncode != 0 and "lmtp_workers" in broken.stderr
    finally:
        mail.millrace.conf.write_text(good)
    assert mail.send("a@example.net", mail.new_user(), letter("still here")).accepted


def _json(mail, *words):
    return mail.millrace.command_json(*words)


def _scored(mail):
    lines = mail.millrace.command("stats", "spam").splitlines()
    return sum(float(line.split()[-1]) for line in lines if "millrace_spam_messages_total" in line)
