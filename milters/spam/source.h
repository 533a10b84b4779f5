/*
 * source: messages in files, folders, Maildirs and mboxes, one after another, for commands that read
 * many. One thread.
 *
 * A path is a file with one message; a file whose first line is "From sender date": an mbox (RFC 4155;
 * ">From " at the start of a line loses its ">"); a Maildir (a folder with cur and new): what lies in
 * these two, folders inside it not; any other folder: all files below it, hidden ones not; "-": the
 * message, or the mbox, on standard input.
 */
#ifndef MR_SPAM_SOURCE_H
#define MR_SPAM_SOURCE_H

#include "lib/base/mr_arena.h"

#define MR_SPAM_SOURCE_FILES_MAX 10000000
#define MR_SPAM_SOURCE_SIZE_MAX  ((size_t)2 << 30) /* of all names together */

struct mr_spam_source;

/* NULL: out of memory. */
MR_MUST_USE struct mr_spam_source *mr_spam_source_new(void);
void mr_spam_source_free(struct mr_spam_source *s);
MR_AUTO_DECLARE(mr_spam_source, mr_spam_source_free)

/* Find the files of path; tag comes back with each message. MR_ENOENT, MR_EPERM, MR_ETEMP: path
 * can't be read; MR_ELIMIT: too many; MR_ENOMEM; MR_EEXIST: standard input was given already. */
MR_MUST_USE int mr_spam_source_add(struct mr_spam_source *s, const char *path, int tag);
/* Read names of files, one a line, from standard input. Errors as above. */
MR_MUST_USE int mr_spam_source_add_list(struct mr_spam_source *s, int tag);
size_t mr_spam_source_files(const struct mr_spam_source *s);

struct mr_spam_item {
	const char *name; /* the file or "-", of an mbox "FILE:N", N from 1 */
	struct mr_span raw;
	int tag;
	int err; /* < 0: the file can't be read, raw is empty */
	size_t file; /* how many files were finished before this one */
};

/* Call each() with every message, folders in the order of their names. A value other than 0 ends the
 * walk and is returned. MR_ENOMEM. */
typedef int mr_spam_item_fn(void *arg, const struct mr_spam_item *item);
MR_MUST_USE int mr_spam_source_each(const struct mr_spam_source *s, mr_spam_item_fn *each,
				    void *arg);

#endif
