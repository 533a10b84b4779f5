/*
 * kept: corrections that were read from the store, the ones used last, so that a mailing to the same
 * people does not read them again and again. For judge.c. Any thread.
 */
#ifndef KEPT_H
#define KEPT_H

#include "milters/spam/correction.h"

struct mr_kept; /* all of them */

struct mr_kept_one {
	struct mr_spam_correction correction;
	int err; /* of mr_spam_correction_read(): it cannot be used */
	/* private */
	char owner[MR_SPAM_OWNER_SIZE];
	int64_t made_s, read_s;
	struct mr_arena *arena;
	struct mr_kept_one *next; /* used before this one */
	unsigned users;
};

/* NULL: out of memory. */
MR_MUST_USE struct mr_kept *mr_kept_new(size_t count_max);
void mr_kept_free(struct mr_kept *kept);

/* The one of owner that was made at made_s, and was read fresh_s later than that at least; NULL: it
 * must be read. Given back with mr_kept_put(). */
struct mr_kept_one *mr_kept_get(struct mr_kept *kept, const char *owner, int64_t made_s,
				int64_t fresh_s);
/*
 * Keep one, read from bytes at read_s; bytes are in arena, which is taken over in any case. It replaces
 * an older one of owner. Returns 0 with it, as if got, whether it can be used or not; MR_ENOMEM.
 */
MR_MUST_USE int mr_kept_add(struct mr_kept *kept, const char *owner, int64_t made_s, int64_t read_s,
			    struct mr_span bytes, struct mr_arena *arena,
			    struct mr_kept_one **one_out);
/* NULL is allowed. */
void mr_kept_put(struct mr_kept *kept, struct mr_kept_one *one);

#endif
