/*
 * view: a message as the spam milter saw it, whenever it is looked at. What we or the MTA add later
 * never counts, so that a message learned from a Maildir teaches what it would have taught on its
 * arrival, under the same digest.
 *
 * Never counted, wherever they stand: fields that delivery writes (Return-Path, Delivered-To,
 * X-Original-To, Envelope-To), that mailboxes and clients keep their state in (Status, X-Status,
 * X-Keywords, X-UID, X-UIDL, Content-Length, Lines, X-Mozilla-*), and that we write or will write
 * (X-Spam-*, X-Millrace-*, X-Virus-Status, X-Encryption, Authentication-Results, Received-SPF).
 *
 * The MTA shows a milter no Received of its own, so a stored message loses that one:
 *   1. It bears an X-Spam-Status of ours (MR_SPAM_MARK), before any other X-Spam-Status: the fields
 *      above it go, for they came later, and so does the first Received below it, for a milter
 *      inserts above that.
 *   2. Else, if a field that delivery writes stands above every Received: the Received lines at the
 *      top that tell of LMTP go (our lmtpd's or Dovecot's), and the one below them.
 *   3. Else it is a message as it arrived, a file from elsewhere: all of it counts.
 *
 * By 1 and 2, what delivery put before the subject, and says so above every Received in X-Spam-Tag, is
 * taken out of it again; fields above that one came later, too.
 *
 * Answers of filters before ours (answer.h) may stand above the topmost Received that came with the
 * message: by 1 and 2, from the first field that counts to the Received below the MTA's own, for some
 * filters insert below that; by 3, nowhere.
 */
#ifndef MR_SPAM_VIEW_H
#define MR_SPAM_VIEW_H

#include "lib/mail/mr_msg.h"

enum mr_spam_where {
	MR_SPAM_ARRIVING, /* in a milter */
	MR_SPAM_STORED, /* in a Maildir, an mbox, a file */
};

/* What an X-Spam-Status of ours holds. */
#define MR_SPAM_MARK "scorer=millrace"

#define MR_SPAM_VIEW_FIELDS_MAX 400 /* fields of the message's own header that count */
#define MR_SPAM_RAW_MAX         3000 /* bytes for the second model */
#define MR_SPAM_DIGEST_SIZE     32

#define MR_SPAM_UPSTREAM_NONE INT32_MIN

struct mr_spam_view {
	const struct mr_msg *msg;
	const struct mr_field **field; /* those that count, in order */
	uint32_t count;
	int32_t upstream; /* points that the filter before ours gave, or MR_SPAM_UPSTREAM_NONE */
	/* Where answers of filters before ours may stand: these fields of msg, from the first. */
	uint32_t answer_first, answer_count;
};

/*
 * Look at msg. upstream: the name of the field of the filter before ours (the setting
 * upstream_scorer), or empty; of a stored message our X-Spam-Status remembers what it said. The view
 * lives in arena. MR_ENOMEM.
 */
MR_MUST_USE int mr_spam_view_init(struct mr_spam_view *view, const struct mr_msg *msg,
				  enum mr_spam_where where, struct mr_span upstream,
				  struct mr_arena *arena);

/*
 * The first MR_SPAM_RAW_MAX bytes of the view in arena: fields that count with white space folded to
 * one blank, an empty line, the body with no CR. without: parts of the body that are left out, in their
 * order. MR_ENOMEM.
 */
MR_MUST_USE int mr_spam_view_raw(const struct mr_spam_view *view, const struct mr_span *without,
				 uint32_t count, struct mr_arena *arena, struct mr_span *raw_out);

/* BLAKE2b of the whole of it, written the same way, line endings at its end not counted: the name of
 * the message in lessons. */
void mr_spam_view_digest(const struct mr_spam_view *view, uint8_t digest_out[MR_SPAM_DIGEST_SIZE]);

#endif
