"""measure.py BUILD: what an answer of millrace-mapd costs; see run.sh."""
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e"))
sys.path.insert(0, str(HERE.parent))
from common.cpu import ticks_ms    # noqa: E402
from common.report import table    # noqa: E402
from stack import MAPD, jail    # noqa: E402
from stack.millrace import Millrace    # noqa: E402
from stack.postgres import Postgres    # noqa: E402

USERS, ALIASES, DOMAINS, COUNT, GOAL_MS = 300_000, 30_000, 300, 4000, 0.2


def domain(i):
    """One of DOMAINS."""
    return f"d{i % DOMAINS}.example"


def write_dump(path):
    """A directory as `millrace store load` reads it."""
    rows = DOMAINS + USERS + 2 * ALIASES
    with open(path, "w", encoding="ascii") as out:
        out.write("millrace-store\t1\ngroup\tdirectory\t2\ntable\tdomain\tname\n")
        out.writelines(f"row\tt{domain(i)}\n" for i in range(DOMAINS))
        out.write("table\tmail_user\tid, domain, local, disabled, created_s\n")
        out.writelines(f"row\tt{i:025d}\tt{domain(i)}\tuser{i}\ti0\ti0\n".replace("\tuser", "\ttuser")
                       for i in range(USERS))
        out.write("table\tsetting\tdomain, local, name, value\n")
        out.write("table\talias\tdomain, local, disabled, created_s\n")
        out.writelines(f"row\tt{domain(i)}\ttalias{i}\ti0\ti0\n" for i in range(ALIASES))
        out.write("table\talias_target\tdomain, local, target, to_domain, to_local\n")
        out.writelines(f"row\tt{domain(i)}\ttalias{i}\ttuser{i}@{domain(i)}\tt{domain(i)}\ttuser{i}\n"
                       for i in range(ALIASES))
        out.write(f"end\t{rows}\n")


def pick(i):
    """A number below USERS, all over."""
    return i * 7919 % USERS


KINDS = {
    "recipients, a user": lambda i: ("recipients", f"user{pick(i)}@{domain(pick(i))}", b"OK"),
    "recipients, user+folder": lambda i: ("recipients", f"user{pick(i)}+x@{domain(pick(i))}", b"OK"),
    "recipients, nobody": lambda i: ("recipients", f"nobody{i}@{domain(i)}", b"NOTFOUND"),
    "aliases, of one": lambda i: ("aliases", f"alias{i % ALIASES}@{domain(i % ALIASES)}", b"OK"),
    "aliases, a user": lambda i: ("aliases", f"user{pick(i)}@{domain(pick(i))}", b"NOTFOUND"),
    "aliases, another domain": lambda i: ("aliases", f"ann@other{i}.example", b"NOTFOUND"),
    "domains": lambda i: ("domains", domain(i), b"OK"),
    "senders, a user": lambda i: ("senders", f"user{pick(i)}@{domain(pick(i))}", b"OK"),
}


def netstring(text):
    """As it goes over the wire."""
    data = text.encode()
    return b"%d:%s," % (len(data), data)


def ask(path, kind, count, at_once):
    """Ask count questions of a kind; every answer must be right. Returns seconds."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.fspath(path))
        start, got = time.monotonic(), b""
        for first in range(0, count, at_once):
            asked = [KINDS[kind](i) for i in range(first, first + at_once)]
            sock.sendall(b"".join(netstring(f"{name} {key}") for name, key, _ in asked))
            for _, key, want in asked:
                while b"," not in got:
                    got += sock.recv(65536)
                answer, _, got = got.partition(b",")
                if not answer.partition(b":")[2].startswith(want):
                    sys.exit(f"map: {kind}: {key}: {answer}")
        return time.monotonic() - start


def request(i, state, account):
    """Of Postfix's policy protocol, with what it sends besides."""
    return (f"request=smtpd_access_policy\nprotocol_state={state}\nprotocol_name=ESMTP\nclient_address=192.0.2.10\n"
            "client_name=client.example.net\nclient_port=40000\nreverse_client_name=client.example.net\n"
            "server_address=192.0.2.1\nserver_port=25\nhelo_name=client.example.net\nsender=ann@example.net\n"
            f"recipient=user{pick(i)}@{domain(pick(i))}\nrecipient_count={int(state == 'DATA')}\nqueue_id=\n"
            f"instance={i:x}.{account}\nsize=4096\netrn_domain=\nstress=\nsasl_method=\nsasl_username={account}\n"
            "sasl_sender=\nccert_subject=\nccert_issuer=\nccert_fingerprint=\nencryption_protocol=\n"
            "encryption_cipher=\nencryption_keysize=0\npolicy_context=\ncompatibility_level=3.6\n\n").encode()


OVER = "user100000@d100.example"    # of nobody below; may send one message a day
POLICY = {
    "policy RCPT, from outside": lambda i: (request(i, "RCPT", ""), b"action=DUNNO"),
    "policy RCPT, logged in": lambda i: (request(i, "RCPT", f"user{pick(i)}@{domain(pick(i))}"), b"action=DUNNO"),
    "policy DATA, counted": lambda i: (request(i, "DATA", f"user{pick(i)}@{domain(pick(i))}"), b"action=DUNNO"),
    "policy DATA, over the limit": lambda i: (request(i, "DATA", OVER), b"action="),
}


def ask_policy(path, kind, count, _at_once):
    """The same of the policy protocol: Postfix asks one question at a time."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.fspath(path))
        start = time.monotonic()
        for i in range(count):
            asked, want = POLICY[kind](i)
            sock.sendall(asked)
            answer = sock.recv(65536)
            if not answer.startswith(want):
                sys.exit(f"map: {kind}: {answer}")
        return time.monotonic() - start


def measure(path, name, pids, at_once, kinds, ask_):
    """A row for each kind; returns the worst CPU-ms."""
    rows, worst = [], 0
    for kind in kinds:
        ask_(path, kind, COUNT // 4, at_once)
        before = ticks_ms(pids())
        seconds = ask_(path, kind, COUNT, at_once)
        cost = (ticks_ms(pids()) - before) / COUNT
        worst = max(worst, cost)
        rows.append([kind, f"{cost:.3f}", f"{COUNT / seconds:.0f}"])
    print(f"\n{name}, {at_once} at once")
    print(table(["question", "CPU-ms an answer", "answers/s, one connection"], rows), flush=True)
    return worst


def main(build):
    """All of it."""
    jail.enter(net=True)
    folder = Path("/var/lib/millrace-bench-map")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o755)
    bin_ = Path(build).resolve() / "bin"
    server, mills, worst = Postgres(folder / "pg"), {}, {}
    try:
        write_dump(folder / "dump")
        server.create().start().create_database()
        for name in ("sqlite", "postgresql"):
            place = folder / name
            place.mkdir()
            settings = {} if name == "sqlite" else {"store": server.url()}
            mills[name] = mill = Millrace(build, place, settings=settings)
            url = mill.settings["store"] if name == "sqlite" else server.url(user="postgres")
            subprocess.run([bin_ / "millrace", "store", "--store", url, "init", "mail=directory:read",
                            "mail=limits:write", "mail=quota:write", "root=directory:owner"], check=True)
            subprocess.run([bin_ / "millrace", "store", "--store", url, "load", folder / "dump"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run([bin_ / "millrace", "-c", mill.conf, "user", "set", OVER, "send_messages", "0/0/1"],
                           check=True)
            if name == "postgresql":
                server.sql("ANALYZE")
            mill.start(MAPD)

            def pids(name=name, pid=mill.daemons[MAPD].pid):
                return [pid, *(server.pids() if name == "postgresql" else [])]
            for at_once in (1, 100):
                worst[name, at_once] = measure(mill.map_socket, f"{name}, {USERS} users", pids, at_once, KINDS, ask)
            measure(mill.policy_socket, f"{name}, policy", pids, 1, POLICY, ask_policy)
        print("\nworst: " + ", ".join(f"{name} {at_once} at once {cost:.3f} CPU-ms"
                                      for (name, at_once), cost in worst.items())
              + f"; goal on SQLite: under {GOAL_MS}")
    finally:
        jail.hold_interrupts()
        for mill in mills.values():
            mill.stop()
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
