/*
 * mr_ascii: classes of octets and case, as protocols mean them (RFC 5234 appendix B.1): no locale.
 * A class is a bit; a table gives each octet its classes, so a set of classes is one test.
 */
#ifndef MR_ASCII_H
#define MR_ASCII_H

#include "lib/base/mr_def.h"

enum mr_class {
	MR_UPPER = 1u << 0,
	MR_LOWER = 1u << 1,
	MR_DIGIT = 1u << 2,
	MR_HEXLETTER = 1u << 3, /* A-F a-f */
	MR_WSP = 1u << 4, /* space, tab */
	MR_CRLF = 1u << 5, /* CR, LF */
	MR_ATOM_PUNCT = 1u << 6, /* RFC 5322 3.2.3: !#$%&'*+-/=?^_`{|}~ */
	MR_DOT = 1u << 7,
	MR_CTL = 1u << 8, /* 0-31 but not tab, CR, LF; and 127 */
	MR_HIGH = 1u << 9, /* 128-255: UTF-8, or raw 8-bit */
	MR_TSPECIAL = 1u << 10, /* RFC 2045 5.1: ()<>@,;:\"/[]?= */
	MR_COLON = 1u << 11,
	MR_UNDERSCORE = 1u << 12,
	MR_HYPHEN = 1u << 13,
	MR_OTHER = 1u << 14, /* visible, in no class above: ()<>@,;:\"[] and space's kin */

	MR_ALPHA = MR_UPPER | MR_LOWER,
	MR_ALNUM = MR_ALPHA | MR_DIGIT,
	MR_HEX = MR_DIGIT | MR_HEXLETTER,
	MR_FWS = MR_WSP | MR_CRLF,
	/* RFC 5322 3.2.3 with RFC 6532 3.2: what an atom may hold */
	MR_ATEXT = MR_ALNUM | MR_ATOM_PUNCT | MR_HIGH,
};

extern const uint16_t mr_ascii_class[256];

static inline bool mr_is(char c, unsigned classes)
{
	return (mr_ascii_class[(uint8_t)c] & classes) != 0;
}

static inline char mr_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline char mr_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

/* 0 to 15, or -1. */
int mr_hex_value(char c);

#endif
