"""LMTP on a socket and programs by pipe, without an MTA."""
import shutil

from .field import OWNER, USER, Meter

LDA = "/usr/lib/dovecot/dovecot-lda"
WARM = 20       # messages at least that do not count: they start processes and make the mailbox


def lmtp(field, name, connections, count, size):
    """One run against one LMTP server."""
    socket, root = {"millrace-lmtpd": (field.ours.lmtp_socket, field.lmtpd_pid),
                    "Dovecot LMTP": (field.dovecot.lmtp_socket, field.dovecot.daemon.pid)}[name]
    words = ("smtp_load", "--lmtp", "--pipeline", socket, connections)
    field.load(*words, max(WARM, connections), size, USER)
    with Meter(root) as meter:
        said = field.load(*words, count, size, USER)
    return _result(said, count, meter.cpu_ms)


def _pipes(field):
    """{name: (argv, roots of the daemons that it uses)}."""
    rules = field.ground.path / "maildrop.rules"
    if not rules.exists():
        rules.write_text(f'to "{field.maildrop}/Maildir"\n')
        shutil.chown(rules, OWNER, OWNER)
        rules.chmod(0o600)
    return {
        "millrace-deliver": ([*field.ours.deliver_argv()[:3], "-r", USER, "-f", "s@example.net", "-q", "4F1"],
                             [field.lmtpd_pid]),
        "maildrop": (["/usr/bin/maildrop", "-f", "s@example.net", rules], []),
        "dovecot-lda": ([LDA, "-c", field.dovecot.folder / "dovecot.conf", "-d", USER, "-f", "s@example.net"],
                        [field.dovecot.daemon.pid]),
    }


def prepare(field):
    """maildrop makes no mailbox by itself."""
    for sub in ("", "/tmp", "/new", "/cur"):
        field.ground.folder(f"maildrop/Maildir{sub}", 0o700, OWNER)


def pipe(field, name, at_once, count, size):
    """One run of one program."""
    argv, roots = _pipes(field)[name]
    field.load("pipe_load", OWNER, at_once, max(WARM, at_once), size, USER, *argv)
    with Meter(*roots) as meter:
        said = field.load("pipe_load", OWNER, at_once, count, size, USER, *argv)
    result = _result(said, count, meter.cpu_ms)
    result["own"] = said["cpu_ms"]
    result["cpu"] += said["cpu_ms"]
    return result


def _result(said, count, cpu_ms):
    return {"rate": count / said["seconds"], "cpu": cpu_ms / count, "p50": said["p50_ms"],
            "p99": said["p99_ms"]}
