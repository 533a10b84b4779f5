/*
 * journal: the lessons that were taught, in the store's group spam, and the model that they make. For
 * the command line; one thread.
 */
#ifndef MR_SPAM_JOURNAL_H
#define MR_SPAM_JOURNAL_H

#include "lib/store/mr_store.h"
#include "milters/spam/train.h"

#define MR_SPAM_LESSONS_SIZE_MAX ((size_t)8 << 30) /* bytes of lessons that one model is made of */
#define MR_SPAM_BATCH_MAX        256 /* lessons in one transaction */
#define MR_SPAM_FP_MAX           0.0005 /* share of good mail that may be called spam */

/* Lessons that wait to be written together. */
struct mr_spam_batch {
	struct mr_store *store;
	struct mr_arena *arena; /* of the features */
	int64_t now_s;
	struct mr_lesson lesson[MR_SPAM_BATCH_MAX];
	size_t count;
};

/* MR_ENOMEM. */
MR_MUST_USE int mr_spam_batch_init(struct mr_spam_batch *b, struct mr_store *store, int64_t now_s);
/* Forgets what was not flushed. */
void mr_spam_batch_done(struct mr_spam_batch *b);
/* The operator taught the message with this digest; f is what it shows. Errors of mr_store.h. */
MR_MUST_USE int mr_spam_batch_add(struct mr_spam_batch *b,
				  const uint8_t digest[MR_SPAM_DIGEST_SIZE], bool spam,
				  const struct mr_spam_features *f);
MR_MUST_USE int mr_spam_batch_flush(struct mr_spam_batch *b);

/*
 * Make the model of base and all lessons in store, and replace the file at path by it. A lesson of
 * another version of the features can't be used: *skipped_out of them. MR_ELIMIT: more lessons than
 * MR_SPAM_LESSONS_SIZE_MAX; errors of mr_store.h and of mr_replace_file().
 */
MR_MUST_USE int mr_spam_rebuild(struct mr_store *store, const struct mr_spam_model *base,
				const char *path, mr_spam_progress_fn *progress, void *arg,
				size_t *lessons_out, size_t *skipped_out);

#endif
