/*
 * mr_cur: what is left to read of a span. A parser is a function for each production of its
 * grammar, each taking the cursor; no call can move it past its end. A call that does not find what
 * it asks for leaves the cursor where it was.
 */
#ifndef MR_CUR_H
#define MR_CUR_H

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_span.h"

struct mr_cur {
	const char *p, *end;
};

static inline struct mr_cur mr_cur(struct mr_span s)
{
	return (struct mr_cur){ s.p, mr_span_end(s) };
}

static inline size_t mr_cur_left(const struct mr_cur *c)
{
	return (size_t)(c->end - c->p);
}

static inline struct mr_span mr_cur_rest(const struct mr_cur *c)
{
	return mr_span(c->p, mr_cur_left(c));
}

/* The octet at distance ahead as 0 to 255, or -1 at the end. */
static inline int mr_cur_peek(const struct mr_cur *c, size_t ahead)
{
	return ahead < mr_cur_left(c) ? (uint8_t)c->p[ahead] : -1;
}

/* Take one octet if it is byte. */
static inline bool mr_cur_byte(struct mr_cur *c, char byte)
{
	if (c->p == c->end || *c->p != byte)
		return false;
	c->p++;
	return true;
}

/* Step over at most n octets. */
static inline void mr_cur_skip(struct mr_cur *c, size_t n)
{
	c->p += n < mr_cur_left(c) ? n : mr_cur_left(c);
}

/* Take the longest run of octets of the classes; may be empty. */
struct mr_span mr_cur_take(struct mr_cur *c, unsigned classes);
/* Take all up to byte, or to the end; byte itself stays. */
struct mr_span mr_cur_until(struct mr_cur *c, char byte);
/* Take n octets, or none and false if fewer are left. */
bool mr_cur_take_n(struct mr_cur *c, size_t n, struct mr_span *taken_out);
/* Take text, ASCII case ignored. */
bool mr_cur_text(struct mr_cur *c, struct mr_span text);
/* Step over white space: space, tab, CR, LF. Returns c, to be written inside a call. */
struct mr_cur *mr_cur_fws(struct mr_cur *c);
/* Nothing but white space is left; steps over it if so. */
bool mr_cur_blank(struct mr_cur *c);
/* Take a line without its ending, which is LF, or CR LF; the last one may have none. False at the
 * end. */
bool mr_cur_line(struct mr_cur *c, struct mr_span *line_out);

#endif
