/*
 * text: words of UTF-8 text as features. A word is a run of letters, digits and bytes above 127, with
 * "$", "'", "-", "_" inside; ASCII letters count as small ones, each run of digits as one 0. Words that
 * look random are one feature. A word whose letters stand apart (v i a g r a, v-i-a-g-r-a) or that has
 * digits for letters (v1agra) counts as it is and as what it stands for.
 */
#ifndef MR_SPAM_TEXT_H
#define MR_SPAM_TEXT_H

#include "milters/spam/trick.h"

#define MR_SPAM_TOKEN_MAX 40 /* bytes of a word; of a longer one its length counts */

#define MR_SPAM_RUN_MAX 20 /* letters of a word that stand apart */

/* What is done with words, for one kind of text. */
struct mr_spam_words {
	struct mr_spam_features *f;
	enum mr_spam_family family;
	const char *kind; /* for people */
	struct mr_span field; /* for people */
	uint64_t seed; /* tells the words of one field from those of another */
	bool hosts; /* "." belongs to a word: host names stay whole, their labels count too */
	bool silent; /* nothing is added: the text does not count */
	bool pairs; /* two neighbours count as a feature */
	struct mr_spam_tricks *tricks; /* where what was undone is counted, or NULL */
	uint64_t last; /* private: hash of the word before; 0: none */
	struct mr_span last_word;
	char run[MR_SPAM_RUN_MAX]; /* private: letters that stand apart, one sign between them */
	size_t run_len;
	const char *run_start, *run_end;
};

/* Add the words of text. One text may come in pieces cut between words. */
void mr_spam_words_add(struct mr_spam_words *w, struct mr_span text);

/* The first size bytes of a name, its ASCII letters small. */
struct mr_span mr_spam_lower(struct mr_span name, char *out, size_t size);

/* A word as it is hashed: small letters, one 0 for each run of digits; at most size bytes. */
struct mr_span mr_spam_word_fold(struct mr_span word, char *out, size_t size);

#endif
