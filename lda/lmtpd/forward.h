/*
 * forward: mail that goes on to other addresses than a mailbox of ours: what a user wants forwarded, and what
 * an alias leads to. It goes to `reinject` as one transaction with all addresses as recipients, with fields at its
 * top that name the address it was at: Delivered-To, by which a loop is seen, and X-Millrace-Forward
 * (docs/HEADERS.md). On the pool's threads.
 *
 * Loops end: an address that the message was at is not sent to again, and after MR_FORWARD_HOPS_MAX times
 * nothing goes on; a user then keeps the message, mail to an alias is refused. mapd and this program follow
 * aliases by the same function, which has limits of its own (mr_resolve.h).
 */
#ifndef FORWARD_H
#define FORWARD_H

#include "lda/lmtpd/recipient.h"
#include "lib/run/mr_own.h"

#define MR_FORWARD_HOPS_MAX     10 /* fields X-Millrace-Forward */
#define MR_FORWARD_RECEIVED_MAX 40 /* fields Received; Postfix refuses at 50, sendmail at 25 */

/* Fill onward and keep from what the user has set. MR_ENOMEM. */
MR_MUST_USE int mr_forward_wanted(struct mr_target *target, struct mr_arena *arena);

/*
 * There is somebody whom it goes on to. Spam goes outside only where that is set (forward_spam): whoever sends it
 * on is taken for its sender. Mailboxes of ours behind an alias get it, a bounce its sender.
 */
bool mr_forward_goes(struct mr_target *target, bool spam);

/*
 * Send the content of mail on to target->onward, of which there is one at least. True: it is taken, for all of
 * them; false: *reply_out says why not, and whether for now. Of what is taken it says so.
 */
MR_MUST_USE bool mr_forward(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
			    const struct mr_target *target, struct mr_lmtp_reply *reply_out);

/* What is answered where another server has answered: done or not_done, and what it said. */
void mr_forward_reply(const struct mr_own_answer *answer, const char *done, const char *not_done,
		      struct mr_arena *arena, struct mr_lmtp_reply *reply_out);

#endif
