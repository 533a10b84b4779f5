/*
 * mark: X-Millrace-Delivery, the field that says in a copy where it went and why (docs/HEADERS.md), and
 * the same for the log. The field is ours alone: copies that came with the message are removed.
 */
#ifndef MARK_H
#define MARK_H

#include "lda/lmtpd/sorting.h"
#include "lib/store/mr_sender_rule.h"

/* Append the field, with its line ending. folder: as the log has it. Errors are out's. */
void mr_mark_put(const struct mr_sorting *sorting, const struct mr_sender_says *says,
		 const char *folder, struct mr_buf *out);

/* For the log: the score, his threshold, what decided, and whose entry. Where there is no memory, the log says less. */
void mr_mark_tell(struct mr_arena *arena, const struct mr_sorting *sorting,
		  const struct mr_sender_says *says, struct mr_lmtp_rcpt *rcpt);

#endif
