/*
 * score: features and a model to points. Each judge's log-odds are its bias and the sums of its
 * families' weights, a family's sum divided by the root of its number of features. What the judges say
 * is added, but for what one of them says in favour of a message beyond MR_SPAM_FAVOUR_MAX: good
 * words can be had by anybody, and would else outweigh what the others know.
 */
#ifndef MR_SPAM_SCORE_H
#define MR_SPAM_SCORE_H

#include "milters/spam/model.h"

#define MR_SPAM_THRESHOLD 5.0 /* points from which a message is spam */

/* The log-odds that one judge may take from a message; beyond it, what it says counts but little. */
#define MR_SPAM_FAVOUR_MAX  1.0
#define MR_SPAM_FAVOUR_REST 0.05

/* How much a family says: its features count as gain / sqrt(their number). Part of the version. */
extern const double mr_spam_gain[MR_SPAM_FAMILIES];

struct mr_spam_score {
	double family[MR_SPAM_FAMILIES]; /* what each gave, in log-odds */
	double judge[MR_SPAM_JUDGES]; /* what each said, in log-odds; not all of it counted */
	double part
		[MR_SPAM_JUDGES]; /* of what a judge's features say, how much counted: 1 or less */
	double start; /* the points that no feature gave */
	double log_odds; /* what the judges said */
	double points; /* 5.0 + log_odds - threshold, at most 999.999 */
	bool spam;
};

/* What counts of a judge's log-odds. */
double mr_spam_favour(double log_odds);
/*
 * By how much a threshold moves when the judges said was of the average good message of the reference,
 * and now say is. The average lies deep where little counts, and the messages near the threshold do
 * not: they go up by all of it; down by all of it at first, and then hardly any further.
 */
double mr_spam_moved(const double was[MR_SPAM_JUDGES], const double is[MR_SPAM_JUDGES]);
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
