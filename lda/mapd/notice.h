/*
 * notice: letters to the administrator (the setting policy_tell) that an account has reached its send limit, by
 * `reinject`. Sent by a thread of their own: the MTA that would take them may be waiting for our answer.
 */
#ifndef NOTICE_H
#define NOTICE_H

#include "lda/mapd/limit.h"

#define MR_NOTICES_MAX 32 /* that wait; the log has all of them */

struct mr_notices;

/* NULL: out of memory. */
MR_MUST_USE struct mr_notices *mr_notices_new(const struct mr_settings *set, struct mr_clock clock);
/* Once threads may be started; a second call does nothing. */
void mr_notices_start(struct mr_notices *n);
/* Waits for the one that is being sent. NULL is allowed. */
void mr_notices_free(struct mr_notices *n);

/* Any thread; does not wait. */
void mr_notices_put(struct mr_notices *n, const struct mr_settings *set, struct mr_span account,
		    const struct mr_limit_verdict *verdict);

/* The letter itself. */
void mr_notice_write(struct mr_buf *out, const char *to, const char *host, struct mr_span account,
		     const struct mr_limit_verdict *verdict, int64_t now_s);

#endif
