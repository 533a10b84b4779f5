/*
 * score: features and a model to points. Two logistic models, one of words and all else, one of the
 * raw bytes, each a sum of weights; each family's sum is divided by the root of its number of
 * features. Their log-odds are added.
 */
#ifndef MR_SPAM_SCORE_H
#define MR_SPAM_SCORE_H

#include "milters/spam/model.h"

#define MR_SPAM_THRESHOLD 5.0 /* points from which a message is spam */

/* How much a family says: its features count as gain / sqrt(their number). Part of the version. */
extern const double mr_spam_gain[MR_SPAM_FAMILIES];

struct mr_spam_score {
	double family[MR_SPAM_FAMILIES]; /* what each gave, in log-odds */
	double log_odds; /* their sum, and the biases */
	double points; /* 5.0 + log_odds - threshold, at most 999.999 */
	bool spam;
};

/* gain / sqrt(count), or 0 without features. */
double mr_spam_share(enum mr_spam_family family, uint32_t count);
void mr_spam_score(const struct mr_spam_model *model, const struct mr_spam_features *f,
		   struct mr_spam_score *score_out);
/* A weight, in MR_SPAM_UNIT, with the changes of the corrections that model is seen through. */
int mr_spam_weight_at(const struct mr_spam_model *model, unsigned table, uint32_t slot);
/* What one key of a family gives to the log-odds where the family has count features. */
double mr_spam_weight(const struct mr_spam_model *model, enum mr_spam_family family, uint32_t key,
		      uint32_t count);

#endif
