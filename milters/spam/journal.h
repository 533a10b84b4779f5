/*
 * journal: the lessons that were taught, in the store's group spam. What they make is in rebuild.h. For
 * the command line; one thread.
 */
#ifndef MR_SPAM_JOURNAL_H
#define MR_SPAM_JOURNAL_H

#include "lib/store/mr_store.h"
#include "milters/spam/feature.h"
#include "milters/spam/view.h"

#define MR_SPAM_BATCH_MAX 256 /* lessons in one transaction */

/* Lessons that wait to be written together. */
struct mr_spam_batch {
	struct mr_store *store;
	struct mr_arena *arena; /* of the features */
	struct mr_span teacher; /* lent */
	int64_t now_s, expires_s;
	/* May be NULL: called for each lesson once it is written, if it was not there before, or of
	 * the other class. */
	mr_lesson_fn *fresh;
	void *arg;
	struct mr_lesson lesson[MR_SPAM_BATCH_MAX];
	size_t count;
};

/* teacher outlives it; expires_s: when the lessons do, 0: never. MR_ENOMEM. */
MR_MUST_USE int mr_spam_batch_init(struct mr_spam_batch *b, struct mr_store *store,
				   struct mr_span teacher, int64_t now_s, int64_t expires_s);
/* Forgets what was not flushed. */
void mr_spam_batch_done(struct mr_spam_batch *b);
/* The teacher taught the message with this digest; f is what it shows. Errors of mr_store.h. */
MR_MUST_USE int mr_spam_batch_add(struct mr_spam_batch *b,
				  const uint8_t digest[MR_SPAM_DIGEST_SIZE], bool spam,
				  const struct mr_spam_features *f);
MR_MUST_USE int mr_spam_batch_flush(struct mr_spam_batch *b);

#endif
