"""The jail: Linux namespaces around a whole private mail system, so that nothing of it can stay behind.

enter() comes back in a new process that lives in a PID and a mount namespace of its own. The kernel
kills every process of a PID namespace when its first one ends, so no daemon outlives the harness,
whatever ended it: return, exception, Ctrl-C, kill -9, or a daemon that forked itself away.

The mount namespace holds our own /etc/hosts and /etc/resolv.conf: sendmail sleeps a minute when the
first name of 127.0.0.1 has no dot, and no test may ask a real DNS server. Its /dev has room for a
/dev/log of our own.

With net=True there is a network namespace too: a loopback nobody else uses, where any port is free
and where a client can have an outside address (OUTSIDE_ADDRESSES) without XCLIENT, which sendmail
does not have. The playground does without, or no mail client could reach it.

Needs root. Three processes: the caller's, which waits and passes signals on; the namespace's first,
which reaps orphans; and the one that enter() returns in.
"""
import ctypes
import fcntl
import os
import signal
import socket
import stat
import struct
import sys
import tempfile
import time

HOST_NAME = "mx.example.org"
# RFC 5737 and RFC 3849: addresses for documentation. The client of a test binds one of them.
OUTSIDE_ADDRESSES = ("192.0.2.10", "192.0.2.11", "198.51.100.7")
OUTSIDE_ADDRESS_V6 = "2001:db8::10"

HOSTS = f"127.0.0.1 {HOST_NAME} localhost\n::1 localhost ip6-localhost\n192.0.2.10 client.example.net\n"
# Nothing answers there, and says so at once.
RESOLV_CONF = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"

_CLONE_NEWNS, _CLONE_NEWPID, _CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
_MS_BIND, _MS_MOVE, _MS_REC, _MS_PRIVATE = 4096, 8192, 16384, 1 << 18
_PR_SET_PDEATHSIG = 1
_SIOCSIFADDR, _SIOCSIFFLAGS, _IFF_UP = 0x8916, 0x8914, 0x1
_FILES = "/dev/millrace-jail"     # what private_file() shows; our own, since /dev is
_PASSED_ON = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

_libc = ctypes.CDLL(None, use_errno=True)
_inside = False
_interrupted_at = -1000.0


def inside():
    """Whether this process came back from enter()."""
    return _inside


def enter(net):
    """Come back inside the jail. The caller's process never returns: it ends as the new one ends."""
    global _inside
    if os.geteuid() != 0:
        sys.exit("needs root: Postfix, sendmail and Dovecot start as root, and the namespaces do")
    sys.stdout.flush()
    sys.stderr.flush()
    old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON | {signal.SIGCHLD})
    flags = _CLONE_NEWNS | _CLONE_NEWPID | (_CLONE_NEWNET if net else 0)
    _check(_libc.unshare(flags), "unshare (the jail needs CAP_SYS_ADMIN)")
    first = os.fork()
    if first:
        os._exit(_wait_for(first))
    # The namespace's first process: it ends with its parent, and everything else with it.
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    _mount("proc", "/proc", "proc", 0)
    _private_dev()
    private_file("/etc/hosts", HOSTS)
    private_file("/etc/resolv.conf", RESOLV_CONF)
    if net:
        _loopback_up()
    worker = os.fork()
    if worker:
        os._exit(_wait_for(worker))
    _inside = True
    for signum in _PASSED_ON:
        signal.signal(signum, _interrupt)
    signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)


def hold_interrupts():
    """From now on nothing interrupts this process but SIGKILL: it is taking things down."""
    for signum in _PASSED_ON:
        signal.signal(signum, signal.SIG_IGN)


def private_file(path, text):
    """Inside the jail, path reads as text; outside nothing changes. Nothing if path does not exist."""
    if not os.path.exists(path):
        return
    source = f"{_FILES}/{path.replace('/', '_')}"
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    _mount(source, path, None, _MS_BIND)


def private_folder(path, source):
    """Inside the jail, path is the folder source; outside nothing changes."""
    _mount(os.fspath(source), path, None, _MS_BIND)


def _private_dev():
    """A /dev of the same devices, where a file made is nobody else's."""
    with tempfile.TemporaryDirectory(prefix="millrace-jail-") as new:
        _mount("tmpfs", new, "tmpfs", 0)
        os.mkdir(f"{new}/{os.path.basename(_FILES)}")
        for name in set(os.listdir("/dev")) - {os.path.basename(_FILES)}:
            path, mode = f"/dev/{name}", os.lstat(f"/dev/{name}").st_mode
            if stat.S_ISLNK(mode):
                os.symlink(os.readlink(path), f"{new}/{name}")
                continue
            if stat.S_ISDIR(mode):
                os.mkdir(f"{new}/{name}")
            elif stat.S_ISCHR(mode):
                os.mknod(f"{new}/{name}")
            else:
                continue
            _mount(path, f"{new}/{name}", None, _MS_BIND | _MS_REC)
        _mount(new, "/dev", None, _MS_MOVE)


def _interrupt(_signum, _frame):
    """KeyboardInterrupt, but once for the two that timeout(1) or an impatient hand sends."""
    global _interrupted_at
    now = time.monotonic()
    if now - _interrupted_at > 1:
        _interrupted_at = now
        raise KeyboardInterrupt


def _wait_for(pid):
    """Reap children and pass signals on until pid ends; returns its exit status as a shell would."""
    waited = _PASSED_ON | {signal.SIGCHLD}
    while True:
        info = signal.sigwaitinfo(waited)
        if info.si_signo != signal.SIGCHLD:
            # From a terminal (si_code > 0) it reached the whole process group already.
            if info.si_code <= 0:
                os.kill(pid, info.si_signo)
            continue
        while True:
            try:
                ended, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 1
            if ended == 0:
                break
            if ended == pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        for number, address in enumerate(OUTSIDE_ADDRESSES):
            name = f"lo:{number + 1}".encode()
            request = struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(sock, _SIOCSIFADDR, request)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        address = socket.inet_pton(socket.AF_INET6, OUTSIDE_ADDRESS_V6)
        request = struct.pack("16sIi", address, 128, socket.if_nametoindex("lo"))
        fcntl.ioctl(sock, _SIOCSIFADDR, request)


def _mount(source, target, kind, flags):
    def c(text):
        return text.encode() if text is not None else None
    _check(_libc.mount(c(source), c(target), c(kind), ctypes.c_ulong(flags), None),
           f"mount {target}")


def _check(result, what):
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{what}: {os.strerror(errno)}")
