/*
 * mr_stage_fuzz: the fuzzer's runner of a stage. A target is one call:
 *
 *	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *	{
 *		return mr_stage_fuzz(&mr_spam_stage, NULL, NULL, data, size);
 *	}
 *
 * The input is the message. What is asserted: actions of the table can be printed, a line each; the
 * edited message parses again; each name that the actions touch is there as often as they say, so a
 * forged field that the stage deleted has not come back; the field inserted last at the top is the
 * first one, with its value.
 */
#ifndef MR_STAGE_FUZZ_H
#define MR_STAGE_FUZZ_H

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/run/mr_milter.h"

#define MR_STAGE_FUZZ_ARENA_MAX (64u << 20)

static inline void mr_stage_fuzz_print(const struct mr_actions *acts)
{
	size_t lines = 0;
	MR_AUTO_BUF text;

	mr_buf_init(&text, 64u << 20);
	MR_ASSERT(mr_actions_print(acts, &text) == 0);
	for (size_t i = 0; i < text.len; i++) {
		lines += text.p[i] == '\n';
		MR_ASSERT((uint8_t)text.p[i] >= ' ' || text.p[i] == '\n');
	}
	MR_ASSERT(lines == acts->count + 1);
}

static inline size_t mr_stage_fuzz_count(const struct mr_msg *msg, const char *name)
{
	const struct mr_field *f = mr_msg_field(msg, 0, mr_span_str(name));
	size_t count = 0;

	for (; f; f = mr_msg_field_next(msg, 0, f))
		count++;
	return count;
}

/* How many fields called name there should be. MR_ACT_CHANGE of one that is not there adds it, which
 * this does not follow: false. */
static inline bool mr_stage_fuzz_want(const struct mr_actions *acts, const char *name, size_t count,
				      size_t *want_out)
{
	for (size_t i = 0; i < acts->count; i++) {
		const struct mr_act *act = &acts->act[i];

		if (!act->name || !mr_span_eq_nocase(mr_span_str(act->name), mr_span_str(name)))
			continue;
		if (act->kind == MR_ACT_INSERT || act->kind == MR_ACT_ADD)
			count++;
		else if (act->kind == MR_ACT_DELETE && act->index <= count)
			count--;
		else if (act->kind == MR_ACT_CHANGE && act->index > count)
			return false;
	}
	*want_out = count;
	return true;
}

static inline void mr_stage_fuzz_first(const struct mr_actions *acts, const struct mr_msg *edited)
{
	const struct mr_field *first = edited->field;
	const struct mr_act *top = NULL;

	for (size_t i = 0; i < acts->count; i++) {
		if (acts->act[i].kind == MR_ACT_INSERT && acts->act[i].index == 0)
			top = &acts->act[i];
	}
	if (!top)
		return;
	MR_ASSERT(edited->part[0].field_count > 0);
	MR_ASSERT(mr_span_eq_nocase(first->name, mr_span_str(top->name)));
	if (mr_span_find(top->value, '\n') ==
	    top->value.len) /* a fold has got the message's ending */
		MR_ASSERT(mr_span_eq(mr_span_trim(first->value), mr_span_trim(top->value)));
}

static inline void mr_stage_fuzz_edited(const struct mr_actions *acts, struct mr_span raw,
					struct mr_arena *arena)
{
	struct mr_span edited_raw;
	struct mr_msg msg, edited;
	size_t want;

	MR_ASSERT(mr_actions_apply(acts, raw, arena, &edited_raw) == 0);
	MR_ASSERT(mr_msg_parse(raw, &mr_msg_limits_default, arena, &msg) == 0);
	MR_ASSERT(mr_msg_parse(edited_raw, &mr_msg_limits_default, arena, &edited) == 0);
	if ((msg.cut | edited.cut) & MR_CUT_FIELDS)
		return;
	for (size_t i = 0; i < acts->count; i++) {
		const char *name = acts->act[i].name;

		if (name && mr_stage_fuzz_want(acts, name, mr_stage_fuzz_count(&msg, name), &want))
			MR_ASSERT(mr_stage_fuzz_count(&edited, name) == want);
	}
	mr_stage_fuzz_first(acts, &edited);
}

/* set and state may be NULL where the stage can do without. Returns 0. */
static inline int mr_stage_fuzz(const struct mr_stage *stage, const struct mr_settings *set,
				void *state, const uint8_t *data, size_t size)
{
	static const struct mr_span rcpt[] = { { "b@example.org", 13 } };
	static struct mr_clock_fake clock = { .now_ms = 1000, .time_s = 1700000000 };
	const struct mr_envelope env = {
		.queue_id = MR_SPAN("4bXyZ"),
		.client_addr = MR_SPAN("192.0.2.1"),
		.client_name = MR_SPAN("unknown"),
		.helo = MR_SPAN("helo.example.net"),
		.mail_from = MR_SPAN("a@example.net"),
		.rcpt = rcpt,
		.rcpt_count = MR_COUNT(rcpt),
	};
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_STAGE_FUZZ_ARENA_MAX);
	struct mr_ctx ctx = {
		.set = set, .clock = mr_clock_fake(&clock), .arena = arena, .state = state
	};
	struct mr_span raw = mr_span_bytes(data, size);
	struct mr_actions acts;

	MR_ASSERT(arena && mr_stage_run(stage, &ctx, &env, raw, &acts) == 0);
	mr_stage_fuzz_print(&acts);
	if (acts.verdict == MR_VERDICT_ACCEPT)
		mr_stage_fuzz_edited(&acts, raw, arena);
	return 0;
}

#endif
