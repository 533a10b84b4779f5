/*
 * feature: what the filter knows of one message: a set of hashed features, in families. A feature is
 * there or not; how often does not count. Each family is normalised by itself: a message with a
 * thousand words and two links says as much by its links as by its words.
 *
 * A struct mr_spam_features takes one message after another (reset between them) and allocates
 * nothing while it is filled. One thread at a time.
 */
#ifndef MR_SPAM_FEATURE_H
#define MR_SPAM_FEATURE_H

#include "lib/mail/mr_belief.h"
#include "lib/mail/mr_psl.h"
#include "milters/spam/hash.h"

enum mr_spam_family {
	MR_SPAM_WORD, /* words of the text, and neighbours among them */
	MR_SPAM_HEAD, /* words of header fields, each with its field */
	MR_SPAM_NAME, /* which header fields there are */
	MR_SPAM_HTML, /* tags, and how the message is built */
	MR_SPAM_URL, /* hosts of links, and their registrable domains */
	MR_SPAM_GRAM, /* four bytes in a row, of the first MR_SPAM_RAW_MAX: the second model's */
	MR_SPAM_ANSWER, /* what filters before ours found (answer.h) */
};
#define MR_SPAM_FAMILIES 7

/* Features of one family that are kept; what comes later in the message does not count. */
#define MR_SPAM_WORD_MAX   6000
#define MR_SPAM_HEAD_MAX   2000
#define MR_SPAM_NAME_MAX   300
#define MR_SPAM_HTML_MAX   600
#define MR_SPAM_URL_MAX    600
#define MR_SPAM_GRAM_MAX   3000
#define MR_SPAM_ANSWER_MAX 64
#define MR_SPAM_ALL_MAX                                                                            \
	(MR_SPAM_WORD_MAX + MR_SPAM_HEAD_MAX + MR_SPAM_NAME_MAX + MR_SPAM_HTML_MAX +               \
	 MR_SPAM_URL_MAX + MR_SPAM_GRAM_MAX + MR_SPAM_ANSWER_MAX)

/* Bits of a hash that are kept: a model's table has at most this many bits, a lesson has these. */
#define MR_SPAM_KEY_BITS 24

/* Where a feature comes from, for people. Spans live as long as the message. */
struct mr_spam_origin {
	struct mr_span text; /* the word, the tag, the host */
	struct mr_span field; /* the header field's name, what kind needs beside text, or empty */
	struct mr_span tag; /* of an attribute's value, or empty */
	const char *kind; /* "word", "link": see explain.c */
};

struct mr_spam_list {
	uint32_t count, room; /* room: the family's limit */
	uint32_t *key; /* MR_SPAM_KEY_BITS of each hash */
	struct mr_spam_origin *origin; /* of each; NULL for grams */
};

struct mr_spam_features {
	struct mr_spam_list family[MR_SPAM_FAMILIES];
	const struct mr_psl *psl; /* lent: where registered domains begin; NULL: nobody knows */
	const struct mr_belief *belief; /* lent: whose answers count; NULL, as at first: nobody's */
	uint32_t *seen; /* private from here */
	uint32_t round;
};

/* 0.7 MiB, of which a message touches what it needs. psl outlives it and may be NULL. NULL: out of
 * memory. */
MR_MUST_USE struct mr_spam_features *mr_spam_features_new(const struct mr_psl *psl);
/* NULL is allowed. */
void mr_spam_features_free(struct mr_spam_features *f);
MR_AUTO_DECLARE(mr_spam_features, mr_spam_features_free)
void mr_spam_features_reset(struct mr_spam_features *f);

/* Add the feature hash unless it is there. Beyond the family's limit nothing happens. */
void mr_spam_feature_add(struct mr_spam_features *f, enum mr_spam_family family, uint64_t hash,
			 const char *kind, struct mr_span field, struct mr_span text);

/*
 * A number counts by its magnitude alone, its bits: 0, 1, 2 to 3, 4 to 7 ... What a magnitude stands
 * for, in words that live for ever.
 */
struct mr_span mr_spam_range(unsigned magnitude);

/* All four-byte sequences of raw, at most MR_SPAM_GRAM_MAX different ones. */
void mr_spam_feature_grams(struct mr_spam_features *f, struct mr_span raw);

#endif
