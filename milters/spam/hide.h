/*
 * hide: which text of an HTML message nobody sees. Feed it each start and end tag in turn; it keeps the
 * open elements with what they pass on: display, visibility, size, colours. A stack of fixed size, no
 * tree: what is nested deeper has the style of the deepest element kept.
 */
#ifndef MR_SPAM_HIDE_H
#define MR_SPAM_HIDE_H

#include "lib/mail/mr_html.h"
#include "milters/spam/css.h"
#include "milters/spam/trick.h"

#define MR_SPAM_OPEN_MAX 128 /* open elements that are kept */

/* What the text in an element is like. */
struct mr_spam_look {
	uint32_t color, background, fill;
	bool unshown, unseen, sizeless, flat, clear, away;
};

struct mr_spam_open {
	uint32_t name; /* its hash */
	uint8_t kind;
	uint64_t marks; /* of it and of all that it lies in */
	struct mr_spam_look look;
};

struct mr_spam_hide { /* private */
	uint32_t depth; /* of open[], at least 1: the window itself */
	uint32_t beyond; /* elements that found no room */
	struct mr_spam_open open[MR_SPAM_OPEN_MAX];
};

void mr_spam_hide_init(struct mr_spam_hide *h);
/* name: of the tag, in small letters; style: what the tag's attributes say. True: it begins or ends a
 * line or a box, so that a word ends there. */
bool mr_spam_hide_start(struct mr_spam_hide *h, struct mr_span name,
			const struct mr_spam_style *style);
bool mr_spam_hide_end(struct mr_spam_hide *h, struct mr_span name);
/* Marks (sheet.h) of what is open here. */
uint64_t mr_spam_hide_marks(const struct mr_spam_hide *h);
/* Text at this place is not seen; *why_out then says what hides it. */
bool mr_spam_hidden(const struct mr_spam_hide *h, enum mr_spam_trick *why_out);

#endif
