/*
 * head: what a delivery wants to know of a message's header, from its first octets. Linear, no
 * copy, no memory. LF ends a line here: lmtp.c has made it so.
 */
#ifndef HEAD_H
#define HEAD_H

#include "lib/base/mr_cur.h"

/* Delivered-To fields that are looked at, from the top: a loop adds its own there. */
#define MR_HEAD_DELIVERED_MAX 100

/* X-Millrace-Delivery fields that can be removed. */
#define MR_HEAD_FOREIGN_MAX 100

/* Where a field stands. */
struct mr_head_field {
	size_t at, size; /* octets, from its name to its line ending; size 0: there is none */
	size_t value_at; /* behind the colon */
	bool blank; /* white space, or a fold, is there */
	struct mr_span value; /* without blanks at its ends */
};

struct mr_head {
	bool spam; /* the first X-Spam-Flag above the topmost Received says YES */
	/* The first ones above the topmost Received. */
	struct mr_head_field flag, score, status;
	struct mr_head_field subject; /* the first one, anywhere */
	struct mr_span
		delivered[MR_HEAD_DELIVERED_MAX]; /* values of Delivered-To, without blanks */
	size_t delivered_count;
	/* Where X-Millrace-Delivery stands, which we write; the first of them, and how many there are. */
	struct mr_head_field foreign[MR_HEAD_FOREIGN_MAX];
	size_t foreign_count;
	size_t received_count, forwarded_count; /* fields Received; X-Millrace-Forward */
	struct mr_span queue_id; /* that the topmost Received names; empty: none */
};

#define MR_HEAD_QUEUE_ID_MAX 64 /* octets; a longer one is none */

/*
 * Read the header that content begins with; one that does not end in it is read as far as it goes. A
 * line that is no field ends it, as MTAs and mr_msg.h have it.
 *
 * X-Spam-Flag, X-Spam-Score and X-Spam-Status count only above the topmost Received, which our own
 * MTA has written: a milter inserts its fields at index 0, above that, and what came from outside
 * stands below it. Without any Received nothing is believed.
 *
 * The same Received has the queue id, as "id" and a word (RFC 5321 4.4): sendmail knows no XFORWARD.
 */
void mr_head_read(struct mr_span content, struct mr_head *head_out);

/* One field after the other of the header at c, as mr_head_read() reads them: value without blanks at its ends,
 * folds in it. False at its end. */
bool mr_head_next(struct mr_cur *c, struct mr_span *name_out, struct mr_span *value_out);

#endif
