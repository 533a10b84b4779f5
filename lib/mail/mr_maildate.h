/*
 * mr_maildate: the Date field (RFC 5322 3.3, with the obsolete forms of 4.3).
 */
#ifndef MR_MAILDATE_H
#define MR_MAILDATE_H

#include "lib/base/mr_span.h"

/*
 * Parse a date; comments and a wrong day of the week are let through; two-digit years and named
 * zones as 4.3 says; a missing zone is UTC. zone_min_out: minutes east of UTC. Returns 0, or
 * MR_ESYNTAX, also for what is no day (31 Feb), no time (24:00), or no year from 1900 to 9999.
 */
MR_MUST_USE int mr_maildate_parse(struct mr_span value, int64_t *time_s_out, int *zone_min_out);

#endif
