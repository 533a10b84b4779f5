#include "milters/spam/journal.h"

#include "lib/base/mr_err.h"
#include "milters/spam/lesson.h"

_Static_assert(MR_DIGEST_SIZE == MR_SPAM_DIGEST_SIZE, "the store's digest is ours");

int mr_spam_batch_init(struct mr_spam_batch *b, struct mr_store *store, struct mr_span teacher,
		       int64_t now_s, int64_t expires_s)
{
	*b = (struct mr_spam_batch){
		.store = store, .teacher = teacher, .now_s = now_s, .expires_s = expires_s
	};
	b->arena = mr_arena_new(MR_SPAM_BATCH_MAX * (MR_SPAM_LESSON_SIZE_MAX + 64));
	return b->arena == NULL ? MR_ENOMEM : 0;
}

void mr_spam_batch_done(struct mr_spam_batch *b)
{
	mr_arena_free(b->arena);
}

int mr_spam_batch_flush(struct mr_spam_batch *b)
{
	bool fresh[MR_SPAM_BATCH_MAX];
	int err = mr_store_lesson_teach(b->store, b->lesson, b->count, fresh);

	if (err < 0)
		return err;
	for (size_t i = 0; i < b->count && err == 0 && b->fresh != NULL; i++) {
		if (fresh[i])
			err = b->fresh(b->arg, &b->lesson[i]);
	}
	b->count = 0;
	mr_arena_reset(b->arena);
	return err;
}

int mr_spam_batch_add(struct mr_spam_batch *b, const uint8_t digest[MR_SPAM_DIGEST_SIZE], bool spam,
		      const struct mr_spam_features *f)
{
	struct mr_lesson *l = &b->lesson[b->count];
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
	int err;

	*l = (struct mr_lesson){
		.teacher = b->teacher, .spam = spam, .taught_s = b->now_s, .expires_s = b->expires_s
	};
	memcpy(l->digest, digest, sizeof(l->digest));
	if ((err = mr_spam_lesson_encode(f, &bytes)) < 0 ||
	    (err = mr_arena_dup(b->arena, mr_buf_span(&bytes), &l->features)) < 0)
		return err;
	return ++b->count == MR_SPAM_BATCH_MAX ? mr_spam_batch_flush(b) : 0;
}
