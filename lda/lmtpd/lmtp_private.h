/* lmtp_private: what lmtp.c (bytes, time, work) and lmtp_commands.c (the words) share. */
#ifndef LMTP_PRIVATE_H
#define LMTP_PRIVATE_H

#include "lda/lmtpd/lmtp.h"
#include "lib/net/mr_lines.h"

enum mr_lmtp_state {
	MR_LMTP_NEW, /* greeted, no LHLO yet */
	MR_LMTP_READY, /* no transaction */
	MR_LMTP_MAIL, /* MAIL was accepted */
	MR_LMTP_RCPT, /* and a recipient */
	MR_LMTP_CONTENT, /* between 354 and the end of content */
	MR_LMTP_STORING, /* the end was met */
};

enum mr_lmtp_job { MR_LMTP_JOB_NONE, MR_LMTP_JOB_RCPT, MR_LMTP_JOB_MORE, MR_LMTP_JOB_STORE };

struct mr_lmtp {
	const struct mr_settings *set;
	const char *name;
	const struct mr_lmtp_ops *ops;
	enum mr_lmtp_state state;
	enum mr_lmtp_job job;
	bool closed, stopping, drain;
	unsigned errors; /* since the last message */
	int64_t deadline_ms;
	struct mr_lines lines;
	struct mr_buf out;
	struct mr_lmtp_mail mail;
	struct mr_smtp_data data;
	struct mr_smtp_lf lf;
};

/* Append a line to what is sent. One that cannot be kept closes: the client will ask again. */
void mr_lmtp_say(struct mr_lmtp *s, const char *format, ...) MR_PRINTF(2, 3);
/* The same, and it counts for lmtp_errors_max. */
void mr_lmtp_say_error(struct mr_lmtp *s, const char *text);
/* End the transaction, stored or not. */
void mr_lmtp_reset(struct mr_lmtp *s);
/* Say the last word, then close. */
void mr_lmtp_end(struct mr_lmtp *s, const char *text);
/* Do one command. */
void mr_lmtp_command(struct mr_lmtp *s, struct mr_span line, int64_t now_ms);

#endif
