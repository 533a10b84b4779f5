#!/usr/bin/env python3
"""Write the seeds of fuzz_spam_model and fuzz_spam_file from what model.h, lesson.h and correction.h say of
their formats. Run it from the top when one of them has a new version: seeds of an old one reach nothing.
"""
import hashlib
import re
import struct
import subprocess
import sys
from pathlib import Path

SEEDS = Path("tests/fuzz/seeds")


def constant(header, name):
    """A number that a header defines."""
    return int(re.search(rf"^#define {name}\s+(\d+)", Path(header).read_text(), re.MULTILINE)[1])


MODEL = constant("milters/spam/model.h", "MR_SPAM_MODEL_VERSION")
HEAD = constant("milters/spam/model.h", "MR_SPAM_MODEL_HEAD")
JUDGES = constant("milters/spam/model.h", "MR_SPAM_JUDGES")
FAMILIES = constant("milters/spam/feature.h", "MR_SPAM_FAMILIES")
LESSON = constant("milters/spam/lesson.h", "MR_SPAM_LESSON_VERSION")
CORRECTION = constant("milters/spam/correction.h", "MR_SPAM_CORRECTION_VERSION")
# What is written below; model.h tells where it stands.
KNOWN = {"MODEL": (MODEL, 2), "HEAD": (HEAD, 128), "JUDGES": (JUDGES, 4)}


def model(bits=(10, 10), reference=(), flags=0):
    """A whole model of weights that are 0."""
    head = bytearray(HEAD)
    struct.pack_into("<8sII2I", head, 0, b"\x89MRSPAM\n", MODEL, flags, *bits)
    struct.pack_into("<4i", head, 24, -300, 200, 0, 1)
    struct.pack_into("<iI", head, 40, 5 << 10, len(reference))
    struct.pack_into("<5I", head, 48, 3, 4, 5, 1, 2)
    rest = bytes((2 << bits[0]) + (2 << bits[1])) + b"".join(struct.pack("<II", *r) for r in reference)
    head[HEAD - 32:] = hashlib.blake2b(bytes(head[:HEAD - 32]) + rest, digest_size=32).digest()
    return bytes(head) + rest


def packed(data, sized=True):
    """By zstd, with or without the size in its frame."""
    size = [f"--stream-size={len(data)}"] if sized else []
    return subprocess.run(["zstd", "-q", "-19", "--no-check", "-c", *size], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


def num(value):
    """LEB128."""
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def signed(value):
    """The sign in the lowest bit (leb.h)."""
    return num(2 * value if value >= 0 else -2 * value - 1)


def models():
    whole = model(flags=1, reference=[(5, 1 << 24), (3 << 30 | 7, 1 << 20), (1 << 30 | 9, 1)])
    yield "model", model()
    yield "model-reference", whole
    yield "model-slot", model(reference=[(1024, 5)])
    yield "model-cut", whole[:-1]
    yield "model-version", whole[:8] + b"\xFF" + whole[9:HEAD + 4]
    yield "model-bits", whole[:16] + b"\x17" + whole[17:HEAD + 4]
    yield "packed", packed(whole)
    yield "packed-cut", packed(whole)[:-3]
    yield "packed-nosize", packed(b"x" * 30, sized=False)
    yield "packed-other", packed(b"no model" * 4)


def lessons():
    head, end = num(LESSON) + num(FAMILIES), b"\0" * (FAMILIES - 1)
    yield "lesson", head + num(2) + num(5) + num(300) + end
    yield "lesson-all", head + b"".join(num(2) + num(i * 1000) + num(1 + 70000 * i)
                                        for i in range(FAMILIES))
    yield "lesson-long", head + num(1) + b"\x81\x80\x00" + end
    yield "lesson-rest", head + b"\0" + end + b"x"
    yield "lesson-version", num(9) + num(FAMILIES)
    yield "lesson-many", head + num(200000)
    yield "lesson-zero", head + num(2) + num(5) + num(0) + end


def corrections():
    start = num(CORRECTION) + num(MODEL)
    head = start + num(2) + num(3) + num(1) + signed(5)
    tables = num(10) + num(10) + b"".join(signed(i - 1) for i in range(JUDGES))
    many = b"".join(num(25) + signed(i - 60) for i in range(40))
    yield "correction", head + tables + num(2) + num(5) + signed(-2) + num(300) + signed(300) + num(0)
    yield "correction-many", (head + tables + num(40) + many
                              + num(2) + num(0) + signed(7) + num(1023) + signed(-7))
    yield "correction-version", num(9) + num(MODEL)
    yield "correction-tables", start + num(3)
    yield "correction-threshold", start + num(2) + num(3) + num(1) + signed(1 << 26)
    yield "correction-bits", head + num(9) + num(10)
    yield "correction-bias", head + num(10) + num(10) + signed(1 << 26)
    yield "correction-count", head + tables + num(20000)
    yield "correction-slot", head + tables + num(1) + num(1024) + signed(1) + num(0)
    yield "correction-zero", head + tables + num(1) + num(1) + signed(0) + num(0)
    yield "correction-rest", head + tables + num(0) + num(0) + b"x"
    yield "correction-cut", head + tables + num(2) + num(1) + signed(1) + b"\x80\x80"


def main():
    for name, (now, known) in KNOWN.items():
        if now != known:
            sys.exit(f"{name} is {now}, not {known}: see what changed, and teach it to this script")
    for folder, seeds in (("spam_model", models()), ("spam_file", lessons()),
                          ("spam_file", corrections())):
        for name, data in seeds:
            (SEEDS / folder / name).write_bytes(data)


main()
