"""measure.py BUILD: LMTP delivery, millrace-lmtpd beside Dovecot's; see run.sh."""
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e"))
from stack import LMTPD, jail    # noqa: E402
from stack.dovecot import Dovecot    # noqa: E402
from stack.millrace import Millrace    # noqa: E402

ROUNDS = 3
COUNT = 1000
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
USER = "ann@example.org"


def cpu_ms(session):
    """CPU of all processes of a session, and of their children that ended."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            total += sum(map(int, fields[11:15]))
    return total * TICK_MS


def measure(load, socket, session, connections, size):
    """One round against one server; the first messages, which start its processes, do not count."""
    subprocess.run([load, "--lmtp", socket, str(connections), "100", str(size), USER], check=True,
                   stdout=subprocess.DEVNULL)
    before = cpu_ms(session)
    out = subprocess.run([load, "--lmtp", socket, str(connections), str(COUNT), str(size), USER],
                         check=True, stdout=subprocess.PIPE).stdout
    result = json.loads(out)
    if result["accepted"] != COUNT:
        sys.exit(f"lmtp: {socket}: {result}")
    result["cpu_ms"] = (cpu_ms(session) - before) / COUNT
    result["rate"] = COUNT / result["seconds"]
    return result


def median(results, key):
    """Of a list of results."""
    return statistics.median(result[key] for result in results)


def main(build):
    """Print a line for each case, and the ratios."""
    jail.enter(net=True)
    folder = Path("/var/lib/millrace-bench")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o755)
    load = Path(build).resolve() / "bin/smtp_load"
    ours = Millrace(build, folder)
    ours.command("domain", "add", "example.org")
    ours.command("user", "add", USER)
    dovecot = Dovecot(folder / "dovecot", folder / "dovecot-mail", 1143)
    for path in (dovecot.folder, dovecot.mail):
        path.mkdir()
        shutil.chown(path, "mail", "mail")
    try:
        ours.start(LMTPD)
        dovecot.start()
        dovecot.add_user(USER, "secret")    # its static userdb asks the passdb
        servers = {"millrace": (ours.lmtp_socket, ours.daemons[LMTPD].pid, ours.mail),
                   "dovecot": (dovecot.lmtp_socket, dovecot.daemon.pid, dovecot.mail)}
        for connections in (1, 20):
            for size in (4096, 51200):
                results = {name: [] for name in servers}
                for _ in range(ROUNDS):
                    for name, (socket, session, mail) in servers.items():
                        shutil.rmtree(mail / "example.org", ignore_errors=True)
                        results[name].append(measure(load, socket, session, connections, size))
                for name, rounds in results.items():
                    print(f"{name:9} {connections:3} connections {size // 1024:3} KiB"
                          f"  {median(rounds, 'rate'):7.0f}/s  {median(rounds, 'cpu_ms'):6.2f} CPU-ms"
                          f"  p50 {median(rounds, 'p50_ms'):6.1f} ms  p99 {median(rounds, 'p99_ms'):6.1f} ms")
                ratio = {key: median(results["millrace"], key) / median(results["dovecot"], key)
                         for key in ("cpu_ms", "rate")}
                print(f"ratio     {connections:3} connections {size // 1024:3} KiB  CPU {ratio['cpu_ms']:.2f}"
                      f"  deliveries/s {ratio['rate']:.2f}", flush=True)
    except subprocess.CalledProcessError:
        sys.stderr.write((dovecot.folder / "dovecot.log").read_text()[-2000:])
        raise
    finally:
        jail.hold_interrupts()
        dovecot.stop()
        ours.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
