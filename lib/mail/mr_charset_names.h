/*
 * mr_charset_names: which charset a name means. For mr_charset.c alone. Any thread.
 */
#ifndef MR_CHARSET_NAMES_H
#define MR_CHARSET_NAMES_H

#include "lib/base/mr_span.h"

enum mr_charset_kind {
	MR_CHARSET_UNKNOWN, /* also US-ASCII: the same, as far as it is valid */
	MR_CHARSET_UTF8,
	MR_CHARSET_W1252,
	MR_CHARSET_LATIN9,
	MR_CHARSET_HZ, /* RFC 1843; glibc has none */
	MR_CHARSET_UTF16, /* RFC 2781 3.3: a byte order mark decides, else big endian */
	MR_CHARSET_UTF32,
	MR_CHARSET_SUPERSET, /* iconv; octets below 128 mean ASCII, in every state */
	MR_CHARSET_STATEFUL, /* iconv; they may mean something else */
};

struct mr_charset {
	const char *name; /* as mail writes it, in lower case, letters and digits alone */
	enum mr_charset_kind kind;
	const char *iconv; /* what iconv calls it, or NULL */
};

/* In the order of name. */
extern const struct mr_charset mr_charsets[];
extern const size_t mr_charset_count;

/* By name, where case and all but letters and digits are ignored (Unicode UTS 22 1.4); NULL: none. */
const struct mr_charset *mr_charset_find(struct mr_span name);

#endif
