/*
 * status: the text of X-Spam-Status (docs/HEADERS.md has its grammar): verdict, points, and what they
 * came from, in words that need no manual.
 */
#ifndef MR_SPAM_STATUS_H
#define MR_SPAM_STATUS_H

#include "milters/spam/explain.h"

#define MR_SPAM_STATUS_MAX 900 /* bytes: a header field, not a report */

/* upstream: as in the view. MR_ENOMEM, MR_ELIMIT (out's). */
MR_MUST_USE int mr_spam_status_text(const struct mr_spam_model *model,
				    const struct mr_spam_features *f,
				    const struct mr_spam_score *score, int32_t upstream,
				    struct mr_buf *out);

#endif
