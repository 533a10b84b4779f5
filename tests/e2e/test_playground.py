"""What a newcomer sees first."""
import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import playground as program
from stack import COMMAND, DELIVER, LMTPD, MAPD, SPAM, ground, letter, missing, send, wait_until
from test_stack import jailed, name

PROGRAM = Path(__file__).resolve().parent / "playground.py"
MESSAGES = 10


@pytest.fixture
def playground(build, mta, tmp_path):
    """A function that starts it; its output goes to the file it returns."""
    gone = missing(build, [SPAM, LMTPD, MAPD, DELIVER, COMMAND])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    started = []

    def start(*words, **options):
        out = tmp_path / "out"
        with open(out, "wb") as file:
            started.append(subprocess.Popen(
                [sys.executable, "-B", PROGRAM, "--build", build, "--mta", mta,
                 "--messages", str(MESSAGES), *words], stdin=subprocess.DEVNULL, stdout=file,
                stderr=file, **options))
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
        assert "--smtp-port" in out.read_text()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_ends_from_a_script(playground, signum):
    """What a shell starts with "&" has SIGINT ignored; it ends in the middle of the table all the same."""
    process, out = playground(
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    wait_until(lambda: "queue id" in out.read_text() or process.poll() is not None, 60, out.read_text)
    os.kill(process.pid, signum)
    assert process.wait(30) == 0, out.read_text()
    assert "Traceback" not in out.read_text()
    assert not jailed(), [name(p) for p in jailed()]


def test_ends_before_it_started(playground, tmp_path):
    """While the messages are fetched, with SIGINT ignored: no traceback."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "npm").write_text(f"#!/bin/sh\ntouch {tmp_path}/fetching\nexec sleep 60\n")
    (tools / "npm").chmod(0o755)
    process, out = playground(
        "--cache", tmp_path / "empty", env=dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    wait_until((tmp_path / "fetching").exists, 30, out.read_text)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) == 130, out.read_text()
    assert "Traceback" not in out.read_text()


def test_needs_root(playground):
    """It says so first."""
    process, out = playground(user="nobody", group="nogroup", extra_groups=[])
    assert process.wait(30) == 1
    assert "needs root" in out.read_text() and "Traceback" not in out.read_text()


def test_bounce_has_a_row(playground):
    """The MTA's own mail has no score, which is explained once, and a queue id."""
    process, out = playground("--messages", "0")
    wait_until(lambda: "Ctrl-C ends everything" in out.read_text() or process.poll() is not None, 60,
               out.read_text)
    assert send(2525, "alice@example.org", "nobody@example.org", letter("Anyone there?")).code == 550
    for _ in range(2):      # a loop: it was delivered to him before
        looping = letter("Again", Delivered_To="bob@example.org")
        assert send(2525, "alice@example.org", "bob@example.org", looping).accepted
    rows = wait_until(lambda: (lambda r: r if len(r) == 2 else None)(
        [row for row in out.read_text().splitlines() if "alice: INBOX" in row]), 30, out.read_text)
    for row in rows:
        assert re.search(r"alice: INBOX +[0-9A-Za-z]{8,}$", row), row
    assert out.read_text().count("no score:") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_columns(monkeypatch, encoding):
    """A cell is as wide as it should be on the screen: East Asian characters have two columns, marks
    none (Unicode, UAX 11), and what an encoding lacks becomes one question mark."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    screen = program.Screen()
    wide = {"汽": 2, "ｱ": 1, "한": 2, "é": 1, "e\u0301": 1, "क\u094d": 1, "☎\ufe0f": 1}
    for text, columns in wide.items():
        screen.say(screen.cell(text, 6) + "|")
        sys.stdout.flush()
        line = raw.getvalue().decode(encoding).splitlines()[-1]
        shown = columns if encoding == "utf-8" else len(line.rstrip("| "))
        assert len(line.rstrip("| ")) == (len(text) if encoding == "utf-8" else shown)
        assert line == line.rstrip("| ") + " " * (6 - shown) + "|", (text, line)
    cut = screen.cell("汽车、交通行业", 10)
    assert len(cut) == 10 if encoding != "utf-8" else cut == "汽车、... "
