/*
 * mr_body: what a leaf part says, on demand: transfer encoding undone, then the charset. Broken
 * input is decoded as far as it goes, as mail programs do: octets that are not base64 are skipped, a
 * broken "=" in quoted-printable stands for itself. Never fails on what is in the message.
 */
#ifndef MR_BODY_H
#define MR_BODY_H

#include "lib/mail/mr_msg.h"

/*
 * Decode the transfer encoding of the first bytes of part's body: stops after size_max bytes of
 * result. Without an encoding that is a span into the message (no copy), else text in arena.
 * Returns 0, or MR_ENOMEM.
 */
MR_MUST_USE int mr_body_decode(const struct mr_part *part, size_t size_max, struct mr_arena *arena,
			       struct mr_span *bytes_out);
/* The length of the whole decoded body, without decoding it to memory. */
size_t mr_body_decoded_len(const struct mr_part *part);

/*
 * The same as UTF-8 text: charset undone, at most size_max bytes of UTF-8, always valid (what the
 * charset cannot say is U+FFFD). A part without a charset, or one that is unknown, is read as UTF-8
 * where it is valid, else as Windows-1252, which is what such mail mostly is. Returns 0, or MR_ENOMEM.
 */
MR_MUST_USE int mr_body_text(const struct mr_part *part, size_t size_max, struct mr_arena *arena,
			     struct mr_span *utf8_out);

#endif
