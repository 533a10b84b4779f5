/*
 * mr_rights: what a program may reach once it serves: user, sandbox, and the folders in it. For
 * mr_main.
 */
#ifndef MR_RIGHTS_H
#define MR_RIGHTS_H

#include "lib/run/mr_run.h"

/*
 * Become the user, enter the sandbox that the settings ask for, with the folders:
 *   to read   /etc, /usr and a few of the system's; the settings file's; the folder of each absolute
 *             path that a setting of this program names; what mr_run_may_read() was told;
 *   to write  mail_dir, the store's folder, spool_dir, by the program's sets; mr_run_may_write().
 * Below zero: logged, and the program must end.
 */
MR_MUST_USE int mr_rights_drop(struct mr_run *run, bool debug);

#endif
