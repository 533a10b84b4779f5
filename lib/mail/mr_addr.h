/*
 * mr_addr: address lists of header fields (RFC 5322 3.4, RFC 6532 for UTF-8, and the obsolete forms
 * of 4.4), as mail has them: groups, comments, quoted strings, routes, raw 8-bit. Linear, without
 * recursion; nested comments are counted.
 */
#ifndef MR_ADDR_H
#define MR_ADDR_H

#include "lib/base/mr_arena.h"

struct mr_addr {
	struct mr_span name; /* display name, or the comment behind a bare address: UTF-8, decoded,
				* without quotes; may be empty */
	struct mr_span local; /* local part without quotes and backslashes */
	struct mr_span domain; /* as written, without blanks and comments; a literal with its
				* brackets; empty where there is none ("undisclosed") */
};

#define MR_ADDR_NAME_MAX   4096 /* octets of a name: what is longer is cut */
#define MR_ADDR_LOCAL_MAX  1024 /* of a local part: what is longer is no address (RFC 5321: 64) */
#define MR_ADDR_DOMAIN_MAX 1024 /* of a domain, the same (RFC 1035: 255) */

/*
 * Parse value into an array in arena of at most count_max addresses, in order; members of groups
 * count, group names do not. What is no address is skipped up to the next comma; one word alone is
 * an address without a domain. Semicolons separate like commas. Returns their number, or MR_ENOMEM.
 */
MR_MUST_USE int mr_addr_parse(struct mr_span value, size_t count_max, struct mr_arena *arena,
			      const struct mr_addr **addrs_out);

/* local@domain in arena, the local part quoted where it must be. MR_ENOMEM. */
MR_MUST_USE int mr_addr_text(const struct mr_addr *addr, struct mr_arena *arena,
			     struct mr_span *text_out);

#endif
