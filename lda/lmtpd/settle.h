/*
 * settle: what was reported of mailboxes, by lmtpd itself and by Dovecot through mapd, is compared with the
 * mailboxes, on a thread of its own: so the store is right a second or two after the last change, whatever
 * order reports came in. The mailbox's maildirsize is believed, but where it was made anew since it was
 * compared with the messages themselves: then they are counted, once the mailbox is quiet, and a file that
 * is wrong is made anew. (Whoever appends while another one makes the file anew loses his line.)
 *
 * Who has become full is warned here, and who is full no more gets a new time of grace.
 */
#ifndef SETTLE_H
#define SETTLE_H

#include "lda/lmtpd/quota.h"

#define MR_SETTLE_EVERY_MS 500
#define MR_SETTLE_ROWS     64 /* of one transaction */
#define MR_SETTLE_BATCHES                                                                          \
	8 /* of one round: a thousand mailboxes a second, so that a start costs little */

/* Who is to be warned, of what. */
struct mr_quota_warning {
	struct mr_span local, domain; /* local empty: the shared quota of the domain */
	int percent; /* MR_QUOTA_WARN_FIRST, MR_QUOTA_WARN_LAST: what was reached */
	struct mr_usage used;
	struct mr_limit limit;
};

struct mr_settle_with {
	struct mr_quota *quota;
	struct mr_store *store; /* its group quota is written */
	int mail_fd;
	struct mr_clock clock;
	/* As mr_user_settings_get(). */
	int (*settings)(void *arg, struct mr_span local, struct mr_span domain,
			struct mr_arena *arena, struct mr_user_settings *settings_out);
	/* Send it; < 0: it will be tried again. NULL: nobody is warned. */
	int (*warn)(void *arg, const struct mr_quota_warning *warning);
	void *arg;
};

struct mr_settle;
/* NULL: out of memory. */
MR_MUST_USE struct mr_settle *mr_settle_new(const struct mr_settle_with *with);
/* Stops the thread first. NULL is allowed. */
void mr_settle_free(struct mr_settle *settle);
MR_AUTO_DECLARE(mr_settle, mr_settle_free)

/* Begin the thread. What was settled before is looked at once more: an lmtpd that died may have told
 * nobody of its last deliveries. MR_ENOMEM. */
MR_MUST_USE int mr_settle_start(struct mr_settle *settle);

/* One round, by the thread or by a test. Returns how many mailboxes were looked at; errors of the
 * store. */
MR_MUST_USE int mr_settle_round(struct mr_settle *settle);

#endif
