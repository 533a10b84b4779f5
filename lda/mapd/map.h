/*
 * map: the socketmap protocol, which Postfix (socketmap_table(5)) and sendmail (doc/op 5.11, "socket") both speak, as
 * a protocol of ask.h. A request is a netstring, "LENGTH:NAME KEY,", and so is the answer:
 *
 *	OK DATA			it is there
 *	NOTFOUND 		it is not
 *	TEMP REASON		nobody knows now: the MTA says 4xx
 *	PERM REASON		there is no such map
 *
 * The maps:
 *
 *	domains		DOMAIN: one of ours. Data: its name
 *	recipients	ADDRESS: mail to it is delivered. Data: the user, or "alias"
 *	aliases		ADDRESS: stands for mailboxes of ours. Data: their addresses, separated by commas. Where any
 *			target is outside, or there are too many, it is NOTFOUND: the address stays itself, and
 *			the LDA follows it
 *	senders		ADDRESS: may be written as sender. Data: who may: the user himself, or the one user whom an
 *			alias leads to, alone
 *	transports	DOMAIN, or ADDRESS: the domain has the setting transport. Data: what map_transports has under that name
 *	policy		what check_rcpt and check_data ask (policy.h): NOTFOUND: nothing is against it. Data:
 *			ERROR:4.7.1:450 TEXT
 *
 * Without an @, or with nothing before it, an address is NOTFOUND: Postfix asks for parts of addresses, too.
 */
#ifndef MAP_H
#define MAP_H

#include "lda/mapd/ask.h"
#include "lib/run/mr_settings.h"
#include "lib/store/mr_resolve.h"

#define MR_MAP_REQUEST_MAX 4103 /* octets: 4096, and "4096:" and "," */
#define MR_MAP_REPLY_MAX   90000 /* Postfix takes 100,000 */
#define MR_MAP_ARENA_MAX   4194304

/* What it answers from. */
struct mr_map {
	struct mr_resolve_table table; /* the directory */
	/* The setting transport of a domain of ours, into arena; MR_ENOENT: has none. */
	int (*transport)(void *arg, struct mr_span domain, struct mr_arena *arena,
			 struct mr_span *name_out);
	/* The map policy: append to data; MR_ENOENT: nothing is against it. NULL: there is no such map. */
	int (*policy)(void *arg, const struct mr_settings *set, struct mr_span key,
		      struct mr_arena *arena, struct mr_buf *data);
	void *arg;
};

/* As ask.h has it. */
MR_MUST_USE int mr_map_frame(struct mr_span input, size_t *len_out);

/*
 * Answer one request, with separators and transports from set. Memory of it is in arena, which the caller
 * resets. Below zero: reply had no room, or no memory.
 */
MR_MUST_USE int mr_map_answer(const struct mr_map *map, const struct mr_settings *set,
			      struct mr_span request, struct mr_arena *arena, struct mr_buf *reply);

/* Whether each item of map_transports is NAME=VALUE: NAME of letters, digits, "-" and "_", VALUE printable. */
bool mr_map_transports_valid(struct mr_list transports);

#endif
