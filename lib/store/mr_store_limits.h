/*
 * mr_store_limits: how much was sent, by an account and by all accounts of its domain: the group limits.
 * For millrace-mapd, which asks before a message is taken, and `millrace limits`. Errors, threads: as
 * mr_store.h says; a conflict with another host is met by running again, so what several count at once
 * is the sum.
 *
 * A window of length_s seconds is cut into MR_LIMIT_SLOTS slots. A slot counts whole until the last of
 * its seconds is length_s old: so never more than the limit is sent in any length_s seconds, and what
 * was sent is forgotten after length_s and a slot at the latest.
 *
 * The caller's clock counts: hosts that share a store must have the same time, within MR_LIMIT_SLACK_S.
 */
#ifndef MR_STORE_LIMITS_H
#define MR_STORE_LIMITS_H

#include "lib/store/mr_store.h"

#define MR_LIMIT_SLOTS 6
#define MR_LIMIT_SLACK_S                                                                           \
	600 /* what is further in the future comes of a wrong clock, and is nothing */
#define MR_LIMIT_OWNER_MAX    320 /* octets: a local part, @, a domain */
#define MR_LIMIT_WINDOW_MAX_S ((int64_t)7 * 86400)

enum mr_limit_window { MR_LIMIT_BURST, MR_LIMIT_HOUR, MR_LIMIT_DAY, MR_LIMIT_WINDOWS };

/* "burst", "hour", "day". */
const char *mr_limit_window_name(enum mr_limit_window window);

struct mr_sent {
	int64_t messages, recipients;
};

/* Whoever sends; name is UTF-8 without NUL, at most MR_LIMIT_OWNER_MAX octets. */
struct mr_limit_owner {
	struct mr_span
		name; /* "local@domain", "@domain"; empty: there is none, nothing is counted */
	struct mr_sent max[MR_LIMIT_WINDOWS]; /* 0: no limit */
	struct mr_sent used[MR_LIMIT_WINDOWS]; /* out: before this message */
};

enum { MR_LIMIT_ACCOUNT, MR_LIMIT_DOMAIN, MR_LIMIT_OWNERS };

struct mr_send_limit {
	struct mr_limit_owner owner[MR_LIMIT_OWNERS];
	int64_t length_s[MR_LIMIT_WINDOWS]; /* 1 to MR_LIMIT_WINDOW_MAX_S */
	int64_t recipients; /* of this message, from 1 on */
	int64_t now_s;
	int64_t tell_s; /* the administrator is told about an owner once in so many seconds; 0: never */
	/* Out. */
	bool over; /* one message more would be too much, of the first that follows: */
	unsigned over_owner;
	enum mr_limit_window over_window;
	bool over_recipients; /* else messages */
	bool tell; /* nobody was told in the last tell_s seconds: it is the caller's now */
};

/*
 * Count a message, unless that would be over a limit: then nothing is counted, and only that somebody is told
 * is kept. One transaction. MR_EINVAL: a name that is none.
 */
MR_MUST_USE int mr_store_limit_take(struct mr_store *store, struct mr_send_limit *limit);
/* Whether it would be over; nothing is counted, tell is false. One statement that reads. */
MR_MUST_USE int mr_store_limit_peek(struct mr_store *store, struct mr_send_limit *limit);

/* After a peek that found it over: set tell, as take does. */
MR_MUST_USE int mr_store_limit_tell(struct mr_store *store, struct mr_send_limit *limit);

/* What counts at now_s, of all owners or of one (owner not empty), in order of owner; as the walks of
 * mr_store.h. told_s: 0: never. */
typedef int mr_sent_fn(void *arg, struct mr_span owner, const struct mr_sent used[MR_LIMIT_WINDOWS],
		       int64_t told_s);
MR_MUST_USE int mr_store_sent_each(struct mr_store *store, struct mr_span owner, int64_t now_s,
				   mr_sent_fn *each, void *arg);
/* Forget what owner sent, and that somebody was told. MR_ENOENT: there was nothing. */
MR_MUST_USE int mr_store_sent_reset(struct mr_store *store, struct mr_span owner);
/* Remove what counts no more at now_s, and what comes of a wrong clock; notices older than a week. At most
 * count_max rows; returns how many. */
MR_MUST_USE int mr_store_sent_expire(struct mr_store *store, int64_t now_s, int count_max);

#endif
