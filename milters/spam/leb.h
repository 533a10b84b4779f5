/*
 * leb: numbers of at most 28 bits as LEB128: seven bits a byte, the lowest first, the highest bit of
 * a byte telling that another follows. Of lessons and corrections.
 */
#ifndef MR_SPAM_LEB_H
#define MR_SPAM_LEB_H

#include "lib/base/mr_buf.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"

#define MR_SPAM_LEB_MAX ((1u << 28) - 1)

/* Errors show in mr_buf_err(). */
static inline void mr_spam_leb_put(struct mr_buf *out, uint32_t v)
{
	char bytes[5];
	size_t len = 0;

	for (; v >= 128; v >>= 7)
		bytes[len++] = (char)((v & 127) | 128);
	bytes[len++] = (char)v;
	mr_buf_add(out, mr_span(bytes, len));
}

/* MR_ESYNTAX: it ends early, or is larger. */
static inline int mr_spam_leb_take(struct mr_cur *c, uint32_t *v_out)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 28 && c->p < c->end; shift += 7) {
		uint8_t byte = (uint8_t)*c->p++;

		v |= (uint32_t)(byte & 127) << shift;
		if (byte < 128) {
			*v_out = v;
			return 0;
		}
	}
	return MR_ESYNTAX;
}

/* The same for numbers of either sign: 0, -1, 1, -2, ... are 0, 1, 2, 3, ... */
static inline void mr_spam_leb_put_signed(struct mr_buf *out, int32_t v)
{
	mr_spam_leb_put(out, v < 0 ? 2 * (uint32_t)(-v) - 1 : 2 * (uint32_t)v);
}

static inline int mr_spam_leb_take_signed(struct mr_cur *c, int32_t *v_out)
{
	uint32_t v;
	int err = mr_spam_leb_take(c, &v);

	if (err == 0)
		*v_out = v & 1 ? -(int32_t)(v / 2) - 1 : (int32_t)(v / 2);
	return err;
}

#endif
