/* What several teachers agree on, and what becomes of it on the way into a correction. */
#include "milters/spam/consensus.h"

#include "lib/base/mr_err.h"
#include "milters/spam/correct.h"
#include "tests/unit/mr_test.h"

#define BITS MR_SPAM_TABLE_BITS_MIN
static const uint32_t bits[MR_SPAM_TABLES] = { BITS, BITS };
static int16_t zeros[MR_SPAM_TABLES << BITS];

/* One voice: a change of slot 5 of the second table. */
static void say(struct mr_spam_consensus *c, int32_t by)
{
	struct mr_spam_change change = { 5, by };
	struct mr_spam_correction voice = { .bits = { BITS, BITS },
					    .count = { 0, 1 },
					    .change = { NULL, &change } };

	mr_spam_consensus_add(c, &voice);
}

MR_TEST(spam_consensus_by_hand)
{
	static const struct {
		int32_t said[5]; /* up to the first 0 */
		int32_t agreed, up, down;
	} rows[] = {
		{ { 0 }, 0, 0, 0 },
		{ { 4 }, 0, 4, 0 }, /* alone */
		{ { 40, 60 }, 0, 50, 0 }, /* two are not enough, */
		{ { 40, -60 }, 0, 20, -30 }, /* whatever they say */
		{ { 40, 60, -60 }, 0, 33, -20 }, /* nor with one against them; 33.3 */
		{ { 20, 20, 30 }, 10, 23, 0 }, /* 40 over 2 and 2 more; 23.3 */
		{ { 30, 20, 20 }, 10, 23, 0 }, /* whoever comes first */
		{ { -20, -20, -30 }, -10, 0, -23 },
		{ { 20, 20, 30, -1000 }, 10, 17, -250 }, /* one who shouts; 17.5 */
		{ { 20, 20, 20, 1000 }, 12, 265, 0 }, /* 60 over 5 */
		{ { 20, 20, 30, -9, -5 }, 7, 14, -2 }, /* 35 over 3 and 2; -2.8 */
		{ { 20, 20, 30, -90, -50 },
		  0,
		  14,
		  -28 }, /* -10 of the rest; but one alone is down */
		{ { 300, 300, 300 }, 50, 300, 0 }, /* 150, but the most is 50 */
		{ { -300, -300, -300 }, -50, 0, -300 },
		{ { 100, 100, 101 }, 50, 100, 0 }, /* just the most; 100.3 */
		{ { 98, 98, 99 }, 49, 98, 0 }, /* just below; 98.3 */
	};
	MR_AUTO(mr_spam_consensus) *c = mr_spam_consensus_new(bits);
	struct mr_spam_correction k;

	MR_NEED(t, c != NULL);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		mr_spam_consensus_clear(c);
		for (size_t n = 0; n < MR_COUNT(rows[i].said) && rows[i].said[n] != 0; n++)
			say(c, rows[i].said[n]);
		MR_NEED(t, mr_spam_consensus_get(c, MR_SPAM_AGREED, &k) == 0);
		MR_CHECK_INT(t, rows[i].agreed != 0, k.count[1]);
		MR_CHECK_INT(t, 0, k.count[0]);
		if (k.count[1] > 0) {
			MR_CHECK_INT(t, 5, k.change[1][0].slot);
			MR_CHECK_INT(t, rows[i].agreed, k.change[1][0].by);
		}
		MR_NEED(t, mr_spam_consensus_get(c, MR_SPAM_MEAN_UP, &k) == 0);
		MR_CHECK_INT(t, rows[i].up, k.count[1] > 0 ? k.change[1][0].by : 0);
		MR_NEED(t, mr_spam_consensus_get(c, MR_SPAM_MEAN_DOWN, &k) == 0);
		MR_CHECK_INT(t, rows[i].down, k.count[1] > 0 ? k.change[1][0].by : 0);
	}
}

/* More voices than count: sums do not wrap. */
MR_TEST(spam_consensus_of_very_many)
{
	MR_AUTO(mr_spam_consensus) *c = mr_spam_consensus_new(bits);
	struct mr_spam_correction k;

	MR_NEED(t, c != NULL);
	for (unsigned i = 0; i < 20000; i++)
		say(c, MR_SPAM_CORRECTION_BY_MAX);
	MR_CHECK_INT(t, 20000, mr_spam_consensus_voices(c));
	MR_NEED(t, mr_spam_consensus_get(c, MR_SPAM_AGREED, &k) == 0);
	MR_CHECK_INT(t, 50, k.count[1] > 0 ? k.change[1][0].by : 0);
	MR_NEED(t, mr_spam_consensus_get(c, MR_SPAM_MEAN_UP, &k) == 0);
	MR_CHECK_INT(t, MR_SPAM_CORRECTION_BY_MAX, k.count[1] > 0 ? k.change[1][0].by : 0);
}

/* A model whose average good message has shares 0.5 of slot 1, 0.25 of slot 2, and 1 of slot 9. */
static struct mr_spam_model model_of(struct mr_buf *reference)
{
	struct mr_spam_model m = { .weight = { zeros, zeros + (1 << BITS) },
				   .bits = { BITS, BITS } };

	mr_spam_reference_put(reference, 0, 1, 0.5);
	mr_spam_reference_put(reference, 0, 2, 0.25);
	mr_spam_reference_put(reference, 0, 9, 1.0);
	m.reference = mr_buf_span(reference);
	return m;
}

MR_TEST(spam_correct_level_by_hand)
{
	struct mr_spam_change change[] = { { 1, 1024 }, { 2, 1024 }, { 3, 77 } };
	struct mr_spam_correction k = { .bits = { BITS, BITS },
					.count = { 3, 0 },
					.change = { change, change },
					.bias = { 0.25, 0 },
					.threshold = 1 };
	MR_AUTO_BUF reference = MR_BUF(1000);
	struct mr_spam_model m = model_of(&reference);

	MR_NEED(t, mr_buf_err(&reference) == 0);
	/* 0.5 * 1 + 0.25 * 1, and the bias */
	MR_CHECK_NEAR(t, 1.0, mr_spam_correct_drift(&m, &k), 1e-9);
	mr_spam_correct_level(&m, &k);
	/* 0.75 along shares whose squares are 0.3125: 2.4 times each, 1.2 and 0.6, in 1/1024 */
	MR_CHECK_INT(t, 1024 - 1229, change[0].by);
	MR_CHECK_INT(t, 1024 - 614, change[1].by);
	MR_CHECK_INT(t, 77, change[2].by); /* no part of good mail */
	MR_CHECK_NEAR(t, 0, k.bias[0], 0);
	MR_CHECK_NEAR(t, 0, k.threshold, 0);
	MR_CHECK_NEAR(t, 0, mr_spam_correct_drift(&m, &k), 1e-9);
	/* what touches nothing that is known of good mail stays as it is */
	k.count[0] = 1;
	change[0] = (struct mr_spam_change){ 3, 5 };
	mr_spam_correct_level(&m, &k);
	MR_CHECK_INT(t, 5, change[0].by);
}

/* Of too many changes the strongest are kept, and the threshold knows those alone. */
MR_TEST(spam_correct_keeps_the_strongest)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new((size_t)1 << 20);
	MR_AUTO(mr_arena) *room = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	MR_AUTO_BUF reference = MR_BUF(1000);
	struct mr_spam_model m = model_of(&reference);
	struct mr_spam_correction k = { .bits = { 20, 20 } }, got;
	uint32_t many = MR_SPAM_CORRECTION_MAX + 100;

	MR_NEED(t, arena != NULL && room != NULL);
	k.change[0] = mr_arena_array(arena, many, sizeof(*k.change[0]));
	MR_NEED(t, k.change[0] != NULL);
	/* slots 1 to many; all by 3, but for slot 1 by 2, and slot 2 by -500 */
	for (uint32_t i = 0; i < many; i++)
		k.change[0][i] = (struct mr_spam_change){ i + 1, i == 0 ? 2 : i == 1 ? -500 : 3 };
	k.count[0] = many;
	MR_NEED(t, mr_spam_correct_bytes(&m, &k, true, &bytes) == 0);
	MR_NEED(t, mr_spam_correction_read(mr_buf_span(&bytes), room, &got) == 0);
	MR_CHECK_INT(t, MR_SPAM_CORRECTION_MAX, got.count[0]);
	MR_CHECK_INT(t, 0, mr_spam_correction_at(&got, 0, 1));
	MR_CHECK_INT(t, -500, mr_spam_correction_at(&got, 0, 2));
	/* of those by 3 the first ones: slot 3 to MAX + 1 */
	MR_CHECK_INT(t, 3, mr_spam_correction_at(&got, 0, MR_SPAM_CORRECTION_MAX + 1));
	MR_CHECK_INT(t, 0, mr_spam_correction_at(&got, 0, MR_SPAM_CORRECTION_MAX + 2));
	/* -500 * 0.25 + 3 * 1, in 1/1024; rounded to one */
	MR_CHECK_NEAR(t, -122.0 / 1024, got.threshold, 1e-9);
}

static int when(void *arg, struct mr_span owner MR_UNUSED, int64_t made_s, size_t size MR_UNUSED)
{
	*(int64_t *)arg = made_s;
	return 0;
}

/* What is there already is not written again. */
MR_TEST(spam_correct_puts_what_changed)
{
	MR_AUTO(mr_store) *st = NULL;
	char url[MR_PATH_MAX + 16];
	int64_t made_s = 0;

	snprintf(url, sizeof(url), "sqlite:%s/state", mr_test_dir(t));
	MR_NEED(t, mr_store_open(url, MR_GROUP_SPAM, MR_STORE_CREATE, &st) == 0);
	for (int64_t now_s = 1; now_s <= 3; now_s++) {
		MR_NEED(t, mr_spam_correct_put(st, MR_SPAN("a@x.y"), now_s,
					       now_s < 3 ? MR_SPAN("one") : MR_SPAN("two")) == 0);
		MR_NEED(t, mr_store_correction_each(st, when, &made_s) == 0);
		MR_CHECK_INT(t, now_s < 3 ? 1 : 3, made_s);
	}
}

/* Lessons beyond the newest 1,000 that got into the store all the same do not count. */
MR_TEST(spam_correct_counts_the_newest)
{
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(MR_SPAM_OWNER_LESSONS_SIZE_MAX);
	struct mr_lesson l = { .teacher = MR_SPAN("a@x.y"), .spam = true };
	struct mr_spam_model m = { .weight = { zeros, zeros + (1 << BITS) },
				   .bits = { BITS, BITS } };
	MR_AUTO(mr_store) *st = NULL;
	static struct mr_lesson all[1001];
	struct mr_spam_correction k;
	char url[MR_PATH_MAX + 16];
	struct mr_spam_skipped skipped = { 0 };

	snprintf(url, sizeof(url), "sqlite:%s/state", mr_test_dir(t));
	MR_NEED(t, trainer != NULL && mr_store_open(url, MR_GROUP_SPAM, MR_STORE_CREATE, &st) == 0);
	for (unsigned i = 0; i < 1001; i++) {
		l.digest[0] = (uint8_t)(i >> 8);
		l.digest[1] = (uint8_t)i;
		l.features = i == 0 ? MR_SPAN("no lesson") : MR_SPAN("nor this");
		l.taught_s = 1 + i;
		all[i] = l;
	}
	MR_NEED(t, mr_store_lesson_put_all(st, all, 1001) == 0);
	MR_NEED(t,
		mr_spam_correct_delta(st, trainer, &m, MR_SPAN("a@x.y"), false, &skipped, &k) == 0);
	MR_CHECK_INT(t, 1000, skipped.versions + skipped.damaged); /* all that were read */
}

MR_TEST(spam_correct_sums)
{
	struct mr_spam_change a[] = { { 1, 5 }, { 4, 7 }, { 6, -2 } };
	struct mr_spam_change z[] = { { 0, 1 }, { 4, -7 }, { 6, -3 }, { 8, 9 } };
	struct mr_spam_correction x = { .bits = { BITS, BITS }, .threshold = 0.5 }, y = x, got;
	MR_AUTO(mr_arena) *room = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	MR_AUTO_BUF reference = MR_BUF(1000);
	struct mr_spam_model m = model_of(&reference);
	static const int32_t want[] = { 1, 5, 0, 0, 0, 0, -5, 0, 9 };

	x.change[0] = a;
	x.count[0] = MR_COUNT(a);
	y.change[0] = z;
	y.count[0] = MR_COUNT(z);
	MR_NEED(t, room != NULL && mr_spam_correct_sum(&m, &x, &y, &bytes) == 0);
	MR_NEED(t, mr_spam_correction_read(mr_buf_span(&bytes), room, &got) == 0);
	MR_CHECK_INT(t, 4, got.count[0]); /* what cancels out is no change */
	for (uint32_t i = 0; i < MR_COUNT(want); i++)
		MR_CHECK_INT(t, want[i], mr_spam_correction_at(&got, 0, i));
	MR_CHECK_NEAR(t, 1.0, got.threshold, 0);
}
