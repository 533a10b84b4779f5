/*
 * mr_lines: lines of a protocol out of bytes as they come, bounded. For the conversations of LMTP
 * and, later, IMAP and submission; on the loop's thread. What is no line, such as a message's
 * content, is taken from the same store with mr_lines_rest() and mr_lines_take().
 *
 * A line ends in CR LF and in nothing else (RFC 5321 2.3.8). A bare LF ends the conversation: were it
 * taken for a line's end, an address that holds one would become two commands ("SMTP smuggling"),
 * and were it taken for content, a client that ends its lines so would wait for an answer until the
 * time-out. A bare CR is content; the grammars refuse it, as any control character.
 */
#ifndef MR_LINES_H
#define MR_LINES_H

#include "lib/base/mr_buf.h"

struct mr_lines {
	struct mr_buf buf; /* private, as all of this */
	size_t at, searched; /* taken; searched in vain for LF */
	size_t line_max;
};

/* Lines of at most line_max octets, their ending not counted; at most pending_max octets wait. Takes
 * no memory yet. */
void mr_lines_init(struct mr_lines *lines, size_t line_max, size_t pending_max);
void mr_lines_done(struct mr_lines *lines);

/* Add what came. MR_ELIMIT: more than pending_max would wait; MR_ENOMEM. Then nothing was added. */
MR_MUST_USE int mr_lines_push(struct mr_lines *lines, struct mr_span in);

/*
 * Take the next line, without its ending; valid until the next push. Returns 1; 0: there is no whole
 * one yet; MR_ELIMIT: it is longer than line_max; MR_ESYNTAX: a bare LF. After an error the
 * conversation cannot go on.
 */
MR_MUST_USE int mr_lines_next(struct mr_lines *lines, struct mr_span *line_out);

/* All that waits; valid until the next push. */
struct mr_span mr_lines_rest(const struct mr_lines *lines);
/* Its first n octets are dealt with; n is at most what waits. */
void mr_lines_take(struct mr_lines *lines, size_t n);

#endif
