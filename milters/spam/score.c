#include "milters/spam/score.h"

#include <math.h>

#include "milters/spam/correction.h"

#define POINTS_MAX 999.999

const double mr_spam_gain[MR_SPAM_FAMILIES] = {
	[MR_SPAM_WORD] = 2.5, [MR_SPAM_HEAD] = 2.5, [MR_SPAM_NAME] = 0.3,   [MR_SPAM_HTML] = 1.5,
	[MR_SPAM_URL] = 1.0,  [MR_SPAM_GRAM] = 1.0, [MR_SPAM_ANSWER] = 1.0,
};

double mr_spam_favour(double log_odds)
{
	double beyond = log_odds + MR_SPAM_FAVOUR_MAX;

	return beyond >= 0 ? log_odds : MR_SPAM_FAVOUR_REST * beyond - MR_SPAM_FAVOUR_MAX;
}

double mr_spam_share(enum mr_spam_family family, uint32_t count)
{
	return count == 0 ? 0 : mr_spam_gain[family] / sqrt(count);
}

int mr_spam_weight_at(const struct mr_spam_model *model, unsigned table, uint32_t at)
{
	int weight = (int16_t)le16toh((uint16_t)model->weight[table][at]);

	for (unsigned i = 0; i < model->corrections; i++)
		weight += mr_spam_correction_at(model->correction[i], table, at);
	return weight;
}

static int weight_of(const struct mr_spam_model *model, unsigned table, uint32_t key)
{
	return mr_spam_weight_at(model, table, key >> (MR_SPAM_KEY_BITS - model->bits[table]));
}

double mr_spam_weight(const struct mr_spam_model *model, enum mr_spam_family family, uint32_t key,
		      uint32_t count)
{
	return weight_of(model, mr_spam_table(family), key) * MR_SPAM_UNIT *
	       mr_spam_share(family, count);
}

/* The judges' log-odds, and what each family gave of them. */
static void hear(const struct mr_spam_model *model, const struct mr_spam_features *f,
		 struct mr_spam_score *s)
{
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++)
		s->judge[i] = model->bias[i];
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &f->family[i];
		unsigned table = mr_spam_table(i);
		int64_t sum = 0; /* whole numbers: the order of the features does not matter */

		for (uint32_t k = 0; k < l->count; k++)
			sum += weight_of(model, table, l->key[k]);
		s->family[i] = (double)sum * MR_SPAM_UNIT * mr_spam_share(i, l->count);
		s->judge[mr_spam_judge(i)] += s->family[i];
	}
}

void mr_spam_score(const struct mr_spam_model *model, const struct mr_spam_features *f,
		   struct mr_spam_score *score_out)
{
	struct mr_spam_score s = { .log_odds = 0 };

	hear(model, f, &s);
	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++) {
		double counts = mr_spam_favour(s.judge[i]), all = s.judge[i] - model->bias[i];

		s.log_odds += counts;
		/* What does not count is taken from all features alike. */
		s.part[i] = counts == s.judge[i]      ? 1
			    : counts < model->bias[i] ? (counts - model->bias[i]) / all
						      : 0;
	}
	s.points = s.start = MR_SPAM_THRESHOLD + s.log_odds - model->threshold;
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		s.family[i] *= s.part[mr_spam_judge(i)];
		s.start -= s.family[i];
	}
	/* What is decided is what is shown: three decimals. */
	s.points = round(fmax(-POINTS_MAX, fmin(POINTS_MAX, s.points)) * 1000) / 1000;
	s.spam = s.points >= MR_SPAM_THRESHOLD;
	*score_out = s;
}
