/* The spam filter's numbers: hashes, features, lessons, model files, scores, training. */
#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_random.h"
#include "milters/spam/lesson.h"
#include "milters/spam/score.h"
#include "milters/spam/train.h"
#include "tests/unit/mr_test.h"

#define FEW_MAX 400

/* Features that a seed decides, count of each family. */
static void fill(struct mr_spam_features *f, uint64_t seed, unsigned count)
{
	struct mr_rng rng;

	mr_rng_init(&rng, seed);
	mr_spam_features_reset(f);
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		for (unsigned k = 0; k < count && i != MR_SPAM_GRAM; k++)
			mr_spam_feature_add(f, i, mr_rng_next(&rng), "word", MR_SPAN(""),
					    MR_SPAN("w"));
	}
	for (unsigned k = 0; k < count; k++) {
		uint64_t bytes = mr_rng_next(&rng);

		mr_spam_feature_grams(f, mr_span_bytes(&bytes, 4));
	}
}

MR_TEST(spam_features_are_a_set)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	struct mr_spam_list *words;

	MR_NEED(t, f != NULL);
	words = &f->family[MR_SPAM_WORD];
	mr_spam_feature_add(f, MR_SPAM_WORD, 1ull << 40, "word", MR_SPAN(""), MR_SPAN("a"));
	mr_spam_feature_add(f, MR_SPAM_WORD, 1ull << 40, "word", MR_SPAN(""), MR_SPAN("a"));
	mr_spam_feature_add(f, MR_SPAM_WORD, 2ull << 40, "word", MR_SPAN(""), MR_SPAN("b"));
	MR_CHECK_INT(t, 2, words->count);
	MR_CHECK_INT(t, 1, words->key[0]); /* the highest 24 of 64 bits */
	MR_CHECK_INT(t, 2, words->key[1]);
	/* the same hash in another family is another feature */
	mr_spam_feature_add(f, MR_SPAM_URL, 1ull << 40, "host", MR_SPAN(""), MR_SPAN("a"));
	MR_CHECK_INT(t, 1, f->family[MR_SPAM_URL].count);
	/* key 0 is a key */
	mr_spam_feature_add(f, MR_SPAM_WORD, 0, "word", MR_SPAN(""), MR_SPAN("z"));
	mr_spam_feature_add(f, MR_SPAM_WORD, 0, "word", MR_SPAN(""), MR_SPAN("z"));
	MR_CHECK_INT(t, 3, words->count);
	mr_spam_features_reset(f);
	MR_CHECK_INT(t, 0, words->count);
	mr_spam_feature_add(f, MR_SPAM_WORD, 0, "word", MR_SPAN(""), MR_SPAN("z"));
	MR_CHECK_INT(t, 1, words->count);
	/* however often it is reset: what an earlier message had is forgotten */
	for (uint64_t round = 0; round < 100; round++) {
		mr_spam_features_reset(f);
		mr_spam_feature_add(f, MR_SPAM_WORD, round << 40, "word", MR_SPAN(""),
				    MR_SPAN("a"));
		mr_spam_feature_add(f, MR_SPAM_WORD, 7ull << 40, "word", MR_SPAN(""), MR_SPAN("a"));
		MR_CHECK_INT(t, round == 7 ? 1 : 2, words->count);
	}
}

MR_TEST(spam_features_are_bounded)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);

	MR_NEED(t, f != NULL);
	fill(f, 1, 10000); /* more than any family takes */
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++)
		MR_CHECK_INT(t, f->family[i].room, f->family[i].count);
	MR_CHECK_INT(t, MR_SPAM_URL_MAX, f->family[MR_SPAM_URL].count);
}

MR_TEST(spam_grams)
{
	static const struct {
		const char *raw;
		unsigned count;
	} rows[] = {
		{ "", 0 },         { "abc", 0 },      { "abcd", 1 },
		{ "abcde", 2 },    { "aaaaaaaa", 1 }, /* one sequence, five times */
		{ "abcdabcd", 4 }, /* abcd bcda cdab dabc abcd */
	};
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);

	MR_NEED(t, f != NULL);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].raw);

		MR_NEED(t, in != NULL);
		mr_spam_features_reset(f);
		mr_spam_feature_grams(f, mr_block_span(in));
		MR_CHECK_INT(t, rows[i].count, f->family[MR_SPAM_GRAM].count);
	}
}

/* -- lessons ---------------------------------------------------------------------------------- */

static int rising(const void *a, const void *b)
{
	return (*(const uint32_t *)a > *(const uint32_t *)b) -
	       (*(const uint32_t *)a < *(const uint32_t *)b);
}

MR_TEST(spam_lesson_there_and_back)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL),
				  *back = mr_spam_features_new(NULL);
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);

	MR_NEED(t, f != NULL && back != NULL);
	fill(f, 7, 10000);
	MR_NEED(t, mr_spam_lesson_encode(f, &bytes) == 0);
	MR_NEED(t, mr_spam_lesson_decode(mr_buf_span(&bytes), back) == 0);
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		struct mr_spam_list *a = &f->family[i], *b = &back->family[i];

		MR_NEED(t, a->count == b->count);
		qsort(a->key, a->count, sizeof(*a->key), rising);
		MR_CHECK(t, memcmp(a->key, b->key, a->count * sizeof(*a->key)) == 0);
	}
}

MR_TEST(spam_lesson_bytes)
{
	static const struct {
		const char *bytes;
		size_t len;
		int want;
	} rows[] = {
		/* version 1, six families, of which the first has the keys 5 and 305 */
		{ "\x01\x06\x02\x05\xAC\x02\0\0\0\0\0", 11, 0 },
		{ "\x01\x06\x02\x05\xAC\x02\0\0\0\0\0\0", 12, MR_ESYNTAX }, /* a byte too many */
		{ "\x01\x06\x02\x05\xAC\x02\0\0\0\0", 10, MR_ESYNTAX }, /* one too few */
		{ "\x01\x06\x02\x05\xAC", 5, MR_ESYNTAX }, /* ends inside a number */
		{ "\x02\x06\0\0\0\0\0\0", 8, MR_EINVAL }, /* version 2 */
		{ "\x01\x05\0\0\0\0\0", 7, MR_EINVAL }, /* five families */
		{ "\x01\x07\0\0\0\0\0\0\x01\x05", 10, 0 }, /* with one answer */
		{ "\x01\x07\0\0\0\0\0\0", 8, MR_ESYNTAX },
		{ "\x01\x08\0\0\0\0\0\0\0\0", 10, MR_EINVAL }, /* eight families */
		{ "", 0, MR_ESYNTAX },
		{ "\x01\x06\x02\x05\0\0\0\0\0\0", 10, MR_ESYNTAX }, /* a key twice */
		/* a key of 2^24, and one of 2^24 - 1 */
		{ "\x01\x06\x01\x80\x80\x80\x08\0\0\0\0\0", 12, MR_ESYNTAX },
		{ "\x01\x06\x01\xFF\xFF\xFF\x07\0\0\0\0\0", 12, 0 },
		/* a count above the family's room */
		{ "\x01\x06\xFF\x7F\0\0\0\0\0", 9, MR_ESYNTAX },
	};
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);

	MR_NEED(t, f != NULL);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_block(t, mr_span(rows[i].bytes, rows[i].len));

		MR_NEED(t, in != NULL);
		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, mr_spam_lesson_decode(mr_block_span(in), f));
	}
	t->row = -1;
	MR_NEED(t, mr_spam_lesson_decode(mr_span(rows[0].bytes, rows[0].len), f) == 0);
	MR_CHECK_INT(t, 2, f->family[MR_SPAM_WORD].count);
	MR_CHECK_INT(t, 5, f->family[MR_SPAM_WORD].key[0]);
	MR_CHECK_INT(t, 305, f->family[MR_SPAM_WORD].key[1]); /* 5 + 0x2C + 2 * 128 */
}

/* -- scores ----------------------------------------------------------------------------------- */

/* A model of the smallest size, with one weight of each table. */
struct small {
	int16_t weight[2 << MR_SPAM_TABLE_BITS_MIN];
	struct mr_spam_model model;
};

static void small_init(struct small *s)
{
	*s = (struct small){ .model = { .threshold = 2.0 } };
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		s->model.bits[i] = MR_SPAM_TABLE_BITS_MIN;
		s->model.weight[i] = s->weight + (i << MR_SPAM_TABLE_BITS_MIN);
	}
}

MR_TEST(spam_score_by_hand)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	struct mr_spam_score score;
	struct small s;

	MR_NEED(t, f != NULL);
	small_init(&s);
	mr_spam_features_reset(f);
	/* nothing known: 5 + 0 - 2 */
	mr_spam_score(&s.model, f, &score);
	MR_CHECK_NEAR(t, 3.0, score.points, 1e-9);
	MR_CHECK(t, !score.spam);
	/* Four words, of which one weighs 3.0: gain * 3 / sqrt(4). Its hash is 1 in the highest ten
	 * bits, so it meets slot 1. */
	s.weight[1] = (int16_t)htole16(3 * 1024);
	for (uint64_t i = 1; i <= 4; i++)
		mr_spam_feature_add(f, MR_SPAM_WORD, i << 54, "word", MR_SPAN(""), MR_SPAN("w"));
	mr_spam_score(&s.model, f, &score);
	MR_CHECK_NEAR(t, mr_spam_gain[MR_SPAM_WORD] * 1.5, score.log_odds, 1e-9);
	/* A link does not change what the words say: each family has a norm of its own. */
	mr_spam_feature_add(f, MR_SPAM_URL, 9ull << 54, "host", MR_SPAN(""), MR_SPAN("h"));
	mr_spam_score(&s.model, f, &score);
	MR_CHECK_NEAR(t, mr_spam_gain[MR_SPAM_WORD] * 1.5, score.log_odds, 1e-9);
	s.weight[9] = (int16_t)htole16(1024);
	mr_spam_score(&s.model, f, &score);
	MR_CHECK_NEAR(t, mr_spam_gain[MR_SPAM_URL], score.family[MR_SPAM_URL], 1e-9);
	MR_CHECK_NEAR(t, mr_spam_gain[MR_SPAM_WORD] * 1.5, score.family[MR_SPAM_WORD], 1e-9);
}

MR_TEST(spam_score_threshold)
{
	static const struct {
		double bias, points;
		bool spam;
	} rows[] = {
		{ 2.0, 5.0, true }, /* at the threshold */
		{ 1.9990, 4.999, false },
		{ 1.9996, 5.0, true }, /* what is shown is what is decided */
		{ 4.5, 7.5, true }, /* one point is one unit of log-odds */
		{ -0.5, 2.5, false },
		{ -3.0, 1.9, false }, /* of -3, one counts, and a 20th of the rest */
		{ 5000, 999.999, true }, /* bounded */
		{ -50000, -999.999, false },
	};
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	struct small s;

	MR_NEED(t, f != NULL);
	small_init(&s);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_spam_score score;

		t->row = (long)i;
		s.model.bias[0] = rows[i].bias;
		mr_spam_score(&s.model, f, &score);
		MR_CHECK_NEAR(t, rows[i].points, score.points, 1e-9);
		MR_CHECK(t, rows[i].spam == score.spam);
	}
}

/* What speaks for good mail is limited, for each judge by itself; what speaks for spam is not. */
MR_TEST(spam_score_favour)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	const double gain = mr_spam_gain[MR_SPAM_WORD];
	struct mr_spam_score score;
	struct small s;

	MR_NEED(t, f != NULL);
	small_init(&s);
	s.model.bias[MR_SPAM_TEXT] = 0.5;
	s.model.bias[MR_SPAM_HEADER] = 4.0;
	/* one word and one field, slots 1 and 2 */
	mr_spam_feature_add(f, MR_SPAM_WORD, 1ull << 54, "word", MR_SPAN(""), MR_SPAN("w"));
	mr_spam_feature_add(f, MR_SPAM_NAME, 2ull << 54, "header-name", MR_SPAN(""), MR_SPAN("n"));
	s.weight[1] = (int16_t)htole16((uint16_t)(-8 * 1024));
	s.weight[2] = (int16_t)htole16(1024);
	mr_spam_score(&s.model, f, &score);
	/* the text says 0.5 - 8 gain: the first unit counts, and a 20th of what is below -1 */
	MR_CHECK_NEAR(t, -1 + (1.5 - 8 * gain) / 20 + 4 + mr_spam_gain[MR_SPAM_NAME],
		      score.log_odds, 1e-9);
	/* what is shown adds up: the word has what counted, but for the bias */
	MR_CHECK_NEAR(t, -1.5 + (1.5 - 8 * gain) / 20, score.family[MR_SPAM_WORD], 1e-9);
	MR_CHECK_NEAR(t, mr_spam_gain[MR_SPAM_NAME], score.family[MR_SPAM_NAME], 1e-9);
	MR_CHECK_NEAR(t, 5 + 0.5 + 4 - 2, score.start, 1e-9);
	/* the same for spam: all of it counts */
	s.weight[1] = (int16_t)htole16(8 * 1024);
	mr_spam_score(&s.model, f, &score);
	MR_CHECK_NEAR(t, 4.5 + 8 * gain + mr_spam_gain[MR_SPAM_NAME], score.log_odds, 1e-9);
}

/* -- model files ------------------------------------------------------------------------------ */

static const char *write_file(struct mr_t *t, struct mr_span bytes)
{
	static char path[MR_PATH_MAX];

	snprintf(path, sizeof(path), "%s/model", mr_test_dir(t));
	MR_CHECK_INT(t, 0, mr_replace_file(path, bytes, 0600));
	return path;
}

MR_TEST(spam_model_there_and_back)
{
	MR_AUTO_BUF bytes = MR_BUF(1 << 20);
	struct mr_spam_model back;
	struct small s;

	small_init(&s);
	s.weight[0] = (int16_t)htole16((uint16_t)-5);
	s.weight[(2 << MR_SPAM_TABLE_BITS_MIN) - 1] = (int16_t)htole16(77);
	s.model.bias[1] = -0.5;
	s.model.bias[3] = 0.25;
	s.model.threshold = 2.5;
	s.model.spam_count = 3;
	s.model.ham_count = 70000;
	s.model.user_count = 5;
	s.model.voices = 2;
	s.model.stepped = 9;
	s.model.on_builtin = true;
	MR_NEED(t, mr_spam_model_write(&s.model, &bytes) == 0);
	/* 128 bytes, then 2 tables of 1024 weights of 2 bytes */
	MR_CHECK_INT(t, 128 + 4096, bytes.len);
	MR_NEED(t, mr_spam_model_open(write_file(t, mr_buf_span(&bytes)), &back, NULL) == 0);
	MR_CHECK_INT(t, -5, (int16_t)le16toh((uint16_t)back.weight[0][0]));
	MR_CHECK_INT(t, 77, (int16_t)le16toh((uint16_t)back.weight[1][1023]));
	MR_CHECK_NEAR(t, -0.5, back.bias[1], 0);
	MR_CHECK_NEAR(t, 0.25, back.bias[3], 0);
	MR_CHECK_NEAR(t, 2.5, back.threshold, 0);
	MR_CHECK_INT(t, 3, back.spam_count);
	MR_CHECK_INT(t, 70000, back.ham_count);
	MR_CHECK_INT(t, 5, back.user_count);
	MR_CHECK_INT(t, 2, back.voices);
	MR_CHECK_INT(t, 9, back.stepped);
	MR_CHECK(t, back.on_builtin);
	mr_spam_model_done(&back);
}

MR_TEST(spam_model_damaged)
{
	/* offset of a byte that is changed, and what that is */
	static const struct {
		size_t at;
		int want;
		const char *says;
	} rows[] = {
		{ 0, MR_ECORRUPT, "is no spam model" }, { 8, MR_EINVAL, "another version" },
		{ 16, MR_ECORRUPT, "damaged" }, /* bits of a table: 10 becomes 245 */
		{ 25, MR_ECORRUPT, "checksum" }, /* a bias */
		{ 96, MR_ECORRUPT, "checksum" }, /* the checksum itself */
		{ 128, MR_ECORRUPT, "checksum" }, /* a weight */
		{ 4223, MR_ECORRUPT, "checksum" },
	};
	MR_AUTO_BUF bytes = MR_BUF(1 << 20);
	struct mr_spam_model back;
	struct small s;

	small_init(&s);
	MR_NEED(t, mr_spam_model_write(&s.model, &bytes) == 0);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *copy = mr_test_block(t, mr_buf_span(&bytes));
		MR_AUTO_BUF error = MR_BUF(1000);

		MR_NEED(t, copy != NULL);
		t->row = (long)i;
		copy->bytes[rows[i].at] ^= (char)0xFF;
		MR_CHECK_INT(t, rows[i].want,
			     mr_spam_model_read(mr_block_span(copy), &back, &error));
		MR_CHECK(t, mr_span_search(mr_buf_span(&error), mr_span_str(rows[i].says)) <
				    mr_buf_span(&error).len);
	}
	/* cut short, at every length; and too long */
	for (size_t len = 0; len < 4224; len += len < 200 ? 1 : 97) {
		MR_AUTO(mr_block) *copy = mr_test_block(t, mr_span(bytes.p, len));

		MR_NEED(t, copy != NULL);
		MR_CHECK_INT(t, MR_ECORRUPT, mr_spam_model_read(mr_block_span(copy), &back, NULL));
	}
	MR_NEED(t, mr_buf_addc(&bytes, 'x') == 0);
	MR_CHECK_INT(t, MR_ECORRUPT, mr_spam_model_read(mr_buf_span(&bytes), &back, NULL));
}

MR_TEST(spam_model_file_errors)
{
	MR_AUTO_BUF error = MR_BUF(1000);
	struct mr_spam_model m;
	const char *path;

	MR_CHECK_INT(t, MR_ENOENT, mr_spam_model_open("/nonexistent/model", &m, &error));
	MR_CHECK(t, mr_span_has_prefix(mr_buf_span(&error), MR_SPAN("/nonexistent/model: ")));
	mr_buf_reset(&error);
	MR_CHECK_INT(t, MR_EPERM, mr_spam_model_open("/dev/zero", &m, &error));
	MR_CHECK_SPAN(t, "/dev/zero: is no file", mr_buf_span(&error));
	mr_buf_reset(&error);
	MR_CHECK_INT(t, MR_EPERM, mr_spam_model_open("/", &m, &error));
	MR_CHECK_SPAN(t, "/: is no file", mr_buf_span(&error));
	path = write_file(t, MR_SPAN(""));
	MR_CHECK_INT(t, MR_ECORRUPT, mr_spam_model_open(path, &m, NULL));
	/* a zstd frame that is none: its magic number, and a size of 2^60 */
	path = write_file(t, mr_span("\x28\xB5\x2F\xFD\xC0\0\0\0\0\0\0\0\0\x10\0\0", 16));
	MR_CHECK_INT(t, MR_ECORRUPT, mr_spam_model_open(path, &m, NULL));
}

/* What happens to the file of a model that is open does not matter: it is neither cut nor changed. */
MR_TEST(spam_model_file_changes)
{
	static const char noise[128 + 4096] = "\x89MRSPAM\n";
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO_BUF bytes = MR_BUF(1 << 20);
	struct mr_spam_score score;
	struct mr_spam_model m;
	struct small s;
	const char *path;
	MR_AUTO_FD fd = -1;

	MR_NEED(t, f != NULL);
	small_init(&s);
	s.model.threshold = 5.0;
	for (size_t i = 0; i < MR_COUNT(s.weight); i++)
		s.weight[i] = (int16_t)htole16(1024); /* 1.0 */
	MR_NEED(t, mr_spam_model_write(&s.model, &bytes) == 0);
	path = write_file(t, mr_buf_span(&bytes));
	MR_NEED(t, mr_spam_model_open(path, &m, NULL) == 0);
	mr_spam_feature_add(f, MR_SPAM_WORD, 0, "word", MR_SPAN(""), MR_SPAN("a"));
	mr_spam_score(&m, f, &score);
	/* one word: its family's gain times 1.0, divided by the root of 1 */
	MR_CHECK_NEAR(t, 2.5, score.points, 1e-9);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) >= 0) {
		MR_CHECK_INT(t, 0, mr_write_all(fd, mr_span(noise, sizeof(noise))));
		mr_spam_score(&m, f, &score);
		MR_CHECK_NEAR(t, 2.5, score.points, 1e-9);
		MR_CHECK_INT(t, 0, ftruncate(fd, 0));
		mr_spam_score(&m, f, &score);
		MR_CHECK_NEAR(t, 2.5, score.points, 1e-9);
	}
	MR_CHECK(t, fd >= 0);
	mr_spam_model_done(&m);
}

MR_TEST(spam_model_builtin_and_empty)
{
	struct mr_spam_model m;
	struct mr_spam_score score;
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);

	MR_NEED(t, f != NULL);
	MR_NEED(t, mr_spam_model_builtin(&m) == 0);
	MR_CHECK_INT(t, MR_SPAM_TABLE_BITS, m.bits[0]);
	mr_spam_model_done(&m);
	MR_NEED(t, mr_spam_model_empty(&m) == 0);
	fill(f, 3, 100);
	mr_spam_score(&m, f, &score);
	MR_CHECK_NEAR(t, 0.0, score.points, 0); /* it knows nothing and says so */
	mr_spam_model_done(&m);
}

MR_TEST(spam_model_reference)
{
	MR_AUTO_BUF bytes = MR_BUF(1 << 20);
	MR_AUTO_BUF reference = MR_BUF(1 << 10);
	struct mr_spam_reference r;
	struct mr_spam_model back;
	struct small s;

	small_init(&s);
	mr_spam_reference_put(&reference, 0, 7, 0.25);
	mr_spam_reference_put(&reference, MR_SPAM_BYTES, 1023, 2.5);
	s.model.reference = mr_buf_span(&reference);
	MR_NEED(t, mr_buf_err(&reference) == 0 && mr_spam_model_write(&s.model, &bytes) == 0);
	MR_CHECK_INT(t, 128 + 4096 + 16, bytes.len);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&bytes), &back, NULL) == 0);
	MR_CHECK_INT(t, 2, mr_spam_model_reference_count(&back));
	r = mr_spam_model_reference(&back, 1);
	MR_CHECK_INT(t, MR_SPAM_BYTES, r.judge);
	MR_CHECK_INT(t, 1023, r.slot);
	MR_CHECK_NEAR(t, 2.5, r.share, 1e-7);
	/* a slot beyond its table, under a checksum that is right */
	mr_buf_reset(&reference);
	mr_buf_reset(&bytes);
	mr_spam_reference_put(&reference, 0, 1024, 1.0);
	s.model.reference = mr_buf_span(&reference);
	MR_NEED(t, mr_buf_err(&reference) == 0 && mr_spam_model_write(&s.model, &bytes) == 0);
	MR_CHECK_INT(t, MR_ECORRUPT, mr_spam_model_read(mr_buf_span(&bytes), &back, NULL));
}

/* -- training --------------------------------------------------------------------------------- */

/* Lesson number n, of `all`: words that even ones (spam) share, and words of its own. */
static int add_lesson(struct mr_spam_trainer *trainer, struct mr_spam_features *f, unsigned n)
{
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
	int err;

	crypto_generichash(digest, sizeof(digest), (const void *)&n, sizeof(n), NULL, 0);
	fill(f, n + 1000, 20);
	for (uint64_t i = 1; i <= 10; i++)
		mr_spam_feature_add(f, MR_SPAM_WORD, (n % 2 ? i : i + 100) << 44, "word",
				    MR_SPAN(""), MR_SPAN("w"));
	if ((err = mr_spam_lesson_encode(f, &bytes)) < 0)
		return err;
	return mr_spam_trainer_add(trainer, digest, MR_SPAN(""), n % 2 == 0, mr_buf_span(&bytes));
}

/* What it starts from: a table large enough that few features share a weight. */
#define ZERO_BITS 15
static const int16_t zeros[1 << ZERO_BITS];

/* The base's good mail: the ten words of good lessons, each counting for 0.5. NULL: none. */
static const struct mr_buf *known;

/* Train on the lessons from to below, one by one up or down. */
static int train(unsigned from, unsigned below, bool down, struct mr_buf *out)
{
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(1 << 24);
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	int err = trainer == NULL || f == NULL ? MR_ENOMEM : 0;
	struct mr_spam_model base = { .weight = { zeros, zeros },
				      .bits = { ZERO_BITS, ZERO_BITS },
				      .threshold = 5.0 };

	if (known != NULL)
		base.reference = mr_buf_span(known);
	mr_buf_init(out, MR_SPAM_MODEL_SIZE_MAX);
	for (unsigned i = from; i < below && err == 0; i++)
		err = add_lesson(trainer, f, down ? below - 1 - (i - from) : i);
	if (err == 0)
		err = mr_spam_trainer_run(trainer, &base, 0.001, NULL, NULL, out);
	return err;
}

MR_TEST(spam_training_knows_no_order)
{
	MR_AUTO_BUF up = MR_BUF(0);
	MR_AUTO_BUF down = MR_BUF(0);
	MR_AUTO_BUF more = MR_BUF(0);
	MR_AUTO_BUF less = MR_BUF(0);
	int a = train(0, 60, false, &up), b = train(0, 60, true, &down);
	int c = train(0, 61, false, &more), d = train(0, 60, false, &less);

	MR_NEED(t, a == 0 && b == 0 && c == 0 && d == 0);
	MR_CHECK(t, mr_span_eq(mr_buf_span(&up), mr_buf_span(&down)));
	/* one more lesson is another model; without it, it is the same as if it had never been */
	MR_CHECK(t, !mr_span_eq(mr_buf_span(&up), mr_buf_span(&more)));
	MR_CHECK(t, mr_span_eq(mr_buf_span(&up), mr_buf_span(&less)));
}

MR_TEST(spam_training_learns)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(1 << 20);
	struct mr_spam_score score;
	struct mr_spam_model m;
	MR_AUTO_BUF bytes = MR_BUF(0);
	int err = train(0, FEW_MAX, false, &bytes);

	MR_NEED(t, err == 0 && f != NULL && trainer != NULL);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&bytes), &m, NULL) == 0);
	MR_CHECK_INT(t, FEW_MAX / 2, m.spam_count);
	MR_CHECK_INT(t, FEW_MAX / 2, m.ham_count);
	/* messages that it did not see: their class is in the ten words that they share */
	for (unsigned n = FEW_MAX; n < FEW_MAX + 20; n++) {
		MR_NEED(t, add_lesson(trainer, f, n) == 0);
		mr_spam_score(&m, f, &score);
		MR_CHECK(t, n % 2 == 0 ? score.log_odds > 0 : score.log_odds < 0);
		MR_CHECK(t, n % 2 == 0 || !score.spam);
	}
}

MR_TEST(spam_training_on_nothing)
{
	MR_AUTO_BUF bytes = MR_BUF(0);
	struct mr_spam_model m;
	int err = train(0, 0, false, &bytes);

	MR_NEED(t, err == 0);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&bytes), &m, NULL) == 0);
	MR_CHECK_NEAR(t, 5.0, m.threshold, 0); /* the base's */
	for (size_t i = 0; i < (size_t)1 << m.bits[0]; i++) {
		if (m.weight[0][i] != 0)
			MR_CHECK_INT(t, 0, m.weight[0][i]);
	}
}

/* The threshold goes where known good mail goes: down with good lessons alone, up with spam alone. */
MR_TEST(spam_threshold_moves_with_good_mail)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(1 << 20);
	MR_AUTO_BUF reference = MR_BUF(1000);
	MR_AUTO_BUF bytes = MR_BUF(0);
	MR_AUTO_BUF with_bytes = MR_BUF(0);
	struct mr_spam_model without, with;
	struct mr_spam_score score;
	int a, b;

	for (uint64_t i = 1; i <= 10; i++)
		mr_spam_reference_put(&reference, 0, (uint32_t)(i << 44 >> (64 - ZERO_BITS)), 0.5);
	a = train(1, 2, false, &bytes); /* one lesson, a good one */
	known = &reference;
	b = train(1, 2, false, &with_bytes);
	known = NULL;
	MR_NEED(t, a == 0 && b == 0 && f != NULL && trainer != NULL);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&bytes), &without, NULL) == 0);
	MR_NEED(t, mr_spam_model_read(mr_buf_span(&with_bytes), &with, NULL) == 0);
	/* both learned the same weights, and only the second knows what they do to good mail */
	MR_CHECK(t, with.threshold < without.threshold);
	MR_CHECK_INT(t, reference.len, with.reference.len);
	MR_NEED(t, add_lesson(trainer, f, 1) == 0);
	mr_spam_score(&with, f, &score);
	MR_CHECK(t, !score.spam);
}
