/*
 * mr_maildirsize: the file "maildirsize" of a Maildir++ mailbox: what it holds, without looking at each
 * message. Its first line has the limits ("500000S,1000C"), each further one a difference of octets and
 * messages, appended by whoever changed the mailbox: the LDA, Dovecot with `quota = maildir`, Courier.
 * The format is in Courier's maildirquota(7). For the LDA and for `millrace quota`.
 *
 * What counts is what Dovecot counts: every file in new/ and cur/ of INBOX and all folders, Trash and
 * messages flagged as deleted included, by the size in its name (",S=1234"), else by its own.
 *
 * The mailbox belongs to a user who may plant anything: no link is followed, what is no plain file of
 * this name counts as damaged, and is replaced. Nobody locks: two who count at once, or who append while
 * the file is being replaced, may leave it wrong. Who needs it exact counts again, once it is quiet.
 *
 * Wherever MR_ETEMP is named, MR_EFULL and MR_ENOMEM may come, too.
 */
#ifndef MR_MAILDIRSIZE_H
#define MR_MAILDIRSIZE_H

#include "lib/base/mr_span.h"

#define MR_MAILDIRSIZE_MAX     5120 /* octets: a file of this size or more is made anew */
#define MR_MAILDIRSIZE_STALE_S 900 /* at the limit, an older file is not believed */
#define MR_MAILDIRSIZE_FOLDERS 100000 /* counted in one mailbox */

struct mr_maildir_sum {
	int64_t octets, messages;
};

struct mr_maildirsize {
	struct mr_maildir_sum limit; /* 0: none */
	struct mr_maildir_sum used; /* never below 0 */
	unsigned lines; /* below the first one */
	uint64_t file, size; /* inode and octets: the same file, unchanged, has both the same */
	int64_t written_s; /* wall clock */
};

/* The text of the file; a last line without LF is being written, and does not count. file, size and
 * written_s stay untouched. MR_ESYNTAX: damaged; then nothing is changed. */
MR_MUST_USE int mr_maildirsize_parse(struct mr_span text, struct mr_maildirsize *size_out);

/* Read that of the Maildir dir_fd. MR_ENOENT: none; MR_ESYNTAX: damaged, or no plain file; MR_ELIMIT: too
 * long; MR_ETEMP. */
MR_MUST_USE int mr_maildirsize_read(int dir_fd, struct mr_maildirsize *size_out);

/* Look at every message. MR_ECONFLICT: the mailbox changed meanwhile, *sum_out is near it; MR_ELIMIT:
 * too many folders; MR_ETEMP. Costs about a microsecond a message. */
MR_MUST_USE int mr_maildirsize_count(int dir_fd, struct mr_maildir_sum *sum_out);

/* Replace the file, by way of tmp/. MR_ETEMP. */
MR_MUST_USE int mr_maildirsize_write(int dir_fd, struct mr_maildir_sum limit,
				     struct mr_maildir_sum used);

/*
 * What the mailbox holds: as its file says, which is made anew where it must be: it is missing or
 * damaged, or has MR_MAILDIRSIZE_MAX octets, or other limits; or it says that the mailbox is at its
 * limit, or over it, and has several lines, or is MR_MAILDIRSIZE_STALE_S old at now_s (wall clock). Errors as
 * mr_maildirsize_count(), but for MR_ECONFLICT.
 */
MR_MUST_USE int mr_maildirsize_get(int dir_fd, struct mr_maildir_sum limit, int64_t now_s,
				   struct mr_maildirsize *size_out);

/* Append a difference. MR_ENOENT: there is no file, and who makes it will count everything; MR_ETEMP. */
MR_MUST_USE int mr_maildirsize_add(int dir_fd, struct mr_maildir_sum change);

#endif
