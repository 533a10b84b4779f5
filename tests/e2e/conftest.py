"""Fixtures of the end-to-end tests.

`plain` is a system without any program of ours; `mail` one with all of them. Both exist once for each
MTA and are shared by all tests of a run, so a test makes its own users (system.new_user()) and mends
what it breaks. `make_system` makes one that is the test's own.
"""
import signal
from pathlib import Path

import pytest

from stack import MTAS, System, missing, soak

TEST_SECONDS = 180
running = []


def pytest_addoption(parser):
    """--build build/MODE: whose programs are tested."""
    parser.addoption("--build", default="build/dev")


@pytest.fixture(scope="session")
def build(request):
    """Path of build/MODE."""
    return Path(request.config.getoption("--build")).resolve()


def up(build, mta, **options):
    """A System, not started; skips if a program that it needs is not built."""
    needed = System.needs(spam=options.get("spam", False), deliver=options.get("deliver", "dovecot"),
                          mapd=options.get("mapd", False) or options.get("quota", False))
    gone = missing(build, needed)
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    return System(build, mta, **options)


def serve(system):
    """For fixtures: start, hand out, stop."""
    running.append(system)
    try:
        with system:
            yield system
    finally:
        running.remove(system)


@pytest.fixture(scope="session", params=MTAS)
def mta(request, build):
    """Each MTA in turn; skips one that is not here."""
    if request.param == "sendmail" and not (build.parent / "sendmail/root").exists():
        pytest.skip("sendmail missing: make deps")
    return request.param


@pytest.fixture(scope="session")
def plain(build, mta):
    """MTA and Dovecot alone."""
    yield from serve(up(build, mta))


@pytest.fixture(scope="session")
def mail(build, mta):
    """MTA, spam milter, lmtpd, Dovecot."""
    yield from serve(up(build, mta, spam=True, deliver="lmtpd"))


@pytest.fixture
def make_system(build, mta):
    """A function: options as System's; what it returns runs until the test ends."""
    made = []

    def make(**options):
        generator = serve(up(build, mta, **options))
        made.append(generator)
        return next(generator)
    yield make
    for generator in reversed(made):
        next(generator, None)


@pytest.fixture(autouse=True)
def nobody_died():
    """A daemon that crashed fails the test during which it did; what a test leaves in a queue is no
    other's."""
    for system in running:
        system.begin_test()
    yield
    for system in running:
        system.check_alive()


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test hangs; @pytest.mark.seconds(N) allows more, and @pytest.mark.soak as many times as much."""
    mark = request.node.get_closest_marker("seconds")
    seconds = mark.args[0] if mark else TEST_SECONDS
    if request.node.get_closest_marker("soak"):
        seconds = soak.times(seconds)

    def expired(_signum, _frame):
        raise TimeoutError(f"the test took more than {seconds} s")
    old = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


def pytest_configure(config):
    """Our marks."""
    config.addinivalue_line("markers", "seconds(n): this test may take so long")
    config.addinivalue_line("markers", "soak: this test runs longer by `make soak` (stack/soak.py)")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the end of all logs."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for system in running:
            report.sections.append((f"logs of {system.path}", system.logs(40)))
