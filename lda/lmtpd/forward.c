#include "lda/lmtpd/forward.h"

#include "lda/lmtpd/content.h"
#include "lda/lmtpd/deliver.h"
#include "lib/base/mr_err.h"

#define HEAD_MAX (2 * 131072) /* two fields, each with an address */

static const struct mr_lmtp_reply no_memory = { 451, "4.3.0", "Out of memory" };

int mr_forward_wanted(struct mr_target *target, struct mr_arena *arena)
{
	struct mr_span one, rest = target->settings.forward;
	struct mr_span own = target->address;

	target->keep = true;
	if (rest.len == 0)
		return 0;
	target->onward = mr_arena_array(arena, MR_FORWARD_MAX, sizeof(*target->onward));
	if (!target->onward)
		return MR_ENOMEM;
	target->keep = target->settings.forward_keep;
	while (rest.len > 0 && target->onward_count < MR_FORWARD_MAX) {
		(void)mr_span_split(rest, ',', &one, &rest);
		one = mr_span_trim(one);
		/* Who forwards to himself keeps a copy. */
		if (mr_span_eq_nocase(one, own))
			target->keep = true;
		else if (one.len > 0)
			target->onward[target->onward_count++] = one;
	}
	return 0;
}

/* -- the transaction -------------------------------------------------------------------------- */

struct reading {
	const struct mr_lmtp_mail *mail;
	size_t at;
};

static int read_content(void *arg, char *to, size_t size, size_t *len_out)
{
	struct reading *r = arg;
	int err = mr_content_read(r->mail, r->at, to, size, len_out);

	if (err == 0)
		r->at += *len_out;
	return err;
}

static int head_put(const struct mr_target *target, struct mr_buf *out)
{
	(void)mr_buf_adds(out, "Delivered-To: ");
	(void)mr_buf_add(out, target->address);
	(void)mr_buf_adds(out, "\nX-Millrace-Forward: ");
	(void)mr_buf_add(out, target->address);
	(void)mr_buf_adds(out, "\n");
	return mr_buf_err(out);
}

/* The text is for our MTA's log, and for the bounce if there is one. */
static void reply_from(const struct mr_own_answer *answer, struct mr_arena *arena,
		       struct mr_lmtp_reply *reply_out)
{
	bool taken = answer->code < 300;
	const char *status = mr_arena_printf(arena, "%s", taken ? "2.0.0" : answer->status);
	const char *text =
		mr_arena_printf(arena, "%s: %s", taken ? "Sent on" : "Not sent on", answer->text);

	*reply_out = no_memory;
	if (taken) /* even where there is no memory for a nicer text */
		*reply_out = (struct mr_lmtp_reply){ 250, "2.0.0", "Sent on" };
	if (!status || !text)
		return;
	/* RFC 5321 3.8: 421 is about a connection, and ours goes on. */
	*reply_out =
		(struct mr_lmtp_reply){ answer->code == 421 ? 451 : answer->code, status, text };
}

bool mr_forward(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
		const struct mr_target *target, struct mr_lmtp_reply *reply_out)
{
	struct reading reading = { .mail = mail };
	MR_AUTO_BUF head = MR_BUF(HEAD_MAX);
	struct mr_own_mail own = {
		.from = mail->mail.from.text,
		.to = target->onward,
		.to_count = target->onward_count,
		.utf8 = mail->mail.smtputf8,
		.read = read_content,
		.arg = &reading,
	};
	struct mr_own_answer answer;
	int err = head_put(target, &head);

	if (err < 0) {
		*reply_out = no_memory;
		return false;
	}
	own.head = mr_buf_span(&head);
	own.size = mr_content_size(mail) + head.len;
	err = mr_own_send(d->own, &own, &answer);
	reply_from(&answer, mail->arena, reply_out);
	return err == 0;
}
