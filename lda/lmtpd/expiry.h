/*
 * expiry: spam that has been in its folder for as long as its owner said is removed: by lmtpd, when it
 * has nothing else to do, from mailboxes it delivered to; and by `millrace spam expire` from all.
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include "lib/base/mr_span.h"
#include "lib/mail/mr_name.h"

#define MR_EXPIRY_MAILBOX_SIZE (MR_NAME_DOMAIN_MAX + 1 + MR_NAME_LOCAL_MAX + 1)
#define MR_EXPIRY_WAITING_MAX  256 /* more are left for the next delivery to them, or the command */
#define MR_EXPIRY_AGAIN_S      3600 /* a mailbox is looked at once in this time */
#define MR_EXPIRY_NAMES_MAX    20000 /* names in each half of a folder that lmtpd looks at */

/*
 * Remove from folder ("Spam", UTF-8) of the mailbox ("example.org/ann") below mail_fd what is older than
 * days. Links are not followed, and nothing else is touched; of what is flagged see
 * mr_maildir_expire(). Returns the number of messages removed, 0 also where there is no such mailbox or
 * folder; MR_EPERM: the folder is INBOX, which is never emptied; MR_EEXIST: a link, or what is no folder,
 * stands in the place of the mailbox, the folder or one of its halves; MR_EINVAL, MR_ELIMIT: no folder's
 * name; MR_ETEMP, MR_ENOMEM.
 */
MR_MUST_USE int mr_expiry_run(int mail_fd, const char *mailbox, struct mr_span folder, int days,
			      int64_t now_s, unsigned names_max);

/* Mailboxes that wait for it. Any thread. */
struct mr_expiry;
struct mr_expiry_one {
	char mailbox[MR_EXPIRY_MAILBOX_SIZE];
	int days;
};

/* NULL: out of memory. */
MR_MUST_USE struct mr_expiry *mr_expiry_new(void);
/* NULL is allowed. */
void mr_expiry_free(struct mr_expiry *expiry);
/* Let mailbox wait, unless it was looked at a short while ago; now_s: wall clock. */
void mr_expiry_put(struct mr_expiry *expiry, const char *mailbox, int days, int64_t now_s);
bool mr_expiry_waits(struct mr_expiry *expiry);
/* Take the one that waits the longest; false: none does. */
bool mr_expiry_next(struct mr_expiry *expiry, struct mr_expiry_one *one_out);

#endif
