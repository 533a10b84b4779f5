/*
 * mr_words: unstructured field values as UTF-8: folds removed, RFC 2047 encoded words decoded,
 * adjacent words joined before their charset is undone where a sender split a character. Raw 8-bit
 * is read as UTF-8 where valid, else as Windows-1252.
 */
#ifndef MR_WORDS_H
#define MR_WORDS_H

#include "lib/base/mr_arena.h"

/*
 * Decode value into at most size_max bytes of valid UTF-8 in arena, without white space at its
 * ends; each fold is one line ending removed (RFC 5322 2.2.3). An encoded word that breaks the
 * grammar stands as it is. Returns 0, or MR_ENOMEM.
 */
MR_MUST_USE int mr_words_decode(struct mr_span value, size_t size_max, struct mr_arena *arena,
				struct mr_span *utf8_out);

/* The length of the encoded word that s begins with, or 0: none. */
size_t mr_words_len(struct mr_span s);

#endif
