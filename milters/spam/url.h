/*
 * url: where a message's links lead, as features: scheme, host, registrable domain, last label, words
 * of the path, and what is odd about them.
 */
#ifndef MR_SPAM_URL_H
#define MR_SPAM_URL_H

#include "lib/base/mr_arena.h"
#include "milters/spam/trick.h"

#define MR_SPAM_LINK_SIZE_MAX 2000 /* bytes of a link in an attribute that are read */
#define MR_SPAM_LINKS_MAX     1000 /* links that are read in one text */

/* A link in an attribute, character references decoded. tricks may be NULL. MR_ENOMEM. */
MR_MUST_USE int mr_spam_url_add(struct mr_spam_features *f, struct mr_span link,
				struct mr_spam_tricks *tricks, struct mr_arena *arena);
/* All links in text. MR_ENOMEM. */
MR_MUST_USE int mr_spam_url_find(struct mr_spam_features *f, struct mr_span text,
				 struct mr_spam_tricks *tricks, struct mr_arena *arena);

#endif
