/*
 * consensus: what several teachers agree on. Each voice is what one teacher's lessons change in the
 * model. Of each weight the strongest change upwards and the strongest downwards are left out. At least
 * two must be left in the direction of what the rest says together, so three voices of one direction
 * move a weight, and fewer never do. What counts is the sum of the rest over their number and two
 * more, as if two others had said nothing, and at most 0.05 log-odds either way.
 *
 * That is a bound, no proof against lies: whoever has three voices moves what he likes within it, and
 * one voice more tips weights of which two others say the same. A voice that is added says nothing of
 * good mail as a whole (mr_spam_correct_level()), and the threshold does not move by what is agreed.
 *
 * The order of voices does not matter: sums are whole numbers. One thread at a time.
 */
#ifndef MR_SPAM_CONSENSUS_H
#define MR_SPAM_CONSENSUS_H

#include "milters/spam/correction.h"

struct mr_spam_consensus;

/* For models with tables of these sizes; 20 bytes a weight. NULL: out of memory. */
MR_MUST_USE struct mr_spam_consensus *mr_spam_consensus_new(const uint32_t bits[MR_SPAM_TABLES]);
/* NULL is allowed. */
void mr_spam_consensus_free(struct mr_spam_consensus *c);
MR_AUTO_DECLARE(mr_spam_consensus, mr_spam_consensus_free)
/* Forget all voices; costs what they said. */
void mr_spam_consensus_clear(struct mr_spam_consensus *c);

/* A voice, made on tables of those sizes; it counts whole numbers of changes up to 2^17 each. */
void mr_spam_consensus_add(struct mr_spam_consensus *c, const struct mr_spam_correction *voice);
uint32_t mr_spam_consensus_voices(const struct mr_spam_consensus *c);

enum mr_spam_consensus_of {
	MR_SPAM_AGREED, /* what they agree on */
	/* The mean of all voices, nothing left out, in two halves: what those say who raise a weight, and
	 * what those say who lower it, each over the number of both. Their sum is the mean. */
	MR_SPAM_MEAN_UP,
	MR_SPAM_MEAN_DOWN,
};

/* No change of the biases or the threshold. The changes live in c until its next call. MR_ENOMEM. */
MR_MUST_USE int mr_spam_consensus_get(struct mr_spam_consensus *c, enum mr_spam_consensus_of of,
				      struct mr_spam_correction *agreed_out);

#endif
