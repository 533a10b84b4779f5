/*
 * explain: which features decided, in words.
 */
#ifndef MR_SPAM_EXPLAIN_H
#define MR_SPAM_EXPLAIN_H

#include "lib/base/mr_buf.h"
#include "milters/spam/score.h"

#define MR_SPAM_REASONS_MAX 10

struct mr_spam_reason {
	enum mr_spam_family family;
	double log_odds; /* what it gave; below 0 for good mail */
	const struct mr_spam_origin *origin; /* NULL: all grams together, the family's */
};

/*
 * The features that moved the score most, the strongest first, at most room (up to
 * MR_SPAM_REASONS_MAX); grams, whose text nobody knows, are none of them. What says the same is one:
 * a part's type and subtype; numbers and single letters in links. Returns their number.
 */
size_t mr_spam_explain(const struct mr_spam_model *model, const struct mr_spam_features *f,
		       const struct mr_spam_score *score, struct mr_spam_reason *reasons_out,
		       size_t room);

/* As a person would say it: the word "viagra". Text of the message is made printable and cut. */
void mr_spam_reason_text(const struct mr_spam_reason *reason, struct mr_buf *out);

/*
 * Whether what some judges said for good mail counts in part only, and by so much that people see it;
 * then what they said, and what counts of it.
 */
bool mr_spam_explain_cut(const struct mr_spam_score *score, double *said_out, double *counts_out);

/* "words of the text", "links" ... */
const char *mr_spam_family_text(enum mr_spam_family family);

#endif
