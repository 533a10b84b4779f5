/*
 * mr_boundary: the boundaries of the multiparts that are open at one place of a message. For mr_msg
 * alone. They are kept sorted, so that the line of an attacker is compared with as many of them as a
 * binary search takes, not with each (a hundred may be open, and any line may begin with "--").
 */
#ifndef MR_BOUNDARY_H
#define MR_BOUNDARY_H

#include "lib/base/mr_arena.h"

struct mr_boundary {
	struct mr_span text;
	size_t common; /* octets that text shares with the entry before it */
	uint32_t level; /* what it was added with */
};

/* { 0 } is empty. */
struct mr_boundaries {
	struct mr_boundary *entry; /* sorted by text; of equal ones the highest level comes last */
	size_t count, room;
	uint32_t top; /* the highest level; meaningless when empty */
};

/* Add text, which is not empty. Levels are added in rising order. MR_ENOMEM. */
MR_MUST_USE int mr_boundaries_add(struct mr_boundaries *b, struct mr_arena *arena,
				  struct mr_span text, uint32_t level);

/* Remove all of at least this level. */
void mr_boundaries_drop(struct mr_boundaries *b, uint32_t level);

/*
 * The longest boundary that line (from behind its "--" to the end of the message) begins with; of
 * equal ones the one with the highest level; NULL: none. RFC 2046 5.1.1: it is sufficient that the
 * boundary appears in its entirety at the start, a match of the whole line is not required.
 */
const struct mr_boundary *mr_boundaries_match(const struct mr_boundaries *b, struct mr_span line);

#endif
