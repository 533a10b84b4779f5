"""Both LMTP servers and virtual(8) behind one Postfix: what the delivery costs there."""
import os
import pwd
import re
import statistics
import time
from pathlib import Path

from common import cpu
from stack import ground, wait_until
from stack.mta import Delivery, Listener, Plan
from stack.postfix import Postfix

from .field import OWNER, USER, Meter

DOMAINS = {"millrace-lmtpd": "example.org", "Dovecot LMTP": "d.example.org", "virtual(8)": "v.example.org"}
_DELAY = re.compile(r"delays=[\d.]+/[\d.]+/([\d.]+)/([\d.]+), .*status=(\w+)")


def _recipient(name):
    return f"{USER.partition('@')[0]}@{DOMAINS[name]}"


class Behind:
    """Use as a context manager."""

    def __init__(self, field):
        self.field = field
        folder = field.ground.folder("postfix")
        user = pwd.getpwnam(OWNER)
        (folder / "transport").write_text(
            f"{DOMAINS['Dovecot LMTP']} lmtp:unix:{field.dovecot.lmtp_socket}\n"
            f"{DOMAINS['virtual(8)']} virtual:\n")
        self.postfix = Postfix(Plan(
            folder=folder, delivery=Delivery(lmtp=field.ours.lmtp_socket),
            domains=list(DOMAINS.values()), listeners=[Listener("in", ground.free_port())],
            own_settings={
                "transport_maps": f"texthash:{folder}/transport",
                "virtual_mailbox_base": field.virtual,
                "virtual_mailbox_maps": f"inline:{{ {{ {_recipient('virtual(8)')} = ann/ }} }}",
                "virtual_uid_maps": f"static:{user.pw_uid}", "virtual_gid_maps": f"static:{user.pw_gid}",
                "virtual_minimum_uid": "1",
                # Recipients are known to who delivers, and Postfix asks nobody.
                "smtpd_reject_unlisted_recipient": "no",
                # Those who deliver stay, so that their CPU can be read, as can the part of a delay.
                "max_use": "100000", "max_idle": "1000s", "delay_logging_resolution_limit": "4",
                "initial_destination_concurrency": "20"}))

    def __enter__(self):
        self.field.dovecot.add_user(_recipient("Dovecot LMTP"), "secret")
        self.postfix.start()
        with open(self.postfix.folder / "master.cf", "a", encoding="ascii") as file:
            file.write("virtual unix - n n - - virtual\n")
        self.postfix.reload()
        return self

    def __exit__(self, *_):
        self.postfix.stop()

    def _agents(self, comm):
        """CPU-ms so far of Postfix's processes of that name."""
        total = 0.0
        for pid in cpu.tree(self.postfix.daemon.pid):
            try:
                if Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == comm:
                    total += time.clock_gettime((~pid << 3) | 2)
            except OSError:
                continue
        return 1000 * total

    def _wait_empty(self):
        queues = [self.postfix.folder / "queue" / name for name in ("incoming", "active", "deferred")]
        wait_until(lambda: not any(files for q in queues for _, _, files in os.walk(q)), 60,
                   lambda: f"the queue is empty\n{self.postfix.log()[-2000:]}")

    def run(self, name, connections, count, size):
        """One run. cpu: of who delivers, Postfix's client for LMTP with it; latency: of the last part of
        Postfix's delays, from the agent's start on the message to its end."""
        field = self.field
        roots = {"millrace-lmtpd": [field.lmtpd_pid], "Dovecot LMTP": [field.dovecot.daemon.pid]}.get(name, [])
        comm = "lmtp" if roots else "virtual"
        to = _recipient(name)
        address = f"127.0.0.1:{self.postfix.port}"
        field.load("smtp_load", address, connections, 2 * connections + 10, size, to)
        self._wait_empty()
        logged = len(self.postfix.log())
        before = self._agents(comm)
        start = time.monotonic()
        with Meter(*roots) as meter:
            field.load("smtp_load", address, connections, count, size, to)
            self._wait_empty()
            took = time.monotonic() - start
        agents = (self._agents(comm) - before) / count
        rows = _DELAY.findall(self.postfix.log()[logged:])
        if len(rows) != count or any(status != "sent" for _, _, status in rows):
            raise RuntimeError(f"{name}: {len(rows)} deliveries\n{self.postfix.log()[-2000:]}")
        delays = sorted(1000 * (float(dial) + float(send)) for dial, send, _ in rows)
        return {"rate": count / took, "cpu": agents + meter.cpu_ms / count, "own": agents,
                "p50": statistics.median(delays), "p99": delays[count * 99 // 100]}
