/*
 * mr_own: mail of our own (warnings, notices, vacation replies, forwards) goes to the MTA by SMTP, to the
 * listener that the setting `reinject` names; nobody runs sendmail(1), which a sandbox forbids. Blocks on
 * the MTA, so it is for a pool's threads. A program that sends has MR_SANDBOX_OWN in its table, and refuses
 * a reload that changes `reinject`.
 *
 *	mr_letter_put(&text, &letter);
 *	err = mr_own_send(own, &(struct mr_own_mail){ .to = &to, .to_count = 1,
 *						      .head = mr_buf_span(&text) }, &answer);
 *
 * A message is taken for all its recipients or for none. An MTA that does not answer must not take
 * all threads of a pool with it: of those that wait there are at_a_time at most, and when one waited in
 * vain, nobody tries for MR_OWN_REST_MS.
 */
#ifndef MR_OWN_H
#define MR_OWN_H

#include "lib/base/mr_buf.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_smtp_client.h"

/* RFC 5321 4.5.3.2 has minutes for each command: ours are for all, since an MTA waits behind us. */
#define MR_OWN_SEND_MS  60000 /* from connecting to the end of the content */
#define MR_OWN_FINAL_MS 240000 /* for the answer to it */
#define MR_OWN_QUICK_MS 5000 /* in place of both, for what is not that important */
#define MR_OWN_REST_MS  10000

struct mr_own;

/*
 * reinject: the setting: HOST:PORT, HOST an address or "localhost", or unix:PATH; "": there is none. host: our name,
 * for EHLO. NULL: out of memory.
 */
MR_MUST_USE struct mr_own *mr_own_new(const char *reinject, const char *host, unsigned at_a_time,
				      struct mr_clock clock);
/* The same for the setting lmtp_handover: a server that delivers, by LMTP. */
MR_MUST_USE struct mr_own *mr_own_new_lmtp(const char *handover, const char *host,
					   unsigned at_a_time, struct mr_clock clock);
/* NULL is allowed. */
void mr_own_free(struct mr_own *own);
MR_AUTO_DECLARE(mr_own, mr_own_free)

/* For a program's check(): MR_EINVAL: not HOST:PORT (or ""), error says so. */
MR_MUST_USE int mr_own_check(const char *reinject, struct mr_buf *error);
MR_MUST_USE int mr_own_check_lmtp(const char *handover, struct mr_buf *error);
/* There is somewhere to send to. What needs it can be refused where it is set; NULL: no. */
bool mr_own_able(const struct mr_own *own);
/* Our name, as it was given. */
const char *mr_own_host(const struct mr_own *own);

struct mr_own_mail {
	struct mr_span from; /* of the envelope, as mr_smtp_path.text; empty: the null sender */
	const struct mr_span *to; /* as mr_smtp_path.text */
	size_t to_count;
	bool utf8; /* a header field needs SMTPUTF8; of addresses we see it */
	bool quick; /* less patience, for what is sent while somebody else waits, and may be left */
	uint64_t size; /* about; 0: not known */
	struct mr_span head; /* all of it, or what goes before the content: whole lines */
	mr_smtp_read_fn *read; /* the content; NULL: none but head */
	void *arg;
};

/* What became of it, for a reply or the log. */
struct mr_own_answer {
	int code; /* 250, or 4xx or 5xx: the MTA's, or ours */
	char status[12]; /* "4.4.1" */
	char text[200]; /* one line of printable ASCII */
};

/*
 * Send. Returns 0: the MTA has it, for all recipients; MR_EPERM: it was refused for good (5xx);
 * MR_ETEMP: it was refused for now, there is no answer, or no `reinject`: the same mail may be tried again,
 * and in rare cases arrives twice (mr_smtp_client.h); MR_ENOMEM, and what read() returned. answer_out, if
 * not NULL, is set in any case. Any thread.
 */
MR_MUST_USE int mr_own_send(struct mr_own *own, const struct mr_own_mail *mail,
			    struct mr_own_answer *answer_out);

#endif
