/*
 * deliver: what becomes of a message: who gets it, into which folder, and what is answered. Logic
 * over a directory of users and a descriptor of mail_dir, both handed in; it blocks on them, so it
 * runs on the pool's threads. A struct mr_deliver is shared and only read.
 *
 * The mailbox of ann@example.org is the Maildir mail_dir/example.org/ann, made at the first message.
 * Each copy begins with Return-Path and Delivered-To (docs/HEADERS.md).
 *
 * ann+lists@example.org is the user of that whole name, if there is one, else ann's folder "lists"
 * if that exists already, else ann's INBOX: whoever may write to ann must not make folders for her.
 * What is spam for her goes where she wants it: sorting.h; whom she takes for a friend, or blocks: lists.h.
 *
 * What waiting can mend is 4xx: the directory away, disk or quota full (452 4.3.1), wrong rights, a disabled
 * user (he may be back tomorrow; a mail refused today is lost).
 *
 * Who an address is, says recipient.h; where mail goes on to, forward.h; whose mailbox another server
 * keeps, handover.h.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include "lda/lmtpd/expiry.h"
#include "lda/lmtpd/homes.h"
#include "lda/lmtpd/judge.h"
#include "lda/lmtpd/lists.h"
#include "lda/lmtpd/lmtp.h"
#include "lda/lmtpd/quota.h"
#include "lda/lmtpd/recipient.h"
#include "lda/lmtpd/vacation.h"
#include "lda/lmtpd/wake.h"
#include "lib/base/mr_time.h"
#include "lib/run/mr_own.h"

struct mr_deliver {
	struct mr_directory directory;
	int mail_fd; /* mail_dir */
	struct mr_judge *judge; /* NULL: the milter's word counts for all */
	struct mr_lists *lists; /* friends and blocked senders; NULL: nobody has any */
	struct mr_expiry *expiry; /* mailboxes whose old spam is to go; NULL: none is kept */
	struct mr_quota *quota; /* NULL: nobody has a limit */
	struct mr_own *own; /* for mail of our own; NULL: none is sent */
	struct mr_vacation *vacation; /* who answers for users who are away; NULL: nobody */
	struct mr_own *handover; /* who keeps mailboxes that are not ours; handover.h */
	struct mr_homes *homes; /* of system users; NULL: there are none */
	struct mr_wake *wake; /* NULL: no watchers are told */
	const char *host; /* in file names */
	struct mr_clock clock;
	/* One delivery of this many, by chance, removes what crashes left in its folder's tmp/; 0:
	 * none does, 1: each one. */
	unsigned sweep_every;
};

/* What struct mr_lmtp_ops asks for; rcpt is mr_recipient(). */
MR_MUST_USE int mr_deliver_more(const struct mr_deliver *d, struct mr_lmtp_mail *mail);
void mr_deliver_store(const struct mr_deliver *d, struct mr_lmtp_mail *mail);
void mr_deliver_drop(const struct mr_deliver *d, struct mr_lmtp_mail *mail);

#endif
