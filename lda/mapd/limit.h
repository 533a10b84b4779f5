/*
 * limit: what is said to a message before it is taken: by how much its account has sent (the group limits),
 * and by how full the mailbox is (the group quota). Pure logic over a table of callbacks: the store, or a
 * test's. Postfix's policy protocol (policy.h) and sendmail's socket map (map.h) ask here.
 *
 * Only who has logged in is counted: nobody else can make an account reach its limit.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_time.h"
#include "lib/run/mr_settings.h"
#include "lib/store/mr_quota.h"

#define MR_LIMIT_ARENA_MAX 65536 /* bytes of one question */
#define MR_LIMIT_TEXT_SIZE 200

/* Errors as in mr_store.h. */
struct mr_limit_table {
	/* What is in force for a user; both empty: for all. */
	int (*settings)(void *arg, struct mr_span local, struct mr_span domain,
			struct mr_arena *arena, struct mr_user_settings *settings_out);
	int (*take)(void *arg, struct mr_send_limit *limit);
	int (*peek)(void *arg, struct mr_send_limit *limit);
	int (*tell)(void *arg, struct mr_send_limit *limit);
	/* The one mailbox of ours that mail to an address goes to; MR_ENOENT: there is none, or several. */
	int (*mailbox)(void *arg, struct mr_span local, struct mr_span domain,
		       struct mr_arena *arena, struct mr_user *user_out);
	/* What it holds, and all of its domain (local empty). */
	int (*usage)(void *arg, struct mr_span local, struct mr_span domain,
		     struct mr_usage *usage_out);
	/* It is over at now_s (local empty: the domain is); since_s_out: since when. */
	int (*over)(void *arg, struct mr_span local, struct mr_span domain, int64_t now_s,
		    int64_t *since_s_out);
	struct mr_clock clock;
	void *arg;
};

struct mr_limit_verdict {
	int code; /* 0: nothing is against it; else of the reply */
	const char *status; /* RFC 3463 */
	char text[MR_LIMIT_TEXT_SIZE]; /* of the reply: one line of printable ASCII */
	int err; /* of the store, which did not answer; code may be 0 even so */
	/* Over a send limit: */
	bool over, tell; /* tell: the administrator is to be told, by the caller */
	char owner[MR_LIMIT_OWNER_MAX + 1]; /* whose limit: "ann@example.org", "@example.org" */
};

/*
 * An account, as it logged in, sends a message to so many recipients (0 counts as 1). count: it is counted, unless
 * it is over; else it is only asked whether one more would be.
 *
 *	450 4.7.1 or 550 5.7.1	(setting send_over) the account, or its domain, is over
 *	550 5.5.3		so many recipients in one message are more than it ever may have
 *	451 4.3.0		nobody knows: mail waits where it is, in the client. A limit that fails open is none.
 */
void mr_limit_sender(const struct mr_limit_table *table, const struct mr_settings *set,
		     struct mr_span account, int64_t recipients, bool count, struct mr_arena *arena,
		     struct mr_limit_verdict *verdict_out);

/*
 * Mail of size octets (0: not known) to address. 452 4.2.2 while the time of grace lasts, then 552 5.2.2, as
 * lmtpd says at delivery; where nobody knows, nothing: lmtpd asks again, and mail waits there.
 */
void mr_limit_recipient(const struct mr_limit_table *table, struct mr_span address, int64_t size,
			bool no_sender, struct mr_arena *arena,
			struct mr_limit_verdict *verdict_out);

/* How an account counts: its address as we spell it, with default_domain where it has none ("": it stays so); what is
 * no address of ours has "?" before it. local_out and domain_out (which may be empty) point into out. MR_ELIMIT. */
MR_MUST_USE int mr_limit_account(struct mr_span account, const char *default_domain,
				 char out[MR_LIMIT_OWNER_MAX + 1], struct mr_span *local_out,
				 struct mr_span *domain_out);

#endif
