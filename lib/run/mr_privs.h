/*
 * mr_privs: become another user, for good. For mr_main, before the first thread starts.
 */
#ifndef MR_PRIVS_H
#define MR_PRIVS_H

#include <sys/types.h>

#include "lib/base/mr_buf.h"

struct mr_account {
	char name[64];
	uid_t uid;
	gid_t gid;
};

/* Look name up. MR_ENOENT: no such user (error says so); MR_ETEMP, MR_ENOMEM. */
MR_MUST_USE int mr_account_find(const char *name, struct mr_account *user_out,
				struct mr_buf *error);

/*
 * Become user, with its groups, and make sure that there is no way back. 0 without doing anything
 * when we are that user already. MR_EPERM: not allowed, or it could be undone: do not go on.
 */
MR_MUST_USE int mr_privs_drop(const struct mr_account *user);

/* No program run from here gains rights; and no core file, no tracing by others unless debug. */
MR_MUST_USE int mr_privs_harden(bool debug);

/* As many descriptors as the hard limit allows, at most a million; returns their number. */
uint64_t mr_privs_descriptors(void);

#endif
