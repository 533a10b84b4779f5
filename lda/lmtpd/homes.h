/*
 * homes: mailboxes of system users: mail of ann@DOMAIN, where DOMAIN is system_domain, is in ~ann/Maildir and
 * belongs to ann. Why it is made so is in docs/DECISIONS.md.
 *
 * lmtpd itself has one user id, and no right to become another. A helper that is forked at the start,
 * while there are rights, keeps just those to change its ids, and knows nothing but to fork: for each copy a
 * writer, which becomes the user for good, opens his Maildir as he could himself, and hands back a
 * descriptor of the new file in tmp/. lmtpd writes the message to it, and tells the writer to link it.
 *
 *	err = mr_homes_begin(homes, local, name, flags, host, &writer, &file, &inbox);
 *	err = mr_maildir_write(&file, ...); mr_maildir_sync(&file);
 *	err = mr_homes_commit(&writer, &file);
 *	mr_maildir_abort(&file); mr_homes_end(&writer);	always
 *
 * Any thread, but open() and close(). A writer that does not answer for MR_HOMES_WAIT_MS, because its home is on
 * a server that hangs or its user has stopped it, is given up.
 */
#ifndef HOMES_H
#define HOMES_H

#include "lib/base/mr_span.h"
#include "lib/mail/mr_maildir.h"

#define MR_HOMES_WAIT_MS 30000
#define MR_HOMES_DIR     "Maildir" /* below the user's home */

struct mr_homes;
struct mr_homes_writer {
	int fd; /* private */
};

enum mr_homes_flags {
	MR_HOMES_CREATE = 1u << 0, /* make the folder where it is missing; else it is INBOX then */
	MR_HOMES_SWEEP = 1u << 1, /* and remove what crashes left (mr_maildir_sweep()) */
};

/*
 * Fork the helper: before the first thread, before anything secret is read, and as root. domain as the
 * settings have it; uid_min: users below it get no mail. MR_EPERM: not root; MR_EINVAL: no domain; MR_ETEMP,
 * MR_ENOMEM.
 */
MR_MUST_USE int mr_homes_open(const char *domain, int64_t uid_min, struct mr_homes **homes_out);
/* The helper ends with its last descriptor here. NULL is allowed. */
void mr_homes_close(struct mr_homes *homes);

/* Are the users of domain (as mr_name.h spells it) the system's? False for NULL. */
bool mr_homes_has(const struct mr_homes *homes, struct mr_span domain);

/*
 * Begin a copy for the system user local, in his folder name (UTF-8; "": INBOX); *inbox_out: it is his INBOX.
 * As mr_maildir_begin(): MR_ETEMP, also for no such user, one below uid_min, and whatever stands in the
 * way in his home; MR_EFULL, MR_ENOMEM. writer and file may be ended in any case.
 */
MR_MUST_USE int mr_homes_begin(struct mr_homes *homes, struct mr_span local, struct mr_span name,
			       unsigned flags, struct mr_span host, struct mr_homes_writer *writer,
			       struct mr_maildir_file *file, bool *inbox_out);
/* As mr_maildir_commit(). MR_ETEMP also where the writer did not answer; then it may be there. */
MR_MUST_USE int mr_homes_commit(struct mr_homes_writer *writer, struct mr_maildir_file *file);
void mr_homes_end(struct mr_homes_writer *writer);

#endif
