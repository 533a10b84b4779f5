/*
 * mr_smtp_client: one mail transaction with a server, SMTP or LMTP, over a socket that is connected
 * already. Blocks, until a deadline: for the pool's threads and for small programs. Memory is bounded
 * whatever the message is: it is passed on as it is read. No TLS: the server is on this host, or the
 * network between is the operator's.
 *
 * What the server offers is used: 8BITMIME, SMTPUTF8, SIZE, PIPELINING (XFORWARD, MAIL and RCPT in groups; DATA
 * waits for their replies, so that nothing is sent that somebody has refused), XFORWARD (the queue id).
 */
#ifndef MR_SMTP_CLIENT_H
#define MR_SMTP_CLIENT_H

#include "lib/net/mr_smtp.h"

/* RFC 5321 4.5.3.1.5: 512 octets; more of a line than this, and the server speaks nonsense. */
#define MR_SMTP_REPLY_LINE_MAX  2000
#define MR_SMTP_REPLY_LINES_MAX 100 /* of one reply */

/*
 * The content, from its start: put 1 to size octets at to, 0 at its end; lines end in LF or CR LF. Below
 * zero: the message cannot be had; then no end is sent, and the error is what mr_smtp_send() returns.
 */
typedef int mr_smtp_read_fn(void *arg, char *to, size_t size, size_t *len_out);

/* One recipient. */
struct mr_smtp_to {
	struct mr_span address; /* as it stands in <> of RCPT: one line, as mr_smtp_path.text is */
	/* Set by mr_smtp_send(), its spans in arena: what was said last of this one: at RCPT, or after the
	 * content (by LMTP for each, by SMTP for all). code 0: nothing was. */
	struct mr_smtp_reply reply;
};

struct mr_smtp_send {
	bool lmtp;
	bool all_or_none; /* one recipient that is refused: nobody gets it */
	bool utf8; /* the message needs SMTPUTF8 (RFC 6531), whatever its addresses are */
	const char *name; /* ours, for EHLO */
	struct mr_span from; /* as it stands in <> of MAIL; empty: the null sender */
	struct mr_smtp_to *to;
	size_t to_count; /* at least 1 */
	struct mr_span queue_id; /* to be told by XFORWARD; empty: none */
	uint64_t size; /* of the content, about; 0: not known */
	struct mr_span head; /* goes before the content; whole lines */
	mr_smtp_read_fn *read; /* NULL: there is no content but head */
	void *arg;
	int64_t deadline_ms; /* for all up to the end of the content */
	/* For the answer to it, from then on: short is dangerous, since what was taken and not answered
	 * will be sent again (RFC 5321 4.5.3.2.6: 10 minutes). */
	int64_t final_ms;
};

/*
 * Speak on fd, which does not block, from the greeting to QUIT; the caller closes it. Returns, with
 * the spans of the replies in arena:
 *
 * 0: the content was taken, for one recipient at least; each has his reply, and *reply_out is the last
 * one. 1: it was not, since something was refused, *reply_out says what: 4xx or 5xx; among recipients a
 * 4xx comes first. Ours, not the server's, is 550 5.6.7: SMTPUTF8 is needed and not offered (RFC 6531
 * 3.2).
 *
 * MR_ETEMP: silence until the deadline, the connection ended, or nonsense, such as a 2xx or 3xx where it
 * does not belong (RFC 5321 4.3.2); what read() returned; MR_ENOMEM. Then nothing is known: the mail must
 * be tried again, though it may have been taken when the end was lost.
 */
MR_MUST_USE int mr_smtp_send(int fd, struct mr_smtp_send *send, struct mr_arena *arena,
			     struct mr_smtp_reply *reply_out);

#endif
