/*
 * mr_sandbox: what a program may still do once it is open. seccomp lets through the system calls of
 * the chosen sets and ends the process at any other; Landlock, where the kernel has it, limits the
 * files. Both hold for all threads and cannot be undone.
 */
#ifndef MR_SANDBOX_H
#define MR_SANDBOX_H

#include "lib/base/mr_def.h"

enum mr_sandbox {
	MR_SANDBOX_NET = 1u << 0,   /* accept and talk on sockets that are open; no new listeners */
	MR_SANDBOX_CONNECT = 1u << 1, /* connect to others, too */
	MR_SANDBOX_MAIL = 1u << 2,  /* create, link, rename files below mail_dir */
	MR_SANDBOX_STORE = 1u << 3, /* what SQLite needs below its folder */
	MR_SANDBOX_SPOOL = 1u << 4, /* temporary files below spool_dir */
};

/* Folders for Landlock; NULL ends the list. */
struct mr_sandbox_paths {
	const char *const *read;  /* these and what is below, to read */
	const char *const *write; /* ... to read, write, create, remove */
};

/*
 * Enter. Returns 0, or MR_ETEMP where the kernel refuses seccomp: the program must not go on.
 * landlock_out: false where the kernel has none.
 */
MR_MUST_USE int mr_sandbox_enter(unsigned sets, const struct mr_sandbox_paths *paths,
				 bool *landlock_out);

#endif
