"""Many SMTP sessions held open: an idle one costs a descriptor, not a thread."""
from pathlib import Path

import pytest

from stack import SPAM, letter

SESSIONS = 500
SESSION_KIB_MAX = 13


@pytest.mark.seconds(300)
def test_idle_sessions(make_system, mta):
    del mta
    system = make_system(spam=True, deliver="lmtpd", process_limit=SESSIONS + 100)
    alice = system.new_user()
    daemon = system.millrace.daemons[SPAM]
    before = status(daemon.pid)
    held = []
    try:
        for _ in range(SESSIONS):
            smtp = system.connect(timeout=60)
            code, _ = smtp.mail("bob@example.net")
            assert code == 250
            held.append(smtp)
        open_now = status(daemon.pid)
        sockets = len(list(Path(f"/proc/{daemon.pid}/fd").iterdir()))
        print(f"{SESSIONS} sessions: {open_now['Threads']} threads, {sockets} descriptors, "
              f"{(open_now['VmRSS'] - before['VmRSS']) / SESSIONS:.1f} KiB a session")
        assert sockets >= SESSIONS
        assert open_now["Threads"] < before["Threads"] + 8
        assert (open_now["VmRSS"] - before["VmRSS"]) / SESSIONS < SESSION_KIB_MAX
        # A message still passes, and each of those that waited can go on.
        assert system.send("bob@example.net", alice, letter("Through")).accepted
        for smtp in held[::50]:
            smtp.rset()
            assert smtp.deliver("bob@example.net", alice, letter("After the wait")).accepted
    finally:
        for smtp in held:
            smtp.close()
    system.wait_mail(alice, count=1 + len(held[::50]), seconds=60)


def status(pid):
    """Numbers of /proc/PID/status; memory in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)
            if name in ("Threads", "VmRSS")}
