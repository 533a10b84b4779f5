/*
 * mr_mta: the other side of a milter: an MTA for tests, which speaks the milter protocol as Postfix
 * and sendmail do (libmilter's mfdef.h names its parts). It says what the milter answered as text,
 * so a conversation is compared with a string.
 */
#ifndef MR_MTA_H
#define MR_MTA_H

#include "lib/base/mr_buf.h"

/* What Postfix 3.7 and sendmail 8.17 offer, and an MTA of protocol 2. */
#define MR_MTA_STEPS     0x001FFFFFu
#define MR_MTA_STEPS_OLD 0x0000007Fu
#define MR_MTA_ACTIONS   0x000001FFu

struct mr_mta {
	int fd;
	unsigned offered, steps; /* negotiated: what was offered, and what was chosen */
	unsigned actions; /* negotiated */
	bool bytewise; /* each octet is sent by itself */
	bool burst; /* what needs no answer is sent in one go, as Postfix does */
	struct mr_buf out; /* private */
};

struct mr_mta_mail {
	const char *addr, *host, *helo; /* of the connection; addr: "192.0.2.1", "IPv6:..." */
	const char *from; /* argument of MAIL: "<a@b>"; further ones after a blank */
	const char *const *rcpt; /* ended by NULL */
	const char *queue_id, *auth;
	struct mr_span message; /* header, empty line, body; line endings LF or CR LF */
};

/* "unix:PATH" or "inet:PORT@127.0.0.1". Waits up to five seconds for somebody to listen. */
int mr_mta_open(struct mr_mta *mta, const char *socket);
void mr_mta_close(struct mr_mta *mta);

/* Each appends what the milter answered to said, and returns 0, or MR_ECLOSED, MR_ETEMP (nothing
 * came within 10 s), MR_ESYNTAX: an answer where none may come, or none of the protocol. */
int mr_mta_negotiate(struct mr_mta *mta, unsigned actions, unsigned steps);
/* CONNECT and HELO. */
int mr_mta_connect(struct mr_mta *mta, const struct mr_mta_mail *mail, struct mr_buf *said);
/* MAIL, RCPT, DATA: "mail reject 550 ...", "rcpt continue"; only where an answer is promised. */
int mr_mta_envelope(struct mr_mta *mta, const struct mr_mta_mail *mail, struct mr_buf *said);
/* The header, up to and without the end. */
int mr_mta_header(struct mr_mta *mta, const struct mr_mta_mail *mail, struct mr_buf *said);
int mr_mta_body(struct mr_mta *mta, struct mr_span body, struct mr_buf *said);
/* The end of the message without waiting for the answer, and the answer: a line for each action, as
 * mr_actions_print() has it, then "continue", "reply 550 ...", "reject", "tempfail", "discard". */
int mr_mta_end(struct mr_mta *mta, const struct mr_mta_mail *mail);
int mr_mta_answer(struct mr_mta *mta, struct mr_buf *said);
/* Envelope, header, body, end, answer. */
int mr_mta_mail(struct mr_mta *mta, const struct mr_mta_mail *mail, struct mr_buf *said);
int mr_mta_abort(struct mr_mta *mta);
/* End of the connection ('Q'), or of the SMTP session, with another to come ('K'). */
int mr_mta_quit(struct mr_mta *mta, char command);

#endif
