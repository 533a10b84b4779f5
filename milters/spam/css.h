/*
 * css: of the declarations of a style ("color: #fff; font-size: 0") what can hide text. Not a CSS
 * parser: what it does not know says nothing. One pass, linear; any thread.
 */
#ifndef MR_SPAM_CSS_H
#define MR_SPAM_CSS_H

#include "milters/spam/color.h"

#define MR_SPAM_CSS_SIZE_MAX 2000 /* bytes of one style that are read */

enum mr_spam_said { /* whether a style says yes, no, or nothing */
		    MR_SPAM_SAID_NOTHING,
		    MR_SPAM_SAID_NO,
		    MR_SPAM_SAID_YES,
};

enum mr_spam_trait {
	MR_SPAM_UNSHOWN, /* display: none */
	MR_SPAM_UNSEEN, /* visibility: hidden; a child may say otherwise */
	MR_SPAM_SIZELESS, /* font-size: 0; a child may say otherwise */
	MR_SPAM_SEE_THROUGH, /* opacity: 0 */
	MR_SPAM_FLAT, /* a height or width of 0 */
	MR_SPAM_CUT, /* overflow: hidden */
	MR_SPAM_OUTSIDE, /* positioned, clipped or indented out of sight */
	MR_SPAM_INDENT, /* with the next and with cut: moved out of its box */
	MR_SPAM_NOWRAP,
	MR_SPAM_LIT, /* letters are cut out of the background */
};
#define MR_SPAM_TRAITS 10

struct mr_spam_style {
	uint32_t color, background;
	uint32_t fill; /* -webkit-text-fill-color: before color */
	uint64_t marks; /* of the tag, its classes and id (sheet.h) */
	uint8_t says[MR_SPAM_TRAITS]; /* enum mr_spam_said of each */
};

static inline bool mr_spam_says(const struct mr_spam_style *style, enum mr_spam_trait trait)
{
	return style->says[trait] == MR_SPAM_SAID_YES;
}

void mr_spam_style_init(struct mr_spam_style *style);
/* Read declarations into style; what they do not speak of stays. */
void mr_spam_style_read(struct mr_span declarations, struct mr_spam_style *style_inout);
/* A length in pixels, or as good as that; false: none, or one that depends on others. */
bool mr_spam_css_px(struct mr_span value, double *px_out);
/* css with comments as a blank and escapes undone, in out where there are some, cut to size bytes then:
 * what is escaped and is no letter, digit or hyphen becomes "_". */
struct mr_span mr_spam_css_plain(struct mr_span css, char *out, size_t size);

#endif
