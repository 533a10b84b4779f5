"""Daemons in the foreground: started, waited for, stopped by the ids we know."""
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import ground, jail


class DaemonFailed(Exception):
    """A daemon did not start, or ended by itself. The text has the end of its log."""


def wait_until(condition, seconds, what, every_s=0.02):
    """Call condition until it returns something true, and return that; AssertionError after seconds."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(every_s)


class Daemon:
    """One program in the foreground. Its output goes to a log file, never to ours: a daemon that holds
    the harness's standard output keeps the reader of a pipe waiting for ever."""

    def __init__(self, name, argv, log, *, listens=(), ready=None, notify=None, env=None,
                 ready_s=40, stop_s=15, cwd="/"):
        """listens: ports and socket paths, refused if in use, awaited at start. ready: one more
        condition. notify: path of a socket for systemd's READY=1 (sd_notify), awaited as well."""
        self.name, self.argv, self.log = name, [os.fspath(arg) for arg in argv], Path(log)
        self.listens, self.ready, self.notify = list(listens), ready, notify
        self.env, self.ready_s, self.stop_s, self.cwd = dict(env or {}), ready_s, stop_s, cwd
        self.process = None

    @property
    def pid(self):
        """The process id, or None."""
        return self.process.pid if self.alive else None

    @property
    def alive(self):
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def start(self):
        """Start it and wait until it serves."""
        if not jail.inside():
            raise RuntimeError("daemons run in the jail only: call stack.jail.enter() first")
        for address in self.listens:
            ground.refuse_in_use(address)
        env = {**_clean_environment(), **self.env}
        notifier = None
        if self.notify:
            Path(self.notify).unlink(missing_ok=True)
            notifier = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            notifier.bind(os.fspath(self.notify))
            os.chmod(self.notify, 0o666)
            notifier.setblocking(False)
            env["NOTIFY_SOCKET"] = os.fspath(self.notify)
        try:
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(
                    self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                    cwd=self.cwd, start_new_session=True)
            self._wait_ready(notifier)
        except BaseException:
            self.kill()
            raise
        finally:
            if notifier:
                notifier.close()
        return self

    def _wait_ready(self, notifier):
        missing = list(self.listens)
        notified = notifier is None
        end = time.monotonic() + self.ready_s
        while True:
            if not self.alive:
                raise DaemonFailed(f"{self.name} ended with {self.process.returncode}\n{self.tail()}")
            if not notified:
                try:
                    notified = b"READY=1" in notifier.recv(4096)
                except BlockingIOError:
                    pass
            missing = [address for address in missing if not ground.answers(address)]
            if notified and not missing and (self.ready is None or self.ready()):
                return
            if time.monotonic() > end:
                waiting = [str(m) for m in missing] + ([] if notified else ["READY=1"])
                raise DaemonFailed(f"{self.name} is not ready after {self.ready_s} s, waiting for "
                                   f"{', '.join(waiting) or 'its condition'}\n{self.tail()}")
            time.sleep(0.02)

    def signal(self, signum):
        """Send a signal to it."""
        self.process.send_signal(signum)

    def stop(self):
        """SIGTERM, and SIGKILL if that does not help; returns the exit status. Its children are gone,
        too: some hold the listening socket a moment longer."""
        process = self.process
        status = self._end(signal.SIGTERM)
        end = time.monotonic() + 5
        while process and any(ground.answers(address) for address in self.listens):
            if time.monotonic() > end:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.02)
        return status

    def kill(self):
        """SIGKILL: it gets no chance to clean up."""
        return self._end(signal.SIGKILL)

    def _end(self, signum):
        if self.process is None:
            return None
        if self.alive:
            self.process.send_signal(signum)
            try:
                self.process.wait(self.stop_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        status, self.process = self.process.returncode, None
        return status

    def tail(self, lines=25):
        """The end of its log."""
        try:
            text = self.log.read_text(errors="replace").splitlines()
        except OSError:
            text = []
        return "\n".join(f"    {self.name}: {line}" for line in text[-lines:])


def run(argv, **options):
    """Run a command to its end; returns it with its output as text. Raises if it fails."""
    result = subprocess.run([os.fspath(arg) for arg in argv], stdin=subprocess.DEVNULL, text=True,
                            capture_output=True, timeout=60, check=False, **options)
    if result.returncode != 0:
        raise DaemonFailed(f"{argv[0]} exits with {result.returncode}: "
                           f"{result.stderr.strip() or result.stdout.strip()}")
    return result


def _clean_environment():
    """What a daemon gets to see: what a service manager would give it, and sanitizer options."""
    kept = {name: value for name, value in os.environ.items()
            if name.endswith("SAN_OPTIONS") or name.startswith("MR_")}
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", **kept}
