"""Mail through each MTA while its store, a PostgreSQL server, goes away: it waits, and comes once."""
import pytest

from stack import LMTPD, SPAM, letter, wait_until
from stack.postgres import programs


@pytest.fixture(name="system")
def _system(make_system):
    if not programs():
        pytest.skip("postgresql missing: make deps")
    return make_system(spam=True, deliver="lmtpd", store="postgresql")


def test_mail_waits(system):
    """The server is stopped, hangs, and is started anew, one after the other; at each step messages come
    in. Every one is delivered, once, and neither the programs nor the MTA were restarted."""
    users = [system.new_user() for _ in range(3)]
    pids = {name: system.millrace.daemons[name].pid for name in (SPAM, LMTPD)}
    server = system.postgres

    def send_all(subject):
        for user in users:
            assert system.send("bob@example.net", user, letter(subject)).accepted, subject
    send_all("before")
    system.wait_queue_empty()
    server.stop("immediate")
    send_all("stopped")
    wait_until(lambda: "dsn=4." in system.mta.log(), 30, "a temporary failure in the log")
    assert len(system.mta.queue()) >= 1
    server.start()
    system.mta.flush()
    system.wait_queue_empty(90)
    server.hang(True)
    send_all("hung")
    wait_until(lambda: len(system.mta.queue()) >= 1, 10, "it waits")
    server.hang(False)
    system.mta.flush()
    system.wait_queue_empty(90)
    for user in users:
        with system.mailbox(user) as box:
            assert sorted(m["Subject"] for m in box.messages()) == ["before", "hung", "stopped"]
    assert "dsn=5." not in system.mta.log()
    assert pids == {name: system.millrace.daemons[name].pid for name in (SPAM, LMTPD)}
    # The operator's command sees the same store.
    assert all(user in system.millrace.command("user", "list") for user in users)
    told = system.millrace.command("store", "check").splitlines()
    assert told and all(": ok, " in group for group in told), told


def test_user_unknown_and_disabled(system):
    """What the directory says counts as on SQLite: unknown is refused for good, disabled waits."""
    user = system.new_user()
    assert system.send("bob@example.net", user, letter("First")).accepted
    system.wait_mail(user)
    system.millrace.command("user", "disable", user)
    outcome = system.send("bob@example.net", user, letter("Second"))
    wait_until(lambda: [line for line in system.mta.log().splitlines()
                        if outcome.queue_id in line and "dsn=4." in line], 30, "it waits")
    system.millrace.command("user", "enable", user)
    system.mta.flush()
    system.wait_mail(user, count=2)
