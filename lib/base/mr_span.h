/*
 * mr_span: a view of bytes that somebody else owns. It ends in no NUL, may hold NULs, and may be
 * empty, with any pointer. What is parsed from a message is a span into it, so a span lives as long
 * as its message. Nothing here allocates; comparisons and searches are of octets, and the "nocase"
 * ones fold ASCII alone.
 */
#ifndef MR_SPAN_H
#define MR_SPAN_H

#include <string.h>

#include "lib/base/mr_def.h"

struct mr_span {
	const char *p;
	size_t len;
};

/* A span of a string literal, or of a char array that ends in NUL. */
#define MR_SPAN(literal) ((struct mr_span){ "" literal, sizeof(literal) - 1 })

static inline struct mr_span mr_span(const char *p, size_t len)
{
	return (struct mr_span){ p, len };
}

/* The one cast from bytes to text. */
static inline struct mr_span mr_span_bytes(const void *data, size_t size)
{
	return (struct mr_span){ data, size };
}

/* NULL is the empty span. */
static inline struct mr_span mr_span_str(const char *s)
{
	return (struct mr_span){ s, s ? strlen(s) : 0 };
}

static inline const char *mr_span_end(struct mr_span s)
{
	return s.len > 0 ? s.p + s.len : s.p; /* C knows no NULL + 0 */
}

/* From offset at, at most len bytes: what lies beyond the end is cut off. */
struct mr_span mr_span_sub(struct mr_span s, size_t at, size_t len);

bool mr_span_eq(struct mr_span a, struct mr_span b);
/* <0, 0, >0 in the order of octets, a prefix first. */
int mr_span_cmp(struct mr_span a, struct mr_span b);
bool mr_span_has_prefix(struct mr_span s, struct mr_span prefix);
bool mr_span_has_prefix_nocase(struct mr_span s, struct mr_span prefix);
/* Inline, since tables are searched with it: most entries are told apart by their length. */
static inline bool mr_span_eq_nocase(struct mr_span a, struct mr_span b)
{
	return a.len == b.len && mr_span_has_prefix_nocase(a, b);
}
/* s is one of count others, in any case. */
bool mr_span_among_nocase(struct mr_span s, const struct mr_span *others, size_t count);
bool mr_span_has_suffix_nocase(struct mr_span s, struct mr_span suffix);

/* The first octet is of one of the classes (mr_ascii.h); false when empty. */
bool mr_span_starts(struct mr_span s, unsigned classes);
/* All octets are of the classes; true when empty. */
bool mr_span_only(struct mr_span s, unsigned classes);

/* Without white space (space, tab, CR, LF) at the start, the end, both. */
struct mr_span mr_span_ltrim(struct mr_span s);
struct mr_span mr_span_rtrim(struct mr_span s);
struct mr_span mr_span_trim(struct mr_span s);

/* Offset of the first (last) c, or of the first needle; s.len when there is none. */
size_t mr_span_find(struct mr_span s, char c);
size_t mr_span_rfind(struct mr_span s, char c);
size_t mr_span_search(struct mr_span s, struct mr_span needle);

/* Cut s at the first c: what stands before it in head, the rest, without c, in tail (either may be
 * a variable that s came from). False when there is no c: head is all, tail is empty. */
bool mr_span_split(struct mr_span s, char c, struct mr_span *head_out, struct mr_span *tail_out);

/* s lies inside outer; an empty s may stand at its end. */
bool mr_span_within(struct mr_span s, struct mr_span outer);

/* Decimal digits alone, at most max. MR_ESYNTAX: empty or another octet; MR_ELIMIT: more than max. */
MR_MUST_USE int mr_span_u64(struct mr_span s, uint64_t max, uint64_t *value_out);

/* Copy into the array dst of size bytes and end it with NUL. MR_ELIMIT: too long; MR_EINVAL: holds a
 * NUL. dst is then the empty string. */
MR_MUST_USE int mr_span_copyz(struct mr_span s, char *dst, size_t size);

#endif
