#include "lda/lmtpd/forward.h"

#include "lda/lmtpd/content.h"
#include "lda/lmtpd/deliver.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"
#include "lib/run/mr_srs_ask.h"

#define HEAD_MAX (2 * 131072) /* two fields, each with an address */

static const struct mr_lmtp_reply no_memory = { 451, "4.3.0", "Out of memory" };
static const struct mr_lmtp_reply no_sender = { 451, "4.3.0", "Sender cannot be rewritten now" };
static const struct mr_lmtp_reply too_long = { 550, "5.1.7", "Sender is too long to be rewritten" };

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

bool mr_forward_goes(struct mr_target *target, bool spam)
{
	if (spam && !target->settings.forward_spam && !target->bounce)
		target->onward_count = target->ours_count;
	return target->onward_count > 0;
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

static bool is_ours(const struct mr_deliver *d, struct mr_span domain, int *err_out)
{
	int err = d->directory.names.domain(d->directory.names.arg, domain);

	if (err < 0 && err != MR_ENOENT && err != MR_EINVAL && err != MR_ELIMIT)
		*err_out = err;
	return err == 0;
}

/* One of them is not ours: the sender's SPF would be asked there, and our address is not in it. */
static bool leads_outside(const struct mr_deliver *d, const struct mr_target *target, int *err_out)
{
	struct mr_span local, domain;

	for (size_t i = 0; i < target->onward_count; i++) {
		if (mr_name_split(target->onward[i], &local, &domain) == 0 &&
		    !is_ours(d, domain, err_out))
			return true;
	}
	return false;
}

/* The sender that it goes on with: SRS for a stranger's mail to strangers, else as it is. */
static int sender_of(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
		     const struct mr_target *target, struct mr_span *sender_out)
{
	const struct mr_smtp_path *from = &mail->mail.from;
	int err = 0;

	*sender_out = from->text;
	if (!mr_srs_ask_able(mail->set) || from->domain.len == 0 ||
	    !leads_outside(d, target, &err) || is_ours(d, from->domain, &err) || err < 0)
		return err;
	return mr_srs_ask_forward(mail->set, from->local, from->domain,
				  d->clock.time_s(d->clock.arg), mail->arena, sender_out);
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
void mr_forward_reply(const struct mr_own_answer *answer, const char *done, const char *not_done,
		      struct mr_arena *arena, struct mr_lmtp_reply *reply_out)
{
	bool taken = answer->code < 300;
	const char *status = mr_arena_printf(arena, "%s", taken ? "2.0.0" : answer->status);
	const char *text = mr_arena_printf(arena, "%s: %s", taken ? done : not_done, answer->text);

	*reply_out = no_memory;
	if (taken) /* even where there is no memory for a nicer text */
		*reply_out = (struct mr_lmtp_reply){ 250, "2.0.0", done };
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
		.to = target->onward,
		.to_count = target->onward_count,
		.utf8 = mail->mail.smtputf8,
		.read = read_content,
		.arg = &reading,
	};
	struct mr_own_answer answer;
	int err = head_put(target, &head);

	if (err == 0)
		err = sender_of(d, mail, target, &own.from);
	if (err < 0) {
		*reply_out = err == MR_ENOMEM ? no_memory : err == MR_ELIMIT ? too_long : no_sender;
		return false;
	}
	own.head = mr_buf_span(&head);
	own.size = mr_content_size(mail) + head.len;
	err = mr_own_send(d->own, &own, &answer);
	mr_forward_reply(&answer, "Sent on", "Not sent on", mail->arena, reply_out);
	return err == 0;
}
