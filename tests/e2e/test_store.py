"""The store on a real PostgreSQL: the same operations, and what happens when the server is away, slow,
full, read-only or another one. lmtpd must say 4xx, never 5xx, and be back without a restart."""
import os
import pathlib
import re
import shutil
import smtplib
import subprocess
import sys
import threading
import time

import pytest

from stack import LMTPD, ground, missing, wait_until
from stack.cost import cost
from stack.cut import Cut
from stack.millrace import COMMAND, Millrace
from stack.postgres import Postgres, programs

UNIT = "tests/unit/test_store"
# Those that are made for either engine (tests/unit/mr_store_test.h).
GROUPS = sorted(source.stem for source in (pathlib.Path(__file__).parents[1] / "unit").glob("test_store_*.c")
                if "mr_store_test.h" in source.read_text(encoding="utf-8"))
SERVER = "tests/store/server"
USER = "ann@example.org"
MESSAGE = b"Subject: x\r\n\r\nx\r\n"
# What we wait for a silent server (MR_PG_SILENCE_MS), then to connect, and for a busy machine.
SILENT_S = 25


@pytest.fixture(scope="module", name="where")
def _where(build):
    if not programs():
        pytest.skip("postgresql missing: make deps")
    gone = missing(build, [LMTPD, COMMAND])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    with ground.Ground("store") as place:
        yield place


@pytest.fixture(scope="module", name="server")
def _server(where):
    """A server with the database, roles and schemas; tests leave it as they found it."""
    server = Postgres(where.path / "pg").create()
    try:
        yield server.start().create_database()
    finally:
        server.hang(False)
        server.stop("immediate")


class Operator:
    """The command `millrace` on a store, and what an LMTP client hears from lmtpd."""

    def __init__(self, build, path, url, rights=("root=directory:owner", "root=spam:owner",
                                                 "root=senders:owner", "root=quota:owner", "root=limits:owner",
                                                 "mail=directory:read", "mail=senders:read", "mail=quota:write",
                                                 "mail=limits:write", "news=spam:read")):
        path.mkdir()
        path.chmod(0o755)
        self.millrace = Millrace(build, path, settings={"store": url})
        self.rights, self.url = rights, url

    def init(self):
        """Roles and schemas, as postgres; then a domain and a user, as root."""
        assert self.run("store", "--store", f"{self.url}&user=postgres", "init", *self.rights) == 0
        for words in (("domain", "add", "example.org"), ("user", "add", USER)):
            assert self.run(*words) in (0, 1), words     # 1: an earlier test has it
        return self

    def run(self, *words, user=None, said=None):
        """Exit code of `millrace WORDS`, as root or as user; what it says goes to the list said."""
        options = {"user": user, "group": user, "extra_groups": []} if user else {}
        done = subprocess.run([self.millrace.bin / COMMAND, "-c", self.millrace.conf, *words], check=False,
                              capture_output=True, text=True, timeout=60, cwd="/", **options)
        if said is not None:
            said.append(done.stdout + done.stderr)
        return done.returncode

    def says(self, *words, user=None):
        """What it prints; it must succeed."""
        said = []
        assert self.run(*words, user=user, said=said) == 0, said
        return said[0]

    def rcpt(self, address=USER):
        """The reply to RCPT."""
        with smtplib.LMTP(os.fspath(self.millrace.lmtp_socket)) as lmtp:
            lmtp.ehlo_or_helo_if_needed()
            lmtp.mail("bob@example.net")
            return lmtp.rcpt(address)

    def code(self):
        """Its code alone."""
        return self.rcpt()[0]

    def deliver(self):
        """A message must be stored."""
        with smtplib.LMTP(os.fspath(self.millrace.lmtp_socket)) as lmtp:
            assert not lmtp.sendmail("bob@example.net", [USER], MESSAGE)

    def back(self, seconds=20):
        """Mail is delivered again, by the process that ran before."""
        wait_until(lambda: self.code() == 250, seconds, lambda: f"served; {self.rcpt()}", 0.1)
        self.deliver()


@pytest.fixture(scope="module", name="mill")
def _mill(build, where, server):
    mill = Operator(build, where.path / "mill", server.url(connect_timeout=2)).init()
    try:
        mill.millrace.start(LMTPD)
        yield mill
    finally:
        mill.millrace.stop()


@pytest.fixture(autouse=True)
def same_process(request):
    """Nobody restarts lmtpd, and after each test it serves."""
    if "mill" not in request.fixturenames:
        yield
        return
    mill = request.getfixturevalue("mill")
    pid = mill.millrace.daemons[LMTPD].pid
    yield
    mill.back()
    assert mill.millrace.daemons[LMTPD].pid == pid


def unit(build, where, name, url, *words, seconds=150):
    """Run a test program of ours; returns the names of tests that passed, and why others were skipped."""
    if not (build / name).exists():
        pytest.skip(f"binary missing: {name}")
    program = where.path / name.replace("/", "-")
    shutil.copy(build / name, program)
    done = subprocess.run([program, *words], cwd=where.path, capture_output=True, text=True, timeout=seconds,
                          check=False, env={**os.environ, "MR_TEST_STORE": url})
    assert done.returncode == 0, done.stdout + done.stderr
    return (sorted(set(re.findall(r"\[ +OK \] (\S+)", done.stdout + done.stderr))),
            set(re.findall(r"^SKIPPED \S+: (.*)", done.stderr, re.M)))


@pytest.fixture(scope="module", name="scratch")
def _scratch(server):
    """A database of its own, in which tests make and drop everything."""
    server.sql("CREATE DATABASE scratch", database="postgres")
    yield server.url(user="postgres").replace("/millrace?", "/scratch?")


def test_same_tests(build, where, scratch):
    """Every test of tests/unit/test_store.c that is not about files holds on PostgreSQL, too."""
    passed, skipped = unit(build, where, UNIT, scratch)
    assert skipped == {"about files"}
    assert len(passed) >= 7


@pytest.mark.parametrize("name", GROUPS)
def test_same_tests_of_a_group(build, where, scratch, name):
    """So does every test of one group's operations."""
    passed, skipped = unit(build, where, f"tests/unit/{name}", scratch)
    assert passed and skipped <= {"about files"}


def test_server_only(build, where, scratch):
    """What only a server has: conflicts, sessions ended, a server that becomes read-only."""
    passed, skipped = unit(build, where, SERVER, scratch)
    assert len(passed) >= 4 and not skipped


def test_delivers_in_the_sandbox(mill):
    """lmtpd reaches the server from inside its sandbox, as its own user."""
    mill.deliver()
    assert mill.rcpt("nobody@example.org")[0] == 550
    log = mill.millrace.log(LMTPD)
    assert "sandbox" in log and "SIGSYS" not in log


def test_stopped_and_started(mill, server):
    """4xx while it is away; back without a restart; one line in the log for each change."""
    mill.deliver()
    before = mill.millrace.log(LMTPD).count("store is away")
    server.stop("immediate")
    try:
        replies = [mill.code() for _ in range(20)]
        assert set(replies) == {451}, replies
        assert mill.run("user", "add", "late@example.org") == 75
        assert mill.millrace.log(LMTPD).count("store is away") == before + 1
    finally:
        server.start()
    mill.back(10)


def test_restarted_between_messages(mill, server):
    """Connections that died meanwhile are made anew: nobody hears a 4xx."""
    mill.deliver()
    server.stop("fast")
    server.start()
    assert mill.code() == 250


def test_sessions_ended(mill, server):
    """An administrator ends our sessions: the next message does not notice."""
    for _ in range(3):
        mill.deliver()
        server.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mail'")
        assert mill.code() == 250


def test_silent(mill, server):
    """A server that hangs: 20 clients have their 4xx after one time-out, not after twenty; the next
    ones sooner; and it is back when the server is."""
    mill.deliver()
    replies = []

    def ask():
        replies.append(mill.code())
    server.hang(True)
    try:
        start = time.monotonic()
        clients = [threading.Thread(target=ask) for _ in range(20)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(60)
        assert replies == [451] * 20
        assert time.monotonic() - start < SILENT_S
        start = time.monotonic()
        assert {mill.code() for _ in range(5)} == {451}
        assert time.monotonic() - start < SILENT_S
    finally:
        server.hang(False)
    mill.back()


def test_locked(mill, server):
    """A table that somebody holds: the server gives up for us, and says so."""
    mill.deliver()
    holder = subprocess.Popen([server.bin / "psql", "-h", server.folder, "-U", "postgres", "-d", "millrace",
                               "-qAtX"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        holder.stdin.write("BEGIN; LOCK TABLE directory.mail_user; SELECT 1;\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "1\n"
        start = time.monotonic()
        assert mill.code() == 451
        assert 4 < time.monotonic() - start < 9
    finally:
        holder.stdin.close()
        holder.wait(10)
    mill.back(5)


def test_tables_gone(mill, server):
    """A database restored empty, or renamed: that is no word about users. No 5xx."""
    server.sql("ALTER SCHEMA directory RENAME TO elsewhere")
    try:
        server.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mail'")
        assert mill.code() == 451
    finally:
        server.sql("ALTER SCHEMA elsewhere RENAME TO directory")
    mill.back(5)


def test_rights(mill, server):
    """Each program's role reads its groups, and the server refuses it all others."""
    def may(user, statement):
        done = subprocess.run([server.bin / "psql", "-h", server.folder, "-d", "millrace", "-qAtX",
                               "-v", "ON_ERROR_STOP=1", "-c", statement], user=user, group=user,
                              extra_groups=[], cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "permission denied" in done.stderr, done.stderr
        return done.returncode == 0
    assert may("mail", "SELECT count(*) FROM directory.mail_user")
    assert not may("mail", "DELETE FROM directory.mail_user")
    assert not may("mail", "CREATE TABLE directory.x (a BIGINT)")
    assert not may("mail", "SELECT count(*) FROM spam.lesson")
    assert may("news", "SELECT count(*) FROM spam.lesson")
    assert not may("news", "INSERT INTO spam.correction VALUES ('a', 1, '')")
    assert not may("news", "SELECT count(*) FROM directory.mail_user")
    # The same through our own command: what is not theirs they cannot read, add or load.
    assert mill.run("user", "list", user="mail") == 0
    said = []
    assert mill.run("user", "list", user="news", said=said) != 0
    assert mill.run("user", "add", "x@example.org", user="mail", said=said) != 0
    assert "permission denied" in said[0] and "permission denied" in said[1], said


def test_rights_of_files(build, where):
    """On SQLite the same by the rights of files: a group in another user's file is closed."""
    mill = Operator(build, where.path / "files", f"sqlite:{where.path}/files/state")
    assert mill.run("store", "init") == 0
    state = where.path / "files/state"
    state.chmod(0o1777)     # each may have journals beside his file
    shutil.chown(state / "directory.db", "mail", "mail")
    shutil.chown(state / "spam.db", "news", "news")
    assert mill.run("domain", "list", user="mail") == 0
    said = []
    assert mill.run("domain", "list", user="news", said=said) != 0
    assert mill.run("store", "check", user="news", said=said) != 0
    assert re.search("permi", said[0]), said


def test_fail_over(build, where, mill):
    """A standby takes over: the next host of the URL; and one that is still a standby is passed by."""
    first = Postgres(where.path / "first").create().start().create_database()
    second = Postgres(where.path / "second").copy(first).start()
    url = first.url(second, connect_timeout=2)
    both = Operator(build, where.path / "both", url).init()
    wait_until(lambda: second.sql("SELECT count(*) FROM directory.mail_user") == "1", 20, "replicated")
    # One that knows only the standby: mail waits until it is none any more.
    only = Operator(build, where.path / "only", second.url(connect_timeout=2))
    try:
        both.millrace.start(LMTPD)
        only.millrace.start(LMTPD)
        both.deliver()
        assert only.code() == 451
        assert "read-only" in only.millrace.log(LMTPD)
        assert only.run("domain", "add", "example.com") == 75
        first.stop("immediate")
        assert both.code() == 451
        second.promote()
        both.back()
        only.back()
        assert both.run("user", "add", "bea@example.org") == 0
        assert both.rcpt("bea@example.org")[0] == 250
    finally:
        both.millrace.stop()
        only.millrace.stop()
        first.stop("immediate")
        second.stop("immediate")
    assert mill.code() == 250


def test_disk_full(build, where):
    """The server's disk is full: temporary failures, then all that was said to be done is there."""
    disk = where.path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=755", "tmpfs", disk], check=True)
    server = Postgres(disk / "pg", settings="max_wal_size = 8MB\nmin_wal_size = 2MB\n")
    try:
        server.create().start().create_database()
        mill = Operator(build, where.path / "full", server.url(connect_timeout=2)).init()
        mill.millrace.start(LMTPD)
        mill.deliver()
        subprocess.run(["dd", "if=/dev/zero", f"of={disk}/ballast", "bs=64k"], check=False, capture_output=True)
        done, failed = [], 0
        for i in range(400):
            code = mill.run("user", "add", f"u{i}@example.org")
            assert code in (0, 75), code
            if code:
                failed += 1
                if failed == 3:
                    break
            else:
                done.append(f"u{i}@example.org")
        assert mill.code() in (250, 451)
        (disk / "ballast").unlink()
        wait_until(lambda: mill.run("user", "add", "after@example.org") in (0, 1), 60, "room again", 0.5)
        mill.back()
        listed = mill.says("user", "list")
        assert all(address in listed for address in done)
        assert failed, "the disk never got full"
        mill.millrace.stop()
    finally:
        server.stop("immediate")
        subprocess.run(["umount", "-l", disk], check=False)


def test_answer_lost(mill, where, server):
    """The connection breaks. Before COMMIT the transaction runs again; after COMMIT was sent it never
    does, though it was done."""
    cut = Cut(where.path / "cut", server.socket)
    try:
        url = f"postgresql:///millrace?host={cut.folder}"
        cut.after(b"INSERT INTO domain", 1)
        assert mill.run("store", "--store", url, "check") == 0      # passes through
        said = []
        assert run_on(mill, url, "domain", "add", "once.example", said=said) == 0, said
        assert cut.cuts == 1
        # A statement that is a transaction by itself, and a COMMIT: the first of them ends the look at
        # the tables.
        cut.after(b"lost.example", 1)
        assert run_on(mill, url, "domain", "add", "lost.example", said=said) == 75, said
        assert run_on(mill, url, "user", "add", "lost@lost.example", said=said) == 0, said
        cut.after(b"COMMIT\0", 2)
        assert run_on(mill, url, "user", "remove", "lost@lost.example", said=said) == 75, said
        assert cut.cuts == 3
    finally:
        cut.close()
    listed = mill.says("domain", "list")
    assert "once.example" in listed and "lost.example" in listed
    assert "lost@lost.example" not in mill.says("user", "list")
    for name in ("once.example", "lost.example"):
        assert mill.run("domain", "remove", name) == 0


def run_on(mill, url, *words, said=None):
    """`millrace WORDS` on another url."""
    mill.millrace.write_conf(store=url)
    try:
        return mill.run(*words, said=said)
    finally:
        mill.millrace.write_conf(store=mill.url)


def test_server_killed(mill, server):
    """The server dies while users are added, again and again: what was said to be done is there."""
    done, later, stop = [], [], threading.Event()

    def add():
        number = 0
        while not stop.is_set():
            address = f"k{number}@example.org"
            code = mill.run("user", "add", address)
            (done if code == 0 else later).append(address)
            # 1: the answer to an earlier try was lost, though it was done
            assert code in (0, 1, 75), code
            number += code in (0, 1)
    writer = threading.Thread(target=add)
    writer.start()
    try:
        for _ in range(5):
            time.sleep(0.7)
            server.stop("immediate")
            server.start()
    finally:
        stop.set()
        writer.join()
    listed = mill.says("user", "list")
    assert len(done) >= 5 and later
    assert all(f"{address}" in listed for address in done)
    for address in set(done + later):
        mill.run("user", "remove", address)


def test_tcp_tls_password(build, where):
    """From inside the sandbox over TCP: a name to look up, a certificate to check, a password from a file
    that lmtpd's user alone can read."""
    server = Postgres(where.path / "tls", settings="listen_addresses = 'localhost'\nssl = on\n")
    server.create()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
                    "-keyout", server.data / "server.key", "-out", server.data / "server.crt"],
                   check=True, capture_output=True)
    for name in ("server.key", "server.crt"):
        shutil.chown(server.data / name, "postgres", "postgres")
        (server.data / name).chmod(0o600)
    with open(server.data / "pg_hba.conf", "a", encoding="ascii") as hba:
        hba.write("hostssl all mailer localhost scram-sha-256\n")
    secrets = where.path / "secrets"
    secrets.mkdir()
    secrets.chmod(0o755)
    shutil.copy(server.data / "server.crt", secrets / "root.crt")
    (secrets / "root.crt").chmod(0o644)
    (secrets / "pass").write_text("localhost:5432:millrace:mailer:se:cret\n".replace("se:cret", "se\\:cret"))
    (secrets / "pass").chmod(0o600)
    shutil.chown(secrets / "pass", "mail", "mail")
    try:
        server.start().create_database()
        mill = Operator(build, where.path / "tcp", server.url(), ("root=directory:owner", "root=spam:owner",
                                                                  "mailer=directory:read", "mailer=senders:read",
                                                                  "mailer=quota:write", "mailer=limits:write")).init()
        server.sql("ALTER ROLE mailer PASSWORD 'se:cret'")
        url = ("postgresql://mailer@localhost:5432/millrace?connect_timeout=2&sslmode=verify-full"
               f"&sslrootcert={secrets}/root.crt&passfile={secrets}/pass")
        mill.millrace.write_conf(store=url)
        mill.millrace.start(LMTPD)
        mill.deliver()
        assert server.sql("SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                          " WHERE usename = 'mailer'") == "t"
        # Everything again, after a restart of the server.
        server.stop("immediate")
        assert mill.code() == 451
        server.start()
        mill.back()
        log = mill.millrace.log(LMTPD)
        assert "cret" not in log
        mill.millrace.stop()
    finally:
        server.stop("immediate")


def test_password_in_settings(build, where):
    """It is refused, and shown nowhere."""
    mill = Operator(build, where.path / "pw", "postgresql://u:hush@localhost/millrace")
    said = []
    assert mill.run("user", "list", said=said) == 1
    done = subprocess.run([mill.millrace.bin / LMTPD, "-c", mill.millrace.conf, "-n"], check=False, text=True,
                          capture_output=True)
    assert done.returncode == 78
    for text in (said[0], done.stderr):
        assert "passfile" in text and "hush" not in text, text


def peak_kib(*words):
    """The most memory that a command, which must succeed, has at any time."""
    took = cost(*words)
    assert took.code == 0, took.err
    return took.peak_kib


def test_peak_is_the_childs():
    """It is not that of the process that asks, and it is that of the command."""
    ballast = b"x" * (200 << 20)
    assert peak_kib("true") < 30 * 1024, len(ballast)
    assert peak_kib(sys.executable, "-c", "b'x' * (100 << 20)") > 100 * 1024


def test_large_move(mill, where, server):
    """120 MB of lessons go out, in, and are looked at, in memory that does not grow with them."""
    server.sql("INSERT INTO spam.lesson SELECT sha256(convert_to(n::text, 'UTF8')), '', n % 2, n, 0,"
               " decode(repeat('61', 6000), 'hex') FROM generate_series(1, 20000) n")
    dump, there = where.path / "large", f"sqlite:{where.path}/large-state"
    try:
        for words in (("dump", dump), ("--store", there, "load", dump), ("--store", there, "check"), ("check",)):
            kib = peak_kib(mill.millrace.bin / COMMAND, "-c", mill.millrace.conf, "store", *words)
            assert kib < 60 * 1024, (words, kib)
        assert dump.stat().st_size > 240_000_000    # hexadecimal
    finally:
        server.sql("DELETE FROM spam.lesson WHERE teacher = '' AND taught_s BETWEEN 1 AND 20000")
        dump.unlink(missing_ok=True)


def test_move(mill, where):
    """From PostgreSQL to SQLite and back: the same dump, octet by octet; and nothing on top of what is
    there."""
    dump, again = where.path / "dump", where.path / "again"
    assert mill.run("store", "dump", os.fspath(dump)) == 0
    there = f"sqlite:{where.path}/moved"
    assert mill.run("store", "--store", there, "load", os.fspath(dump)) == 0
    assert mill.run("store", "--store", there, "dump", os.fspath(again)) == 0
    assert dump.read_bytes() == again.read_bytes()
    assert USER.split("@", maxsplit=1)[0] in dump.read_text()
    said = []
    assert mill.run("store", "load", os.fspath(dump), said=said) == 1
    assert "not empty" in said[0]
    assert "ok" in mill.says("store", "check")
