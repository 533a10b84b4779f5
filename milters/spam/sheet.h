/*
 * sheet: of the style sheets of a message the rules that can hide text, for hide.h. Read are rules for
 * tags, classes and ids, together or one within another (by bits for each name: one of another name may be taken for
 * it); what needs more to be decided (a neighbour, a state, the width of a window) says nothing. One
 * pass, linear; 64 rules.
 */
#ifndef MR_SPAM_SHEET_H
#define MR_SPAM_SHEET_H

#include "milters/spam/css.h"

#define MR_SPAM_RULES_MAX   64
#define MR_SPAM_CLASSES_MAX 10 /* of one tag */

struct mr_spam_rule {
	uint64_t selector; /* hash of ".name", "#name", "name": the last of "p.name" */
	uint64_t own, within; /* marks that the element and those around it must have */
	struct mr_spam_style style;
};

struct mr_spam_sheet { /* private */
	uint32_t count;
	struct mr_spam_rule rule[MR_SPAM_RULES_MAX];
};

/* Add the rules of css, the text of a style element. */
void mr_spam_sheet_read(struct mr_spam_sheet *sheet, struct mr_span css);
/* What the rules say of a tag (name in small letters) with these attributes, as far as they say anything:
 * the tag's first, then its classes', its id's. within: marks of the elements that it lies in; its own
 * go into style_inout. */
void mr_spam_sheet_apply(const struct mr_spam_sheet *sheet, struct mr_span name,
			 struct mr_span classes, struct mr_span id, uint64_t within,
			 struct mr_spam_style *style_inout);

#endif
