/*
 * mr_letter: a plain text message of our own (a warning, a notice, an automatic reply) as RFC 5322, 2045
 * and 2047 want it: ASCII but for addresses that are not, lines of at most 998 octets, LF. Any thread.
 */
#ifndef MR_LETTER_H
#define MR_LETTER_H

#include "lib/base/mr_buf.h"

#define MR_LETTER_SUBJECT_MAX 500 /* octets; what is longer is cut */

struct mr_letter {
	struct mr_span from, to; /* addresses, as mr_smtp_path.text: one line each */
	struct mr_span from_name; /* UTF-8; may be empty */
	struct mr_span subject, text; /* UTF-8; text's lines end in LF */
	/* RFC 3834 5: "auto-generated", or "auto-replied"; the envelope's sender is then the null one. */
	const char *auto_submitted;
	const char *host; /* ours, for Message-ID */
	struct mr_span more; /* further fields, whole lines of ASCII; may be empty */
	int64_t date_s;
};

/* Append it. What the buffer could not take shows in mr_buf_err(). Whether it needs SMTPUTF8, the addresses
 * tell. */
void mr_letter_put(struct mr_buf *out, const struct mr_letter *letter);

/*
 * Append UTF-8 text as an unstructured field holds it (RFC 2047 5): as it is, if it is ASCII in short lines,
 * else as encoded words of at most 75 characters, folded. column: where on its line it begins. Control
 * characters become blanks, and what is no UTF-8 U+FFFD.
 */
void mr_letter_words_put(struct mr_buf *out, struct mr_span text, size_t column);

/* Append text as quoted-printable (RFC 2045 6.7), LF ending its lines, and the last one too. */
void mr_letter_qp_put(struct mr_buf *out, struct mr_span text);

#endif
