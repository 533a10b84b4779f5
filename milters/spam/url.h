/*
 * url: where a message's links lead, as features: the host, its registrable domain, its last label,
 * and what is odd about it.
 */
#ifndef MR_SPAM_URL_H
#define MR_SPAM_URL_H

#include "milters/spam/feature.h"

#define MR_SPAM_URL_SIZE_MAX 2000 /* bytes of a link that are looked at */

/* A link: of an attribute, whole. */
void mr_spam_url_add(struct mr_spam_features *f, struct mr_span url);
/* All that look like links in text ("://", "www."). */
void mr_spam_url_find(struct mr_spam_features *f, struct mr_span text);

#endif
