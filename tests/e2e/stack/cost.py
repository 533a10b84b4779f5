"""What one command took, in CPU and memory, measured by a small parent of its own.

Linux keeps, over exec, the peak of the process that forked, which may be large by now: that of the
tests. And RUSAGE_CHILDREN keeps the largest child there ever was. So a small one stands between, whose
own peak is some 15 MiB.
"""
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass

_PARENT = """import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True, errors="replace")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
json.dump([used.ru_utime + used.ru_stime, used.ru_maxrss, done.returncode, done.stdout, done.stderr], sys.stdout)
"""


@dataclass
class Cost:
    """One run of a command."""
    cpu_s: float        # user and system
    peak_kib: int
    code: int
    out: str
    err: str


def cost(*words, stack=None):
    """Run a command to its end. stack: the most bytes that its stack may have."""
    def limit():
        if stack:
            resource.setrlimit(resource.RLIMIT_STACK, (stack, stack))
    said = subprocess.run([sys.executable, "-I", "-S", "-c", _PARENT, *map(os.fspath, words)], check=True,
                          stdout=subprocess.PIPE, text=True, preexec_fn=limit)
    return Cost(*json.loads(said.stdout))
