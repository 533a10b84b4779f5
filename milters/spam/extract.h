/*
 * extract: from a message to its features: header, text, HTML, links, raw bytes. One pass, bounded by
 * what is named here whatever the message's size.
 */
#ifndef MR_SPAM_EXTRACT_H
#define MR_SPAM_EXTRACT_H

#include "milters/spam/feature.h"
#include "milters/spam/view.h"

#define MR_SPAM_FIELD_SIZE_MAX 2000 /* bytes of a field's value that are read */
#define MR_SPAM_PARTS_MAX      50 /* parts whose header is read */
#define MR_SPAM_TEXT_PARTS_MAX 20 /* parts whose text is read */
#define MR_SPAM_PART_SIZE_MAX  (128u << 10) /* bytes of one part's text */
#define MR_SPAM_TEXT_SIZE_MAX  (384u << 10) /* bytes of all text */
/* What the arena needs beyond the tables of mr_msg: texts, and copies of what was decoded. */
#define MR_SPAM_ARENA_SIZE (4u << 20)

/*
 * Fill f (reset before) with what view shows. Origins in f live as long as arena and message.
 * MR_ENOMEM: out of memory, or arena's bound is reached.
 */
MR_MUST_USE int mr_spam_extract(const struct mr_spam_view *view, struct mr_arena *arena,
				struct mr_spam_features *f);

/* Parse raw, look at it and extract: all three. MR_ENOMEM. */
MR_MUST_USE int mr_spam_extract_raw(struct mr_span raw, enum mr_spam_where where,
				    struct mr_span upstream, struct mr_arena *arena,
				    struct mr_spam_features *f, struct mr_spam_view *view_out);

#endif
