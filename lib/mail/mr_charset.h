/*
 * mr_charset: bytes in a named charset to UTF-8. ASCII, UTF-8, ISO-8859-1 and -15 and Windows-1252
 * by tables of ours, the others by iconv(3). Any thread; nothing is kept between calls.
 *
 * Only charsets that mail uses are known (mr_charset_names.c), so a name from a message never
 * reaches iconv_open(). As mail programs and browsers do (WHATWG Encoding 4.2), some names mean the
 * larger set that senders really use: ISO-8859-1 is Windows-1252, GB2312 is GB18030, Shift_JIS is
 * CP932, EUC-KR is UHC; 8-bit under the name US-ASCII is read like an unknown charset.
 */
#ifndef MR_CHARSET_H
#define MR_CHARSET_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_buf.h"

/*
 * Convert in to at most size_max bytes of valid UTF-8 in arena (a span of in itself where nothing
 * has to change). charset is a MIME name in any case, with the aliases that mail uses (utf8, ansi,
 * x-sjis ...); empty or unknown: UTF-8 where in is valid, else Windows-1252. What cannot be
 * converted is U+FFFD, once for each byte skipped (in UTF-8, for each maximal part of a sequence,
 * Unicode 3.9). Time is linear whatever in holds. Returns 0, or MR_ENOMEM.
 */
MR_MUST_USE int mr_charset_to_utf8(struct mr_span charset, struct mr_span in, size_t size_max,
				   struct mr_arena *arena, struct mr_span *utf8_out);

/*
 * The same, appended to out. Returns 0; MR_ELIMIT: out is full, what fits was added, no character is
 * cut in two, and nothing should follow it; MR_ENOMEM.
 */
MR_MUST_USE int mr_charset_add(struct mr_span charset, struct mr_span in, struct mr_buf *out);

/*
 * Load all of iconv's tables for good. Call once before the first thread and before a sandbox: iconv
 * reads a file for each charset when it is first used, and where it cannot, that charset is unknown.
 */
void mr_charset_preload(void);

#endif
