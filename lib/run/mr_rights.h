/*
 * mr_rights: what a program may reach once it serves: user, sandbox, and the folders in it. For
 * mr_main.
 */
#ifndef MR_RIGHTS_H
#define MR_RIGHTS_H

#include "lib/run/mr_run.h"

/*
 * Become the user, enter the sandbox that the settings ask for, with their folders (mr_folders.h).
 * Below zero: logged, and the program must end.
 */
MR_MUST_USE int mr_rights_drop(struct mr_run *run, bool debug);

/*
 * Whether settings that are to come into force need no folder that the sandbox keeps from us. MR_EINVAL:
 * error says which one, and that it needs a restart. MR_ENOMEM. On the control thread.
 */
MR_MUST_USE int mr_rights_suffice(const struct mr_run *run, const struct mr_settings *next,
				  struct mr_buf *error);

#endif
