/*
 * quota: whether a message may come into a mailbox, by the limits of its user and of his domain, and what
 * is noted once it is there. What a user has is read from his mailbox's maildirsize, so it needs no
 * store; his domain's sum and the time of grace do. Called by deliver.c on the pool's threads.
 *
 * The store of quotas away delays no mail: the domain's limit then counts by the last sum that was
 * known, or not at all, time of grace does not end, and what was delivered is counted later (settle.h).
 * docs/DECISIONS.md has why.
 */
#ifndef QUOTA_H
#define QUOTA_H

#include "lda/lmtpd/lmtp.h"
#include "lib/store/mr_quota.h"

#define MR_QUOTA_TOUCHED_MAX                                                                       \
	1024 /* mailboxes that wait to be settled; more go to the store at once */

struct mr_quota;

/* Whose mailbox. */
struct mr_quota_owner {
	struct mr_span local, domain; /* as the directory has them */
	const struct mr_user_settings *settings;
	const char *mailbox; /* "example.org/ann" */
};

/* store: with the group quota open for writing; must outlive it. NULL: out of memory. */
MR_MUST_USE struct mr_quota *mr_quota_new(struct mr_store *store, struct mr_clock clock);
void mr_quota_free(struct mr_quota *quota);
MR_AUTO_DECLARE(mr_quota, mr_quota_free)

/*
 * May a message of size octets (0: not known) come? inbox_fd: the mailbox, or -1: look for it below
 * mail_fd; one that is not there is empty. False: *reply_out says why not: 452 4.2.2 or 552 5.2.2, and
 * 552 5.2.3 for what fits into no mailbox of this limit; 451 where the mailbox cannot be read now.
 */
bool mr_quota_admits(struct mr_quota *quota, const struct mr_quota_owner *owner, int mail_fd,
		     int inbox_fd, int64_t size, bool no_sender, struct mr_lmtp_reply *reply_out);

/* A message of octets, as it lies there, was stored. */
void mr_quota_stored(struct mr_quota *quota, const struct mr_quota_owner *owner, int inbox_fd,
		     int64_t octets);

/* Take mailboxes that were touched, at most count_max; returns how many. For settle.c. */
size_t mr_quota_touched(struct mr_quota *quota, struct mr_usage_row *rows_out, size_t count_max);
/* The store would not take them: they wait again. */
void mr_quota_untaken(struct mr_quota *quota, const struct mr_usage_row *rows, size_t count);

#endif
