/*
 * lmtp: the server's side of one LMTP conversation (RFC 2033), as pure logic: bytes and time are
 * handed in, replies are fetched, and what may block is a piece of work that the caller runs where
 * it likes. The loop in server.c is one caller; the tests and the fuzzer are others.
 *
 *	mr_lmtp_input(s, bytes, now);		loop's thread
 *	if (mr_lmtp_busy(s)) {
 *		mr_lmtp_work(s);		any thread; nothing else is called meanwhile
 *		mr_lmtp_worked(s, now);		loop's thread; goes on with what was pipelined
 *	}
 *	send(mr_lmtp_output(s)); mr_lmtp_sent(s, n);
 *
 * A message's content is passed on in pieces of at most MR_LMTP_CONTENT_MAX octets, so a connection
 * costs less than 200 KiB whatever is sent (a message that is judged anew: 16 MiB while that lasts). Recipients cost arena, up to lmtp_recipients_max.
 */
#ifndef LMTP_H
#define LMTP_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_buf.h"
#include "lib/net/mr_smtp.h"
#include "lib/run/mr_settings.h"

#define MR_LMTP_INPUT_MAX   65536 /* octets of one mr_lmtp_input() */
#define MR_LMTP_CONTENT_MAX 131070 /* octets of content kept in memory */

/* What is answered for a recipient: "550 5.1.1 No such user". */
struct mr_lmtp_reply {
	int code;
	const char *status; /* RFC 3463, static */
	const char *text; /* printable ASCII; static, or in the arena of the mail */
};

struct mr_lmtp_rcpt {
	struct mr_smtp_path path;
	struct mr_lmtp_reply reply; /* at first of RCPT, then of the delivery */
	const char *folder; /* where it went, for the log; NULL: nowhere */
	/* Its points for him, and those for all where his are others; for the log; NULL: none */
	const char *score, *shared;
	/* From how many points it is spam for him; what decided where it goes, "friend"; the entry of a
	 * list that did. NULL: none */
	const char *threshold, *reason, *entry;
	void *memo; /* of the delivery, in the arena */
};

/* One mail transaction. */
struct mr_lmtp_mail {
	const struct mr_settings *set; /* in force for this message */
	struct mr_arena *arena;
	struct mr_smtp_mail mail;
	/* XFORWARD: empty where the MTA did not tell */
	struct mr_span queue_id, client_addr, client_name, helo;
	struct mr_lmtp_rcpt *rcpt;
	size_t rcpt_count, rcpt_room; /* accepted ones */
	/* Content with LF for CR LF, not yet taken. All of it where size is small. */
	struct mr_buf content;
	uint64_t size; /* octets as they came */
	int err; /* content could not be kept: MR_ELIMIT: too large; MR_EFULL, MR_ENOMEM, MR_ETEMP */
	int64_t start_ms; /* of MAIL */
	void *memo; /* of the delivery */
};

/*
 * The delivery behind it. The first three may block, and run inside mr_lmtp_work(); the others must
 * not, and run in the calls of the loop.
 */
struct mr_lmtp_ops {
	/* May mail for rcpt come? Sets rcpt->reply: 2xx, or why not. */
	void (*rcpt)(void *arg, struct mr_lmtp_mail *mail, struct mr_lmtp_rcpt *rcpt);
	/* content is full: keep it elsewhere. The caller empties it. < 0: mail->err. */
	int (*more)(void *arg, struct mr_lmtp_mail *mail);
	/* The content is complete: set the reply of every recipient. */
	void (*store)(void *arg, struct mr_lmtp_mail *mail);
	/* The last word about rcpt was said: at RCPT, or after the content. */
	void (*told)(void *arg, const struct mr_lmtp_mail *mail, const struct mr_lmtp_rcpt *rcpt,
		     int64_t now_ms);
	/* The transaction is over, whether stored or not: release memo. */
	void (*drop)(void *arg, struct mr_lmtp_mail *mail);
	void *arg;
};

struct mr_lmtp;

/* name: of this host, for the greeting; all must outlive it. NULL: out of memory. */
MR_MUST_USE struct mr_lmtp *mr_lmtp_new(const struct mr_settings *set, const char *name,
					const struct mr_lmtp_ops *ops, int64_t now_ms);
/* Not while mr_lmtp_work() runs; work that waits is given up. NULL is allowed. */
void mr_lmtp_free(struct mr_lmtp *s);

/* At most MR_LMTP_INPUT_MAX octets, only while mr_lmtp_reads(). */
void mr_lmtp_input(struct mr_lmtp *s, struct mr_span in, int64_t now_ms);
/* It wants to be fed: neither busy nor closed, and its replies are being fetched. */
bool mr_lmtp_reads(const struct mr_lmtp *s);

/* There is work; the deadline does not count meanwhile. */
bool mr_lmtp_busy(const struct mr_lmtp *s);
void mr_lmtp_work(struct mr_lmtp *s);
void mr_lmtp_worked(struct mr_lmtp *s, int64_t now_ms);

/* When mr_lmtp_tick() is due at the latest; INT64_MAX: not. */
int64_t mr_lmtp_deadline_ms(const struct mr_lmtp *s);
void mr_lmtp_tick(struct mr_lmtp *s, int64_t now_ms);

/* What is to be sent; its first n octets were. */
struct mr_span mr_lmtp_output(const struct mr_lmtp *s);
void mr_lmtp_sent(struct mr_lmtp *s, size_t n, int64_t now_ms);
/* Send the rest, then close. */
bool mr_lmtp_closed(const struct mr_lmtp *s);

/*
 * The service ends: 421 as soon as may be. A delivery under way is finished and answered first; with
 * drain a transaction begun is, too.
 */
void mr_lmtp_stop(struct mr_lmtp *s, bool drain, int64_t now_ms);

/* Between two transactions: the settings may be exchanged. */
bool mr_lmtp_idle(const struct mr_lmtp *s);
void mr_lmtp_set(struct mr_lmtp *s, const struct mr_settings *set);

#endif
