"""A private PostgreSQL: a server below the ground, on a unix socket alone, as a user who is not root."""
import os
import shutil
import signal
from pathlib import Path

from .process import Daemon, DaemonFailed, run, wait_until

USER = "postgres"
DATABASE = "millrace"
HBA = """\
# The test itself; everybody else is who the kernel says he is.
local all postgres trust
local replication postgres trust
local all all peer
"""
# fsync stays on: what a commit costs is measured, too.
CONF = """\
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 60
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
log_line_prefix = '%m [%p] %u@%d '
log_min_messages = warning
"""


def programs():
    """The folder of the newest server's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


class Postgres:
    """One server. Its socket is in its folder; roles are taken from the kernel (peer), but postgres
    itself, whom anyone may be."""

    def __init__(self, folder, *, settings=""):
        """settings: more lines for postgresql.conf."""
        self.folder, self.data = Path(folder), Path(folder) / "data"
        self.bin, self.settings, self.daemon = programs(), settings, None
        if not self.bin:
            raise DaemonFailed("PostgreSQL is not installed: make deps")
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o755)
        shutil.chown(self.folder, USER, USER)
        self.socket = self.folder / ".s.PGSQL.5432"

    def create(self):
        """Make the cluster; returns self."""
        self._as_user(self.bin / "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--no-locale",
                      "--no-sync", "-A", "trust", "--wal-segsize=1")
        self._configure()
        return self

    def copy(self, primary):
        """Make it a standby of another server that runs; returns self."""
        self._as_user(self.bin / "pg_basebackup", "-D", self.data, "-h", primary.folder, "-U", "postgres",
                      "-R", "-c", "fast", "--no-sync", "-X", "stream")
        self._configure()
        return self

    def start(self):
        """Start; returns self when it answers."""
        if self.daemon is None:
            self.daemon = Daemon(
                f"postgres {self.folder.name}",
                ["/usr/bin/setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups",
                 self.bin / "postgres", "-D", self.data],
                self.folder.parent / f"{self.folder.name}.log", listens=[self.socket], ready=self.answers)
        self.daemon.start()
        return self

    def stop(self, how="fast"):
        """fast: roll back what is under way, and end; immediate: as a crash."""
        if self.daemon and self.daemon.alive:
            self.signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how])
            self.daemon.process.wait(30)
        if self.daemon:
            self.daemon.stop()

    def signal(self, signum):
        """Send a signal to the server's first process."""
        self.daemon.signal(signum)

    def version(self):
        """Such as 15.18."""
        return run([self.bin / "postgres", "--version"]).stdout.split()[2]

    def hang(self, on):
        """Stop, or continue, every process of it: they neither answer nor close."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)
            except ProcessLookupError:
                pass

    def pids(self):
        """The server's first process, and its children."""
        first = self.daemon.pid
        if not first:
            return []
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
        return [first, *map(int, children)]

    def answers(self):
        """Whether it takes a statement."""
        try:
            return self.sql("SELECT 1", database="postgres") == "1"
        except Exception:   # pylint: disable=broad-except
            return False

    def sql(self, text, *, database=DATABASE, user="postgres"):
        """Run statements; returns what they print."""
        return run([self.bin / "psql", "-h", self.folder, "-U", user, "-d", database, "-qAtX",
                    "-v", "ON_ERROR_STOP=1", "-c", text]).stdout.strip()

    def create_database(self):
        """The database that url() names."""
        self.sql(f"CREATE DATABASE {DATABASE}", database="postgres")
        return self

    def promote(self):
        """A standby becomes the primary."""
        self.sql("SELECT pg_promote()", database="postgres")
        wait_until(lambda: self.sql("SELECT pg_is_in_recovery()") == "f", 20, "promoted")

    def url(self, *others, **more):
        """For the setting store. others: further hosts; more: parameters."""
        hosts = ",".join(str(server.folder) for server in (self, *others))
        return f"postgresql:///{DATABASE}?host={hosts}" + "".join(f"&{k}={v}" for k, v in more.items())

    def _configure(self):
        (self.data / "pg_hba.conf").write_text(HBA, encoding="ascii")
        (self.data / "postgresql.conf").write_text(
            CONF.format(folder=self.folder) + self.settings, encoding="ascii")

    @staticmethod
    def _as_user(*argv):
        return run(argv, user=USER, group=USER, extra_groups=[], cwd="/")


