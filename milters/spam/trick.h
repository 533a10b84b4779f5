/*
 * trick: what senders do to a text so that people read one thing and filters another. Whoever undoes a
 * trick counts it here; that it was used is a feature, too.
 */
#ifndef MR_SPAM_TRICK_H
#define MR_SPAM_TRICK_H

#include "milters/spam/feature.h"

enum mr_spam_trick {
	MR_SPAM_INVISIBLE, /* signs of no width between letters */
	MR_SPAM_SOFT_HYPHEN,
	MR_SPAM_ALIKE, /* letters of another alphabet in a Latin word */
	MR_SPAM_STYLED, /* full width, mathematical, circled letters */
	MR_SPAM_SPLIT, /* v i a g r a */
	MR_SPAM_DIGITS, /* v1agra */
	MR_SPAM_RANDOM, /* 8jk3hx0q */
	MR_SPAM_JOINED, /* vi<b></b>agra, vi<!-- -->agra */
	MR_SPAM_NUMBERED, /* &#118; where v would do */
	MR_SPAM_PERCENT, /* %76 in a link where v would do */
	/* from here, bytes of text that nobody sees, by what hides it */
	MR_SPAM_NOT_SHOWN, /* display, visibility, the attribute hidden */
	MR_SPAM_NO_SIZE, /* letters or box of no size */
	MR_SPAM_NO_CONTRAST, /* the colour of what is behind it, or none */
	MR_SPAM_AWAY, /* outside of the window */
};
#define MR_SPAM_TRICKS 14

struct mr_spam_tricks {
	uint32_t count[MR_SPAM_TRICKS];
};

static inline void mr_spam_trick(struct mr_spam_tricks *t, enum mr_spam_trick which, size_t n)
{
	/* A text is far shorter than 4 GiB. */
	if (t != NULL)
		t->count[which] += (uint32_t)n;
}

/* For each trick that was used, two features: that it was, and how much (0, 1, 2 to 3, 4 to 7 ...). */
void mr_spam_tricks_add(const struct mr_spam_tricks *t, struct mr_spam_features *f);

#endif
