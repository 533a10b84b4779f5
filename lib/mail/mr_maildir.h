/*
 * mr_maildir: delivery into Maildir and Maildir++ folders, as Dovecot reads them. For the LDA and for
 * tests. A struct mr_maildir_file serves one message, one thread at a time; different files may be
 * written from different threads.
 *
 * A mailbox belongs to a user who may plant anything in it. No call follows a symbolic link below
 * the descriptor it was given, and nothing is written outside of it: what is not a plain directory
 * where a directory should be is MR_ETEMP, so mail waits until somebody puts it right.
 *
 * What waiting can mend is MR_EFULL, disk or quota full, and MR_ETEMP: a file system that is
 * read-only, a folder whose rights are wrong. Wherever MR_ETEMP is named, MR_EFULL may come, too. Other errors are named. Files are made with mode 0600, directories 0700.
 *
 *	struct mr_maildir_file file;
 *	int dir_fd;
 *
 *	mr_maildir_open(home_fd, "Maildir", MR_MAILDIR_CREATE, &dir_fd);
 *	mr_maildir_begin(dir_fd, host, &file);
 *	while (...)
 *		err = mr_maildir_write(&file, piece);
 *	err = mr_maildir_commit(&file);		once it is 0 the message survives a power cut
 *	mr_maildir_abort(&file);		always, also after a commit: closes and forgets
 *
 * A message of any size costs no memory. One for several recipients is one struct mr_maildir_file
 * for each of them, to which each piece is written; each fails alone. There are no links between
 * mailboxes: they would tie the rights and the quotas of two users.
 */
#ifndef MR_MAILDIR_H
#define MR_MAILDIR_H

#include "lib/base/mr_buf.h"
#include "lib/base/mr_span.h"

enum mr_maildir_flags {
	MR_MAILDIR_CREATE = 1u << 0, /* make it where it is missing, with tmp/, new/ and cur/ */
};

/*
 * Open a Maildir: name is a relative path below parent_fd ("Maildir", "example.org/ann/Maildir") of
 * directories without symbolic links, "." or "..". With MR_MAILDIR_CREATE missing directories are
 * made, and fsynced into their parents. Without it MR_ENOENT: there is none. MR_EINVAL: name is
 * none of ours; MR_ELIMIT: too long; MR_ETEMP. The caller closes *dir_fd_out.
 */
MR_MUST_USE int mr_maildir_open(int parent_fd, const char *name, unsigned flags, int *dir_fd_out);

/*
 * Open the folder of the Maildir dir_fd that is called name in UTF-8, its levels separated by "."
 * ("Spam", "lists.dev"): the directory ".Spam", ".lists.dev" (Maildir++), in modified UTF-7 (RFC
 * 3501 5.1.3), with the file maildirfolder. "INBOX", in any case, alone, is dir_fd itself. Errors as
 * above; MR_EINVAL: a "/", an empty level (so also ".."), a control character, no UTF-8; MR_ELIMIT:
 * longer than MR_MAILDIR_FOLDER_MAX as a file name, or more than MR_MAILDIR_LEVELS_MAX levels;
 * MR_ENOMEM.
 */
MR_MUST_USE int mr_maildir_folder(int dir_fd, struct mr_span name, unsigned flags,
				  int *folder_fd_out);
#define MR_MAILDIR_FOLDER_MAX 250 /* octets of ".a.b"; a file name has 255 on most systems */
#define MR_MAILDIR_LEVELS_MAX 16 /* as Dovecot's default depth */

/* The name of the folder's directory (".lists.dev"), appended to out, which must have room for
 * MR_MAILDIR_FOLDER_MAX; "" for INBOX. Errors as mr_maildir_folder(); MR_ENOMEM. */
MR_MUST_USE int mr_maildir_folder_name(struct mr_span name, struct mr_buf *out);

/* RFC 3501 5.1.3, appended to out. MR_EINVAL: utf8 is not valid, or holds a control character;
 * MR_ELIMIT, MR_ENOMEM: those of out. */
MR_MUST_USE int mr_maildir_utf7(struct mr_span utf8, struct mr_buf *out);

/* Room for "time.M<usec>P<pid>Q<n>_<random>.host,S=...,W=..." */
#define MR_MAILDIR_NAME_SIZE 256
#define MR_MAILDIR_HOST_MAX  128 /* octets of host that are used, once escaped */

/* A message that is being written. All fields are private, but name after a commit. */
struct mr_maildir_file {
	int dir_fd, tmp_fd, fd; /* the caller's; tmp/; the file in it, or -1 */
	uint64_t size, lines_lf; /* octets; LFs without CR, each of which costs one in W= */
	char last; /* octet, to see a CR LF that came in two pieces */
	int err; /* the first failure of a write: commit returns it */
	bool synced; /* by mr_maildir_sync() */
	char tmp[MR_MAILDIR_NAME_SIZE];
	char name[MR_MAILDIR_NAME_SIZE]; /* in new/; empty before */
};

/*
 * Begin a message: a new file in tmp/ of dir_fd, which stays the caller's and must outlive file.
 * host is this host's name, "/" and ":" in it are escaped (\057, \072). A missing tmp/, new/ or cur/
 * is made again. Returns 0, or MR_ETEMP: then abort has nothing to do, but may be called.
 */
MR_MUST_USE int mr_maildir_begin(int dir_fd, struct mr_span host, struct mr_maildir_file *file_out);

/* Write onto fd, the caller's, and into no mailbox: there is nothing to commit or abort. */
void mr_maildir_onto(int fd, struct mr_maildir_file *file_out);

/* Append to it. After a failure later calls do nothing and return it again. MR_ETEMP. */
MR_MUST_USE int mr_maildir_write(struct mr_maildir_file *file, struct mr_span piece);

/* fsync what was written, for whom more than the mailbox waits; the commit then does not. Nothing is written
 * after it. MR_ETEMP. */
MR_MUST_USE int mr_maildir_sync(struct mr_maildir_file *file);

/*
 * fsync, link into new/ under a name with S= and W=, fsync new/. 0: it is there and survives a power
 * cut. An error: not acknowledged, and the message is not in new/ (unless the last fsync and then
 * its removal fail: two copies after a retry are better than none). MR_ETEMP; after a failure of an
 * earlier call, that one again.
 */
MR_MUST_USE int mr_maildir_commit(struct mr_maildir_file *file);

/* Remove what is in tmp/ and close. Harmless after commit or another abort. */
void mr_maildir_abort(struct mr_maildir_file *file);

/*
 * Deliver pieces, one after the other (fields of the recipient's own, then the content, so that
 * nothing is copied): begin, write, commit, abort. The name in new/ is in name_out, unless that is
 * NULL. MR_ETEMP.
 */
MR_MUST_USE int mr_maildir_deliver(int dir_fd, struct mr_span host, const struct mr_span *pieces,
				   size_t count, char name_out[MR_MAILDIR_NAME_SIZE]);

/*
 * Remove what crashes left in tmp/: plain files not written for MR_MAILDIR_STALE_S before now_s (a
 * wall clock time). Looks at entries_max names at most, so that a mailbox stuffed by its user costs
 * no more. Returns the number of files removed, or MR_ETEMP.
 */
MR_MUST_USE int mr_maildir_sweep(int dir_fd, int64_t now_s, unsigned entries_max);
#define MR_MAILDIR_STALE_S (36 * 3600)

/*
 * Remove the messages of the folder dir_fd, and of no other, that came before before_s: by the time that
 * their names begin with, which copying a Maildir keeps. What is flagged ("F"), has no such time, or
 * is no plain file stays. Looks at names_max names in new/ and as many in cur/. Returns the number of
 * messages removed, or MR_ETEMP.
 */
MR_MUST_USE int mr_maildir_expire(int dir_fd, int64_t before_s, unsigned names_max);

#endif
