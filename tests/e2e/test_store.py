"""The store on a real PostgreSQL: the same operations, and what happens when the server is away."""
import os
import re
import shutil
import subprocess

import pytest

from stack import ground
from stack.postgres import Postgres, programs

UNIT = "tests/unit/test_store"


@pytest.fixture(scope="module", name="where")
def _where():
    with ground.Ground("store") as place:
        yield place


@pytest.fixture(scope="module", name="server")
def _server(where):
    if not programs():
        pytest.skip("postgresql missing: make deps")
    server = Postgres(where.path / "pg").create()
    try:
        yield server.start().create_database()
    finally:
        server.stop("immediate")


def test_same_tests(build, where, server):
    """Every test of tests/unit/test_store.c that is not about files holds on PostgreSQL, too."""
    if not (build / UNIT).exists():
        pytest.skip(f"binary missing: {UNIT}")
    program = where.path / "test_store"
    shutil.copy(build / UNIT, program)
    done = subprocess.run([program], cwd=where.path, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "MR_TEST_STORE": server.url(user="postgres")})
    passed = re.findall(r"\[ +OK \] (\S+)", done.stdout + done.stderr)
    skipped = re.findall(r"^SKIPPED (\S+):", done.stderr, re.M)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(skipped) == ["store_access", "store_foreign_files"]
    assert len(passed) >= 7, done.stdout
