/* From lessons in the store to models and corrections: the same bytes whatever came in what order. */
#include <sodium.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_random.h"
#include "milters/spam/consensus.h"
#include "milters/spam/journal.h"
#include "milters/spam/lesson.h"
#include "milters/spam/rebuild.h"
#include "tests/unit/mr_test.h"

#define BITS 12
static const int16_t zeros[1 << BITS];
static const struct mr_spam_model nothing = { .weight = { zeros, zeros },
					      .bits = { BITS, BITS },
					      .threshold = 5.0 };
#define NOW 1000000

#define TAUGHT_MAX 64

struct bench {
	struct mr_store *store;
	struct mr_arena *arena; /* of what waits to be written together */
	struct mr_lesson taught[TAUGHT_MAX];
	size_t count;
	struct mr_spam_features *f;
	char dir[MR_PATH_MAX];
};

static int bench_init(struct mr_t *t, struct bench *b)
{
	char url[MR_PATH_MAX + 16];

	*b = (struct bench){ .store = NULL };
	snprintf(b->dir, sizeof(b->dir), "%s", mr_test_dir(t));
	snprintf(url, sizeof(url), "sqlite:%s/state", b->dir);
	b->f = mr_spam_features_new(NULL);
	b->arena = mr_arena_new((size_t)1 << 20);
	if (b->f == NULL || b->arena == NULL)
		return MR_ENOMEM;
	return mr_store_open(url, MR_GROUP_SPAM, MR_STORE_CREATE, &b->store);
}

static void bench_done(struct bench *b)
{
	mr_store_close(b->store);
	mr_arena_free(b->arena);
	mr_spam_features_free(b->f);
}

/* Message n: three words of its own, and the word of its topic. */
static void message(struct mr_spam_features *f, unsigned n, unsigned topic)
{
	struct mr_rng rng;

	mr_rng_init(&rng, n + 1);
	mr_spam_features_reset(f);
	for (unsigned i = 0; i < 3; i++)
		mr_spam_feature_add(f, MR_SPAM_WORD, mr_rng_next(&rng), "word", MR_SPAN(""),
				    MR_SPAN("w"));
	mr_spam_feature_add(f, MR_SPAM_WORD, (uint64_t)topic << (64 - BITS), "word", MR_SPAN(""),
			    MR_SPAN("w"));
}

static void name(unsigned n, uint8_t digest[MR_SPAM_DIGEST_SIZE])
{
	crypto_generichash(digest, MR_SPAM_DIGEST_SIZE, (const void *)&n, sizeof(n), NULL, 0);
}

static int flush(struct bench *b)
{
	int err = mr_store_lesson_put_all(b->store, b->taught, b->count);

	b->count = 0;
	return err;
}

static int teach(struct bench *b, const char *teacher, unsigned n, unsigned topic, bool spam)
{
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
	struct mr_lesson *l = &b->taught[b->count];
	int err;

	*l = (struct mr_lesson){ .teacher = mr_span_str(teacher), .spam = spam, .taught_s = 5 };
	name(n, l->digest);
	message(b->f, n, topic);
	if ((err = mr_spam_lesson_encode(b->f, &bytes)) < 0 ||
	    (err = mr_arena_dup(b->arena, mr_buf_span(&bytes), &l->features)) < 0)
		return err;
	return ++b->count == TAUGHT_MAX ? flush(b) : 0;
}

static int take_back(struct bench *b, const char *teacher, unsigned n)
{
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	int err = flush(b);

	name(n, digest);
	return err < 0 ? err : mr_store_lesson_remove(b->store, mr_span_str(teacher), digest);
}

static int rebuild(struct bench *b, const char *file, struct mr_spam_rebuilt *done_out)
{
	char path[2 * MR_PATH_MAX];
	struct mr_spam_rebuild what = {
		.store = b->store, .base = &nothing, .path = path, .now_s = NOW, .lessons_max = 50
	};

	int err = flush(b);

	snprintf(path, sizeof(path), "%s/%s", b->dir, file);
	return err < 0 ? err : mr_spam_rebuild(&what, done_out);
}

static int model_of(struct bench *b, const char *file, struct mr_spam_model *model_out)
{
	char path[2 * MR_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", b->dir, file);
	return mr_spam_model_open(path, model_out, NULL);
}

/* What a message of a topic that nobody saw scores, for somebody or (NULL) for all. */
static double score_for(struct bench *b, const char *file, const char *who, unsigned topic)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(2 * MR_SPAM_CORRECTION_ROOM);
	struct mr_spam_correction list[MR_SPAM_CORRECTIONS_MAX];
	struct mr_spam_score score = { .log_odds = 0 };
	struct mr_spam_model model;
	int n = 0, bad = 0;

	if (arena == NULL || model_of(b, file, &model) < 0)
		return 0;
	if (who != NULL)
		n = mr_spam_corrections_get(b->store, mr_span_str(who), arena, list, &bad);
	if (n >= 0) {
		message(b->f, 99999, topic);
		mr_spam_score_corrected(&model, list, (unsigned)n, b->f, &score);
	}
	mr_spam_model_done(&model);
	return score.log_odds;
}

enum topic { NEWS = 1, MONEY, PILLS, CLUB };

/* Two hosts on one store teach and take back in different orders, and end with the same bytes. */
MR_TEST(spam_rebuild_two_hosts)
{
	struct mr_spam_rebuilt one = { .lessons = 0 }, two = { .lessons = 0 };
	MR_AUTO_BUF a = MR_BUF(1 << 20);
	MR_AUTO_BUF z = MR_BUF(1 << 20);
	struct bench b, other;
	int err = bench_init(t, &b), err2 = bench_init(t, &other);

	for (unsigned n = 0; n < 20 && err >= 0 && err2 >= 0; n++) {
		err = teach(&b, n % 3 ? "" : "u@a.example", n, n % 2 ? NEWS : PILLS, n % 2 == 0);
		err2 = teach(&other, (19 - n) % 3 ? "" : "u@a.example", 19 - n,
			     (19 - n) % 2 ? NEWS : PILLS, n % 2 == 0); /* wrongly, at first */
	}
	/* the other says all again, rightly, and something that it takes back */
	for (unsigned n = 0; n < 20 && err2 >= 0; n++)
		err2 = teach(&other, n % 3 ? "" : "u@a.example", n, n % 2 ? NEWS : PILLS,
			     n % 2 == 0);
	if (err >= 0 && err2 >= 0) {
		MR_CHECK_INT(t, 0, teach(&other, "", 77, MONEY, true));
		MR_CHECK_INT(t, 0, teach(&other, "v@z.example", 78, MONEY, true));
		MR_CHECK_INT(t, 0, rebuild(&other, "model", &two));
		MR_CHECK_INT(t, 0, take_back(&other, "", 77));
		MR_CHECK_INT(t, 0, take_back(&other, "v@z.example", 78));
		MR_CHECK_INT(t, 0, rebuild(&b, "model", &one));
		MR_CHECK_INT(t, 0, rebuild(&other, "model", &two));
		MR_CHECK_INT(t, one.lessons, two.lessons);
		MR_CHECK_INT(t, 13, one.lessons); /* 20 without 0, 3, 6, ... 18 */
		MR_CHECK_INT(t, 7, one.user_lessons);
		MR_CHECK_INT(t, 1, one.owners);
		MR_CHECK_INT(t, 1, two.owners); /* v@z.example has none any more */
	}
	if (err >= 0 && err2 >= 0) {
		struct mr_spam_model m, w;

		if (model_of(&b, "model", &m) == 0) {
			MR_CHECK_INT(t, 0, mr_spam_model_write(&m, &a));
			MR_CHECK_INT(t, 7, m.user_count);
			mr_spam_model_done(&m);
		}
		if (model_of(&other, "model", &w) == 0) {
			MR_CHECK_INT(t, 0, mr_spam_model_write(&w, &z));
			mr_spam_model_done(&w);
		}
		MR_CHECK(t, a.len > 0 && mr_span_eq(mr_buf_span(&a), mr_buf_span(&z)));
	}
	bench_done(&b);
	bench_done(&other);
}

MR_TEST(spam_rebuild_who_hears_whom)
{
	struct mr_spam_rebuilt done = { .lessons = 0 };
	struct bench b;
	int err = bench_init(t, &b);
	double before;

	/* the operator knows news and pills */
	for (unsigned n = 0; n < 10 && err >= 0; n++)
		err = teach(&b, "", n, n % 2 ? NEWS : PILLS, n % 2 == 0);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	before = score_for(&b, "model", NULL, MONEY);
	/* one user teaches money, however often */
	for (unsigned n = 100; n < 120 && err >= 0; n++)
		err = teach(&b, "mallory@a.example", n, MONEY, true);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	if (err >= 0) {
		MR_CHECK(t, score_for(&b, "model", NULL, PILLS) > 2);
		MR_CHECK(t, score_for(&b, "model", NULL, NEWS) < 0); /* rather good than spam */
		MR_CHECK(t, score_for(&b, "model", "mallory@a.example", MONEY) > before + 2);
		MR_CHECK_NEAR(t, before, score_for(&b, "model", NULL, MONEY), 1e-9);
		MR_CHECK_NEAR(t, before, score_for(&b, "model", "ann@a.example", MONEY), 1e-9);
	}
	/* a second one of the domain: still nobody; a third: others in it, the world does not */
	for (unsigned n = 200; n < 205 && err >= 0; n++)
		err = teach(&b, "bob@a.example", n, MONEY, true);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	if (err >= 0)
		MR_CHECK_NEAR(t, before, score_for(&b, "model", "ann@a.example", MONEY), 1e-9);
	for (unsigned n = 220; n < 225 && err >= 0; n++)
		err = teach(&b, "dan@a.example", n, MONEY, true);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	if (err >= 0) {
		MR_CHECK(t, score_for(&b, "model", "ann@a.example", MONEY) > before);
		MR_CHECK_NEAR(t, before, score_for(&b, "model", "eve@b.example", MONEY), 1e-9);
	}
	/* a second domain: still not; a third: now the world does */
	for (unsigned n = 300; n < 305 && err >= 0; n++)
		err = teach(&b, "carol@b.example", n, MONEY, true);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	if (err >= 0)
		MR_CHECK_NEAR(t, before, score_for(&b, "model", NULL, MONEY), 1e-9);
	for (unsigned n = 320; n < 325 && err >= 0; n++)
		err = teach(&b, "fay@e.example", n, MONEY, true);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	if (err >= 0) {
		MR_CHECK(t, score_for(&b, "model", "eve@c.example", MONEY) > before);
		MR_CHECK_INT(t, 3, done.voices);
	}
	/* a domain teaches for its users, in full */
	for (unsigned n = 400; n < 405 && err >= 0; n++)
		err = teach(&b, "@c.example", n, CLUB, false);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	if (err >= 0) {
		MR_CHECK(t, score_for(&b, "model", "eve@c.example", CLUB) <
				    score_for(&b, "model", NULL, CLUB) - 2);
		MR_CHECK_NEAR(t, score_for(&b, "model", NULL, CLUB),
			      score_for(&b, "model", "zoe@d.example", CLUB), 1e-9);
	}
	bench_done(&b);
}

/* Three domains agree, though in one of them somebody says the opposite, often. */
MR_TEST(spam_rebuild_one_cannot_silence_his_domain)
{
	static const char *const honest[] = { "ann@a.example", "bob@b.example", "carol@c.example" };
	struct mr_spam_rebuilt done = { .lessons = 0 };
	struct bench b;
	int err = bench_init(t, &b);
	double before = 0;

	for (unsigned n = 0; n < 10 && err >= 0; n++)
		err = teach(&b, "", n, n % 2 ? NEWS : PILLS, n % 2 == 0);
	if (err >= 0 && (err = rebuild(&b, "model", &done)) >= 0)
		before = score_for(&b, "model", NULL, MONEY);
	for (unsigned n = 0; n < 15 && err >= 0; n++)
		err = teach(&b, honest[n % 3], 100 + n, MONEY, true);
	for (unsigned n = 200; n < 230 && err >= 0; n++)
		err = teach(&b, "mallory@a.example", n, MONEY, false);
	if (err >= 0 && (err = rebuild(&b, "model", &done)) >= 0) {
		MR_CHECK(t, score_for(&b, "model", NULL, MONEY) > before);
		MR_CHECK_INT(t, 3, done.voices);
	}
	MR_CHECK(t, err >= 0 || t->oom);
	bench_done(&b);
}

static int remember(void *arg, struct mr_span owner, int64_t made_s MR_UNUSED,
		    size_t size MR_UNUSED)
{
	return mr_buf_printf(arg, "%.*s ", (int)owner.len, owner.p);
}

/* What is left of an owner who teaches no more, of lessons that expired, and of too many. */
MR_TEST(spam_rebuild_forgets)
{
	struct mr_lesson old = { .teacher = mr_span("", 0), .expires_s = NOW, .taught_s = 4 };
	MR_AUTO_BUF owners = MR_BUF(1000);
	struct mr_spam_rebuilt done = { .lessons = 0 };
	struct bench b;
	int err = bench_init(t, &b);

	if (err >= 0)
		err = mr_store_lesson_put(b.store, &old); /* it would not even decode */
	if (err >= 0)
		err = teach(&b, "ann@a.example", 1, NEWS, true);
	if (err >= 0)
		err = mr_store_correction_put(b.store, MR_SPAN("bob@b.example"), 1, MR_SPAN("x"));
	if (err >= 0)
		err = mr_store_correction_put(b.store, MR_SPAN("@b.example"), 1, MR_SPAN("x"));
	for (unsigned n = 10; n < 62 && err >= 0; n++)
		err = teach(&b, "", n, PILLS, true);
	old.expires_s = 0;
	old.taught_s = 6; /* newer than all */
	if (err >= 0)
		err = mr_store_lesson_put(b.store, &old);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	if (err >= 0) {
		MR_CHECK_INT(t, 0, done.expired); /* it was taught again, and never expires */
		MR_CHECK_INT(t, 1, done.skipped.damaged);
		MR_CHECK_INT(t, 0, done.skipped.versions);
		MR_CHECK_INT(t, 49, done.lessons); /* lessons_max, without the one that is none */
		MR_CHECK_INT(t, 3, done.left_out);
		MR_CHECK_INT(t, 0, mr_store_correction_each(b.store, remember, &owners));
		MR_CHECK_STR(t, "ann@a.example ", mr_buf_str(&owners));
	}
	old.expires_s = NOW;
	if (err >= 0)
		err = mr_store_lesson_put(b.store, &old);
	if (err >= 0)
		err = rebuild(&b, "model", &done);
	if (err >= 0)
		MR_CHECK_INT(t, 1, done.expired);
	bench_done(&b);
}

/* One name is in no directory. */
static int all_but(void *arg, struct mr_span owner)
{
	return !mr_span_eq(mr_span_str(arg), owner);
}

static int not_now(void *arg MR_UNUSED, struct mr_span owner MR_UNUSED)
{
	return MR_ETEMP;
}

/* Whoever is not in the directory is no voice, has no correction, and does not make a domain one. */
MR_TEST(spam_rebuild_strangers)
{
	static const char *const teachers[] = { "ann@a.example", "bob@b.example", "@b.example",
						"eve@c.example" };
	static char left[][16] = { "bob@b.example", "@b.example", "eve@c.example" };
	MR_AUTO_BUF owners = MR_BUF(1000);
	char path[2 * MR_PATH_MAX];
	struct mr_spam_rebuilt done = { .lessons = 0 };
	struct mr_spam_rebuild what = {
		.base = &nothing, .path = path, .now_s = NOW, .lessons_max = 50
	};
	struct mr_spam_model m;
	struct bench b;
	int err = bench_init(t, &b);

	snprintf(path, sizeof(path), "%s/model", b.dir);
	what.store = b.store;
	for (unsigned k = 0; k < MR_COUNT(teachers) && err >= 0; k++)
		err = teach(&b, teachers[k], k, PILLS, true);
	if (err >= 0)
		err = flush(&b);
	if (err >= 0 && (err = mr_spam_rebuild(&what, &done)) >= 0) {
		MR_CHECK_INT(t, 3, done.voices);
		MR_CHECK_INT(t, 0, done.strangers);
		MR_CHECK_INT(t, 4, done.user_lessons);
	}
	what.known = all_but;
	for (size_t i = 0; i < MR_COUNT(left) && err >= 0; i++) {
		t->row = (long)i;
		what.known_arg = left[i];
		if ((err = mr_spam_rebuild(&what, &done)) < 0)
			break;
		MR_CHECK_INT(t, i < 2 ? 3 : 2, done.voices);
		MR_CHECK_INT(t, 1, done.strangers);
		MR_CHECK_INT(t, 3, done.user_lessons);
		mr_buf_reset(&owners);
		MR_CHECK_INT(t, 0, mr_store_correction_each(b.store, remember, &owners));
		MR_CHECK(t, strstr(mr_buf_str(&owners), "ann@a.example ") != NULL);
		MR_CHECK(t, i == 1 ? strncmp(mr_buf_str(&owners), "@b", 2) != 0
				   : strstr(mr_buf_str(&owners), left[i]) == NULL);
		if (model_of(&b, "model", &m) == 0) {
			MR_CHECK_INT(t, 3, m.user_count);
			mr_spam_model_done(&m);
		}
	}
	what.known = not_now;
	if (err >= 0)
		MR_CHECK_INT(t, MR_ETEMP, mr_spam_rebuild(&what, &done));
	MR_CHECK(t, err >= 0 || t->oom);
	bench_done(&b);
}

/* By hand, or by a disk: the digest of a row is cut short. */
static int damage(const struct bench *b, const char *teacher)
{
	char path[MR_PATH_MAX + 16], sql[200];
	sqlite3 *db;
	int code;

	snprintf(path, sizeof(path), "%s/state/spam.db", b->dir);
	snprintf(sql, sizeof(sql),
		 "UPDATE lesson SET digest = substr(digest, 1, 31) WHERE rowid ="
		 " (SELECT min(rowid) FROM lesson WHERE teacher = '%s')",
		 teacher);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		return MR_ETEMP;
	code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (code == SQLITE_OK && sqlite3_changes(db) != 1)
		code = SQLITE_ERROR;
	sqlite3_close(db);
	return code == SQLITE_OK ? 0 : MR_ETEMP;
}

/* One bad row, whoever taught it, is counted and left out; all else is made. */
MR_TEST(spam_rebuild_damaged)
{
	static const char *const teachers[] = { "", "ann@a.example", "@a.example" };

	for (size_t i = 0; i < MR_COUNT(teachers); i++) {
		struct mr_spam_rebuilt done = { .lessons = 0 };
		struct bench b;
		int err = bench_init(t, &b);

		t->row = (long)i;
		for (size_t k = 0; k < MR_COUNT(teachers) && err >= 0; k++) {
			for (unsigned n = 0; n < 4 && err >= 0; n++)
				err = teach(&b, teachers[k], 4 * (unsigned)k + n, PILLS, n % 2 > 0);
		}
		if (err >= 0 && (err = rebuild(&b, "model", &done)) >= 0) {
			MR_CHECK_INT(t, 4, done.lessons);
			MR_CHECK_INT(t, 0, done.skipped.damaged);
		}
		if (err >= 0)
			err = damage(&b, teachers[i]);
		if (err >= 0 && (err = rebuild(&b, "model", &done)) >= 0) {
			MR_CHECK_INT(t, i == 0 ? 3 : 4, done.lessons);
			MR_CHECK_INT(t, 2, done.owners);
			MR_CHECK_INT(t, 1, done.skipped.damaged);
			MR_CHECK_INT(t, 0, done.skipped.versions);
		}
		MR_CHECK(t, err >= 0 || t->oom);
		bench_done(&b);
	}
}
