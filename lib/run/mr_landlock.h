/*
 * mr_landlock: limit the files that this thread, and those that it starts later, can reach
 * (landlock(7)), by raw system calls, since Debian 12's C library has no functions for them. For
 * mr_sandbox.
 */
#ifndef MR_LANDLOCK_H
#define MR_LANDLOCK_H

#include "lib/run/mr_sandbox.h"

/*
 * The version of Landlock that the kernel has, 0: none, or switched off. Version 1 counts as none:
 * it forbids every link and rename between folders, and a Maildir lives by them.
 */
int mr_landlock_abi(void);

/*
 * Limit. What is missing among the paths to read is left out; a missing path to write is MR_ENOENT.
 * MR_ETEMP: the kernel refuses. The thread must have no_new_privs. Only where mr_landlock_abi() is
 * not 0.
 */
MR_MUST_USE int mr_landlock_enter(const struct mr_sandbox_paths *paths);

#endif
