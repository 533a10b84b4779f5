#include "lib/store/mr_quota.h"

#define PERCENT_MAX   1000
#define AGAIN_PERCENT 70 /* below this whoever was warned is warned anew */
#define LAST_PERCENT  85 /* below this the last warning may come again */
#define HOUR_S        3600

/* Whether size more, in one message more, stays within limit and reserve. */
static bool within(struct mr_limit limit, struct mr_usage used, int64_t size, bool reserve)
{
	int64_t octets = limit.octets, messages = limit.messages;

	if (reserve && size <= MR_QUOTA_SMALL) {
		octets += MR_QUOTA_RESERVE_OCTETS;
		messages += MR_QUOTA_RESERVE_MESSAGES;
	}
	/* Limits are 2^60 at most: nothing overflows here. */
	if (limit.octets > 0 && (used.octets > octets || size > octets - used.octets))
		return false;
	return limit.messages == 0 || used.messages < messages;
}

enum mr_quota_fit mr_quota_fits(const struct mr_quota_ask *ask)
{
	const struct mr_usage none = { 0, 0 };
	int64_t size = ask->size > 0 ? ask->size : 1;

	if (!within(ask->user, none, size, false) || !within(ask->domain, none, size, false))
		return MR_QUOTA_NEVER_FITS;
	if (!within(ask->user, ask->user_used, size, ask->no_sender))
		return MR_QUOTA_USER_FULL;
	if (!within(ask->domain, ask->domain_used, size, ask->no_sender))
		return MR_QUOTA_DOMAIN_FULL;
	return MR_QUOTA_FITS;
}

static int percent_of(int64_t limit, int64_t used)
{
	if (limit <= 0 || used <= 0)
		return 0;
	if (used / PERCENT_MAX * 100 >= limit)
		return PERCENT_MAX;
	/* In 128 bits, so that octets of any number are exact. */
	return (int)((unsigned __int128)used * 100 / (unsigned __int128)limit);
}

int mr_quota_percent(struct mr_limit limit, struct mr_usage used)
{
	int octets = percent_of(limit.octets, used.octets);
	int messages = percent_of(limit.messages, used.messages);
	int most = octets > messages ? octets : messages;

	return most > PERCENT_MAX ? PERCENT_MAX : most;
}

bool mr_quota_warns(int percent, int *warned_inout)
{
	int was = *warned_inout;

	if (percent >= MR_QUOTA_WARN_LAST && was < MR_QUOTA_WARN_LAST)
		*warned_inout = MR_QUOTA_WARN_LAST;
	else if (percent >= MR_QUOTA_WARN_FIRST && was < MR_QUOTA_WARN_FIRST)
		*warned_inout = MR_QUOTA_WARN_FIRST;
	else if (percent < AGAIN_PERCENT)
		*warned_inout = 0;
	else if (percent < LAST_PERCENT && was > MR_QUOTA_WARN_FIRST)
		*warned_inout = MR_QUOTA_WARN_FIRST;
	return *warned_inout > was;
}

bool mr_quota_grace_over(int64_t since_s, int grace_hours, int64_t now_s)
{
	if (since_s == 0)
		return grace_hours == 0;
	return now_s >= since_s && now_s - since_s >= (int64_t)grace_hours * HOUR_S;
}
