/*
 * mr_sender_rule: which entry of the lists counts for a message and one recipient. In this order:
 *
 *   1. His own list before his domain's: the mail is his.
 *   2. An address before a domain, that before a wildcard, a longer wildcard before a shorter one: who
 *	names one person means just him.
 *   3. A friend before a block, and of two blocks the milder one (From and the envelope may have one each).
 *
 * A friend is who From says he is, and only if that is proven and no virus filter objects
 * (lib/mail/mr_origin.h); otherwise the entry is as if it were not there. A block needs no proof, and is
 * looked for by every address of From and by the envelope's sender.
 *
 * A block never catches the recipient's own domain: none counts for mail that is From there, and
 * none by the envelope's sender if that is there.
 */
#ifndef MR_SENDER_RULE_H
#define MR_SENDER_RULE_H

#include "lib/mail/mr_origin.h"
#include "lib/store/mr_store_senders.h"

struct mr_sender_says {
	enum mr_sender_action action; /* MR_SENDER_NONE: no entry counts */
	bool of_user; /* else of his domain */
	char entry[MR_SENDER_SIZE];
};

/*
 * Ask the store for a user, local@domain in any spelling. also: a further domain that is his own, such as
 * that of an alias; empty: none. One statement for each sender that the message has. Errors as in mr_store.h.
 */
MR_MUST_USE int mr_sender_rule_ask(struct mr_store *store, struct mr_span local,
				   struct mr_span domain, struct mr_span also,
				   const struct mr_origin *origin, struct mr_sender_says *says_out);

/* The same of what was found before: for each of origin->from, and, last, for the envelope's sender. */
void mr_sender_rule(const struct mr_origin *origin, const struct mr_sender_found *found,
		    struct mr_span domain, struct mr_span also, struct mr_sender_says *says_out);

#endif
