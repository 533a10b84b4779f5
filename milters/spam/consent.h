/*
 * consent: whether the recipients of a message agree that it is refused while the sender's server is
 * still there. It has one answer for all of them, so it is given only where all say the same; what they
 * differ in is left to delivery.
 *
 *	blocked	all of them block the sender, to be refused or dropped (lib/store/mr_sender_rule.h)
 *	refuse	none of them has the sender as a proven friend, and none has set spam_reject = no
 *
 * Recipients are as the MTA gives them; aliases are followed (lib/store/mr_resolve.h). One that is
 * not ours, or leads to somebody outside, agrees to nothing; neither does anybody if the store
 * does not answer, or if there are too many. On a host without a directory (files, of which there are none)
 * nobody is asked: spam_reject_score alone counts, as it would without the rest of Millrace.
 *
 * Calls block on the store, each message on a thread of its own. Once the store has failed, one
 * message at a time asks it again, and the others go on at once. An outage is one line in the log. Any
 * thread.
 */
#ifndef MR_SPAM_CONSENT_H
#define MR_SPAM_CONSENT_H

#include "lib/run/mr_ours.h"
#include "lib/run/mr_stage.h"
#include "lib/store/mr_sender_rule.h"

#define MR_CONSENT_RCPTS_MAX     100 /* recipients of a message that are asked */
#define MR_CONSENT_MAILBOXES_MAX 1000 /* that they lead to */
#define MR_CONSENT_RETRY_MS      1000 /* a store that could not be opened is tried again after this */

struct mr_consent;

/* store: the setting; psl may be NULL; both, and ours, must outlive it. NULL: out of memory. */
MR_MUST_USE struct mr_consent *mr_consent_new(const char *store, const struct mr_ours *ours,
					      const struct mr_psl *psl);
/* NULL is allowed. */
void mr_consent_free(struct mr_consent *consent);

/* 1: all block the sender; says_out: the mildest of what they want, REJECT or DROP, and one of their
 * entries. 0: not all do, or nobody knows. MR_ENOMEM. */
MR_MUST_USE int mr_consent_blocked(struct mr_consent *consent, const struct mr_ctx *ctx,
				   const struct mr_mail *mail, struct mr_sender_says *says_out);

/* 1: it may be refused for its score. 0: not; why_out: a word for the log: friend, setting, outside,
 * many, unknown. MR_ENOMEM. */
MR_MUST_USE int mr_consent_refuse(struct mr_consent *consent, const struct mr_ctx *ctx,
				  const struct mr_mail *mail, const char **why_out);

#endif
