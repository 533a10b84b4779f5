/*
 * mr_sandbox: what a program may still do once it is open. seccomp lets through the system calls of
 * the chosen sets and ends the process at any other (SIGSYS); Landlock, where the kernel has it, limits
 * the files. Neither can be undone. seccomp holds for all threads, Landlock for the one that enters
 * and those that it starts afterwards: enter before the first. For mr_main.
 *
 * Always possible: memory, threads, time, signals, descriptors that are open, reading files, syslog(3)
 * on the socket that openlog(3) opened. Never: another program (execve), another process (fork),
 * memory that is writable and executable. Without a set that writes, opening a file to write fails
 * with EACCES; without CONNECT, socket(2) fails with EPERM; all else that is not allowed kills.
 */
#ifndef MR_SANDBOX_H
#define MR_SANDBOX_H

#include "lib/base/mr_def.h"

enum mr_sandbox {
	MR_SANDBOX_NET = 1u << 0, /* accept and talk on sockets that are open; no new listeners */
	MR_SANDBOX_CONNECT = 1u << 1, /* connect to others, too */
	MR_SANDBOX_MAIL = 1u << 2, /* create, link, rename files below mail_dir */
	MR_SANDBOX_STORE = 1u << 3, /* what SQLite needs below its folder */
	MR_SANDBOX_SPOOL = 1u << 4, /* temporary files below spool_dir */
	/* For a program's table: CONNECT where a setting has use for it: reinject, lmtp_handover (mr_own.h),
	 * srs_domain (mr_srs_ask.h). */
	MR_SANDBOX_OWN = 1u << 5,
};

/* Folders for Landlock; NULL ends the list. */
struct mr_sandbox_paths {
	const char *const *read; /* these and what is below, to read */
	const char *const *write; /* ... to read, write, create, remove */
};

/* False in builds with sanitizers or profiling, which need more than a sandbox allows: there
 * mr_sandbox_enter() must not be called. */
bool mr_sandbox_built(void);

/*
 * Enter. Returns 0, or: the program must not go on: MR_ETEMP where the kernel refuses; MR_ENOENT or
 * MR_EPERM: a folder of paths->write cannot be opened (what is missing in paths->read is left out);
 * MR_ENOMEM. landlock_out: false where the kernel has none: then seccomp alone decides.
 */
MR_MUST_USE int mr_sandbox_enter(unsigned sets, const struct mr_sandbox_paths *paths,
				 bool *landlock_out);

#endif
