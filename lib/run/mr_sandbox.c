#include "lib/run/mr_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "lib/base/mr_err.h"
#include "lib/run/mr_landlock.h"

/* Sanitizers and profiles read /proc, write files and stop threads: nothing that a sandbox for the
 * real program should allow. Builds with them have none; the Makefile says so of MODE=cov. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MR_NO_SANDBOX 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MR_NO_SANDBOX 1
#endif
#endif
#ifndef MR_NO_SANDBOX
#define MR_NO_SANDBOX 0
#endif

/*
 * Names, not numbers: an architecture lacks some of them (aarch64 has no unlink, only unlinkat), and
 * what it lacks is left out. With arguments that matter, a call stands in rules[], not here.
 */
static const char *const base[] = {
	/* memory, threads, time */
	"brk", "munmap", "mremap", "madvise", "futex", "set_robust_list", "rseq", "sched_yield",
	"sched_getaffinity", "getcpu", "membarrier", "restart_syscall", "nanosleep",
	"clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time", "getrandom",
	"timerfd_create", "timerfd_settime", "timerfd_gettime",
	/* who am I */
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid",
	"getresgid", "getgroups", "uname", "sysinfo", "getrusage", "getcwd", "umask",
	/* signals, the end */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending",
	"rt_sigsuspend", "sigaltstack", "signalfd4", "tgkill", "exit", "exit_group",
	/* descriptors that are open */
	"read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev",
	"pwritev2", "lseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "pipe",
	"pipe2", "eventfd2", "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl",
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "fadvise64",
	/* looking at files; opening them is a rule */
	"stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
	"faccessat2", "readlink", "readlinkat", "getdents64",
	/* sockets that are open: the control socket, the log, systemd's */
	"accept4", "send", "sendto", "sendmsg", "recv", "recvfrom", "recvmsg", "getsockopt",
	"setsockopt", "getsockname", "getpeername", "shutdown", NULL
};

static const char *const net[] = { "accept",   "setsockopt", "sendmmsg", "recvmmsg",
				   "sendfile", "splice",     NULL };

static const char *const connecting[] = { "connect",  "bind",     "socketpair", "setsockopt",
					  "sendmmsg", "recvmmsg", NULL };

/* mkdir and rmdir: Maildir folders; utimensat: the date of a message. No chown, no symlink, no
 * device. */
static const char *const mail[] = { "mkdir",           "mkdirat",   "rmdir",           "link",
				    "linkat",          "unlink",    "unlinkat",        "rename",
				    "renameat",        "renameat2", "fsync",           "fdatasync",
				    "sync_file_range", "ftruncate", "fallocate",       "utimensat",
				    "fchmod",          "flock",     "copy_file_range", NULL };

/* chown: SQLite, as root, gives a journal the owner of its database. */
static const char *const store[] = { "mkdir",     "mkdirat",   "unlink", "unlinkat",  "rename",
				     "renameat",  "renameat2", "fsync",  "fdatasync", "ftruncate",
				     "fallocate", "fchmod",    "fchown", "flock",     "utimensat",
				     "rmdir",     "link",      "linkat", NULL };

static const char *const spool[] = { "unlink",    "unlinkat",     "fsync", "fdatasync", "ftruncate",
				     "fallocate", "memfd_create", "flock", NULL };

static const struct {
	unsigned set; /* 0: always */
	const char *const *names;
} sets[] = {
	{ 0, base },
	{ MR_SANDBOX_NET, net },
	{ MR_SANDBOX_CONNECT, connecting },
	{ MR_SANDBOX_MAIL, mail },
	{ MR_SANDBOX_STORE, store },
	{ MR_SANDBOX_SPOOL, spool },
};

#define WRITES      (MR_SANDBOX_MAIL | MR_SANDBOX_STORE | MR_SANDBOX_SPOOL)
#define LIES_ENOSYS SCMP_ACT_ERRNO(ENOSYS)
#define LIES_EPERM  SCMP_ACT_ERRNO(EPERM)
#define LIES_EACCES SCMP_ACT_ERRNO(EACCES)

/* A call that is judged by one argument: (argument & mask) == value. mask 0: by none. */
static const struct {
	unsigned set; /* of these sets one must be chosen; 0: always */
	unsigned not_set; /* none of these must */
	const char *name;
	uint32_t action;
	unsigned arg;
	uint64_t mask, value;
} rules[] = {
	/* A thread, no process. What clone3 is asked for is behind a pointer: the C library takes
	 * clone then. */
	{ 0, 0, "clone3", LIES_ENOSYS, 0, 0, 0 },
	{ 0, 0, "clone", SCMP_ACT_ALLOW, 0, 0x00010000 /* CLONE_THREAD */, 0x00010000 },
	/* Memory is written or executed, not both. Executed: iconv loads its tables as libraries. */
	{ 0, 0, "mmap", SCMP_ACT_ALLOW, 2, PROT_EXEC, 0 },
	{ 0, 0, "mmap", SCMP_ACT_ALLOW, 2, PROT_EXEC | PROT_WRITE, PROT_EXEC },
	{ 0, 0, "mprotect", SCMP_ACT_ALLOW, 2, PROT_EXEC, 0 },
	{ 0, 0, "mprotect", SCMP_ACT_ALLOW, 2, PROT_EXEC | PROT_WRITE, PROT_EXEC },
	/* To read; to write only with a set that does. A refusal, since libraries try. */
	{ 0, WRITES, "open", SCMP_ACT_ALLOW, 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	{ 0, WRITES, "open", LIES_EACCES, 1, O_ACCMODE, O_WRONLY },
	{ 0, WRITES, "open", LIES_EACCES, 1, O_ACCMODE, O_RDWR },
	{ 0, WRITES, "openat", SCMP_ACT_ALLOW, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	{ 0, WRITES, "openat", LIES_EACCES, 2, O_ACCMODE, O_WRONLY },
	{ 0, WRITES, "openat", LIES_EACCES, 2, O_ACCMODE, O_RDWR },
	{ WRITES, 0, "open", SCMP_ACT_ALLOW, 1, 0, 0 },
	{ WRITES, 0, "openat", SCMP_ACT_ALLOW, 2, 0, 0 },
	/* Without CONNECT there is no new socket, but asking for one does not kill: syslog(3) does,
	 * when its daemon was restarted, and goes on without. */
	{ 0, MR_SANDBOX_CONNECT, "socket", LIES_EPERM, 0, 0, 0 },
	{ MR_SANDBOX_CONNECT, 0, "socket", SCMP_ACT_ALLOW, 0, ~0ULL, AF_UNIX },
	{ MR_SANDBOX_CONNECT, 0, "socket", SCMP_ACT_ALLOW, 0, ~0ULL, AF_INET },
	{ MR_SANDBOX_CONNECT, 0, "socket", SCMP_ACT_ALLOW, 0, ~0ULL, AF_INET6 },
	{ MR_SANDBOX_CONNECT, 0, "socket", SCMP_ACT_ALLOW, 0, ~0ULL, AF_NETLINK }, /* getaddrinfo */
	/* stdio asks whether it writes to a terminal. */
	{ 0, 0, "ioctl", SCMP_ACT_ALLOW, 1, ~0ULL, TCGETS },
	{ 0, 0, "ioctl", SCMP_ACT_ALLOW, 1, ~0ULL, FIONREAD },
	{ 0, 0, "ioctl", SCMP_ACT_ALLOW, 1, ~0ULL, FIONBIO },
	{ 0, 0, "prctl", SCMP_ACT_ALLOW, 0, ~0ULL, PR_SET_NAME },
	/* Limits are read, not set: argument 2 is the new one. */
	{ 0, 0, "prlimit64", SCMP_ACT_ALLOW, 2, ~0ULL, 0 },
	{ 0, 0, "getrlimit", SCMP_ACT_ALLOW, 0, 0, 0 },
};

static int add_names(scmp_filter_ctx ctx, const char *const *names)
{
	for (; *names; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		if (number < 0)
			continue; /* not on this architecture */
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, number, 0) < 0)
			return MR_ETEMP;
	}
	return 0;
}

static int add_rules(scmp_filter_ctx ctx, unsigned chosen)
{
	for (size_t i = 0; i < MR_COUNT(rules); i++) {
		int number = seccomp_syscall_resolve_name(rules[i].name);
		const struct scmp_arg_cmp cmp =
			SCMP_CMP64(rules[i].arg, SCMP_CMP_MASKED_EQ, rules[i].mask, rules[i].value);

		if (number < 0 || (rules[i].set && !(rules[i].set & chosen)) ||
		    (rules[i].not_set & chosen))
			continue;
		if (seccomp_rule_add_array(ctx, rules[i].action, number, rules[i].mask ? 1 : 0,
					   &cmp) < 0)
			return MR_ETEMP;
	}
	return 0;
}

static int enter_seccomp(unsigned chosen)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = 0;

	if (!ctx)
		return MR_ENOMEM;
	/* TSYNC: all threads. OPTIMIZE 2: a binary search, else each call walks the list. */
	if (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) < 0 ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
		err = MR_ETEMP;
	for (size_t i = 0; err == 0 && i < MR_COUNT(sets); i++) {
		if (sets[i].set == 0 || (sets[i].set & chosen))
			err = add_names(ctx, sets[i].names);
	}
	if (err == 0)
		err = add_rules(ctx, chosen);
	if (err == 0 && seccomp_load(ctx) < 0)
		err = MR_ETEMP;
	seccomp_release(ctx);
	return err;
}

bool mr_sandbox_built(void)
{
	return !MR_NO_SANDBOX;
}

int mr_sandbox_enter(unsigned chosen, const struct mr_sandbox_paths *paths, bool *landlock_out)
{
	bool landlock = mr_landlock_abi() > 0;
	int err = 0;

	MR_ASSERT(!MR_NO_SANDBOX);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return MR_ETEMP;
	/* First, since seccomp forbids it afterwards. */
	if (landlock)
		err = mr_landlock_enter(paths);
	if (err == 0)
		err = enter_seccomp(chosen);
	if (err == 0)
		*landlock_out = landlock;
	return err;
}
