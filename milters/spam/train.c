#include "milters/spam/train.h"

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "milters/spam/lesson.h"
#include "milters/spam/train_priv.h"

/* README.md has the experiments that chose these. */
#define PASSES      3
#define RATE_BIAS   0.1 /* of a bias, against its judge's */
#define FOLD_PASSES 2 /* of models for the threshold: they need to be like the model, not as good */
_Static_assert(FOLD_PASSES < PASSES, "a fold is scored in the pass after its last one");

static const double rate_of[MR_SPAM_JUDGES] = {
	[MR_SPAM_TEXT] = 1.2,
	[MR_SPAM_HEADER] = 1.2,
	[MR_SPAM_SHAPE] = 1.2,
	[MR_SPAM_BYTES] = 4.0,
};

/* Make another model the one at hand. */
static void take(struct mr_spam_trainer *t, uint32_t model)
{
	memcpy(t->waiting[t->at], t->bias, sizeof(t->bias));
	memcpy(t->bias, t->waiting[model], sizeof(t->bias));
	t->at = model;
}

struct mr_spam_trainer *mr_spam_trainer_new(size_t lessons_size_max)
{
	struct mr_spam_trainer *t = mr_calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	mr_buf_init(&t->lessons, lessons_size_max);
	if ((t->f = mr_spam_features_new(NULL)) == NULL) {
		mr_spam_trainer_free(t);
		return NULL;
	}
	return t;
}

void mr_spam_trainer_free(struct mr_spam_trainer *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		mr_free(t->weight[i]);
	mr_spam_features_free(t->f);
	mr_buf_done(&t->lessons);
	mr_free(t->entry);
	mr_free(t->change);
	mr_free(t);
}

size_t mr_spam_trainer_count(const struct mr_spam_trainer *t)
{
	return t->count;
}

void mr_spam_trainer_clear(struct mr_spam_trainer *t)
{
	t->count = 0;
	mr_buf_reset(&t->lessons);
}

int mr_spam_trainer_add(struct mr_spam_trainer *t, const uint8_t digest[MR_SPAM_DIGEST_SIZE],
			struct mr_span teacher, bool spam, struct mr_span lesson)
{
	struct mr_spam_entry *e;
	int err;

	if ((err = mr_spam_lesson_decode(lesson, t->f)) < 0)
		return err;
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 1024;

		if ((e = mr_realloc(t->entry, room * sizeof(*e))) == NULL)
			return MR_ENOMEM;
		t->entry = e;
		t->room = room;
	}
	e = &t->entry[t->count];
	e->at = t->lessons.len;
	e->len = (uint32_t)lesson.len;
	if ((err = mr_buf_add(&t->lessons, lesson)) < 0)
		return err;
	memcpy(e->digest, digest, MR_SPAM_DIGEST_SIZE);
	e->teacher = mr_spam_hash(0, teacher);
	e->spam = spam;
	e->back = false;
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		e->truth[i] = spam ? 1 : 0;
	t->count++;
	return 0;
}

static int by_digest(const void *a, const void *b)
{
	const struct mr_spam_entry *x = a, *y = b;
	int order = memcmp(x->digest, y->digest, MR_SPAM_DIGEST_SIZE);

	return order != 0 ? order : (x->teacher > y->teacher) - (x->teacher < y->teacher);
}

void mr_spam_train_sort(struct mr_spam_trainer *t)
{
	if (t->count > 0) /* entry may be NULL */
		qsort(t->entry, t->count, sizeof(*t->entry), by_digest);
}

/* -- one model while it is trained ------------------------------------------------------------ */

/* Tables for some models of base's size; what they held is gone. */
static int make_room(struct mr_spam_trainer *t, const struct mr_spam_model *base, uint32_t models)
{
	if (t->models == models && memcmp(t->bits, base->bits, sizeof(t->bits)) == 0)
		return 0;
	t->models = 0; /* until all of them are there */
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		mr_free(t->weight[i]);
		t->weight[i] = mr_calloc((size_t)models << base->bits[i], sizeof(int32_t));
		if (t->weight[i] == NULL)
			return MR_ENOMEM;
	}
	t->models = models;
	memcpy(t->bits, base->bits, sizeof(t->bits));
	return 0;
}

int mr_spam_train_start(struct mr_spam_trainer *t, const struct mr_spam_model *base,
			uint32_t models)
{
	MR_ASSERT(models > 0 && models <= MR_SPAM_FOLDS + 1);
	if (make_room(t, base, models) < 0)
		return MR_ENOMEM;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		int32_t *to = t->weight[i];

		for (uint32_t slot = 0; slot < 1u << t->bits[i]; slot++) {
			int32_t v = base->corrections > 0
					    ? mr_spam_weight_at(base, i, slot)
					    : (int16_t)le16toh((uint16_t)base->weight[i][slot]);

			for (uint32_t m = 0; m < models; m++)
				*to++ = v * (1 << MR_SPAM_FINE_BITS);
		}
	}
	for (uint32_t m = 0; m < models; m++)
		memcpy(t->waiting[m], base->bias, sizeof(t->bias));
	memcpy(t->bias, base->bias, sizeof(t->bias));
	t->at = models - 1;
	return 0;
}

double mr_spam_train_lean(const struct mr_spam_trainer *t, enum mr_spam_judge judge)
{
	double sum = t->bias[judge];

	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &t->f->family[i];
		unsigned table = mr_spam_table(i), shift = MR_SPAM_KEY_BITS - t->bits[table];
		const int32_t *weight = mr_spam_train_weight(t, table, 0);
		size_t apart = t->models;
		int64_t family = 0;

		if (mr_spam_judge(i) != judge)
			continue;
		for (uint32_t k = 0; k < l->count; k++)
			family += weight[(l->key[k] >> shift) * apart];
		sum += (double)family * MR_SPAM_FINE * mr_spam_share(i, l->count);
	}
	return sum;
}

/*
 * 1 / (1 + e^-x) from plain arithmetic alone, since what libm returns differs in its last bit from
 * host to host. e^-x = 2^n * e^r with |r| <= ln(2) / 2, and a series for the rest: an error of 2e-8.
 */
double mr_spam_sigmoid(double x)
{
	double y = x > 30 ? -30 : x < -30 ? 30 : -x, r, e;
	int n = (int)(y * 1.4426950408889634 + (y < 0 ? -0.5 : 0.5));

	r = y - n * 0.6931471805599453;
	e = 1 +
	    r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5 * (1 + r / 6 * (1 + r / 7))))));
	for (; n > 0; n--)
		e *= 2;
	for (; n < 0; n++)
		e /= 2;
	return 1 / (1 + e);
}

static int32_t fine(double step)
{
	return (int32_t)(step / MR_SPAM_FINE + (step < 0 ? -0.5 : 0.5));
}

/* Move a judge, who was wrong by error, towards the truth about the lesson at hand, by the gradient of
 * its log-loss. */
static void step(struct mr_spam_trainer *t, enum mr_spam_judge judge, double error)
{
	if (error < MR_SPAM_ERROR_MIN && error > -MR_SPAM_ERROR_MIN)
		return;
	t->bias[judge] += fine(rate_of[judge] * error * RATE_BIAS) * MR_SPAM_FINE;
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &t->f->family[i];
		unsigned table = mr_spam_table(i), shift = MR_SPAM_KEY_BITS - t->bits[table];
		int32_t by = fine(rate_of[judge] * error * mr_spam_share(i, l->count));

		if (mr_spam_judge(i) != judge)
			continue;
		for (uint32_t k = 0; k < l->count; k++)
			*mr_spam_train_weight(t, table, l->key[k] >> shift) += by;
	}
}

static unsigned fold_of(const struct mr_spam_entry *e)
{
	return e->digest[MR_SPAM_DIGEST_SIZE - 1] % MR_SPAM_FOLDS;
}

void mr_spam_train_load(struct mr_spam_trainer *t, const struct mr_spam_entry *e)
{
	/* It was decoded once when it was added. */
	int err = mr_spam_lesson_decode(mr_span(t->lessons.p + e->at, e->len), t->f);

	MR_ASSERT(err == 0);
}

void mr_spam_train_push(struct mr_spam_trainer *t, double error)
{
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		step(t, i, error);
}

void mr_spam_train_all(struct mr_spam_trainer *t)
{
	for (unsigned pass = 0; pass < PASSES; pass++) {
		for (size_t i = 0; i < t->count; i++) {
			const struct mr_spam_entry *e = &t->entry[i];

			mr_spam_train_load(t, e);
			for (unsigned k = 0; k < MR_SPAM_JUDGES; k++)
				step(t, k, e->truth[k] - mr_spam_sigmoid(mr_spam_train_lean(t, k)));
		}
	}
}

/* -- good lessons by models that did not see them --------------------------------------------- */

double mr_spam_train_log_odds(const struct mr_spam_trainer *t)
{
	double sum = 0;

	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		sum += mr_spam_favour(mr_spam_train_lean(t, i));
	return sum;
}

#define ALL (MR_SPAM_FOLDS + 1) /* the models of the folds, then the model */

/* What a judge says in each model: one walk through memory for all of them. */
static void lean_all(const struct mr_spam_trainer *t, enum mr_spam_judge judge, double sum[ALL])
{
	for (unsigned m = 0; m < ALL; m++)
		sum[m] = m == t->at ? t->bias[judge] : t->waiting[m][judge];
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &t->f->family[i];
		unsigned table = mr_spam_table(i), shift = MR_SPAM_KEY_BITS - t->bits[table];
		int64_t family[ALL] = { 0 };

		if (mr_spam_judge(i) != judge)
			continue;
		for (uint32_t k = 0; k < l->count; k++) {
			const int32_t *w = t->weight[table] + (size_t)(l->key[k] >> shift) * ALL;

			for (unsigned m = 0; m < ALL; m++)
				family[m] += w[m];
		}
		for (unsigned m = 0; m < ALL; m++)
			sum[m] += (double)family[m] * MR_SPAM_FINE * mr_spam_share(i, l->count);
	}
}

/* One lesson in one pass: the model learns it, and so do those of the other folds, until they know
 * enough. Then that of its own fold, which never saw it, says what it thinks of it: the result. */
static double one(struct mr_spam_trainer *t, const struct mr_spam_entry *e, unsigned pass)
{
	unsigned own = fold_of(e);
	double sum[ALL], log_odds = 0;

	mr_spam_train_load(t, e);
	for (unsigned k = 0; k < MR_SPAM_JUDGES; k++) {
		lean_all(t, k, sum);
		for (unsigned m = 0; m < ALL; m++) {
			if (m == own || (m < MR_SPAM_FOLDS && pass >= FOLD_PASSES))
				continue;
			take(t, m);
			step(t, k, e->truth[k] - mr_spam_sigmoid(sum[m]));
		}
		log_odds += mr_spam_favour(sum[own]);
	}
	return log_odds;
}

/* Train the model and those of the folds side by side, since most of the time goes into getting at a
 * lesson. The model is at hand then; ham: log-odds of good lessons by models that did not see them. */
static int sweep(struct mr_spam_trainer *t, const struct mr_spam_model *base, double *ham,
		 size_t *ham_count)
{
	double log_odds;
	int err = mr_spam_train_start(t, base, ALL);

	if (err < 0)
		return err;
	*ham_count = 0;
	for (unsigned pass = 0; pass < PASSES; pass++) {
		for (size_t i = 0; i < t->count; i++) {
			if (t->progress != NULL && ++t->done % 256 == 0)
				t->progress(t->progress_arg, t->done, t->all);
			log_odds = one(t, &t->entry[i], pass);
			if (pass == FOLD_PASSES && !t->entry[i].spam)
				ham[(*ham_count)++] = log_odds;
		}
	}
	take(t, MR_SPAM_FOLDS);
	return 0;
}

/* -- the file --------------------------------------------------------------------------------- */

/* Weights in the file's unit: half of it is added and the rest cut off, rounding down (an
 * arithmetic shift, as gcc and clang define it). */
static void round_weights(const struct mr_spam_trainer *t, int16_t *w)
{
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		for (uint32_t k = 0; k < 1u << t->bits[i]; k++) {
			int32_t v =
				(*mr_spam_train_weight(t, i, k) + (1 << (MR_SPAM_FINE_BITS - 1))) >>
				MR_SPAM_FINE_BITS;

			v = v > INT16_MAX ? INT16_MAX : v < -INT16_MAX ? -INT16_MAX : v;
			*w++ = (int16_t)htole16((uint16_t)v);
		}
	}
}

int mr_spam_train_finish(struct mr_spam_trainer *t, const struct mr_spam_model *base,
			 double threshold, bool stepped, struct mr_buf *out)
{
	struct mr_spam_model m = { .threshold = threshold, .on_builtin = base->on_builtin };
	size_t size = ((size_t)1 << t->bits[0]) + ((size_t)1 << t->bits[1]);
	int16_t *weight = mr_malloc(size * sizeof(*weight));
	MR_AUTO_BUF reference = MR_BUF(8 * MR_SPAM_REFERENCE_MAX);
	int err = 0;

	if (weight == NULL)
		return MR_ENOMEM;
	round_weights(t, weight);
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		m.bits[i] = t->bits[i];
		m.weight[i] = weight + (i == 0 ? 0 : (size_t)1 << t->bits[0]);
	}
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		m.bias[i] = t->bias[i];
	if (stepped) {
		m.spam_count = base->spam_count;
		m.ham_count = base->ham_count;
		m.user_count = base->user_count;
		m.voices = base->voices;
		m.stepped = base->stepped + (uint32_t)t->count;
	}
	for (size_t i = 0; i < t->count && !stepped; i++)
		t->entry[i].spam ? m.spam_count++ : m.ham_count++;
	/* What is made on a base is measured by the base's good mail. */
	m.reference = base->reference;
	if (m.reference.len == 0 && m.ham_count > 0) {
		err = mr_spam_train_reference(t, m.ham_count, &reference);
		m.reference = mr_buf_span(&reference);
	}
	if (err == 0)
		err = mr_spam_model_write(&m, out);
	mr_free(weight);
	return err;
}

int mr_spam_trainer_run(struct mr_spam_trainer *t, const struct mr_spam_model *base, double fp_max,
			mr_spam_progress_fn *progress, void *arg, struct mr_buf *out)
{
	double *ham = mr_malloc((t->count + 1) * sizeof(*ham)), threshold;
	size_t ham_count;
	int err;

	if (ham == NULL)
		return MR_ENOMEM;
	t->progress = progress;
	t->progress_arg = arg;
	t->done = 0;
	t->all = PASSES * t->count;
	mr_spam_train_sort(t);
	if ((err = sweep(t, base, ham, &ham_count)) == 0) {
		if (progress != NULL)
			progress(arg, t->all, t->all);
		if (t->count <= MR_SPAM_FEW)
			threshold = mr_spam_train_insist(t, base, ham, ham_count, fp_max);
		else
			threshold =
				mr_spam_threshold(base->threshold + mr_spam_train_drift(t, base),
						  ham, ham_count, fp_max);
		err = mr_spam_train_finish(t, base, threshold, false, out);
	}
	mr_free(ham);
	return err;
}
