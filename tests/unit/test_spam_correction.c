/* What users and domains change in the model: bytes, sums, and the store that keeps them. */
#include "milters/spam/correction.h"

#include <stdlib.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_random.h"
#include "lib/store/mr_store.h"
#include "tests/unit/mr_test.h"

#define BITS MR_SPAM_TABLE_BITS_MIN
static int16_t weights[MR_SPAM_TABLES << BITS];

/* A model of the smallest size in which every weight is 0, and the threshold 2. */
static struct mr_spam_model small(void)
{
	struct mr_spam_model m = { .threshold = 2.0 };

	memset(weights, 0, sizeof(weights));
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		m.bits[i] = BITS;
		m.weight[i] = weights + (i << BITS);
	}
	return m;
}

/* One that changes `slot` of the first table by `by` units. */
static struct mr_spam_correction one(struct mr_spam_change *change, uint32_t slot, int32_t by)
{
	struct mr_spam_correction k = { .threshold = 0 };

	*change = (struct mr_spam_change){ slot, by };
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		k.bits[i] = BITS;
	k.count[0] = 1;
	k.change[0] = change;
	return k;
}

/* As a reader sees it. */
static int back(const struct mr_spam_correction *k, struct mr_arena *arena,
		struct mr_spam_correction *back_out)
{
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_CORRECTION_SIZE_MAX);
	struct mr_span copy;
	int err = mr_spam_correction_write(k, &bytes);

	if (err == 0)
		err = mr_arena_dup(arena, mr_buf_span(&bytes), &copy);
	return err < 0 ? err : mr_spam_correction_read(copy, arena, back_out);
}

MR_TEST(spam_owner_names)
{
	static const struct {
		const char *in;
		int want;
		const char *out;
	} rows[] = {
		{ "Alice@Example.ORG", 0, "alice@example.org" },
		{ "@Example.ORG.", 0, "@example.org" }, /* a domain; its dot is dropped */
		{ "alice", MR_EINVAL, "" },
		{ "alice@", MR_EINVAL, "" },
		{ "@", MR_EINVAL, "" },
		{ "", MR_EINVAL, "" },
		{ "a/b@example.org", MR_EINVAL, "" }, /* no user of ours */
		{ "\"a@b\"@example.org", MR_EINVAL, "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		char out[MR_SPAM_OWNER_SIZE] = "";

		MR_NEED(t, in != NULL);
		MR_CHECK_INT(t, rows[i].want, mr_spam_owner(mr_block_span(in), out));
		MR_CHECK_STR(t, rows[i].out, out);
	}
}

MR_TEST(spam_correction_bytes)
{
	/* version 1, of models of version VERSION, 2 tables, 3 spam, 1 good, threshold, bits and
	 * bias of each, then of each the number of changes, distance and change each */
	static const struct {
		const char *bytes;
		size_t len;
		int want;
	} rows[] = {
		/* threshold -1, biases 0, 1, 0, 0; slot 5 by -2, slot 305 by 300; slot 0 by 1 */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\2\5\3\xAC\2\xD8\4\1\0\2", 22, 0 },
		{ "\1V\2\3\1\1\12\12\0\2\0\0\2\5\3\xAC\2\xD8\4\1\0\2\0", 23,
		  MR_ECORRUPT }, /* more */
		{ "\2V\2\3\1\1\12\12\0\2\0\0\0\0", 14, MR_EINVAL }, /* another version */
		{ "\1\x7F\2\3\1\1\12\12\0\2\0\0\0\0", 14, MR_EINVAL }, /* of another model's */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\0\0", 14,
		  0 }, /* nothing changes but bias and threshold */
		{ "\1V\3\3\1\1\12\12\0\2\0\0\0\0", 14, MR_ECORRUPT }, /* three tables */
		{ "\1V\2\3\1\1\11\12\0\2\0\0\0\0", 14, MR_ECORRUPT }, /* a table of 2^9 */
		{ "\1V\2\3\1\1\27\12\0\2\0\0\0\0", 14, MR_ECORRUPT }, /* and of 2^23 */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\1\0\0\0", 16, MR_ECORRUPT }, /* a change by 0 */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\2\5\2\0\2\0", 18, MR_ECORRUPT }, /* a slot twice */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\1\x80\10\2\0", 17, MR_ECORRUPT }, /* slot 2^10 */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\1\xFF\7\2\0", 17, 0 }, /* 2^10 - 1 */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\1\0\x80\x80\x10\0", 18, 0 }, /* by 2^17 */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\1\0\x82\x80\x10\0", 18, MR_ECORRUPT }, /* one more */
		{ "\1V\2\3\1\x80\x80\x80\1\12\12\0\2\0\0\0\0", 17,
		  0 }, /* a threshold of 2^20 units */
		{ "\1V\2\3\1\x82\x80\x80\1\12\12\0\2\0\0\0\0", 17, MR_ECORRUPT },
		/* a count that has no bytes behind it */
		{ "\1V\2\3\1\1\12\12\0\2\0\0\xFF\x7F\0", 15, MR_ECORRUPT },
		{ "", 0, MR_ECORRUPT },
	};
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	struct mr_spam_correction k = { .threshold = 7 };

	MR_NEED(t, arena != NULL);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_block(t, mr_span(rows[i].bytes, rows[i].len));

		MR_NEED(t, in != NULL);
		t->row = (long)i;
		if (rows[i].len > 1 && in->bytes[1] == 'V')
			in->bytes[1] = MR_SPAM_MODEL_VERSION;
		mr_arena_reset(arena);
		MR_CHECK_INT(t, rows[i].want,
			     mr_spam_correction_read(mr_block_span(in), arena, &k));
		if (i > 0)
			continue;
		MR_NEED(t, k.spam_count > 0);
		MR_CHECK_INT(t, 3, k.spam_count);
		MR_CHECK_INT(t, 1, k.ham_count);
		MR_CHECK_NEAR(t, -1.0 / 1024, k.threshold, 0);
		MR_CHECK_NEAR(t, 1.0 / 1024, k.bias[1], 0);
		MR_CHECK_INT(t, -2, mr_spam_correction_at(&k, 0, 5));
		MR_CHECK_INT(t, 300, mr_spam_correction_at(&k, 0, 305)); /* 5 + 0x2C + 2 * 128 */
		MR_CHECK_INT(t, 0, mr_spam_correction_at(&k, 0, 6));
		MR_CHECK_INT(t, 0, mr_spam_correction_at(&k, 0, 1023));
		MR_CHECK_INT(t, 1, mr_spam_correction_at(&k, 1, 0));
	}
	/* cut short, at every length */
	for (size_t len = 0; len < rows[0].len; len++) {
		MR_AUTO(mr_block) *in = mr_test_block(t, mr_span(rows[0].bytes, len));

		MR_NEED(t, in != NULL);
		t->row = (long)len;
		if (len > 1)
			in->bytes[1] = MR_SPAM_MODEL_VERSION;
		mr_arena_reset(arena);
		MR_CHECK_INT(t, MR_ECORRUPT, mr_spam_correction_read(mr_block_span(in), arena, &k));
	}
}

/* As many as there may be, in places that a seed decides: each is found, and nothing beside them. */
MR_TEST(spam_correction_full)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	MR_AUTO(mr_arena) *other = mr_arena_new((size_t)1 << 20);
	struct mr_spam_correction k = { .threshold = 1.5 }, got;
	struct mr_spam_change *change;
	struct mr_rng rng;
	uint32_t slot = 0;

	MR_NEED(t, arena != NULL && other != NULL);
	change = mr_arena_array(other, MR_SPAM_CORRECTION_MAX + 1, sizeof(*change));
	MR_NEED(t, change != NULL);
	mr_rng_init(&rng, 5);
	for (uint32_t i = 0; i <= MR_SPAM_CORRECTION_MAX; i++) {
		slot += 1 + (uint32_t)(mr_rng_next(&rng) % 250); /* 250 * 2^14 < 2^22 */
		change[i] = (struct mr_spam_change){ slot, i % 2 ? -MR_SPAM_CORRECTION_BY_MAX
								 : (int32_t)i + 1 };
	}
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		k.bits[i] = MR_SPAM_TABLE_BITS_MAX;
	k.change[1] = change;
	k.count[1] = MR_SPAM_CORRECTION_MAX;
	MR_NEED(t, back(&k, arena, &got) == 0);
	MR_CHECK_NEAR(t, 1.5, got.threshold, 0);
	for (uint32_t i = 0; i < MR_SPAM_CORRECTION_MAX; i++) {
		if (mr_spam_correction_at(&got, 1, change[i].slot) != change[i].by)
			MR_CHECK_INT(t, change[i].by,
				     mr_spam_correction_at(&got, 1, change[i].slot));
		if (i > 0 && change[i].slot > change[i - 1].slot + 1)
			MR_CHECK_INT(t, 0, mr_spam_correction_at(&got, 1, change[i].slot - 1));
	}
	MR_CHECK_INT(t, 0, mr_spam_correction_at(&got, 0, change[0].slot));
	/* one more */
	k.count[1]++;
	mr_arena_reset(arena);
	MR_CHECK_INT(t, MR_ELIMIT, back(&k, arena, &got));
}

MR_TEST(spam_correction_scores)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO(mr_arena) *arena = mr_arena_new(4 * MR_SPAM_CORRECTION_ROOM);
	struct mr_spam_model model = small(), view;
	struct mr_spam_correction k, both[2];
	struct mr_spam_change change;
	struct mr_spam_score score;

	MR_NEED(t, f != NULL && arena != NULL);
	/* one word, whose hash is 1 in the highest ten bits */
	mr_spam_feature_add(f, MR_SPAM_WORD, 1ull << 54, "word", MR_SPAN(""), MR_SPAN("w"));
	k = one(&change, 1, 1024);
	MR_NEED(t, back(&k, arena, &both[0]) == 0);
	k = one(&change, 1, 3 * 1024);
	k.threshold = 0.5;
	k.bias[0] = 0.25;
	MR_NEED(t, back(&k, arena, &both[1]) == 0);

	/* none: as the model says */
	mr_spam_score_corrected(&model, both, 0, f, &score);
	MR_CHECK_NEAR(t, 3.0, score.points, 1e-9); /* 5 - 2 */
	/* the domain's: the word weighs 1.0, times its family's gain */
	mr_spam_score_corrected(&model, both, 1, f, &score);
	MR_CHECK_NEAR(t, 3.0 + mr_spam_gain[MR_SPAM_WORD], score.points, 0.001);
	/* and the user's: 1.0 + 3.0; bias and threshold too */
	mr_spam_score_corrected(&model, both, 2, f, &score);
	MR_CHECK_NEAR(t, 3.0 + 4 * mr_spam_gain[MR_SPAM_WORD] + 0.25 - 0.5, score.points, 0.001);
	/* what explains a score sees the same weights */
	view = mr_spam_model_corrected(&model, both, 2);
	MR_CHECK_NEAR(t, 4 * mr_spam_gain[MR_SPAM_WORD],
		      mr_spam_weight(&view, MR_SPAM_WORD, 1u << 14, 1), 1e-9);
	/* made on tables of another size: as if it were not there */
	both[0].bits[1] = BITS + 1;
	mr_spam_score_corrected(&model, both, 1, f, &score);
	MR_CHECK_NEAR(t, 3.0, score.points, 1e-9);
	/* below the model's own weight, in the other direction */
	weights[1] = (int16_t)htole16(1024);
	mr_spam_score_corrected(&model, both + 1, 1, f, &score);
	MR_CHECK_NEAR(t, 3.0 + 4 * mr_spam_gain[MR_SPAM_WORD] + 0.25 - 0.5, score.points, 0.001);
}

/* -- the store -------------------------------------------------------------------------------- */

static int add_owner(void *arg, struct mr_span owner, int64_t made_s, size_t size)
{
	struct mr_buf *out = arg;

	return mr_buf_printf(out, "%.*s:%d:%zu ", (int)owner.len, owner.p, (int)made_s, size);
}

MR_TEST(spam_correction_store)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(65536);
	MR_AUTO(mr_store) *st = NULL;
	MR_AUTO_BUF list = MR_BUF(1000);
	char url[MR_PATH_MAX + 16];
	struct mr_span got = mr_span("", 0);

	snprintf(url, sizeof(url), "sqlite:%s/state", mr_test_dir(t));
	MR_NEED(t, arena != NULL && mr_store_open(url, MR_GROUP_SPAM, MR_STORE_CREATE, &st) == 0);
	MR_CHECK_INT(t, MR_ENOENT, mr_store_correction_get(st, MR_SPAN("a@x.y"), arena, &got));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_correction_remove(st, MR_SPAN("a@x.y")));
	MR_NEED(t, mr_store_correction_put(st, MR_SPAN("a@x.y"), 7, mr_span("\0b", 2)) == 0);
	MR_NEED(t, mr_store_correction_put(st, MR_SPAN("@x.y"), 8, MR_SPAN("d")) == 0);
	MR_CHECK_INT(t, 0, mr_store_correction_get(st, MR_SPAN("a@x.y"), arena, &got));
	MR_CHECK_SPANS(t, mr_span("\0b", 2), got);
	MR_NEED(t, mr_store_correction_put(st, MR_SPAN("a@x.y"), 9, MR_SPAN("new")) == 0);
	MR_CHECK_INT(t, 0, mr_store_correction_get(st, MR_SPAN("a@x.y"), arena, &got));
	MR_CHECK_SPAN(t, "new", got);
	MR_CHECK_INT(t, 0, mr_store_correction_each(st, add_owner, &list));
	MR_CHECK_STR(t, "@x.y:8:1 a@x.y:9:3 ", mr_buf_str(&list));
	MR_CHECK_INT(t, 0, mr_store_correction_remove(st, MR_SPAN("a@x.y")));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_correction_get(st, MR_SPAN("a@x.y"), arena, &got));
	MR_CHECK_INT(t, 0, mr_store_correction_get(st, MR_SPAN("@x.y"), arena, &got));
}
