#include "lda/lmtpd/lmtp_private.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

#define REPLY_MAX  512 /* RFC 5321 4.5.3.1.5 */
#define OUT_HIGH   65536 /* replies not yet sent: more is not read */
#define ARENA_BASE (256 * 1024) /* of one transaction, and for each recipient: */
#define ARENA_RCPT 4096 /* his settings, and where his mail goes */

void mr_lmtp_say(struct mr_lmtp *s, const char *format, ...)
{
	char line[REPLY_MAX];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 2, format, args);
	va_end(args);
	MR_ASSERT(len > 0);
	if (len > (int)sizeof(line) - 3) /* cut by vsnprintf: a text of ours that is too long */
		len = (int)sizeof(line) - 3;
	line[len] = '\r';
	line[len + 1] = '\n';
	if (mr_buf_add(&s->out, mr_span(line, (size_t)len + 2)) < 0)
		s->closed = true;
}

void mr_lmtp_say_error(struct mr_lmtp *s, const char *text)
{
	mr_lmtp_say(s, "%s", text);
	if (++s->errors >= s->set->lmtp_errors_max) /* allowed: RFC 5321 7.8 */
		mr_lmtp_end(s, "421 4.7.0 Too many errors");
}

static bool in_transaction(const struct mr_lmtp *s)
{
	return s->state >= MR_LMTP_MAIL;
}

void mr_lmtp_reset(struct mr_lmtp *s)
{
	struct mr_lmtp_mail *mail = &s->mail;
	struct mr_arena *arena = mail->arena;
	struct mr_buf content = mail->content;

	if (in_transaction(s)) {
		s->ops->drop(s->ops->arg, mail);
		s->state = MR_LMTP_READY;
	}
	mr_buf_done(&content);
	mr_arena_reset(arena);
	*mail = (struct mr_lmtp_mail){ .set = s->set, .arena = arena, .content = content };
}

void mr_lmtp_end(struct mr_lmtp *s, const char *text)
{
	mr_lmtp_reset(s);
	mr_lmtp_say(s, "%s", text);
	s->closed = true;
}

/* -- content ---------------------------------------------------------------------------------- */

static void told_all(struct mr_lmtp *s, int64_t now_ms)
{
	struct mr_lmtp_mail *mail = &s->mail;

	/* RFC 2033 4.2: one reply for each accepted RCPT, in order, whatever the others got */
	for (size_t i = 0; i < mail->rcpt_count; i++) {
		const struct mr_lmtp_reply *reply = &mail->rcpt[i].reply;

		mr_lmtp_say(s, "%d %s %s", reply->code, reply->status, reply->text);
		s->ops->told(s->ops->arg, mail, &mail->rcpt[i], now_ms);
	}
	s->errors = 0;
	mr_lmtp_reset(s);
}

/* What the delivery never got to see. */
static void refuse_all(struct mr_lmtp *s, int64_t now_ms)
{
	static const struct mr_lmtp_reply large = { 552, "5.3.4", "Message too large" };
	static const struct mr_lmtp_reply full = { 452, "4.3.1", "No space left to store mail" };
	static const struct mr_lmtp_reply failed = { 451, "4.3.0", "Message could not be kept" };
	const struct mr_lmtp_reply *reply = s->mail.err == MR_ELIMIT  ? &large
					    : s->mail.err == MR_EFULL ? &full
								      : &failed;

	for (size_t i = 0; i < s->mail.rcpt_count; i++)
		s->mail.rcpt[i].reply = *reply;
	told_all(s, now_ms);
}

static void content_end(struct mr_lmtp *s, int64_t now_ms)
{
	struct mr_lmtp_mail *mail = &s->mail;

	s->state = MR_LMTP_STORING;
	if (mail->err == 0)
		mail->err = mr_smtp_lf_end(&s->lf, &mail->content);
	if (mail->err == 0)
		s->job = MR_LMTP_JOB_STORE;
	else
		refuse_all(s, now_ms);
}

/* Take content from in; returns how much. Stops at its end, and when there is work to do. */
static size_t content_take(struct mr_lmtp *s, struct mr_span in, int64_t now_ms)
{
	struct mr_lmtp_mail *mail = &s->mail;
	size_t used = 0;

	while (used < in.len && s->job == MR_LMTP_JOB_NONE && !mr_smtp_data_ended(&s->data)) {
		struct mr_span content,
			piece = mr_span_sub(in, used, MR_LMTP_CONTENT_MAX - mail->content.len);

		used += mr_smtp_data_next(&s->data, piece, &content);
		mail->size += content.len;
		/* What is not kept is still read: RFC 5321 4.5.3.1.9 wants the answer at the end. */
		if (mail->err == 0 && mail->size > (uint64_t)s->set->message_size_max)
			mail->err = MR_ELIMIT;
		if (mail->err == 0 && mr_smtp_lf_add(&s->lf, content, &mail->content) < 0)
			mail->err = MR_ENOMEM;
		if (mail->err < 0)
			mr_buf_done(&mail->content);
		if (mail->content.len >= MR_LMTP_CONTENT_MAX)
			s->job = MR_LMTP_JOB_MORE;
	}
	if (mr_smtp_data_ended(&s->data))
		content_end(s, now_ms);
	return used;
}

/* -- bytes ------------------------------------------------------------------------------------ */

/* Do the next command that waits; false: there is none. */
static bool command_next(struct mr_lmtp *s, int64_t now_ms)
{
	struct mr_span line;
	int got = mr_lines_next(&s->lines, &line);

	if (got == MR_ESYNTAX)
		mr_lmtp_end(s, "500 5.5.2 Lines end in CR LF");
	else if (got < 0)
		mr_lmtp_end(s, "500 5.5.2 Line too long");
	if (got <= 0)
		return false;
	s->deadline_ms = now_ms + s->set->lmtp_timeout_ms; /* only a whole line buys time */
	mr_lmtp_command(s, line, now_ms);
	return true;
}

/* A service that ends lets nothing new begin. */
static void stop_if_due(struct mr_lmtp *s)
{
	if (s->stopping && s->job == MR_LMTP_JOB_NONE && !s->closed &&
	    !(s->drain && in_transaction(s)))
		mr_lmtp_end(s, "421 4.3.2 Service ends");
}

/* Go on with what waits, as far as may be. */
static void run(struct mr_lmtp *s, int64_t now_ms)
{
	bool more = true;

	stop_if_due(s);
	while (more && s->job == MR_LMTP_JOB_NONE && !s->closed && s->out.len < OUT_HIGH) {
		if (s->state == MR_LMTP_CONTENT) {
			struct mr_span rest = mr_lines_rest(&s->lines);

			more = rest.len > 0;
			mr_lines_take(&s->lines, content_take(s, rest, now_ms));
		} else {
			more = command_next(s, now_ms);
		}
		stop_if_due(s);
	}
}

void mr_lmtp_input(struct mr_lmtp *s, struct mr_span in, int64_t now_ms)
{
	MR_ASSERT(in.len <= MR_LMTP_INPUT_MAX && mr_lmtp_reads(s));
	if (s->state == MR_LMTP_CONTENT) {
		s->deadline_ms = now_ms + s->set->lmtp_timeout_ms;
		/* Most content is never copied into lines. */
		if (mr_lines_rest(&s->lines).len == 0)
			in = mr_span_sub(in, content_take(s, in, now_ms), in.len);
	}
	if (in.len > 0 && !s->closed && mr_lines_push(&s->lines, in) < 0)
		mr_lmtp_end(s, "421 4.3.0 Out of memory");
	run(s, now_ms);
}

bool mr_lmtp_reads(const struct mr_lmtp *s)
{
	return s->job == MR_LMTP_JOB_NONE && !s->closed && s->out.len < OUT_HIGH;
}

/* -- work ------------------------------------------------------------------------------------- */

bool mr_lmtp_busy(const struct mr_lmtp *s)
{
	return s->job != MR_LMTP_JOB_NONE;
}

void mr_lmtp_work(struct mr_lmtp *s)
{
	struct mr_lmtp_mail *mail = &s->mail;
	int err;

	switch (s->job) {
	case MR_LMTP_JOB_NONE:
		break;
	case MR_LMTP_JOB_RCPT:
		s->ops->rcpt(s->ops->arg, mail, &mail->rcpt[mail->rcpt_count]);
		break;
	case MR_LMTP_JOB_MORE:
		if ((err = s->ops->more(s->ops->arg, mail)) < 0)
			mail->err = err == MR_ELIMIT ? MR_ETEMP : err; /* ELIMIT is our own word */
		mr_buf_reset(&mail->content);
		break;
	case MR_LMTP_JOB_STORE:
		s->ops->store(s->ops->arg, mail);
		break;
	}
}

static void rcpt_answered(struct mr_lmtp *s, int64_t now_ms)
{
	struct mr_lmtp_mail *mail = &s->mail;
	const struct mr_lmtp_rcpt *rcpt = &mail->rcpt[mail->rcpt_count];

	mr_lmtp_say(s, "%d %s %s", rcpt->reply.code, rcpt->reply.status, rcpt->reply.text);
	if (rcpt->reply.code >= 300) {
		s->ops->told(s->ops->arg, mail, rcpt, now_ms);
	} else {
		mail->rcpt_count++;
		s->state = MR_LMTP_RCPT;
	}
}

void mr_lmtp_worked(struct mr_lmtp *s, int64_t now_ms)
{
	enum mr_lmtp_job job = s->job;

	s->job = MR_LMTP_JOB_NONE;
	s->deadline_ms = now_ms + s->set->lmtp_timeout_ms;
	if (job == MR_LMTP_JOB_RCPT)
		rcpt_answered(s, now_ms);
	else if (job == MR_LMTP_JOB_STORE)
		told_all(s, now_ms);
	run(s, now_ms);
}

/* -- time, output, life ----------------------------------------------------------------------- */

int64_t mr_lmtp_deadline_ms(const struct mr_lmtp *s)
{
	return mr_lmtp_busy(s) || s->closed ? INT64_MAX : s->deadline_ms;
}

void mr_lmtp_tick(struct mr_lmtp *s, int64_t now_ms)
{
	if (now_ms >= mr_lmtp_deadline_ms(s))
		mr_lmtp_end(s, "421 4.4.2 Time-out"); /* RFC 5321 3.8, RFC 3463 3.5 */
}

struct mr_span mr_lmtp_output(const struct mr_lmtp *s)
{
	return mr_buf_span(&s->out);
}

void mr_lmtp_sent(struct mr_lmtp *s, size_t n, int64_t now_ms)
{
	mr_buf_drop(&s->out, n);
	if (s->out.len == 0)
		mr_buf_done(&s->out);
	if (!s->closed)
		run(s, now_ms); /* it may have waited for room */
}

bool mr_lmtp_closed(const struct mr_lmtp *s)
{
	return s->closed;
}

void mr_lmtp_stop(struct mr_lmtp *s, bool drain, int64_t now_ms)
{
	s->stopping = true;
	s->drain = drain;
	run(s, now_ms);
}

bool mr_lmtp_idle(const struct mr_lmtp *s)
{
	return s->job == MR_LMTP_JOB_NONE && !in_transaction(s);
}

void mr_lmtp_set(struct mr_lmtp *s, const struct mr_settings *set)
{
	MR_ASSERT(mr_lmtp_idle(s));
	s->set = s->mail.set = set;
}

struct mr_lmtp *mr_lmtp_new(const struct mr_settings *set, const char *name,
			    const struct mr_lmtp_ops *ops, int64_t now_ms)
{
	size_t rcpts = (size_t)set->lmtp_recipients_max;
	struct mr_lmtp *s = mr_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->set = s->mail.set = set;
	s->name = name;
	s->ops = ops;
	s->mail.arena = mr_arena_new(ARENA_BASE + rcpts * ARENA_RCPT);
	mr_lines_init(&s->lines, (size_t)set->lmtp_line_max,
		      (size_t)set->lmtp_line_max + 2 + MR_LMTP_INPUT_MAX);
	mr_buf_init(&s->out, OUT_HIGH + (rcpts + 16) * REPLY_MAX);
	mr_buf_init(&s->mail.content, MR_LMTP_CONTENT_MAX + 1);
	s->deadline_ms = now_ms + set->lmtp_timeout_ms;
	if (s->mail.arena)
		mr_lmtp_say(s, "220 %s LMTP", name);
	if (!s->mail.arena || s->closed) {
		mr_lmtp_free(s);
		return NULL;
	}
	return s;
}

void mr_lmtp_free(struct mr_lmtp *s)
{
	if (!s)
		return;
	if (in_transaction(s))
		s->ops->drop(s->ops->arg, &s->mail);
	mr_buf_done(&s->mail.content);
	mr_arena_free(s->mail.arena);
	mr_lines_done(&s->lines);
	mr_buf_done(&s->out);
	mr_free(s);
}
