/*
 * mr_origin: whom a message is from, as a person sees it and as the envelope says, and what of that is
 * proven. For lists of friends and blocked senders, in the LDA and in the spam milter, which must come
 * to the same answer. Linear, any thread.
 */
#ifndef MR_ORIGIN_H
#define MR_ORIGIN_H

#include "lib/base/mr_arena.h"
#include "lib/mail/mr_belief.h"
#include "lib/mail/mr_psl.h"
#include "lib/mail/mr_sender.h"

#define MR_ORIGIN_FROM_MAX 4 /* addresses that are looked at, of all From fields */

struct mr_origin {
	/* Of From, those with a domain; of the envelope's sender: none for the null sender. */
	struct mr_sender_keys from[MR_ORIGIN_FROM_MAX], envelope;
	size_t from_count;
	/* There is one From with one address, and one of our filters says that DKIM or SPF passed for
	 * its domain (mr_align.h). So whoever is not he cannot look like him. */
	bool proven;
	/* The same for the domain of the envelope's sender: a bounce goes to where the mail came from. */
	bool answerable;
	/* The virus filter has found something, or could not look. */
	bool suspect;
};

/*
 * Read the header of msg. belief and end: whose fields are believed, and where they end: mr_belief.h.
 * sender: the envelope's, without <>. psl may be NULL. *origin_out has 25 KiB. MR_ENOMEM: of arena.
 */
MR_MUST_USE int mr_origin_read(const struct mr_msg *msg, struct mr_span sender,
			       const struct mr_belief *belief, uint32_t end,
			       const struct mr_psl *psl, struct mr_arena *arena,
			       struct mr_origin *origin_out);

#endif
