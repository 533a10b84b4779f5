"""CPU time of a tree of processes, to the microsecond, with nothing missed.

A live process is asked for its CPU clock (clock_getcpuclockid(3): nanoseconds, with the threads that
ended); what its children used that ended and were waited for is in its /proc/PID/stat (clock ticks,
cut off only when shown). A child between two readings moves from the first sum to the second. What a
parent that ignores SIGCHLD loses would be missing: neither Postfix's master nor rspamd does that.
"""
import os
import time

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def tree(root):
    """The process and all its descendants: {pid: seconds of its children that ended}."""
    parent, ended = {}, {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="latin-1") as file:
                words = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        parent[int(name)] = int(words[1])
        ended[int(name)] = (int(words[13]) + int(words[14])) * _TICK_S
    wanted, found = {root}, {}
    while wanted:
        found.update({pid: ended[pid] for pid in wanted if pid in ended})
        wanted = {pid for pid, above in parent.items() if above in wanted}
    return found


def seconds(root):
    """CPU seconds of the whole tree so far."""
    total = 0.0
    for pid, ended in tree(root).items():
        try:
            total += ended + time.clock_gettime((~pid << 3) | 2)    # CPUCLOCK_SCHED of pid
        except OSError:
            continue
    return total


def ticks_ms(pids):
    """CPU of these processes and of their children that ended, as /proc/PID/stat has it: for long runs."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                total += sum(map(int, file.read().rpartition(")")[2].split()[11:15]))
        except OSError:
            pass
    return total * 1000 * _TICK_S


def memory(root):
    """(PSS in MiB, processes, threads, descriptors) of the whole tree."""
    pss_kib, threads, descriptors, pids = 0, 0, 0, tree(root)
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            pss_kib += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        threads += len(os.listdir(f"/proc/{pid}/task"))
        descriptors += len(os.listdir(f"/proc/{pid}/fd"))
    return pss_kib / 1024, len(pids), threads, descriptors


def wait_quiet(root, used_max=0.002, every_s=0.5, seconds_max=60):
    """Wait until the tree uses less than used_max CPU seconds in every_s; returns whether it did."""
    end = time.monotonic() + seconds_max
    last = seconds(root)
    while time.monotonic() < end:
        time.sleep(every_s)
        now = seconds(root)
        if now - last < used_max:
            return True
        last = now
    return False
