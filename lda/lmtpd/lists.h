/*
 * lists: what a recipient's friends and blocked senders, and those of his domain, say of a message
 * (lib/store/mr_sender_rule.h), and what follows from it for his copy.
 *
 *	friend   INBOX, or the folder that the address names, whatever the score is
 *	folder   spam: into the Spam folder; for whom spam is tagged, tagged
 *	reject   refused, 550 5.7.1, if the envelope's sender is proven; else as folder: the MTA has
 *		 accepted the message already, and would bounce it to whoever was named there
 *	drop     answered as if it were stored
 *
 * The header is read at the first recipient, of the first MR_LISTS_HEADER_MAX octets: what stands
 * behind them is not seen. The group senders is opened at the first need; where there is none yet (files),
 * nobody has entries. A store that does not answer means that mail waits: a friend's mail would lie in Spam,
 * and what was to be dropped in INBOX, and neither is mended afterwards. It is logged here, once. Any
 * thread.
 */
#ifndef LISTS_H
#define LISTS_H

#include "lda/lmtpd/lmtp.h"
#include "lib/base/mr_time.h"
#include "lib/store/mr_sender_rule.h"

#define MR_LISTS_HEADER_MAX ((size_t)1 << 20)
#define MR_LISTS_RETRY_MS   1000 /* a store that could not be opened is tried again after this */

struct mr_lists;

/* store: the setting. NULL: out of memory. */
MR_MUST_USE struct mr_lists *mr_lists_new(const char *store, struct mr_clock clock);
/* NULL is allowed. */
void mr_lists_free(struct mr_lists *lists);
MR_AUTO_DECLARE(mr_lists, mr_lists_free)

/*
 * Ask for local@domain, whose content is complete; also: the domain that the mail was sent to. A
 * reject that would bounce to a stranger comes back as folder. MR_ETEMP, MR_EFULL, MR_ENOMEM: the mail
 * must wait.
 */
MR_MUST_USE int mr_lists_ask(struct mr_lists *lists, struct mr_lmtp_mail *mail,
			     struct mr_span local, struct mr_span domain, struct mr_span also,
			     struct mr_sender_says *says_out);

#endif
