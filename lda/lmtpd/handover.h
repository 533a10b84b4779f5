/*
 * handover: a user's mailbox that another server keeps: one that speaks LMTP, such as Dovecot's, with
 * Pigeonhole's Sieve, or one that writes as each system user. Everything is decided here as for others
 * (friends, threshold, lessons, forwards, vacation), then his copy goes to lmtp_handover, and what that
 * server says of it is our answer: it is not told as taken before it is there.
 *
 * Spam that is to be filed goes to user+Spam (recipient_separator, spam_folder), so the other server files it
 * without a script (Dovecot: lmtp_save_to_detail_mailbox), and a script sees it as the detail of the
 * envelope. X-Millrace-Delivery names the folder that is meant. Return-Path and Delivered-To are the other server's. Quota, too: what it refuses, it refuses.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include "lda/lmtpd/recipient.h"
#include "lda/lmtpd/sorting.h"
#include "lib/store/mr_sender_rule.h"

/* True: it is delivered; in any case *reply_out is the answer. On the pool's threads. */
MR_MUST_USE bool mr_handover(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
			     const struct mr_target *target, const struct mr_sorting *sorting,
			     const struct mr_sender_says *says, struct mr_lmtp_reply *reply_out);

#endif
