/* A few lessons on top of a model: steps, lessons taken back, and the changes of one owner. */
#include <sodium.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_random.h"
#include "milters/spam/correction.h"
#include "milters/spam/lesson.h"
#include "milters/spam/train.h"
#include "tests/unit/mr_test.h"

#define BITS 15
static const int16_t zeros[1 << BITS];

/* A model that knows nothing, of a size in which few features share a weight. */
static const struct mr_spam_model nothing = { .weight = { zeros, zeros },
					      .bits = { BITS, BITS },
					      .threshold = 5.0 };

/* Message n: twenty words that a seed decides. */
static void message(struct mr_spam_features *f, unsigned n)
{
	struct mr_rng rng;

	mr_rng_init(&rng, n + 1);
	mr_spam_features_reset(f);
	for (unsigned i = 0; i < 20; i++)
		mr_spam_feature_add(f, MR_SPAM_WORD, mr_rng_next(&rng), "word", MR_SPAN(""),
				    MR_SPAN("w"));
	mr_spam_feature_grams(f, mr_span_bytes(&n, sizeof(n)));
}

enum class { HAM, SPAM, BACK };

static int teach(struct mr_spam_trainer *trainer, struct mr_spam_features *f, unsigned n,
		 enum class class)
{
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
	int err;

	crypto_generichash(digest, sizeof(digest), (const void *)&n, sizeof(n), NULL, 0);
	message(f, n);
	if ((err = mr_spam_lesson_encode(f, &bytes)) < 0)
		return err;
	if (class == BACK)
		return mr_spam_trainer_take_back(trainer, digest, mr_buf_span(&bytes));
	return mr_spam_trainer_add(trainer, digest, MR_SPAN(""), class == SPAM,
				   mr_buf_span(&bytes));
}

static double score(const struct mr_spam_model *m, struct mr_spam_features *f, unsigned n)
{
	struct mr_spam_score s;

	message(f, n);
	mr_spam_score(m, f, &s);
	return s.log_odds;
}

MR_TEST(spam_step_acts_at_once)
{
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(1 << 20);
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO_BUF first = MR_BUF(1 << 20);
	MR_AUTO_BUF second = MR_BUF(1 << 20);
	MR_AUTO_BUF third = MR_BUF(1 << 20);
	struct mr_spam_model m;
	double was;

	MR_NEED(t, trainer != NULL && f != NULL);
	MR_NEED(t, teach(trainer, f, 1, SPAM) == 0 && teach(trainer, f, 2, HAM) == 0);
	MR_NEED(t, mr_spam_trainer_run(trainer, &nothing, 0.001, NULL, NULL, &first) == 0);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&first), &m, NULL) == 0);
	MR_CHECK_INT(t, 0, m.stepped);
	/* a third message: nothing is known of it, so it is about as good as spam; then it is taught */
	was = score(&m, f, 3);
	MR_CHECK(t, was < 1 && was > -1);
	mr_spam_trainer_clear(trainer);
	MR_CHECK_INT(t, 0, mr_spam_trainer_count(trainer));
	MR_NEED(t, teach(trainer, f, 3, SPAM) == 0);
	MR_NEED(t, mr_spam_trainer_step(trainer, &m, &nothing, &second) == 0);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&second), &m, NULL) == 0);
	MR_CHECK(t, score(&m, f, 3) > 2);
	MR_CHECK(t, score(&m, f, 1) > 2); /* what was known stays */
	MR_CHECK(t, score(&m, f, 2) < -1);
	MR_CHECK_INT(t, 1, m.stepped);
	MR_CHECK_INT(t, 1, m.spam_count); /* it was built from */
	MR_CHECK_INT(t, 1, m.ham_count);
	/* taken back: of it nothing is known again, so it is where the empty model has it */
	mr_spam_trainer_clear(trainer);
	MR_NEED(t, teach(trainer, f, 3, BACK) == 0);
	MR_NEED(t, mr_spam_trainer_step(trainer, &m, &nothing, &third) == 0);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&third), &m, NULL) == 0);
	MR_CHECK(t, score(&m, f, 3) < 1 && score(&m, f, 3) > -1);
	MR_CHECK(t, score(&m, f, 1) > 2);
	MR_CHECK_INT(t, 2, m.stepped);
}

/* An owner's changes on top of a model say what the model would after a step; with the strongest of
 * another correction underneath, they come on top of that. */
MR_TEST(spam_delta_is_a_step)
{
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(1 << 20);
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO(mr_arena) *arena = mr_arena_new(2 * MR_SPAM_CORRECTION_ROOM);
	MR_AUTO_BUF file = MR_BUF(1 << 20);
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	MR_AUTO_BUF over = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	struct mr_spam_correction delta = { .threshold = 0 }, k[2];
	struct mr_spam_model stepped, view;

	MR_NEED(t, trainer != NULL && f != NULL && arena != NULL);
	MR_NEED(t, teach(trainer, f, 1, SPAM) == 0 && teach(trainer, f, 2, HAM) == 0);
	MR_NEED(t, mr_spam_trainer_delta(trainer, &nothing, true, &delta) == 0);
	MR_CHECK_INT(t, 1, delta.spam_count);
	MR_CHECK_INT(t, 1, delta.ham_count);
	/* twenty words and a gram of each message, if no two share a weight */
	MR_CHECK(t, delta.count[0] >= 38 && delta.count[0] <= 40);
	MR_CHECK_INT(t, 2, delta.count[1]);
	MR_NEED(t, mr_spam_correction_write(&delta, &bytes) == 0);
	MR_NEED(t, mr_spam_correction_read(mr_buf_span(&bytes), arena, &k[0]) == 0);
	MR_NEED(t, mr_spam_trainer_step(trainer, &nothing, &nothing, &file) == 0);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&file), &stepped, NULL) == 0);
	view = mr_spam_model_corrected(&nothing, k, 1);
	for (unsigned n = 0; n < 4; n++) {
		t->row = n;
		MR_CHECK_NEAR(t, score(&stepped, f, n), score(&view, f, n), 0.01);
	}
	t->row = -1;
	/* the other way round, by somebody on top of that */
	mr_spam_trainer_clear(trainer);
	MR_NEED(t, teach(trainer, f, 1, HAM) == 0);
	MR_NEED(t, mr_spam_trainer_delta(trainer, &view, false, &delta) == 0);
	MR_NEED(t, mr_spam_correction_write(&delta, &over) == 0);
	MR_NEED(t, mr_spam_correction_read(mr_buf_span(&over), arena, &k[1]) == 0);
	view = mr_spam_model_corrected(&nothing, k, 2);
	MR_CHECK(t, score(&view, f, 1) < -1);
	MR_CHECK(t, score(&view, f, 2) < -1);
}

/* A threshold that is far away: what an owner taught is on its side all the same. */
MR_TEST(spam_delta_insists)
{
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(1 << 20);
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	struct mr_spam_model far = nothing, view;
	struct mr_spam_correction delta, k;

	far.threshold = 20;
	MR_NEED(t, trainer != NULL && f != NULL && arena != NULL);
	MR_NEED(t, teach(trainer, f, 1, SPAM) == 0 && teach(trainer, f, 2, HAM) == 0);
	for (int insist = 0; insist < 2; insist++) {
		MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
		struct mr_spam_score s;

		mr_arena_reset(arena);
		MR_NEED(t, mr_spam_trainer_delta(trainer, &far, insist, &delta) == 0);
		MR_NEED(t, mr_spam_correction_write(&delta, &bytes) == 0);
		MR_NEED(t, mr_spam_correction_read(mr_buf_span(&bytes), arena, &k) == 0);
		view = mr_spam_model_corrected(&far, &k, 1);
		message(f, 1);
		mr_spam_score(&view, f, &s);
		MR_CHECK_INT(t, insist, s.spam);
		message(f, 2);
		mr_spam_score(&view, f, &s);
		MR_CHECK(t, !s.spam);
	}
}

/* The same for who makes the model of a few lessons, and for a step on top of it. */
MR_TEST(spam_few_are_insisted_on)
{
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(1 << 20);
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO_BUF first = MR_BUF(1 << 20);
	MR_AUTO_BUF second = MR_BUF(1 << 20);
	struct mr_spam_model far = nothing, m;
	struct mr_spam_score s;

	far.threshold = 20;
	MR_NEED(t, trainer != NULL && f != NULL);
	MR_NEED(t, teach(trainer, f, 1, SPAM) == 0 && teach(trainer, f, 2, HAM) == 0);
	MR_NEED(t, mr_spam_trainer_run(trainer, &far, 0.001, NULL, NULL, &first) == 0);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&first), &m, NULL) == 0);
	message(f, 1);
	mr_spam_score(&m, f, &s);
	MR_CHECK(t, s.spam);
	message(f, 3);
	mr_spam_score(&m, f, &s);
	MR_CHECK(t, !s.spam); /* nobody taught it */
	mr_spam_trainer_clear(trainer);
	MR_NEED(t, teach(trainer, f, 3, SPAM) == 0);
	MR_NEED(t, mr_spam_trainer_step(trainer, &m, &far, &second) == 0);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&second), &m, NULL) == 0);
	message(f, 3);
	mr_spam_score(&m, f, &s);
	MR_CHECK(t, s.spam);
	message(f, 2);
	mr_spam_score(&m, f, &s);
	MR_CHECK(t, !s.spam);
}
