/*
 * color: a colour as HTML and CSS write it, as a number, and whether two can be told apart; and CSS's
 * numbers, of which colours are made. Linear; any thread.
 */
#ifndef MR_SPAM_COLOR_H
#define MR_SPAM_COLOR_H

#include "lib/base/mr_cur.h"

/* Colours are 0xRRGGBB, or: */
#define MR_SPAM_COLOR_UNSAID  0xFF000000u /* nothing was said: it is the parent's */
#define MR_SPAM_COLOR_UNKNOWN 0xFF000001u /* a picture, a name that is not known */
#define MR_SPAM_COLOR_CLEAR   0xFF000002u /* transparent */
#define MR_SPAM_COLOR_CURRENT 0xFF000003u /* currentcolor: that of the letters */

#define MR_SPAM_OPAQUE_MIN 0.1 /* what is less opaque is not seen */

/* A decimal number; its unit stays. False: none, and nothing is taken. */
bool mr_spam_css_number(struct mr_cur *c, double *number_out);
/* "#fff", "#FEFEFE", "rgb(255, 255, 255)", "rgba(0,0,0,0)", "white", and "ffffff" as in bgcolor. */
uint32_t mr_spam_color(struct mr_span value);
/* Both are known and a reader would not tell one from the other. */
bool mr_spam_color_near(uint32_t a, uint32_t b);

#endif
