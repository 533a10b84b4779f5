/*
 * policing: limit.h on the store, for both who ask it: the policy protocol, and the map "policy". One for the program,
 * however many protocols hold it. It also logs what was refused, tells the administrator, and sweeps old counts.
 */
#ifndef POLICING_H
#define POLICING_H

#include "lda/mapd/limit.h"
#include "lib/run/mr_program.h"

struct mr_policing;

/* For open() of a protocol: the one there is, or a new one. MR_EINVAL and the like are of the group limits, logged. */
MR_MUST_USE int mr_policing_hold(struct mr_run *run, const struct mr_settings *set,
				 struct mr_policing **policing_out);
/* With the rights that are left; may be called by each holder. */
void mr_policing_start(struct mr_policing *p);
/* NULL is allowed. */
void mr_policing_release(struct mr_policing *p);

const struct mr_limit_table *mr_policing_table(const struct mr_policing *p);
/* A verdict that was just given about what account or recipient asked. On the pool. */
void mr_policing_note(struct mr_policing *p, const struct mr_settings *set, struct mr_span account,
		      const struct mr_limit_verdict *verdict);

#endif
