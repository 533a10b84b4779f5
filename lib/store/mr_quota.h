/*
 * mr_quota: what limits and usage mean together: whether a message fits, and how full it is. For the
 * LDA, for mapd, for `millrace quota`. A user's quota lies inside his domain's: a message must fit both.
 *
 * Mail without a sender (bounces, our own warnings) may go beyond a limit a little, so that whoever is
 * full can be told that he is: small messages, up to a reserve.
 */
#ifndef MR_QUOTA_H
#define MR_QUOTA_H

#include "lib/base/mr_time.h"
#include "lib/store/mr_store_quota.h"
#include "lib/store/mr_user_settings.h"

#define MR_QUOTA_RESERVE_OCTETS   262144 /* beyond the limit, for mail without a sender */
#define MR_QUOTA_RESERVE_MESSAGES 25
#define MR_QUOTA_SMALL            32768 /* octets of such a message, at most */

enum mr_quota_fit {
	MR_QUOTA_FITS,
	MR_QUOTA_USER_FULL,
	MR_QUOTA_DOMAIN_FULL,
	MR_QUOTA_NEVER_FITS, /* not into an empty mailbox either */
};

/* One message, of size octets; 0: not known yet, but at least something. */
struct mr_quota_ask {
	struct mr_limit user, domain;
	struct mr_usage user_used, domain_used;
	int64_t size;
	bool no_sender;
};
enum mr_quota_fit mr_quota_fits(const struct mr_quota_ask *ask);

static inline bool mr_limit_is_none(struct mr_limit limit)
{
	return limit.octets == 0 && limit.messages == 0;
}

/* How full, in per cent, rounded down, by octets or by messages, whichever is more; without limits 0;
 * at most 1000. */
int mr_quota_percent(struct mr_limit limit, struct mr_usage used);

/* Of what a user is to be warned now: *warned_inout is what was, and what is from now on. True: a
 * warning is due. Twice at most until the mailbox has been emptied below 70 per cent. */
bool mr_quota_warns(int percent, int *warned_inout);
#define MR_QUOTA_WARN_FIRST 80
#define MR_QUOTA_WARN_LAST  95

/* Full for since_s (0: not until now), and the time of grace is over at now_s. A clock that was set
 * back counts as no time. */
bool mr_quota_grace_over(int64_t since_s, int grace_hours, int64_t now_s);

/* -- sums of domains, kept for a moment -------------------------------------------------------- */

/*
 * A sum is kept for ten times as long as it took to ask for it, MR_QUOTA_SUM_KEPT_MS at most: so asking
 * costs a tenth of one connection, however many users there are, and a small domain's sum is fresh.
 * Any thread.
 */
#define MR_QUOTA_SUM_KEPT_MS 2000
#define MR_QUOTA_SUMS_MAX    1024 /* domains */

struct mr_quota_sums;
/* NULL: out of memory. store, with the group quota, must outlive it. */
MR_MUST_USE struct mr_quota_sums *mr_quota_sums_new(struct mr_store *store, struct mr_clock clock);
void mr_quota_sums_free(struct mr_quota_sums *sums);
MR_AUTO_DECLARE(mr_quota_sums, mr_quota_sums_free)
/* Errors of mr_store_usage_get(). While the store is away the last sum counts on, if there is one. */
MR_MUST_USE int mr_quota_sums_get(struct mr_quota_sums *sums, struct mr_span domain,
				  struct mr_usage *usage_out);
/* We just changed a mailbox of domain: what is kept changes, too. */
void mr_quota_sums_add(struct mr_quota_sums *sums, struct mr_span domain, struct mr_usage change);

#endif
