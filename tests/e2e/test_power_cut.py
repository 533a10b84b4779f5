"""A power cut, for real: an ext4 that forgets, while lmtpd delivers onto it, all that was not synced
(EXT4_IOC_SHUTDOWN, its journal unflushed), and is then mounted again and counted. What a cut after each
single call would leave is the recorder's: tests/unit/test_durable.c."""
import threading
import time

import pytest

from stack import ground, missing, soak
from stack.disk import Disk
from stack.storm import Client, Lmtpd, audit

CLIENTS = 6
ROUNDS = soak.times(5)
NEW_PEOPLE = 12     # each time, so that mailboxes and folders are made just before
RUN_S = 0.5


@pytest.mark.soak
def test_power_cut(build):
    """Nothing acknowledged is lost: messages, folders that were made a moment ago, users that were added."""
    gone = missing(build, ["millrace-lmtpd", "millrace"])
    if gone:
        pytest.skip(f"binary missing: {', '.join(gone)}")
    with ground.Ground("cut") as place, Disk(place.path, mib=128 + soak.times(128)) as disk:
        lmtpd = Lmtpd(build, place.path, disk.path)
        clients, people = [], []
        disk.power()        # what was made so far is on it
        for number in range(ROUNDS):
            clients += _round(lmtpd, disk, number, people)
            account = audit(lmtpd.mail, clients, lmtpd.dead)
        print(f"{ROUNDS} cuts: {account}; {len(people)} users")
        assert account.acknowledged > ROUNDS * 10 and account.unsure > 0
        disk.check()


def _round(lmtpd, disk, number, people):
    """Deliver, cut, count the users; returns the clients. people: who has been added, and is added."""
    for n in range(NEW_PEOPLE):
        people.append(f"user{number}.{n}")
        assert lmtpd.say("user", "add", f"{people[-1]}@example.org") == 0
    ending = threading.Event()
    clients = [Client(number * CLIENTS + n, lmtpd.socket, ending, people, spam=0.3, cut=True)
               for n in range(CLIENTS)]
    adding = threading.Thread(target=_add, args=(lmtpd, number, ending, people))
    lmtpd.start()
    lmtpd.wait_ready()
    for thread in (*clients, adding):
        thread.start()
    time.sleep(RUN_S)
    loose = disk.path / f"loose{number}"
    loose.write_bytes(b"x" * 100)       # never synced
    disk.cut()
    ending.set()
    for thread in (*clients, adding):
        thread.join()
    lmtpd.end()
    disk.power()
    # Its name may have come to the disk with another's; its octets wait for 30 s.
    assert not loose.exists() or loose.read_bytes() == b"", "this was no power cut"
    assert lmtpd.say("store", "check") == 0
    listed = lmtpd.hear("user", "list")
    gone = [local for local in people if f"{local}@example.org" not in listed]
    assert not gone, f"were added, and are gone: {gone}"
    return clients


def _add(lmtpd, number, ending, people):
    """Users, one after the other; who is there, as the command said, is in people."""
    count = 0
    while not ending.is_set():
        local = f"late{number}.{count}"
        count += 1
        if lmtpd.say("user", "add", f"{local}@example.org") == 0:
            people.append(local)
