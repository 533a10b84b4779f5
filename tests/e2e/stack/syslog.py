"""What syslog(3) is inside the jail: one file for each name that programs log under. sendmail says
nowhere else why it refused a message.

The jail gives us a /dev of our own (jail.py), so the /dev/log made here is seen by nobody else.
"""
import contextlib
import os
import re
import socket
import threading

PATH = "/dev/log"
_LINE = re.compile(r"^<\d+>(?:\w{3} [ \d]\d [\d:]{8} )?([^\s\[:]+)")

_files = {}
_thread = None
_goes = threading.Event()
_goes.set()


def keep(ident, file):
    """From now on, append what is logged under ident (sendmail -L) to file."""
    global _thread
    _files[ident] = file
    if _thread is None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(PATH)
        os.chmod(PATH, 0o666)
        _thread = threading.Thread(target=_run, args=(sock,), daemon=True)
        _thread.start()


def forget(ident):
    """No longer."""
    _files.pop(ident, None)


@contextlib.contextmanager
def stopped():
    """Nobody reads what is logged, as when syslogd got SIGSTOP; afterwards it goes on."""
    _goes.clear()
    try:
        yield
    finally:
        _goes.set()


def _run(sock):
    while True:
        _goes.wait()
        text = sock.recv(65536).decode("utf-8", "replace").rstrip("\n\0")
        found = _LINE.match(text)
        file = _files.get(found.group(1)) if found else None
        if file and os.path.isdir(os.path.dirname(file)):
            with open(file, "a", encoding="utf-8") as log:
                log.write(re.sub(r"^<\d+>", "", text) + "\n")
