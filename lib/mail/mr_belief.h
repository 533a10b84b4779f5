/*
 * mr_belief: which fields of a header were written by filters of our own. Anybody can write
 * Authentication-Results; a reader believes one only if the settings name its writer as active on this
 * path, since an active writer removes what came from outside under its name (RFC 8601 5), and only
 * where filters insert: at the top (docs/ARCHITECTURE.md 2). For the spam filter, whose features they
 * are, and for delivery, where a friend's mail must be the friend's.
 *
 *	uint32_t at = 0, end = mr_belief_delivered(&belief, msg.field, msg.part[0].field_count);
 *
 *	while (mr_belief_authres(&belief, msg.field, end, &at, &ar))
 *		friend = friend || mr_align_pass(&ar, from_domain, psl);
 *
 * Linear, allocates nothing. Any thread.
 */
#ifndef MR_BELIEF_H
#define MR_BELIEF_H

#include "lib/mail/mr_authres.h"
#include "lib/mail/mr_msg.h"

/* Who writes which fields; the settings auth_milter, rbl_milter, tls_milter, virus_milter. Each by
 * itself, for a filter of others does one of it and removes no forged fields of the rest. */
enum mr_writer {
	MR_WRITER_AUTH = 1u << 0, /* Authentication-Results under our authserv-id */
	MR_WRITER_RBL = 1u << 1, /* X-Millrace-RBL */
	MR_WRITER_TLS = 1u << 2, /* X-Millrace-TLS, X-Encryption */
	MR_WRITER_VIRUS = 1u << 3, /* X-Virus-Status */
};

struct mr_belief {
	struct mr_span authserv_id; /* ours; empty: none is */
	unsigned writers; /* enum mr_writer: those that are active on this path */
	bool below_received; /* of a delivered message: see below */
};

/*
 * How many of count fields, from the first, may be ours.
 *
 * In a milter: those above the topmost Received, which came with the message, since the MTA shows a
 * milter none of its own. A message without Received, straight from its writer, may have a forged
 * field anywhere: that the writer is active, and so has removed it, is all that there is.
 */
uint32_t mr_belief_arriving(const struct mr_field *field, uint32_t count);
/*
 * In a message that our MTA hands to delivery: those above its own Received, the topmost; 0 if there is
 * none. With belief->below_received (the setting auth_below_received) also those below it, above the
 * next one: rspamd inserts there, but mail that has passed no filter may have forged ones there.
 */
uint32_t mr_belief_delivered(const struct mr_belief *belief, const struct mr_field *field,
			     uint32_t count);

/* field is one that an active writer writes; of Authentication-Results, with our authserv-id. Where it
 * stands is not asked here. */
bool mr_belief_field(const struct mr_belief *belief, const struct mr_field *field);

/*
 * The next Authentication-Results of ours among field[*at] to field[end - 1] that can be read, and *at
 * behind it. Skipped is what is malformed, too large, or of a version other than 1, and a field with
 * a parenthesis in a property: it may be the sender's text (docs/THREATS.md). False: there is none, and
 * *ar_out is nothing. Begin with *at = 0.
 */
bool mr_belief_authres(const struct mr_belief *belief, const struct mr_field *field, uint32_t end,
		       uint32_t *at, struct mr_authres *ar_out);

#endif
