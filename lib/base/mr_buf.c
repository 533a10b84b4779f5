#include "lib/base/mr_buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

#define ROOM_MIN 256

void mr_buf_init(struct mr_buf *b, size_t size_max)
{
	*b = (struct mr_buf){ .size_max = size_max };
}

void mr_buf_done(struct mr_buf *b)
{
	mr_free(b->p);
	*b = (struct mr_buf){ .size_max = b->size_max };
}

static int fail(struct mr_buf *b, int err)
{
	if (b->err == 0)
		b->err = err;
	return err;
}

/* Room for more bytes and the NUL. */
static int reserve(struct mr_buf *b, size_t more)
{
	size_t want, room = b->room ? b->room : ROOM_MIN;
	char *p;

	if (more > b->size_max - b->len)
		return fail(b, MR_ELIMIT);
	if (__builtin_add_overflow(b->len + more, (size_t)1, &want))
		return fail(b, MR_ELIMIT);
	if (want <= b->room)
		return 0;
	while (room < want) {
		if (__builtin_mul_overflow(room, (size_t)2, &room))
			room = want;
	}
	p = mr_realloc(b->p, room);
	if (!p)
		return fail(b, MR_ENOMEM);
	b->p = p;
	b->room = room;
	return 0;
}

int mr_buf_add(struct mr_buf *b, struct mr_span s)
{
	int err = reserve(b, s.len);

	if (err < 0)
		return err;
	if (s.len > 0)
		memcpy(b->p + b->len, s.p, s.len);
	b->len += s.len;
	b->p[b->len] = '\0';
	return 0;
}

int mr_buf_adds(struct mr_buf *b, const char *s)
{
	return mr_buf_add(b, mr_span_str(s));
}

int mr_buf_addc(struct mr_buf *b, char c)
{
	return mr_buf_add(b, mr_span(&c, 1));
}

int mr_buf_printf(struct mr_buf *b, const char *format, ...)
{
	va_list args, again;
	int len, err;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	err = len < 0 ? fail(b, MR_EINVAL) : reserve(b, (size_t)len);
	if (err == 0) {
		vsnprintf(b->p + b->len, (size_t)len + 1, format, again); /* measured above */
		b->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
	return err;
}

int mr_buf_err(const struct mr_buf *b)
{
	return b->err;
}

size_t mr_buf_left(const struct mr_buf *b)
{
	return b->size_max - b->len;
}

struct mr_span mr_buf_span(const struct mr_buf *b)
{
	return mr_span(b->p, b->len);
}

const char *mr_buf_str(const struct mr_buf *b)
{
	return b->p ? b->p : "";
}

void mr_buf_drop(struct mr_buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->len - n + 1);
	b->len -= n;
}

void mr_buf_cut(struct mr_buf *b, size_t len)
{
	if (len < b->len) {
		b->len = len;
		b->p[len] = '\0';
	}
}

void mr_buf_reset(struct mr_buf *b)
{
	mr_buf_cut(b, 0);
	b->err = 0;
}
