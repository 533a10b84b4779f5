/*
 * mr_charset: bytes in a named charset to UTF-8, by iconv(3). Any thread.
 */
#ifndef MR_CHARSET_H
#define MR_CHARSET_H

#include "lib/base/mr_arena.h"

/*
 * Convert in to at most size_max bytes of valid UTF-8 in arena (a span of in itself where nothing
 * has to change). charset is a MIME name in any case, with the aliases that mail uses (utf8, ansi,
 * x-sjis ...); empty or unknown: UTF-8 where in is valid, else Windows-1252. What cannot be
 * converted is U+FFFD, once for each byte skipped. Time is linear whatever in holds. Returns 0, or
 * MR_ENOMEM.
 */
MR_MUST_USE int mr_charset_to_utf8(struct mr_span charset, struct mr_span in, size_t size_max,
				   struct mr_arena *arena, struct mr_span *utf8_out);

#endif
