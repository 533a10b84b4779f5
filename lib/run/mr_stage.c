#include "lib/run/mr_stage.h"

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/run/mr_milter.h"
#include "lib/run/mr_stage_step.h"

/* RFC 3463 3.8 has X.7.1 for "delivery not authorized"; with class 4: ask again. */
#define TEMPFAIL_REPLY "451 4.7.1 Not decided; please try again later"

static void clear(struct mr_actions *acts)
{
	acts->count = 0;
	acts->note = NULL;
	mr_act_accept(acts);
}

void mr_step_tempfail(struct mr_actions *acts)
{
	clear(acts);
	/* Past mr_act_tempfail(): this is ours, whatever the stage may do. */
	acts->verdict = MR_VERDICT_TEMPFAIL;
	acts->reply = TEMPFAIL_REPLY;
}

/* The functions of mr_actions.h assert it, too; this catches what was written into the struct. */
static void assert_may(const struct mr_stage *stage, const struct mr_actions *acts)
{
	static const unsigned kinds[] = {
		[MR_ACT_INSERT] = MR_MAY_FIELDS,    [MR_ACT_ADD] = MR_MAY_FIELDS,
		[MR_ACT_CHANGE] = MR_MAY_FIELDS,    [MR_ACT_DELETE] = MR_MAY_FIELDS,
		[MR_ACT_BODY] = MR_MAY_BODY,        [MR_ACT_RCPT_ADD] = MR_MAY_RCPT,
		[MR_ACT_RCPT_REMOVE] = MR_MAY_RCPT,
	};
	static const unsigned verdicts[] = {
		[MR_VERDICT_ACCEPT] = 0,
		[MR_VERDICT_REJECT] = MR_MAY_REJECT,
		[MR_VERDICT_TEMPFAIL] = MR_MAY_REJECT,
		[MR_VERDICT_DISCARD] = MR_MAY_DISCARD,
		[MR_VERDICT_QUARANTINE] = MR_MAY_QUARANTINE,
	};

	for (size_t i = 0; i < acts->count; i++)
		MR_ASSERT(stage->may & kinds[acts->act[i].kind]);
	MR_ASSERT((verdicts[acts->verdict] & ~stage->may) == 0);
}

static void early_failed(const struct mr_stage *stage, int err, struct mr_actions *acts)
{
	if (stage->failed)
		clear(acts); /* it decides when there is a message to decide about */
	else
		mr_step_tempfail(acts);
	acts->err = err;
}

void mr_step_connect(const struct mr_stage *stage, struct mr_ctx *ctx,
		     const struct mr_envelope *env, struct mr_actions *acts)
{
	int err = stage->connect ? stage->connect(ctx, env, acts) : 0;

	assert_may(stage, acts);
	if (err < 0)
		early_failed(stage, err, acts);
}

void mr_step_rcpt(const struct mr_stage *stage, struct mr_ctx *ctx, const struct mr_envelope *env,
		  struct mr_span rcpt, struct mr_actions *acts)
{
	int err;

	if (!stage->rcpt || acts->err < 0)
		return;
	err = stage->rcpt(ctx, env, rcpt, acts);
	assert_may(stage, acts);
	if (err < 0)
		early_failed(stage, err, acts);
}

struct mr_span mr_step_header(struct mr_span raw)
{
	struct mr_cur c = mr_cur(raw);
	struct mr_span line;

	while (mr_cur_line(&c, &line)) {
		if (line.len == 0)
			return mr_span(raw.p, (size_t)(c.p - raw.p));
	}
	return raw;
}

/* What the stage is given, and the error that it cannot be all. */
static struct mr_span cut(const struct mr_stage *stage, const struct mr_ctx *ctx,
			  struct mr_span raw, int *err_inout)
{
	if (ctx->set && raw.len > (uint64_t)ctx->set->message_size_max && *err_inout == 0)
		*err_inout = MR_ELIMIT;
	if (*err_inout == 0 && (stage->needs & MR_NEED_BODY))
		return raw;
	return mr_step_header(raw);
}

void mr_step_message(const struct mr_stage *stage, struct mr_ctx *ctx,
		     const struct mr_envelope *env, struct mr_span raw, int err,
		     struct mr_actions *acts)
{
	struct mr_msg msg;
	struct mr_mail mail = { .env = env };
	int parse_err;

	if (err == 0)
		err = acts->err;
	raw = cut(stage, ctx, raw, &err);
	parse_err = mr_msg_parse(raw, &mr_msg_limits_default, ctx->arena, &msg);
	if (parse_err == 0)
		mail.msg = &msg;
	else if (err == 0)
		err = parse_err;
	if (err == 0 && stage->message)
		err = stage->message(ctx, &mail, acts);
	assert_may(stage, acts);
	if (err == 0)
		return;
	acts->err = err;
	clear(acts);
	if (!stage->failed || stage->failed(ctx, &mail, err, acts) < 0)
		mr_step_tempfail(acts);
	else
		assert_may(stage, acts);
}

int mr_stage_run(const struct mr_stage *stage, struct mr_ctx *ctx, const struct mr_envelope *env,
		 struct mr_span raw, struct mr_actions *acts_out)
{
	struct mr_envelope so_far = *env;
	struct mr_actions acts;

	mr_actions_init(&acts, ctx->arena, stage->may);
	so_far.rcpt_count = 0;
	mr_step_connect(stage, ctx, &so_far, &acts);
	while (acts.verdict == MR_VERDICT_ACCEPT && so_far.rcpt_count < env->rcpt_count) {
		mr_step_rcpt(stage, ctx, &so_far, env->rcpt[so_far.rcpt_count], &acts);
		so_far.rcpt_count++;
	}
	if (acts.verdict == MR_VERDICT_ACCEPT)
		mr_step_message(stage, ctx, env, raw, 0, &acts);
	*acts_out = acts;
	return 0;
}
