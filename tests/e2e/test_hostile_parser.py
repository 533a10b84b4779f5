"""The 24 hostile mails of ../shared/tools/gen_hostile_mail.py, most of 50 MiB, through the whole work
of the parser (tests/bench/parse_ours.c): on a stack of 8 MiB, with little memory beyond the file, and
in time that is linear. Times are printed, not asserted; only the ratio is."""
import math
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT.parent / "shared/tools/gen_hostile_mail.py"
MEM_KIB_MAX = 64 * 1024
STACK_BYTES = 8 * 1024 * 1024
RATIO_MAX = 2.5             # of CPU time when the input doubles
CPU_S_MIN = 0.02            # what takes less is not measured well enough for a ratio


@pytest.fixture(scope="module")
def parser(build):
    """The program that parses."""
    program = build / "bin/mr-parse"
    subprocess.run(["make", "--no-print-directory", f"MODE={build.name}",
                    str(program.relative_to(ROOT))], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return program


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The folder with the mails, some 900 MiB; skips loudly without the generator."""
    if not GENERATOR.exists():
        pytest.skip(f"{GENERATOR} is missing: the hostile mails are not tested")
    folder = tmp_path_factory.mktemp("hostile")
    subprocess.run([sys.executable, GENERATOR, folder], check=True)
    yield sorted(folder.glob("*.eml"))
    for path in folder.glob("*.eml"):
        path.unlink()


def small_stack():
    """As `ulimit -s 8192`; runs in the child."""
    resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, STACK_BYTES))


def parse(parser, path):
    """What the program prints, as numbers by name. A crash is a failure here."""
    result = subprocess.run([parser, path], preexec_fn=small_stack, text=True, timeout=60,
                            capture_output=True, check=False)
    assert result.returncode == 0, f"{path.name}: exit {result.returncode}: {result.stderr}"
    return {name: float(value) for name, value in re.findall(r"(\w+) ([\d.]+)", result.stdout)}


def test_bounded(parser, hostile):
    """Each is parsed, within the limits and the memory."""
    assert len(hostile) == 24
    for path in hostile:
        got = parse(parser, path)
        print(f"{path.stem:16} {got['cpu_s']:7.3f} s {got['mem_kib']:7.0f} KiB "
              f"parts {got['parts']:.0f} fields {got['fields']:.0f} cut {got['cut']:.0f}")
        assert got["mem_kib"] <= MEM_KIB_MAX, path.name
        assert 1 <= got["parts"] <= 10000 and got["fields"] <= 10000, path.name


def test_linear(parser, hostile, tmp_path):
    """The whole costs at most so much more than its first half; best of three, and only where it
    can be measured."""
    slow = []
    for path in hostile:
        whole = min(parse(parser, path)["cpu_s"] for _ in range(3))
        if whole < CPU_S_MIN:
            continue
        half = tmp_path / path.name
        content = path.read_bytes()
        half.write_bytes(content[:len(content) // 2])
        cpu_s = min(parse(parser, half)["cpu_s"] for _ in range(3))
        ratio = whole / cpu_s if cpu_s else math.inf
        print(f"{path.stem:16} {cpu_s:7.3f} s, doubled {whole:7.3f} s: {ratio:4.2f}")
        if ratio > RATIO_MAX:   # a busy machine: the least of many more runs, taken in turns
            for _ in range(10):
                whole = min(whole, parse(parser, path)["cpu_s"])
                cpu_s = min(cpu_s, parse(parser, half)["cpu_s"])
            ratio = whole / cpu_s if cpu_s else math.inf
        if ratio > RATIO_MAX and whole - cpu_s > CPU_S_MIN:
            slow.append(f"{path.name}: {ratio:.2f}")
        half.unlink()
    assert not slow
