"""What a newcomer sees first."""
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stack import COMMAND, DELIVER, LMTPD, SPAM, ground, missing, wait_until
from test_stack import jailed, name

PROGRAM = Path(__file__).resolve().parent / "playground.py"
MESSAGES = 10


@pytest.fixture
def playground(build, mta, tmp_path):
    """A function that starts it; its output goes to the file it returns."""
    gone = missing(build, [SPAM, LMTPD, DELIVER, COMMAND])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    started = []

    def start(*words):
        out = tmp_path / "out"
        with open(out, "wb") as file:
            started.append(subprocess.Popen(
                [sys.executable, "-B", PROGRAM, "--build", build, "--mta", mta,
                 "--messages", str(MESSAGES), *words], stdin=subprocess.DEVNULL, stdout=file,
                stderr=file))
        return started[-1], out
    yield start
    for process in started:
        process.kill()
        process.wait()


def test_table(playground, mta):
    """--once: every message has its row, and at the end nothing runs."""
    process, out = playground("--once")
    assert process.wait(60) == 0, out.read_text()
    text = out.read_text()
    rows = [line for line in text.splitlines() if re.match(r" *\d+  ", line)]
    assert len(rows) == MESSAGES
    for row in rows:
        assert re.search(r"(alice|bob|carol): (INBOX|Spam)", row), row
        assert re.search(r" -?\d+\.\d{3} ", row), row
    assert ("sendmail 8.17" if mta == "sendmail" else "Postfix 3.7") in text
    assert "\033" not in text       # plain, for this is no terminal
    assert not jailed(), [name(p) for p in jailed()]


def test_ctrl_c(playground):
    """It stays, says how to use it, and ends with Ctrl-C leaving nothing."""
    process, out = playground()
    wait_until(lambda: "Ctrl-C ends everything" in out.read_text() or process.poll() is not None, 60,
               out.read_text)
    text = out.read_text()
    for port in (2525, 2143):
        assert re.search(rf"\b{port}\b", text)
        assert ground.answers(port)
    assert "alice@example.org" in text and "password" in text
    # The commands that it suggests work, from outside.
    commands = re.findall(r"^  (\S*bin/millrace .*)", text, re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=30,
                                stdin=subprocess.DEVNULL, check=False)
        assert result.returncode == 0, (command, result.stdout, result.stderr)
        assert result.stdout.strip(), command
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) == 0, out.read_text()
    assert not jailed(), [name(p) for p in jailed()]
    assert not ground.answers(2525)
    folder = Path(re.search(r"(\S+)/millrace\.conf", text).group(1))
    assert folder.parent == ground.BASE and not folder.exists()


def test_address_in_use(playground):
    """It says so, and starts nothing."""
    import socket
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 2525))
        sock.listen()
        process, out = playground("--once")
        assert process.wait(60) == 1
        assert "127.0.0.1:2525 is in use" in out.read_text()
