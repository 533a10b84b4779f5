"""measure.py BUILD: the store on SQLite beside PostgreSQL; see run.sh."""
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e"))
sys.path.insert(0, str(HERE.parent))
from common.cpu import ticks_ms    # noqa: E402
from common.report import table    # noqa: E402
from stack import LMTPD, jail    # noqa: E402
from stack.millrace import Millrace    # noqa: E402
from stack.postgres import Postgres    # noqa: E402

ROUNDS, SECONDS, COUNT = 3, 2, 1000
USER = "ann@example.org"
RIGHTS = ("root=directory:owner", "root=spam:owner", "mail=directory:read")


def operations(load, urls, threads):
    """Print a line for each operation."""
    results = {name: [] for name in urls}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            out = subprocess.run([load, url, str(threads), str(SECONDS)], check=True, stdout=subprocess.PIPE)
            results[name].append(json.loads(out.stdout))
    rows = []
    for op in results["sqlite"][0]:
        if op == "failures":
            continue
        row = [op]
        for rounds in results.values():
            row.append(f"{statistics.median(r[op]['rate'] for r in rounds):.0f}")
            for key in ("p50_ms", "p99_ms"):
                row.append(f"{statistics.median(r[op][key] for r in rounds):.2f}" if key in rounds[0][op] else "")
        rows.append(row)
    print(f"\n{threads} thread{'s' if threads > 1 else ''}; failures "
          + ", ".join(f"{name} {sum(r['failures'] for r in rounds)}" for name, rounds in results.items()))
    head = [f"{name} {what}" for name in urls for what in ("/s", "p50 ms", "p99 ms")]
    print(table(["operation", *head], rows), flush=True)


def deliveries(load, mills, server):
    """Print a line for each case."""
    rows = []
    for connections in (1, 20):
        results = {name: [] for name in mills}
        for _ in range(ROUNDS):
            for name, mill in mills.items():
                shutil.rmtree(mill.mail / "example.org", ignore_errors=True)
                argv = [load, "--lmtp", mill.lmtp_socket, str(connections)]
                subprocess.run([*argv, "100", "4096", USER], check=True, stdout=subprocess.DEVNULL)
                pids = [mill.daemons[LMTPD].pid, *(server.pids() if name == "postgresql" else [])]
                before = ticks_ms(pids)
                out = subprocess.run([*argv, str(COUNT), "4096", USER], check=True, stdout=subprocess.PIPE).stdout
                result = json.loads(out)
                if result["accepted"] != COUNT:
                    sys.exit(f"store: {name}: {result}")
                result |= {"rate": COUNT / result["seconds"], "cpu_ms": (ticks_ms(pids) - before) / COUNT}
                results[name].append(result)
        for name, rounds in results.items():
            rows.append([f"{name}, {connections} connections"]
                        + [f"{statistics.median(r[key] for r in rounds):.{digits}f}"
                           for key, digits in (("rate", 0), ("cpu_ms", 2), ("p50_ms", 1), ("p99_ms", 1))])
    print("\ndeliveries by LMTP, 4 KiB")
    print(table(["store", "/s", "CPU-ms, server's too", "p50 ms", "p99 ms"], rows), flush=True)


def main(build):
    """All of it."""
    jail.enter(net=True)
    folder = Path("/var/lib/millrace-bench-store")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o755)
    bin_ = Path(build).resolve() / "bin"
    server, mills = Postgres(folder / "pg"), {}
    try:
        server.create().start().create_database()
        urls = {"sqlite": f"sqlite:{folder}/sqlite-state", "postgresql": server.url(user="postgres")}
        for url in urls.values():
            subprocess.run([bin_ / "millrace", "store", "--store", url, "init", *RIGHTS], check=True)
        for threads in (1, 8):
            operations(bin_ / "store_load", urls, threads)
        for name in urls:
            place = folder / name
            place.mkdir()
            mills[name] = mill = Millrace(build, place, settings={} if name == "sqlite" else {"store": server.url()})
            if name == "sqlite":
                mill.command("domain", "add", "example.org")
                mill.command("user", "add", USER)
            else:
                subprocess.run([bin_ / "millrace", "-c", mill.conf, "user", "add", USER], check=True)
            mill.start(LMTPD)
        deliveries(bin_ / "smtp_load", mills, server)
    finally:
        jail.hold_interrupts()
        for mill in mills.values():
            mill.stop()
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
