/* train: a few lessons on top of a model: a step of the whole, or one owner's changes. */
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "milters/spam/train_priv.h"

/* As little as it takes, since other mail moves too: this part of a full step, so many times. */
#define INSIST_RATE 0.25

int mr_spam_trainer_take_back(struct mr_spam_trainer *t, const uint8_t digest[MR_SPAM_DIGEST_SIZE],
			      struct mr_span lesson)
{
	int err = mr_spam_trainer_add(t, digest, mr_span("", 0), false, lesson);

	if (err == 0)
		t->entry[t->count - 1].back = true;
	return err;
}

/* What is taken back is to be what base, which never heard of it, says. */
static int ask_base(struct mr_spam_trainer *t, const struct mr_spam_model *base)
{
	bool any = false;
	int err;

	for (size_t i = 0; i < t->count; i++)
		any = any || t->entry[i].back;
	if (!any)
		return 0;
	if ((err = mr_spam_train_start(t, base, 1)) < 0)
		return err;
	for (size_t i = 0; i < t->count; i++) {
		struct mr_spam_entry *e = &t->entry[i];

		if (!e->back)
			continue;
		mr_spam_train_load(t, e);
		for (unsigned k = 0; k < MR_SPAM_JUDGES; k++)
			e->truth[k] = mr_spam_sigmoid(mr_spam_train_lean(t, k));
	}
	return 0;
}

/* Points by which a lesson is on its side; below 0 it is on the other. */
static double margin(const struct mr_spam_trainer *t, bool spam, double threshold)
{
	double points = mr_spam_train_log_odds(t) - threshold;

	return spam ? points : -points;
}

/*
 * Each judge learns from its own error, and stops where it is sure; but what decides is their sum, and
 * a threshold that known good mail moves. Whoever is not yet where he was said to be is moved by the
 * error of the sum.
 */
double mr_spam_train_insist(struct mr_spam_trainer *t, const struct mr_spam_model *model,
			    double *ham, size_t ham_count, double fp_max)
{
	double threshold = model->threshold;
	bool moved = true;

	for (unsigned round = 0; moved; round++) {
		threshold = mr_spam_threshold(model->threshold + mr_spam_train_drift(t, model), ham,
					      ham_count, fp_max);
		moved = false;
		for (size_t n = 0; n < t->count && round < MR_SPAM_INSIST_MAX; n++) {
			const struct mr_spam_entry *e = &t->entry[n];
			double by, error;

			if (e->back)
				continue;
			mr_spam_train_load(t, e);
			if ((by = margin(t, e->spam, threshold)) >= 1)
				continue;
			error = INSIST_RATE * (1 - mr_spam_sigmoid(by));
			mr_spam_train_push(t, e->spam ? error : -error);
			moved = true;
		}
	}
	return threshold;
}

int mr_spam_trainer_step(struct mr_spam_trainer *t, const struct mr_spam_model *model,
			 const struct mr_spam_model *base, struct mr_buf *out)
{
	int err;

	t->progress = NULL;
	mr_spam_train_sort(t);
	if ((err = ask_base(t, base)) < 0 || (err = mr_spam_train_start(t, model, 1)) < 0)
		return err;
	mr_spam_train_all(t);
	return mr_spam_train_finish(t, model, mr_spam_train_insist(t, model, NULL, 0, 0), true,
				    out);
}

/* -- changes ---------------------------------------------------------------------------------- */

/* A bit for each slot of a table. */
struct touched {
	uint64_t *bit[MR_SPAM_TABLES];
};

static int touched_init(struct touched *s, const struct mr_spam_trainer *t)
{
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		s->bit[i] = NULL;
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		if ((s->bit[i] = mr_calloc((size_t)1 << (t->bits[i] - 6), 8)) == NULL)
			return MR_ENOMEM;
	}
	return 0;
}

static void touched_done(struct touched *s)
{
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		mr_free(s->bit[i]);
}

static void touch(struct mr_spam_trainer *t, struct touched *s)
{
	for (size_t n = 0; n < t->count; n++) {
		mr_spam_train_load(t, &t->entry[n]);
		for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
			const struct mr_spam_list *l = &t->f->family[i];
			unsigned table = mr_spam_table(i);
			unsigned shift = MR_SPAM_KEY_BITS - t->bits[table];

			for (uint32_t k = 0; k < l->count; k++) {
				uint32_t slot = l->key[k] >> shift;

				s->bit[table][slot / 64] |= 1ull << slot % 64;
			}
		}
	}
}

/* The change of a slot in the file's unit, rounded as the file rounds. */
static int32_t change_of(const struct mr_spam_trainer *t, const struct mr_spam_model *model,
			 unsigned table, uint32_t slot)
{
	int32_t before = mr_spam_weight_at(model, table, slot) * (1 << MR_SPAM_FINE_BITS);
	int32_t by =
		(*mr_spam_train_weight(t, table, slot) - before + (1 << (MR_SPAM_FINE_BITS - 1))) >>
		MR_SPAM_FINE_BITS;

	return by > MR_SPAM_CORRECTION_BY_MAX    ? MR_SPAM_CORRECTION_BY_MAX
	       : by < -MR_SPAM_CORRECTION_BY_MAX ? -MR_SPAM_CORRECTION_BY_MAX
						 : by;
}

/* What changed in one table, from `at` on in t->change, or counted alone where that is NULL. */
static size_t collect(struct mr_spam_trainer *t, const struct mr_spam_model *model,
		      const struct touched *s, unsigned table, size_t at)
{
	size_t n = 0;

	for (uint32_t word = 0; word < 1u << (t->bits[table] - 6); word++) {
		for (uint64_t left = s->bit[table][word]; left != 0; left &= left - 1) {
			uint32_t slot = 64 * word + (uint32_t)__builtin_ctzll(left);
			int32_t by = change_of(t, model, table, slot);

			if (by == 0)
				continue;
			if (t->change != NULL)
				t->change[at + n] = (struct mr_spam_change){ slot, by };
			n++;
		}
	}
	return n;
}

int mr_spam_trainer_delta(struct mr_spam_trainer *t, const struct mr_spam_model *model, bool insist,
			  struct mr_spam_correction *delta_out)
{
	struct mr_spam_correction d = { .threshold = 0 };
	struct touched s;
	size_t count[MR_SPAM_TABLES], all = 0;
	int err;

	t->progress = NULL;
	mr_spam_train_sort(t);
	if ((err = mr_spam_train_start(t, model, 1)) < 0)
		return err;
	mr_spam_train_all(t);
	if (insist)
		(void)mr_spam_train_insist(t, model, NULL, 0, 0);
	mr_free(t->change);
	t->change = NULL;
	if ((err = touched_init(&s, t)) < 0)
		goto out;
	touch(t, &s);
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++)
		all += count[i] = collect(t, model, &s, i, 0);
	if ((t->change = mr_malloc((all + 1) * sizeof(*t->change))) == NULL) {
		err = MR_ENOMEM;
		goto out;
	}
	for (unsigned i = 0; i < MR_SPAM_TABLES; i++) {
		size_t at = i == 0 ? 0 : count[0];

		d.bits[i] = t->bits[i];
		d.count[i] = (uint32_t)collect(t, model, &s, i, at);
		d.change[i] = t->change + at;
	}
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		d.bias[i] = t->bias[i] - model->bias[i];
	d.threshold = mr_spam_train_drift(t, model);
	for (size_t n = 0; n < t->count; n++)
		t->entry[n].spam ? d.spam_count++ : d.ham_count++;
	*delta_out = d;
out:
	touched_done(&s);
	return err;
}
