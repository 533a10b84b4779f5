/*
 * content: what is kept of a message while it is delivered: its octets, in memory and, of a large one,
 * in a file without a name below mail_dir; and what its header says. It is mail->memo.
 *
 * One thread at a time, a thread of the pool.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include "lda/lmtpd/head.h"
#include "lda/lmtpd/judge.h"
#include "lda/lmtpd/lmtp.h"
#include "lib/base/mr_io.h"
#include "lib/mail/mr_maildir.h"

#define MR_CONTENT_SUBJECT_MAX 1000 /* octets of Subject that are kept */

struct mr_origin;
struct mr_vacation_mail;
struct mr_content {
	bool spam; /* as the milter said it, and we believe */
	/* Their values are in the arena of the mail; subject's is cut. */
	struct mr_head_field flag, score, status, subject;
	int write_fd, read_fd; /* of the file; -1: all is in mail->content */
	size_t spooled; /* octets in it; the rest is in mail->content */
	struct mr_map map; /* private: of the whole, once asked for */
	struct mr_judge_message judged; /* what the judge keeps of it */
	/* Fields that only we write: they are left out of every copy. NULL: too many to do so. */
	const struct mr_head_field *foreign;
	size_t foreign_count;
	const struct mr_origin *origin; /* what lists.c has read of it; NULL: nothing yet */
	const struct mr_vacation_mail *vacation; /* for answers; NULL: nobody wants any */
};

/*
 * The content of mail, made at the first piece, in which the header then is; head_out, if not NULL,
 * is what it says, and *made_out tells that this was the first call. NULL: out of memory.
 */
MR_MUST_USE struct mr_content *mr_content_of(struct mr_lmtp_mail *mail, struct mr_head *head_out,
					     bool *made_out);

/* Put mail->content into the file, which is made below dir_fd. Errors as in mr_io.h. */
MR_MUST_USE int mr_content_spool(struct mr_lmtp_mail *mail, struct mr_content *c, int dir_fd);

/* A file for octets that need not outlive us: below dir_fd, beside the mailboxes, so that a full disk is met
 * here, and without a name, so that a crash leaves nothing. On failure either descriptor may be set. */
MR_MUST_USE int mr_content_scratch(int dir_fd, int *write_fd_out, int *read_fd_out);

/* Remove what a crash between making a file and taking its name away left below dir_fd; at the start.
 * How many, or an error. */
MR_MUST_USE int mr_content_sweep(int dir_fd);

/* How many octets there are. */
size_t mr_content_size(const struct mr_lmtp_mail *mail);

/* Append the octets from and up to (but without) to, to file. MR_ETEMP, MR_EFULL. */
MR_MUST_USE int mr_content_copy(const struct mr_lmtp_mail *mail, size_t from, size_t to,
				struct mr_maildir_file *file);

/* Copy up to size octets from offset from on to to; none at the end. MR_ETEMP. */
MR_MUST_USE int mr_content_read(const struct mr_lmtp_mail *mail, size_t from, char *to, size_t size,
				size_t *len_out);

/* All of it in one piece, until the mail is dropped. MR_ETEMP, MR_EFULL, MR_ENOMEM. */
MR_MUST_USE int mr_content_whole(struct mr_lmtp_mail *mail, struct mr_span *whole_out);

/* Release all but what the judge keeps. */
void mr_content_done(struct mr_content *c);

#endif
