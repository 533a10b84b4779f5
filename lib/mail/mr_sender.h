/*
 * mr_sender: whom an entry of a list of friends, or of blocked senders, names; and, of a sender, every
 * entry that would name him. For the store (lib/store/mr_store_senders.h), for what reads
 * messages, and for commands. Linear, allocates nothing. Any thread.
 *
 *	entry    = address / domain / "*@" domain / "*." domain
 *	address  = local "@" domain
 *	local    = 1*255( ALPHA / DIGIT / "." / any of !#$%&'+-/=?^_`{|}~ / UTF-8 )
 *	domain   = as mr_name.h has it
 *
 *	ann@example.org    this address
 *	example.org        everybody at this domain, at no other; "*@example.org" is the same
 *	*.example.org      everybody at any domain below it, at itself not
 *
 * Nothing else has a star: what stands anywhere could be found only by walking a list. No display
 * names, no quotes, no address literals. Case of ASCII letters does not count, in local parts neither:
 * RFC 5321 2.4 leaves that to each domain, but no person takes Ann@ and ann@ for two. "+" is a letter like
 * any other.
 */
#ifndef MR_SENDER_H
#define MR_SENDER_H

#include "lib/mail/mr_name.h"

#define MR_SENDER_LOCAL_MAX  255 /* octets: senders of lists put whole addresses into theirs */
#define MR_SENDER_SIZE       (MR_SENDER_LOCAL_MAX + 1 + MR_NAME_DOMAIN_MAX + 1)
#define MR_SENDER_LABELS_MAX 8 /* of the domain behind "*." */
#define MR_SENDER_NOTE_MAX   200 /* octets */

/*
 * Write the one spelling of an entry to out, ending in NUL: in lower case, "*@domain" as "domain".
 * Returns its length, or MR_EINVAL: it is none, MR_ELIMIT: a part is too long; *why_out says then, for
 * people, what would do. out is then the empty string.
 */
MR_MUST_USE int mr_sender_entry(struct mr_span text, char out[MR_SENDER_SIZE],
				const char **why_out);

/* The domain of an entry in our spelling: what is behind "@" or "*.". */
struct mr_span mr_sender_domain(struct mr_span entry);

/* A note to an entry: one line of UTF-8, of at most MR_SENDER_NOTE_MAX octets; it may be empty. */
bool mr_sender_note_ok(struct mr_span note);

/* Every entry that names one sender, the most exact first: his address, his domain, then the domains
 * above it, the longest first. */
#define MR_SENDER_KEYS_MAX (2 + MR_SENDER_LABELS_MAX)
struct mr_sender_keys {
	size_t count; /* 0: no sender */
	char key[MR_SENDER_KEYS_MAX][MR_SENDER_SIZE];
};

/*
 * For the address local@domain, as mr_addr.h and mr_smtp.h hand it out: without quotes. One whose local
 * part no entry can spell has no key of its own, but those of its domain. MR_EINVAL, MR_ELIMIT: the domain
 * is none; keys_out has then none.
 */
MR_MUST_USE int mr_sender_keys(struct mr_span local, struct mr_span domain,
			       struct mr_sender_keys *keys_out);

#endif
