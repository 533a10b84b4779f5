/*
 * mr_store_quota: operations of the group quota: what mailboxes hold, and who is over. For the LDA, for
 * mapd, for `millrace quota`. What is allowed is a setting (mr_user_settings.h); what the two mean
 * together is in mr_quota.h. Threads and errors as in mr_store.h.
 *
 * Who changes a mailbox reports it: by the difference, or by what it holds now. Reports of several
 * programs may arrive in another order than the changes were made, so they are an estimate, good for
 * a few seconds: each marks the row as not settled, and lmtpd then reads the mailbox's maildirsize and
 * settles it, if no other report came in between.
 */
#ifndef MR_STORE_QUOTA_H
#define MR_STORE_QUOTA_H

#include "lib/store/mr_store.h"

struct mr_usage {
	int64_t octets, messages; /* handed out: never below 0 */
};

/* A mailbox changed by change. Names as mr_name.h; of neither it is asked whether it exists.
 * MR_EINVAL, MR_ELIMIT: no names. */
MR_MUST_USE int mr_store_usage_add(struct mr_store *store, struct mr_span local,
				   struct mr_span domain, struct mr_usage change);
/* It holds now. */
MR_MUST_USE int mr_store_usage_set(struct mr_store *store, struct mr_span local,
				   struct mr_span domain, struct mr_usage now);
/* Its row goes, as when a user is removed; local empty: all of a domain. Returns how many went. */
MR_MUST_USE int mr_store_usage_forget(struct mr_store *store, struct mr_span local,
				      struct mr_span domain);

/* What a user's mailbox holds; local empty: all of a domain together, one state of it. Nobody has
 * reported: 0. The sum costs about a microsecond for each ten users. */
MR_MUST_USE int mr_store_usage_get(struct mr_store *store, struct mr_span local,
				   struct mr_span domain, struct mr_usage *usage_out);

/* Changes of many mailboxes, all or none: one transaction, one wait for the disk. Names must be as
 * mr_name.h spells them. */
struct mr_usage_row {
	char local[65], domain[256];
	struct mr_usage usage;
	int64_t version;
	bool settled;
	uint64_t file;
};
/* Mark as changed, without saying how: usage stays. A mailbox that is not there yet holds nothing. */
MR_MUST_USE int mr_store_usage_touch(struct mr_store *store, const struct mr_usage_row *rows,
				     size_t count);
/* Mark all of them: whoever reported without this store may have died before. */
MR_MUST_USE int mr_store_usage_touch_all(struct mr_store *store);
/* What was read from mailboxes. A row whose version is not that of rows[i] any more takes usage, but
 * stays not settled. settled false: needs another look, whatever the version. */
MR_MUST_USE int mr_store_usage_settle(struct mr_store *store, const struct mr_usage_row *rows,
				      size_t count);
/* Rows that are not settled, in order of name behind after (domain and local; empty: from the first),
 * at most count_max. Returns how many. */
MR_MUST_USE int mr_store_usage_unsettled(struct mr_store *store, const struct mr_usage_row *after,
					 struct mr_usage_row *rows_out, size_t count_max);

/* In order of name; an empty domain: all. As the walks of mr_store.h. */
typedef int mr_usage_fn(void *arg, const struct mr_usage_row *row);
MR_MUST_USE int mr_store_usage_each(struct mr_store *store, struct mr_span domain,
				    mr_usage_fn *each, void *arg);

/* -- who is over ------------------------------------------------------------------------------ */

struct mr_over {
	int64_t since_s; /* 0: is not over */
	int warned; /* per cent; 0: was not */
};
/* Of a user and of his domain. */
MR_MUST_USE int mr_store_over_get(struct mr_store *store, struct mr_span local,
				  struct mr_span domain, struct mr_over *user_out,
				  struct mr_over *domain_out);
/* Is over, at now_s; since_s_out: since when that is so. A user, or a domain (local empty). */
MR_MUST_USE int mr_store_over_begin(struct mr_store *store, struct mr_span local,
				    struct mr_span domain, int64_t now_s, int64_t *since_s_out);
/* Is not over any more; harmless where he was not. */
MR_MUST_USE int mr_store_over_end(struct mr_store *store, struct mr_span local,
				  struct mr_span domain);
/* Set warned to percent. 1: it was another number, so whoever asked is the one who warns; 0: it was
 * this. */
MR_MUST_USE int mr_store_over_warned(struct mr_store *store, struct mr_span local,
				     struct mr_span domain, int percent);

#endif
