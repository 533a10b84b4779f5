/*
 * mr_store_vacation: whom a vacation has answered, in the group limits. Errors, threads: as mr_store.h says.
 */
#ifndef MR_STORE_VACATION_H
#define MR_STORE_VACATION_H

#include "lib/store/mr_store.h"

#define MR_VACATION_NAME_MAX 1024 /* octets of a sender; a longer one is MR_EINVAL */

/*
 * Whether sender may be answered for owner, "local@domain": 1: yes, and it is noted in the same step, until
 * ends_s: of several that ask at once one alone is told so; 0: he was answered, and it is not yet now_s. MR_EINVAL.
 */
MR_MUST_USE int mr_store_vacation_take(struct mr_store *store, struct mr_span owner,
				       struct mr_span sender, int64_t now_s, int64_t ends_s);
/* The answer could not be sent: as if it had not been asked for. */
MR_MUST_USE int mr_store_vacation_untake(struct mr_store *store, struct mr_span owner,
					 struct mr_span sender);
/* Remove what has ended at now_s; returns how many, at most count_max. */
MR_MUST_USE int mr_store_vacation_expire(struct mr_store *store, int64_t now_s, int count_max);

#endif
