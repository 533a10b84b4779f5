/*
 * text: words of UTF-8 text as features. A word is a run of letters, digits and bytes above 127, with
 * "$", "'", "-", "_" inside; ASCII letters count as small ones, each run of digits as one 0.
 */
#ifndef MR_SPAM_TEXT_H
#define MR_SPAM_TEXT_H

#include "milters/spam/feature.h"

#define MR_SPAM_TOKEN_MAX 40 /* bytes of a word; of a longer one its length counts */

/* What is done with words, for one kind of text. */
struct mr_spam_words {
	struct mr_spam_features *f;
	enum mr_spam_family family;
	const char *kind; /* for people */
	struct mr_span field; /* for people */
	uint64_t seed; /* tells the words of one field from those of another */
	bool hosts; /* "." belongs to a word: host names stay whole, their labels count too */
	bool pairs; /* two neighbours count as a feature */
	uint64_t last; /* private: hash of the word before; 0: none */
	struct mr_span last_word;
};

/* Add the words of text. One text may come in pieces cut between words. */
void mr_spam_words_add(struct mr_spam_words *w, struct mr_span text);

/* The first size bytes of a name, its ASCII letters small. */
struct mr_span mr_spam_lower(struct mr_span name, char *out, size_t size);

/* A word as it is hashed: small letters, one 0 for each run of digits; at most size bytes. */
struct mr_span mr_spam_word_fold(struct mr_span word, char *out, size_t size);

#endif
