"""Hostile mail through the whole spam stage on the command line: bounded time, memory and stack.

The set is ../shared/tools/gen_hostile_mail.py's (24 messages up to 50 MiB), and 1 MB each of one thing
in HTML. Each: less than 1 s of CPU, less than 64 MiB of memory beyond what a small message needs and
the pages of the file itself, on a stack of 8 MiB; twice the input costs at most 2.5 times the CPU.
"""
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

CPU_MAX_S = 1.0
MEMORY_MAX_KIB = 64 * 1024
STACK = 8 * 1024 * 1024
GENERATOR = Path(__file__).resolve().parents[3] / "shared/tools/gen_hostile_mail.py"

HEADER = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: t\r\nMIME-Version: 1.0\r\n" \
         b"Content-Type: text/html; charset=utf-8\r\n\r\n"
HTML = {"div": b"<div>", "b": b"<b>", "table": b"<table>", "comment": b"<!--", "attributes": b" a=b",
        "entities": b"&amp;", "link": b"<a href=http://a.b/>x</a>", "url": b"http://a.b/ ",
        "amp-hash": b"&#", "less": b"<", "style": b"<p style=a:b;c:d>", "word": b"ab "}
SIZE = 1_000_000

# How much the program took, measured by a small parent of its own: RUSAGE_CHILDREN keeps the largest
# child there ever was.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, done.returncode)
print(done.stdout + done.stderr)
"""


def html_mail(what, size=SIZE):
    unit = HTML[what]
    start = b"<p" if what == "attributes" else b""
    return HEADER + start + unit * (size // len(unit))


def run(program, path):
    """CPU seconds, peak KiB, output of `millrace-spam -m path`; the best of two runs."""
    best = None
    for _ in range(2):
        out = subprocess.run([sys.executable, "-c", MEASURE, str(program), "-m", str(path)],
                             capture_output=True, text=True, check=True,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK,
                                                                   (STACK, STACK)))
        first, _, rest = out.stdout.partition("\n")
        cpu_s, peak_kib, code = first.split()
        assert code == "0", rest
        if best is None or float(cpu_s) < best[0]:
            best = float(cpu_s), int(peak_kib), rest
    return best


@pytest.fixture(scope="module")
def program(build):
    path = build / "bin/millrace-spam"
    if not path.exists():
        pytest.skip(f"binary missing: {path}")
    return path


@pytest.fixture(scope="module")
def small(program, tmp_path_factory):
    """Peak KiB of an ordinary message: the program, its libraries and the model."""
    path = tmp_path_factory.mktemp("small") / "mail"
    path.write_bytes(HEADER + b"<p>hello</p>\r\n")
    return run(program, path)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    if not GENERATOR.exists():
        pytest.skip(f"no generator at {GENERATOR}")
    folder = tmp_path_factory.mktemp("hostile")
    subprocess.run([sys.executable, str(GENERATOR), str(folder)], check=True)
    yield folder
    for path in folder.iterdir():
        path.unlink()  # half a gigabyte


def check(program, small, path):
    cpu_s, peak_kib, out = run(program, path)
    file_kib = os.path.getsize(path) // 1024  # mapped or spooled: its pages count as ours
    assert "X-Spam-Status: " in out and "scorer=millrace" in out, path.name
    assert out.rstrip().endswith("accept"), path.name
    assert cpu_s < CPU_MAX_S, f"{path.name}: {cpu_s:.2f} s"
    assert peak_kib - small[1] - file_kib < MEMORY_MAX_KIB, f"{path.name}: {peak_kib} KiB"


def test_generated(program, small, hostile):
    paths = sorted(hostile.glob("*.eml"))
    assert len(paths) >= 24
    for path in paths:
        check(program, small, path)


@pytest.mark.parametrize("what", sorted(HTML))
def test_html(program, small, tmp_path, what):
    path = tmp_path / "mail"
    path.write_bytes(html_mail(what))
    check(program, small, path)


@pytest.mark.parametrize("what", sorted(HTML))
def test_html_linear(program, small, tmp_path, what):
    """Twice the input: what a small message costs taken off, and 20 ms of noise allowed."""
    costs = []
    for size in (SIZE, 2 * SIZE):
        path = tmp_path / "mail"
        path.write_bytes(html_mail(what, size))
        costs.append(run(program, path)[0] - small[0])
    assert costs[1] <= 2.5 * costs[0] + 0.02, costs
