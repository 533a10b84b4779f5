#!/usr/bin/env python3
"""journal.py MILLRACE FOLDER LESSONS USERS: a store with many small lessons, written as millrace writes
them, and what the commands take on it."""
import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import time

KINDS, DOMAINS, OF_EACH = 40, 100, 3


def run(millrace, conf, *words):
    start = time.time()
    child = subprocess.Popen([millrace, "-c", conf, "spam", *words], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    said = child.stdout.read().strip().splitlines()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit("%s: %s" % (" ".join(words), said))
    print("%-8s %7.1f s, CPU %6.1f s, at most %4d MiB: %s"
          % (words[0], time.time() - start, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024,
             said[-1]), flush=True)


def messages(folder):
    """KINDS of them, every second one spam."""
    rng, paths = random.Random(1), []
    for i in range(KINDS):
        words = ("lottery", "prize") if i % 2 else ("meeting", "agenda")
        text = " ".join("%s%d" % (rng.choice(words), rng.randrange(50)) for _ in range(10))
        paths.append(os.path.join(folder, "%d.eml" % i))
        with open(paths[-1], "w") as f:
            f.write("Subject: %s %d\n\n%s\n" % (words[0], i, text))
    return paths


def fill(path, lessons, users):
    """Lessons like those that are there, under digests of their own."""
    db = sqlite3.connect(path)
    there, now = db.execute("SELECT is_spam, features FROM lesson").fetchall(), int(time.time())

    def digest(*name):
        return hashlib.blake2b(repr(name).encode(), digest_size=32).digest()

    def rows():
        for i in range(lessons):
            spam, features = there[i % KINDS]
            yield digest(i), "", spam, now - i % 100000, 0, features
        for user in range(users):
            for i in range(OF_EACH):
                spam, features = there[(user + i) % KINDS]
                yield (digest(user, i), "u%d@d%d.example" % (user, user % DOMAINS), spam, now, 0,
                       features)

    db.execute("PRAGMA synchronous = OFF")
    db.executemany("INSERT INTO lesson VALUES (?, ?, ?, ?, ?, ?)", rows())
    db.commit()
    db.close()


def add_users(path, users):
    """Who is not in the directory is no voice."""
    db = sqlite3.connect(path)
    db.executemany("INSERT INTO domain VALUES (?)",
                   (("d%d.example" % i,) for i in range(min(users, DOMAINS))))
    db.executemany("INSERT INTO mail_user VALUES (?, ?, ?, 0, 1)",
                   (("u%d" % i, "d%d.example" % (i % DOMAINS), "u%d" % i) for i in range(users)))
    db.commit()
    db.close()


def main():
    millrace, folder, lessons, users = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.makedirs(folder)
    conf = os.path.join(folder, "conf")
    with open(conf, "w") as f:
        f.write('spam_model = "%s/model"\nstore = "sqlite:%s/store"\nrun_dir = "%s"\n'
                % (folder, folder, folder))
    paths = messages(folder)
    for kind, some in (("--ham", paths[::2]), ("--spam", paths[1::2])):
        subprocess.run([millrace, "-c", conf, "spam", "learn", kind, *some], check=True,
                       stdout=subprocess.DEVNULL)
    fill(os.path.join(folder, "store/spam.db"), lessons, users)
    subprocess.run([millrace, "-c", conf, "domain", "add", "example.org"], check=True)
    add_users(os.path.join(folder, "store/directory.db"), users)
    print("-- %d lessons of the operator, %d users with %d each" % (lessons, users, OF_EACH))
    run(millrace, conf, "rebuild")
    run(millrace, conf, "rebuild")      # nothing changed: no correction is written
    run(millrace, conf, "model")
    run(millrace, conf, "score", "--user", "u7@d7.example", paths[0])
    run(millrace, conf, "learn", "--user", "u7@d7.example", "--spam", paths[0])
    run(millrace, conf, "learn", "--spam", paths[0])


main()
