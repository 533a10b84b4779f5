#include "milters/spam/journal.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "milters/spam/lesson.h"

_Static_assert(MR_DIGEST_SIZE == MR_SPAM_DIGEST_SIZE, "the store's digest is ours");

int mr_spam_batch_init(struct mr_spam_batch *b, struct mr_store *store, int64_t now_s)
{
	*b = (struct mr_spam_batch){ .store = store, .now_s = now_s };
	b->arena = mr_arena_new(MR_SPAM_BATCH_MAX * (MR_SPAM_LESSON_SIZE_MAX + 64));
	return b->arena == NULL ? MR_ENOMEM : 0;
}

void mr_spam_batch_done(struct mr_spam_batch *b)
{
	mr_arena_free(b->arena);
}

int mr_spam_batch_flush(struct mr_spam_batch *b)
{
	int err = mr_store_lesson_put_all(b->store, b->lesson, b->count);

	if (err == 0) {
		b->count = 0;
		mr_arena_reset(b->arena);
	}
	return err;
}

int mr_spam_batch_add(struct mr_spam_batch *b, const uint8_t digest[MR_SPAM_DIGEST_SIZE], bool spam,
		      const struct mr_spam_features *f)
{
	struct mr_lesson *l = &b->lesson[b->count];
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
	int err;

	*l = (struct mr_lesson){ .teacher = MR_SPAN(""), .spam = spam, .taught_s = b->now_s };
	memcpy(l->digest, digest, sizeof(l->digest));
	if ((err = mr_spam_lesson_encode(f, &bytes)) < 0 ||
	    (err = mr_arena_dup(b->arena, mr_buf_span(&bytes), &l->features)) < 0)
		return err;
	return ++b->count == MR_SPAM_BATCH_MAX ? mr_spam_batch_flush(b) : 0;
}

struct gather {
	struct mr_spam_trainer *trainer;
	size_t skipped;
};

static int gather_lesson(void *arg, const struct mr_lesson *l)
{
	struct gather *g = arg;
	int err = mr_spam_trainer_add(g->trainer, l->digest, l->teacher, l->spam, l->features);

	if (err != MR_ESYNTAX && err != MR_EINVAL)
		return err;
	g->skipped++;
	return 0;
}

int mr_spam_rebuild(struct mr_store *store, const struct mr_spam_model *base, const char *path,
		    mr_spam_progress_fn *progress, void *arg, size_t *lessons_out,
		    size_t *skipped_out)
{
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(MR_SPAM_LESSONS_SIZE_MAX);
	struct gather g = { trainer, 0 };
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_MODEL_SIZE_MAX);
	int err;

	if (trainer == NULL)
		return MR_ENOMEM;
	if ((err = mr_store_lesson_each(store, gather_lesson, &g)) < 0 ||
	    (err = mr_spam_trainer_run(trainer, base, MR_SPAM_FP_MAX, progress, arg, &bytes)) < 0 ||
	    (err = mr_replace_file(path, mr_buf_span(&bytes), 0644)) < 0)
		return err;
	*lessons_out = mr_spam_trainer_count(trainer);
	*skipped_out = g.skipped;
	return 0;
}
