/*
 * mr_html_names: the table of named character references (WHATWG HTML 13.5), for mr_html_text.c
 * alone. mr_html_names.c is made by tools/dev/gen-html-names.py.
 */
#ifndef MR_HTML_NAMES_H
#define MR_HTML_NAMES_H

#include "lib/base/mr_def.h"

#define MR_HTML_NAME_COUNT 2231
#define MR_HTML_NAME_MAX   32 /* octets of the longest */
/* No reference is longer as UTF-8 than this times what is written: "&nGt;" is 6 octets. */
#define MR_HTML_GROWTH_NUM 6
#define MR_HTML_GROWTH_DEN 5

struct mr_html_name {
	const char *name; /* without "&", with ";" where it has one */
	uint32_t code[2]; /* the second is 0 for most */
};

/* In the order of octets. */
extern const struct mr_html_name mr_html_names[MR_HTML_NAME_COUNT];
/* Where the names begin that start with that octet, or a higher one; [128] is their number. */
extern const uint16_t mr_html_names_from[129];

#endif
