/*
 * mr_buf: bytes that grow, up to a maximum that is named when the buffer is made. The text always
 * ends in a NUL that does not count. An append that fails leaves the buffer as it was and marks it:
 * a writer may append many times and ask mr_buf_err() once at the end.
 */
#ifndef MR_BUF_H
#define MR_BUF_H

#include "lib/base/mr_span.h"

struct mr_buf {
	char *p; /* private: NULL until something was appended */
	size_t len; /* readable */
	size_t room, size_max; /* private */
	int err; /* private */
};

/* A buffer of at most size_max bytes. Takes no memory yet. */
void mr_buf_init(struct mr_buf *b, size_t size_max);
void mr_buf_done(struct mr_buf *b);
/* MR_AUTO_BUF b = MR_BUF(max): released at the end of the block; never without its value, since what
 * leaves the block before it has one would release anything. */
#define MR_BUF(size_max_) ((struct mr_buf){ .size_max = (size_max_) })
#define MR_AUTO_BUF       __attribute__((cleanup(mr_buf_done))) struct mr_buf

/* 0, or MR_ELIMIT (beyond size_max), MR_ENOMEM. */
int mr_buf_add(struct mr_buf *b, struct mr_span s);
int mr_buf_adds(struct mr_buf *b, const char *s);
int mr_buf_addc(struct mr_buf *b, char c);
int mr_buf_printf(struct mr_buf *b, const char *format, ...) MR_PRINTF(2, 3);

/* The first error since init or reset, or 0. */
MR_MUST_USE int mr_buf_err(const struct mr_buf *b);

/* How many more bytes fit below size_max. */
size_t mr_buf_left(const struct mr_buf *b);

/* What is in it; valid until the next append. */
struct mr_span mr_buf_span(const struct mr_buf *b);
/* The same, ending in NUL, never NULL. */
const char *mr_buf_str(const struct mr_buf *b);

/* Remove the first n bytes (at most all), the last ones beyond len, all (and the error). */
void mr_buf_drop(struct mr_buf *b, size_t n);
void mr_buf_cut(struct mr_buf *b, size_t len);
void mr_buf_reset(struct mr_buf *b);

#endif
