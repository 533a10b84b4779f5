"""Mail of users who have logged in has a policy of its own in the spam milter, so that a stolen password
does not get the server listed. Postfix with Dovecot's passwords; sendmail's macro of the same name is
tested with the stage (tests/unit/test_spam_stage.c)."""
import smtplib

import pytest

from stack import SPAM, corpus, ground, letter

PASSWORD = "secret"


@pytest.fixture
def postfix(mta):
    """Skips where our stack has no submission."""
    if mta != "postfix":
        pytest.skip("submission is Postfix's here")


@pytest.fixture(scope="module")
def lure(build):
    """A message that anybody calls spam."""
    try:
        return next(m for m in corpus.pick(corpus.fetch(build.parent), 1, 5) if m.spam).content
    except corpus.NoCorpus as error:
        return pytest.skip(f"no real messages: {error}")


class Office:
    """A system with submission, and a user on it."""

    def __init__(self, make_system, policy, limit=1):
        self.port = ground.free_port()
        self.system = make_system(
            spam=True, deliver="lmtpd", ports={"submission": self.port},
            settings={"spam_auth_policy": policy, "spam_auth_reject_score": limit})
        self.user, self.friend = self.system.new_user(), self.system.new_user()

    def submit(self, message, to):
        """Send as the user, logged in: (code, text) of the answer to the content."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as smtp:
            smtp.login(self.user, PASSWORD)
            try:
                smtp.sendmail(self.user, [to], message)
            except smtplib.SMTPDataError as error:
                return error.smtp_code, error.smtp_error.decode()
        return 250, ""

    def log(self):
        """The milter's."""
        return self.system.millrace.log(SPAM)


@pytest.mark.parametrize("policy", ["off", "log", "reject"])
def test_policies(make_system, postfix, policy, lure):
    office = Office(make_system, policy)
    code, text = office.submit(b"X-Spam-Flag: YES\r\n" + lure, office.friend)
    if policy == "reject":
        assert code == 550 and "5.7.1" in text and "password" in text, text
    else:
        assert code == 250, text
        message, = office.system.wait_mail(office.friend)
        # Nothing of ours goes out, and nothing that claims to be.
        assert not [name for name in message.keys() if name.lower().startswith("x-spam-")]
    told = [line for line in office.log().splitlines() if "spam of an account" in line]
    assert len(told) == (0 if policy == "off" else 1)
    for line in told:
        assert f"account={office.user}" in line
        assert ("result=refused" if policy == "reject" else "result=passed") in line
    stats = office.system.millrace.command("stats", "spam")
    assert (f'millrace_spam_auth_messages_total{{result="spam"}} {len(told)}') in stats


def test_only_who_has_logged_in(make_system, postfix, lure):
    """Mail from outside to the same server goes its usual way."""
    office = Office(make_system, "reject")
    assert office.system.send("x@example.net", office.friend, lure).accepted
    office.system.wait_queue_empty()
    with office.system.mailbox(office.friend) as box:
        message, = box.messages("INBOX") + box.messages("Spam")
    assert message["X-Spam-Score"]


def test_good_mail_leaves(make_system, postfix):
    """To the outside, without fields of ours."""
    office = Office(make_system, "reject", limit=8)
    message = letter("The train", sender=office.user, to="carol@example.net")
    code, text = office.submit(message.as_bytes(), "carol@example.net")
    assert code == 250, text
    office.system.wait_queue_empty()
    arrival, = office.system.outside.arrivals
    assert b"Subject: The train" in arrival.content
    assert b"X-Spam-" not in arrival.content
