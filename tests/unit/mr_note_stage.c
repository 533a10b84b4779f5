#include "tests/unit/mr_note_stage.h"

#include <poll.h>
#include <stdatomic.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

#define SLOW_MS 400

struct note_state {
	int number; /* which open() made it, from 1 */
};

static atomic_int opened;

static int note_open(const struct mr_settings *set, void **state_out)
{
	struct note_state *state = mr_malloc(sizeof(*state));

	(void)set;
	if (!state)
		return MR_ENOMEM;
	state->number = atomic_fetch_add(&opened, 1) + 1;
	*state_out = state;
	return 0;
}

static void note_close(void *state)
{
	struct note_state *s = state;

	s->number = -1; /* a message that still used it would say so */
	mr_free(s);
}

static int note_connect(struct mr_ctx *ctx, const struct mr_envelope *env, struct mr_actions *acts)
{
	(void)ctx;
	if (mr_span_eq(env->helo, MR_SPAN("bad.example")))
		return mr_act_reject(acts, "5.7.1", "Not from there");
	if (mr_span_eq(env->helo, MR_SPAN("fail.example")))
		return MR_ETEMP;
	return 0;
}

static int note_rcpt(struct mr_ctx *ctx, const struct mr_envelope *env, struct mr_span rcpt,
		     struct mr_actions *acts)
{
	(void)ctx;
	(void)env;
	if (mr_span_has_prefix(rcpt, MR_SPAN("nobody@")))
		return mr_act_reject(acts, "5.1.1", "Nobody");
	if (mr_span_has_prefix(rcpt, MR_SPAN("later@")))
		return mr_act_tempfail(acts, "4.2.1", "Later");
	return 0;
}

static struct mr_span field_value(const struct mr_field *f)
{
	return mr_span_trim(f->value);
}

static int add_env(struct mr_ctx *ctx, const struct mr_envelope *env, struct mr_actions *acts)
{
	const char *text = mr_arena_printf(
		ctx->arena, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%zu|%d", (int)env->queue_id.len,
		env->queue_id.p, (int)env->client_addr.len, env->client_addr.p,
		(int)env->client_name.len, env->client_name.p, (int)env->helo.len, env->helo.p,
		(int)env->mail_from.len, env->mail_from.p, (int)env->auth_user.len,
		env->auth_user.p, env->rcpt_count > 0 ? (int)env->rcpt[0].len : 0,
		env->rcpt_count > 0 ? env->rcpt[0].p : "", env->rcpt_count, env->smtputf8);

	return text ? mr_act_add(acts, "X-Env", text) : MR_ENOMEM;
}

static int act_on(struct mr_ctx *ctx, const struct mr_mail *mail, struct mr_span word,
		  struct mr_actions *acts)
{
	int err;

	if (mr_span_eq(word, MR_SPAN("change")))
		return mr_act_change(acts, "Subject", 1, "changed\n and folded");
	if (mr_span_eq(word, MR_SPAN("empty")))
		return mr_act_change(acts, "Subject", 1, "");
	if (mr_span_eq(word, MR_SPAN("add8")))
		return mr_act_add(acts, "X-Raw", "\xe4\xf6 \xc3\xa4");
	if (mr_span_eq(word, MR_SPAN("body")))
		return mr_act_body(acts, MR_SPAN("another\r\nbody\r\n"));
	if (mr_span_eq(word, MR_SPAN("rcpts"))) {
		err = mr_act_rcpt_add(acts, MR_SPAN("new@example.org"));
		return err < 0 ? err : mr_act_rcpt_remove(acts, MR_SPAN("old@example.org"));
	}
	if (mr_span_eq(word, MR_SPAN("reject")))
		return mr_act_reject(acts, "5.7.1", "100% no\nand %s never");
	if (mr_span_eq(word, MR_SPAN("tempfail")))
		return mr_act_tempfail(acts, "4.7.1", "Later");
	if (mr_span_eq(word, MR_SPAN("discard")))
		mr_act_discard(acts);
	if (mr_span_eq(word, MR_SPAN("fail")))
		return MR_ETEMP;
	if (mr_span_eq(word, MR_SPAN("slow")))
		(void)poll(NULL, 0, SLOW_MS);
	if (mr_span_eq(word, MR_SPAN("env")))
		return add_env(ctx, mail->env, acts);
	return 0;
}

static int note_message(struct mr_ctx *ctx, const struct mr_mail *mail, struct mr_actions *acts)
{
	const struct note_state *state = ctx->state;
	const struct mr_field *f = mr_msg_field(mail->msg, 0, MR_SPAN("X-Do"));
	const char *text = mr_arena_printf(ctx->arena, "seen %zu by %d", mail->msg->raw.len,
					   state ? state->number : 0);
	int err = text ? mr_act_replace(acts, mail->msg, "X-Note", text) : MR_ENOMEM;

	for (; f && err == 0; f = mr_msg_field_next(mail->msg, 0, f))
		err = act_on(ctx, mail, field_value(f), acts);
	return err;
}

static int note_failed(struct mr_ctx *ctx, const struct mr_mail *mail, int err,
		       struct mr_actions *acts)
{
	(void)ctx;
	if (!mail->msg || err != MR_ELIMIT)
		return err;
	return mr_act_replace(acts, mail->msg, "X-Note", "too large");
}

static int quiet_message(struct mr_ctx *ctx, const struct mr_mail *mail, struct mr_actions *acts)
{
	int err = mr_act_replace(acts, mail->msg, "X-Note", "seen");

	(void)ctx;
	return err < 0 ? err : mr_act_note(acts, "parts=%u", mail->msg->part_count);
}

const struct mr_stage mr_note_stage = {
	.name = "note",
	.needs = MR_NEED_BODY,
	.may = MR_MAY_FIELDS | MR_MAY_BODY | MR_MAY_RCPT | MR_MAY_REJECT | MR_MAY_DISCARD,
	.open = note_open,
	.close = note_close,
	.connect = note_connect,
	.rcpt = note_rcpt,
	.message = note_message,
	.failed = note_failed,
};

const struct mr_stage mr_note_quiet_stage = {
	.name = "note",
	.needs = MR_NEED_BODY,
	.may = MR_MAY_FIELDS,
	.message = quiet_message,
};

const struct mr_stage mr_note_header_stage = {
	.name = "note",
	.may = MR_MAY_FIELDS,
	.message = note_message,
};
