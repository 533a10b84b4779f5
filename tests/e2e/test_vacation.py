"""Users who are away: one answer to each sender, and none where none belongs. The same on both MTAs."""
import email

import pytest

from conftest import serve, up
from stack import LMTPD, Listener, ground, letter, wait_until


@pytest.fixture(scope="module", name="away")
def _away(build, mta):
    port = ground.free_port()
    for system in serve(up(build, mta, deliver="lmtpd", settings={"reinject": f"127.0.0.1:{port}"},
                           listeners=[Listener("reinject", port)])):
        yield system


def vacationer(system, **settings):
    user = system.new_user()
    for name, value in {"vacation_text": "Ich bin im Süden.\n", "vacation": "yes", **settings}.items():
        system.millrace.command("user", "set", user, name, value)
    return user


def answers(system, sender):
    with system.outside.lock:
        return [a for a in system.outside.arrivals if a.recipients == [sender]]


def test_once(away):
    """To the envelope's sender, from nobody, to be read as an answer; the second mail gets none."""
    user, sender = vacationer(away), "once@example.net"
    message = letter("Grüße", sender=sender, to=user, References="<first@example.net>")
    for count in (1, 2):
        assert away.send(sender, user, message).accepted
        away.wait_mail(user, count=count)
    wait_until(lambda: answers(away, sender), 20, lambda: f"an answer\n{away.logs()}")
    away.wait_queue_empty()
    answer, = answers(away, sender)
    assert answer.sender == ""
    read = email.message_from_bytes(answer.content, policy=email.policy.default)
    assert (read["From"], read["To"], read["Subject"]) == (user, sender, "Auto: Grüße")
    assert read["Auto-Submitted"] == "auto-replied" and read["In-Reply-To"] == message["Message-ID"]
    assert read["References"] == f"<first@example.net> {message['Message-ID']}"
    assert read.get_content().replace("\r\n", "\n") == "Ich bin im Süden.\n"


def test_two_who_are_away(away):
    """Neither answers the other's answer."""
    ann, bob = vacationer(away), vacationer(away)
    assert away.send(ann, bob, letter("Are you there?", sender=ann, to=bob)).accepted
    assert "Ich bin" in away.wait_mail(ann)[0].get_content()
    away.wait_queue_empty()
    assert [len(away.wait_mail(user)) for user in (ann, bob)] == [1, 1]


def test_no_answer(away):
    """To a list, another program, a bounce, and to mail that does not name him."""
    user = vacationer(away)
    cases = [("list@example.net", {"List-Id": "<x.example.net>"}), ("robot@example.net", {"Auto-Submitted": "auto-generated"}),
             ("bulk@example.net", {"Precedence": "bulk"}), ("owner-x@example.net", {}), ("", {})]
    for sender, fields in cases:
        message = letter("No answer", sender=sender or "mailer-daemon@example.net", to=user)
        for name, value in fields.items():
            message[name] = value
        assert away.send(sender, user, message).accepted
    assert away.send("hidden@example.net", user, letter("No answer", to="others@example.net")).accepted
    away.wait_mail(user, count=len(cases) + 1)
    away.wait_queue_empty()
    with away.outside.lock:
        assert not [a for a in away.outside.arrivals if b"Auto: No answer" in a.content]
    assert f"user={user}" not in away.millrace.log(LMTPD)


def test_days(away):
    """Not before its first day, and not after its last."""
    for settings in ({"vacation_from": "2099-01-01"}, {"vacation_until": "2020-01-01"}):
        user = vacationer(away, **settings)
        assert away.send("days@example.net", user, letter("Which day", to=user)).accepted
        away.wait_mail(user)
    away.wait_queue_empty()
    assert not answers(away, "days@example.net")
