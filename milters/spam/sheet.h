/*
 * sheet: of the style sheets of a message the rules that can hide text, for hide.h. Read are rules for
 * tags, classes and ids, together or one within another (by bits for each name: one of another name may be taken for
 * it); what needs more to be decided (a neighbour, a state) says nothing, nor do the rules of an @media or
 * @supports that does not always count (sheet_group.h). Linear, in the sheets and in the tags: a rule is found by
 * the hash of its selector, and so many of one place are kept.
 */
#ifndef MR_SPAM_SHEET_H
#define MR_SPAM_SHEET_H

#include "lib/base/mr_arena.h"
#include "milters/spam/css.h"

#define MR_SPAM_SHEET_SIZE_MAX ((size_t)256 << 10) /* bytes of all sheets of one text */
#define MR_SPAM_RULES_MAX      8192 /* 64 bytes each */
#define MR_SPAM_PLACES         1024
#define MR_SPAM_PLACE_MAX      64 /* rules of one place; what is more is not kept */
#define MR_SPAM_CLASSES_MAX    10 /* of one tag */

struct mr_spam_rule {
	uint64_t selector; /* hash of ".name", "#name", "name": the last of "p.name" */
	uint64_t own, within; /* marks that the element and those around it must have */
	struct mr_spam_style style;
	uint16_t next; /* of the place, in order of reading: 1 + its index; 0: none */
};

struct mr_spam_sheet { /* private; all 0 at first */
	struct mr_spam_rule *rule; /* in the arena */
	size_t count, room, size;
	uint16_t first[MR_SPAM_PLACES]; /* as next */
};

/* Add the rules of css, the text of a style element; what is kept lives in arena. MR_ENOMEM. */
MR_MUST_USE int mr_spam_sheet_read(struct mr_spam_sheet *sheet, struct mr_span css,
				   struct mr_arena *arena);
/* What the rules say of a tag (name in small letters) with these attributes, as far as they say anything:
 * the tag's first, then its classes', its id's. within: marks of the elements that it lies in; its own
 * go into style_inout. */
void mr_spam_sheet_apply(const struct mr_spam_sheet *sheet, struct mr_span name,
			 struct mr_span classes, struct mr_span id, uint64_t within,
			 struct mr_spam_style *style_inout);

#endif
