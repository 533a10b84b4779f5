"""One Postfix with a port for each contestant: the same filter over another socket is another one.

All filters run all the time, so that short runs can take turns, and noise of the machine hits all of
them alike; what is measured are the trees of the one that has the turn.
"""
import json
import statistics
import subprocess
import time
from dataclasses import dataclass, field

from stack import ground, wait_until
from stack.millrace import SPAM, Millrace
from stack.mta import Delivery, Listener, Milter, Plan
from stack.postfix import Postfix

from . import cpu
from .rspamd import Rspamd

CLIENT = "192.0.2.10"       # filters let a client on 127.0.0.1 off lightly
RECIPIENT = "alice@example.org"


@dataclass
class Contestant:
    """A filter behind one socket. filter: has pid; None for Postfix alone."""
    name: str
    socket: str = None
    filter: object = None
    port: int = field(default_factory=ground.free_port)


class Ours:
    """millrace-spam, as it comes."""

    def __init__(self, build, folder, socket):
        self._millrace = Millrace(build, folder, settings={"spam_listen": socket})

    def start(self):
        """Start it."""
        self._millrace.start(SPAM)

    def stop(self):
        """End it."""
        self._millrace.stop()

    @property
    def pid(self):
        """Of the process."""
        return self._millrace.daemons[SPAM].pid


class Field:
    """Postfix and the contestants, started and stopped together. Use as a context manager."""

    def __init__(self, build, own_settings=None):
        self.build, self.ground = build, ground.Ground()
        self.contestants, self._filters = [Contestant("Postfix alone")], []
        self._own_settings, self.postfix = own_settings or {}, None

    def add_ours(self, name, kind):
        """millrace-spam behind a socket of that kind: unix or inet."""
        folder = self.ground.folder(f"f{len(self._filters)}")
        socket = self._socket(folder, kind)
        self._add(Ours(self.build, folder, socket), {name: socket})

    def add_rspamd(self, names, lean=False):
        """names: {kind: name of the contestant}; one rspamd with a socket of each kind."""
        folder = self.ground.folder(f"f{len(self._filters)}")
        sockets = {name: self._socket(folder, kind) for kind, name in names.items()}
        self._add(Rspamd(folder, sockets.values(), lean), sockets)

    def _add(self, which, sockets):
        self._filters.append(which)
        self.contestants += [Contestant(name, socket, which) for name, socket in sockets.items()]

    @staticmethod
    def _socket(folder, kind):
        if kind == "unix":
            return f"unix:{folder}/run/milter.sock"
        return f"inet:{ground.free_port()}@127.0.0.1"

    def __enter__(self):
        try:
            for one in self._filters:
                one.start()
            milters = [Milter(c.name, c.socket, "reject") for c in self.contestants if c.socket]
            self.postfix = Postfix(Plan(
                folder=self.ground.folder("postfix"), delivery=Delivery(), milters=milters,
                listeners=[Listener(f"p{c.port}", c.port, [c.name] if c.socket else [])
                           for c in self.contestants], own_settings=self._own_settings))
            self.postfix.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for part in [self.postfix, *self._filters]:
            if part:
                part.stop()
        self.ground.remove()

    @property
    def postfix_pid(self):
        """Of master, the parent of all of Postfix."""
        return self.postfix.daemon.pid

    def wait_queue_empty(self):
        """Until Postfix has nothing left to do, without making it work."""
        queues = [self.postfix.folder / "queue" / name for name in ("incoming", "active", "deferred")]
        wait_until(lambda: not any(p.is_file() for q in queues for p in q.rglob("*")), 60,
                   "the queue is empty")

    def run(self, contestant, connections, count, size, files):
        """Send count messages; what it cost, in CPU-ms a message, and the latencies in ms."""
        trees = {"postfix": self.postfix_pid}
        if contestant.filter:
            trees["filter"] = contestant.filter.pid
        before = {name: cpu.seconds(pid) for name, pid in trees.items()}
        out = subprocess.run(
            [self.build / "bin/smtp_load", "--from", CLIENT, f"127.0.0.1:{contestant.port}",
             str(connections), str(count), str(size), RECIPIENT, *files],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        self.wait_queue_empty()
        time.sleep(0.1)
        used = {name: 1000 * (cpu.seconds(pid) - before[name]) / count
                for name, pid in trees.items()}
        if out.returncode != 0:
            raise RuntimeError(f"{contestant.name}: smtp_load: {out.stdout} {out.stderr}")
        said = json.loads(out.stdout)
        if said["accepted"] + said["refused"] != count or said["refused"] > count / 10:
            raise RuntimeError(f"{contestant.name}: {said}\n{self.postfix.log()[-2000:]}")
        return {"postfix": used["postfix"], "filter": used.get("filter", 0.0),
                "p50": said["p50_ms"], "p99": said["p99_ms"], "seconds": said["seconds"],
                "refused": said["refused"]}


def median(values):
    """Of a list."""
    return statistics.median(values)
