#!/usr/bin/python3
"""ROW=idle: what 500 SMTP sessions that do nothing cost the filter behind Postfix.

    idle.py BUILD           environment: SESSIONS (500)
"""
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "e2e")]

from common import cpu, report                                 # noqa: E402
from common.contest import CLIENT, Field                       # noqa: E402
from common.dns import NoSuchName                              # noqa: E402
from stack import corpus, jail                                 # noqa: E402

SIZE, MESSAGES, HELD_S = 4096, 400, 10


def main(build):
    """Returns the exit status."""
    sessions = int(os.environ.get("SESSIONS", "500"))
    build = Path(build).resolve()
    archive = corpus.fetch(build.parent)
    jail.enter(net=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * sessions + 1024, 4 * sessions + 1024))
    NoSuchName()
    # Below the limit with room to spare: near it Postfix is under stress, and hangs up early.
    contest = Field(build, own_settings={"default_process_limit": str(2 * sessions)})
    contest.add_ours("millrace-spam", "unix")
    contest.add_rspamd({"unix": "rspamd"})
    contest.add_rspamd({"unix": "rspamd lean"}, lean=True)
    with contest:
        files = report.messages(archive, contest.ground.folder("messages"), SIZE)
        rows = []
        for contestant in contest.contestants[1:]:
            rows += measure(contest, contestant, sessions, files)
        print(f"{sessions} SMTP sessions through Postfix, each after EHLO; the filter alone, PSS")
        print(report.table(["", "", "MiB", "processes", "threads", "descriptors"], rows))
    return 0


def measure(contest, contestant, sessions, files):
    """The rows of one filter."""
    pid, rows = contestant.filter.pid, []

    def note(name, when):
        mib, *counts = cpu.memory(pid)
        rows.append([name, when, f"{mib:.1f}", *map(str, counts)])
        return mib

    cpu.wait_quiet(pid)
    before = note(contestant.name, "after the start")
    with subprocess.Popen([contest.build / "bin/smtp_load", "--from", CLIENT, "--idle", str(sessions),
                           f"127.0.0.1:{contestant.port}"], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as load:
        if not load.stdout.readline():
            raise RuntimeError(f"{contestant.name}: the sessions were not taken")
        cpu.wait_quiet(pid)
        during = note("", f"{sessions} sessions held open")
        used = cpu.seconds(pid)
        time.sleep(HELD_S)
        used = cpu.seconds(pid) - used
        load.stdin.close()
    cpu.wait_quiet(pid)
    note("", "after they were closed")
    contest.run(contestant, 20, MESSAGES, SIZE, files)
    cpu.wait_quiet(pid)
    note("", f"after {MESSAGES} messages on 20 connections")
    print(f"{contestant.name}: {1024 * (during - before) / sessions:.1f} KiB a session, "
          f"{1000 * used / HELD_S:.1f} ms of CPU a second while they are held", flush=True)
    return rows


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
