/*
 * train_priv: what train.c (a set of lessons to a model), train_more.c (a few lessons on top of one),
 * reference.c and threshold.c share: a model while it is trained. Private to them and their tests.
 */
#ifndef MR_SPAM_TRAIN_PRIV_H
#define MR_SPAM_TRAIN_PRIV_H

#include "milters/spam/correction.h"
#include "milters/spam/train.h"

/* Weights while training: 2^-20, a 1024th of the file's unit, so that small steps are not lost. */
#define MR_SPAM_FINE      (1.0 / (1 << 20))
#define MR_SPAM_FINE_BITS 10 /* from the file's unit to this one */

struct mr_spam_entry {
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	uint64_t teacher; /* hash */
	size_t at; /* in lessons */
	uint32_t len;
	bool spam, back;
	double truth[MR_SPAM_JUDGES]; /* what each judge is to say: 1 spam, 0 good */
};

/* For the threshold: each third of the lessons is scored by a model of the others. */
#define MR_SPAM_FOLDS 3

struct mr_spam_trainer {
	struct mr_buf lessons;
	struct mr_spam_entry *entry;
	size_t count, room;
	struct mr_spam_features *f; /* the lesson at hand */
	uint32_t bits[MR_SPAM_TABLES];
	/* In MR_SPAM_FINE, of some models side by side: the same slot of all of them in one line of the
	 * cache, since most of training waits for memory. See mr_spam_train_weight(). */
	int32_t *weight[MR_SPAM_TABLES];
	uint32_t models, at; /* their number, and which is at hand */
	double bias[MR_SPAM_JUDGES];
	double waiting[MR_SPAM_FOLDS + 1]
		      [MR_SPAM_JUDGES]; /* biases of the models that are not at hand */
	struct mr_spam_change *change; /* of mr_spam_trainer_delta() */
	mr_spam_progress_fn *progress;
	void *progress_arg;
	size_t done, all;
};

/* A weight of the model at hand. */
static inline int32_t *mr_spam_train_weight(const struct mr_spam_trainer *t, unsigned table,
					    uint32_t slot)
{
	return &t->weight[table][(size_t)slot * t->models + t->at];
}

/* In the order that hosts agree on. */
void mr_spam_train_sort(struct mr_spam_trainer *t);
/* Weights, biases and tables as base has them, its corrections in them, in each of some models (up to
 * MR_SPAM_FOLDS + 1), of which the last is at hand. MR_ENOMEM. */
MR_MUST_USE int mr_spam_train_start(struct mr_spam_trainer *t, const struct mr_spam_model *base,
				    uint32_t models);
/* Make a lesson the one at hand. */
void mr_spam_train_load(struct mr_spam_trainer *t, const struct mr_spam_entry *e);
/* What a judge says of the lesson at hand, in log-odds; and as odds. */
double mr_spam_train_lean(const struct mr_spam_trainer *t, enum mr_spam_judge judge);
double mr_spam_sigmoid(double x);
/* What all of them say, as mr_spam_score() has it. */
double mr_spam_train_log_odds(const struct mr_spam_trainer *t);
/* All passes over all lessons. */
void mr_spam_train_all(struct mr_spam_trainer *t);
/* Move all that speaks of the lesson at hand, by an error of our own: of the score as a whole. */
void mr_spam_train_push(struct mr_spam_trainer *t, double error);
/*
 * train_more.c: go on until each lesson is on its side of the threshold by a point, MR_SPAM_INSIST_MAX
 * rounds at most; returns the threshold. ham, ham_count, fp_max: as mr_spam_threshold() wants them.
 */
double mr_spam_train_insist(struct mr_spam_trainer *t, const struct mr_spam_model *model,
			    double *ham, size_t ham_count, double fp_max);
/* reference.c: by how much the lessons moved the average good message of the base, for a threshold. */
double mr_spam_train_drift(const struct mr_spam_trainer *t, const struct mr_spam_model *base);
/* The average of ham_count good lessons as a model's reference, in out. MR_ENOMEM. */
MR_MUST_USE int mr_spam_train_reference(struct mr_spam_trainer *t, size_t ham_count,
					struct mr_buf *out);
/*
 * threshold.c: the threshold by count log-odds of good lessons, each given by a model that did not see
 * it, in any order (they are sorted); known is what it would be without them, fp_max the share of good
 * mail that may lie above.
 */
double mr_spam_threshold(double known, double *ham, size_t count, double fp_max);
/* The natural logarithm of x > 0, from plain arithmetic alone; an error of 1e-9. */
double mr_spam_ln(double x);
/* The model file. stepped: the lessons come on top of those that base was made of. */
MR_MUST_USE int mr_spam_train_finish(struct mr_spam_trainer *t, const struct mr_spam_model *base,
				     double threshold, bool stepped, struct mr_buf *out);

#endif
