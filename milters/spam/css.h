/*
 * css: of the declarations of a style ("color: #fff; font-size: 0") what can hide text. Not a CSS
 * parser: what it does not know says nothing. One pass, linear; any thread.
 */
#ifndef MR_SPAM_CSS_H
#define MR_SPAM_CSS_H

#include "lib/base/mr_span.h"

#define MR_SPAM_CSS_SIZE_MAX 2000 /* bytes of one style that are read */

/* Colours are 0xRRGGBB, or: */
#define MR_SPAM_COLOR_UNSAID  0xFF000000u /* nothing was said: it is the parent's */
#define MR_SPAM_COLOR_UNKNOWN 0xFF000001u /* a picture, a name that is not known */
#define MR_SPAM_COLOR_CLEAR   0xFF000002u /* transparent */
#define MR_SPAM_COLOR_CURRENT 0xFF000003u /* currentcolor: that of the letters */

enum mr_spam_said { /* whether a style says yes, no, or nothing */
		    MR_SPAM_SAID_NOTHING,
		    MR_SPAM_SAID_NO,
		    MR_SPAM_SAID_YES,
};

struct mr_spam_style {
	uint32_t color, background;
	uint32_t fill; /* -webkit-text-fill-color: before color */
	uint64_t marks; /* of the tag, its classes and id (sheet.h) */
	uint8_t unshown; /* display: none */
	uint8_t unseen; /* visibility: hidden; a child may say otherwise */
	uint8_t sizeless; /* font-size: 0; a child may say otherwise */
	uint8_t clear; /* opacity: 0 */
	uint8_t flat; /* a height or width of 0 */
	uint8_t cut; /* overflow: hidden */
	uint8_t away; /* positioned, clipped or indented out of sight */
	uint8_t indent, nowrap; /* with cut: moved out of its box */
	uint8_t lit; /* letters are cut out of the background */
};

void mr_spam_style_init(struct mr_spam_style *style);
/* Read declarations into style; what they do not speak of stays. */
void mr_spam_style_read(struct mr_span declarations, struct mr_spam_style *style_inout);
/* css with comments as a blank and escapes undone, in out where there are some, cut to size bytes then:
 * what is escaped and is no letter, digit or hyphen becomes "_". */
struct mr_span mr_spam_css_plain(struct mr_span css, char *out, size_t size);
/* "#fff", "#FEFEFE", "rgb(255, 255, 255)", "rgba(0,0,0,0)", "white", and "ffffff" as in bgcolor. */
uint32_t mr_spam_color(struct mr_span value);
/* Both are known and a reader would not tell one from the other. */
bool mr_spam_color_near(uint32_t a, uint32_t b);

#endif
