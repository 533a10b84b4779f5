"""A reload loses no message and no connection, under a stream of them."""
import time

import pytest

from stack import LMTPD, SPAM, wait_until
from stack.load import Stream, marks

RELOADS = 20


@pytest.mark.seconds(180)
@pytest.mark.parametrize("how", ["SIGHUP", "control"])
@pytest.mark.parametrize("program", [SPAM, LMTPD])
def test_reload_under_load(mail, program, how):
    users = [mail.new_user() for _ in range(4)]
    pid = mail.millrace.daemons[program].pid
    # Two keep one connection for ever, two begin a new one for every third message.
    streams = [Stream(mail.connect, users, connections=2).start(),
               Stream(mail.connect, users, connections=2, per_connection=3).start()]
    for stream in streams:
        stream.wait_count(5)
    for _ in range(RELOADS):
        if how == "SIGHUP":
            mail.millrace.reload(program)
        else:
            mail.millrace.control(program, "reload")
        time.sleep(0.1)
    for stream in streams:
        stream.wait_count(len(stream.promises) + 5)
        stream.stop()
        assert not stream.broken, f"{stream.broken}\n{mail.logs(200)}"
        assert not stream.others, stream.others[:3]
    assert mail.millrace.daemons[program].pid == pid
    sent = streams[0].accepted | streams[1].accepted
    wait_until(lambda: set(arrived(mail, users)) >= sent, 60,
               lambda: f"{len(sent - set(arrived(mail, users)))} of {len(sent)} missing", 0.5)
    assert sorted(arrived(mail, users)) == sorted(sent)


@pytest.mark.seconds(180)
@pytest.mark.parametrize("program", [SPAM, LMTPD])
def test_drain_under_load(mail, program):
    """A drained daemon finishes what it has and ends with status 0; what the MTA took arrives, once."""
    users = [mail.new_user() for _ in range(2)]
    daemon = mail.millrace.daemons[program]
    stream = Stream(mail.connect, users, connections=3, per_connection=2, pause_s=0.02).start()
    stream.wait_count(10)
    mail.millrace.control(program, "drain")
    wait_until(lambda: not daemon.alive, 30, f"{program} has ended")
    assert daemon.stop() == 0
    daemon.start()
    stream.wait_count(len(stream.promises) + 10)
    stream.stop()
    assert all(p.code // 100 == 4 for p in stream.others), stream.others[:3]
    mail.mta.flush()
    wait_until(lambda: set(arrived(mail, users)) >= stream.accepted, 60,
               lambda: f"{len(stream.accepted - set(arrived(mail, users)))} missing\n{mail.logs()}",
               0.5)
    assert sorted(arrived(mail, users)) == sorted(stream.accepted)


def arrived(mail, users):
    """The marks in all mailboxes."""
    found = []
    for user in users:
        with mail.mailbox(user) as box:
            found += marks(box.raw()) + marks(box.raw("Spam"))
    return found
