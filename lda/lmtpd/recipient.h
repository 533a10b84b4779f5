/*
 * recipient: who an address is: a mailbox of ours, or addresses that the mail goes on to. Settled at
 * RCPT, in struct mr_target, which is rcpt->memo. On the pool's threads.
 *
 * An alias that is exactly one mailbox is that mailbox. One that has several targets, or one outside, goes
 * on as one transaction to `reinject` with all of them as recipients (forward.h): so it is taken whole or
 * not at all, and a retry makes no doubles. So does a bounce to an address of srs_domain that we made (mr_srs.h):
 * to the sender it was made of.
 */
#ifndef RECIPIENT_H
#define RECIPIENT_H

#include "lda/lmtpd/head.h"
#include "lda/lmtpd/lmtp.h"
#include "lib/store/mr_resolve.h"
#include "lib/store/mr_user_settings.h"

struct mr_deliver;

/* The store, or a test's tables. settings: as mr_user_settings_get(). Any thread. */
struct mr_directory {
	struct mr_resolve_table names;
	int (*settings)(void *arg, struct mr_span local, struct mr_span domain,
			struct mr_arena *arena, struct mr_user_settings *settings_out);
	void *arg;
};

struct mr_target {
	const char *mailbox; /* "example.org/ann"; NULL: it only goes on */
	struct mr_span detail; /* behind the separator; empty: none */
	struct mr_span address; /* for Delivered-To; in lower case but for the detail */
	struct mr_span local, domain; /* of the user; of an alias the domain alone */
	struct mr_user_settings settings; /* his; of an alias those of its domain */
	/* Where it goes on to, as mr_smtp_path.text: targets of the alias, or what the user wants. Those that the
	 * message has seen already (Delivered-To) are taken out. */
	struct mr_span *onward;
	size_t onward_count, ours_count; /* the first ones of an alias are mailboxes of ours */
	bool keep; /* the mailbox gets a copy, too */
	bool bounce; /* to an address that we made (SRS): goes to who it stands for, whatever it says */
	bool loop; /* it was here before */
};

/* What struct mr_lmtp_ops asks for: set rcpt->reply and rcpt->memo. */
void mr_recipient(const struct mr_deliver *d, struct mr_lmtp_mail *mail, struct mr_lmtp_rcpt *rcpt);

/* What the header says of a recipient who was taken: loop, and which addresses are left to go on to. */
void mr_recipient_look(struct mr_target *target, const struct mr_head *head);

/* Whether his mailbox, and his domain, have room for size octets (0: not known). inbox_fd: his mailbox, or -1.
 * False: *reply_out says why not, else it is left. Quotas: quota.h. */
bool mr_recipient_has_room(const struct mr_deliver *d, const struct mr_lmtp_mail *mail,
			   const struct mr_target *target, int inbox_fd, int64_t size,
			   struct mr_lmtp_reply *reply_out);
/* A message of octets is in his mailbox now. */
void mr_recipient_stored(const struct mr_deliver *d, const struct mr_target *target, int inbox_fd,
			 int64_t octets);

#endif
