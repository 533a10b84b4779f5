/*
 * mr_utf8: UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef MR_UTF8_H
#define MR_UTF8_H

#include "lib/base/mr_buf.h"
#include "lib/base/mr_cur.h"

#define MR_UTF8_MAX         4 /* octets of one code point */
#define MR_UTF8_REPLACEMENT 0xFFFDu /* stands for what is no UTF-8 */

/*
 * Take the next code point. What is malformed is taken as U+FFFD, one for each maximal part of a
 * sequence (Unicode 3.9, U+FFFD substitution), and *valid_out, if not NULL, is false. Returns -1 at
 * the end.
 */
int32_t mr_utf8_next(struct mr_cur *c, bool *valid_out);

/* Write code as UTF-8; returns the number of octets, 1 to 4. A surrogate or a number above U+10FFFF
 * is written as U+FFFD. */
size_t mr_utf8_put(uint32_t code, char out[MR_UTF8_MAX]);

bool mr_utf8_valid(struct mr_span s);

/*
 * Append text as a terminal may show it, on one line: white space as one blank each; "?" for control
 * characters (a terminal obeys them), for what is no UTF-8, and for what is not seen or turns the
 * direction of writing. For whatever comes from outside: names of files, words of messages. What mr_buf_add returns.
 */
int mr_utf8_show(struct mr_buf *out, struct mr_span text);

#endif
