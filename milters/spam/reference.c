/*
 * train: the reference, which is the average good message that a model was first trained on. What
 * lessons move in it they move in good mail that nobody taught, and the threshold goes with it.
 */
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "milters/spam/score.h"
#include "milters/spam/train_priv.h"

/* Slots that count for less, in the average message, are left out. */
#define SHARE_MIN 0.0003
/* How far a threshold falls beyond what counts of the average good message: a judge who was sure of
 * that was not of all. */
#define FALL_MAX 2.0

static void add_shares(struct mr_spam_trainer *t, double *sum[MR_SPAM_JUDGES], double part)
{
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &t->f->family[i];
		unsigned shift = MR_SPAM_KEY_BITS - t->bits[mr_spam_table(i)];
		double *to = sum[mr_spam_judge(i)], share = mr_spam_share(i, l->count) * part;

		for (uint32_t k = 0; k < l->count; k++)
			to[l->key[k] >> shift] += share;
	}
}

/* All slots of at least min; false: there are more than a model may have. */
static bool put(const struct mr_spam_trainer *t, double *const sum[MR_SPAM_JUDGES], double min,
		struct mr_buf *out)
{
	mr_buf_reset(out);
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++) {
		for (uint32_t k = 0; k < 1u << t->bits[mr_spam_judge_table(i)]; k++) {
			if (sum[i][k] < min)
				continue;
			if (out->len == 8 * MR_SPAM_REFERENCE_MAX)
				return false;
			mr_spam_reference_put(out, i, k, sum[i][k]);
		}
	}
	return true;
}

int mr_spam_train_reference(struct mr_spam_trainer *t, size_t ham_count, struct mr_buf *out)
{
	double *sum[MR_SPAM_JUDGES] = { NULL }, min = SHARE_MIN;
	int err = MR_ENOMEM;

	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++) {
		size_t size = (size_t)1 << t->bits[mr_spam_judge_table(i)];

		if ((sum[i] = mr_calloc(size, sizeof(double))) == NULL)
			goto out;
	}
	for (size_t i = 0; i < t->count; i++) {
		if (t->entry[i].spam)
			continue;
		mr_spam_train_load(t, &t->entry[i]);
		add_shares(t, sum, 1 / (double)ham_count);
	}
	while (!put(t, sum, min, out))
		min *= 2;
	err = mr_buf_err(out);
out:
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		mr_free(sum[i]);
	return err;
}

double mr_spam_moved(const double was[MR_SPAM_JUDGES], const double is[MR_SPAM_JUDGES])
{
	double all = 0, counts = 0;

	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++) {
		all += is[i] - was[i];
		counts += mr_spam_favour(is[i]) - mr_spam_favour(was[i]);
	}
	return all > 0 ? all : all > counts - FALL_MAX ? all : counts - FALL_MAX;
}

double mr_spam_train_drift(const struct mr_spam_trainer *t, const struct mr_spam_model *base)
{
	double was[MR_SPAM_JUDGES], is[MR_SPAM_JUDGES];

	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++) {
		was[i] = base->bias[i];
		is[i] = t->bias[i];
	}
	for (size_t i = 0; i < mr_spam_model_reference_count(base); i++) {
		struct mr_spam_reference r = mr_spam_model_reference(base, i);
		unsigned table = mr_spam_judge_table(r.judge);

		was[r.judge] += r.share * mr_spam_weight_at(base, table, r.slot) * MR_SPAM_UNIT;
		is[r.judge] += r.share * *mr_spam_train_weight(t, table, r.slot) * MR_SPAM_FINE;
	}
	return mr_spam_moved(was, is);
}
