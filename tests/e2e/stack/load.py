"""Many messages at a time, each with a mark of its own, and the account of what was promised."""
import re
import threading
import time
from dataclasses import dataclass

from .client import letter

_MARK = re.compile(rb"X-Mark: (\S+)")


@dataclass
class Promise:
    """One message and what the server said to it."""
    mark: str
    user: str
    code: int           # 0: the connection broke before an answer
    text: str
    queue_id: str = None


class Stream:
    """Threads that send until stop(). connect: makes a Sender (or an smtplib.LMTP with deliver())."""

    def __init__(self, connect, users, *, connections=4, per_connection=0, pause_s=0.0, body=None):
        """per_connection: messages over one connection, then a new one; 0: one for ever."""
        self._connect, self._users, self._body = connect, users, body
        self._per_connection, self._pause_s = per_connection, pause_s
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.promises, self.broken = [], []
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                         for n in range(connections)]

    def start(self):
        """Begin; returns self."""
        for thread in self._threads:
            thread.start()
        return self

    def wait_count(self, count, seconds=60):
        """Wait until that many messages got an answer."""
        end = time.monotonic() + seconds
        while len(self.promises) < count:
            assert time.monotonic() < end, f"{len(self.promises)} of {count}; broken: {self.broken}"
            time.sleep(0.01)

    def stop(self):
        """Let each finish its message; returns the promises."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a connection hangs"
        return self.promises

    @property
    def accepted(self):
        """Marks of the messages that the server took."""
        return {p.mark for p in self.promises if p.code == 250}

    @property
    def others(self):
        """The rest."""
        return [p for p in self.promises if p.code != 250]

    def _run(self, thread_number):
        count = 0
        smtp = None
        while not self._stop.is_set():
            mark = f"{id(self):x}-{thread_number}-{count}"
            user = self._users[(thread_number + count) % len(self._users)]
            count += 1
            try:
                if smtp is None:
                    smtp = self._connect()
                message = letter(f"Message {mark}", self._body or f"This is {mark}.\n", to=user,
                                 X_Mark=mark)
                outcome = smtp.deliver("stream@example.net", user, message)
                promise = Promise(mark, user, outcome.code, outcome.text, outcome.queue_id)
                if self._per_connection and count % self._per_connection == 0:
                    smtp.quit()
                    smtp = None
            except OSError as error:        # smtplib's exceptions are that, too
                smtp = None
                promise = Promise(mark, user, 0, str(error))
                self.broken.append(repr(error))
            with self._lock:
                self.promises.append(promise)
            if self._pause_s:
                time.sleep(self._pause_s)
        if smtp is not None:
            smtp.close()


def marks(raw_messages):
    """The marks in messages, as a list: one that came twice is there twice."""
    found = (_MARK.search(raw) for raw in raw_messages)
    return [m.group(1).decode() for m in found if m]
