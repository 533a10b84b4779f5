/*
 * A connection of mapd that speaks Postfix's policy protocol, over counts that pretend. Promised: as many answers as
 * whole requests, each one line "action=" of printable ASCII and an empty line; in single bytes the same; nobody is
 * counted who has not logged in. The same bytes as a key of the map policy: an error, or one printable line.
 */
#include "lda/mapd/policy.h"
#include "lda/mapd/talk.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

#define OUT_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mr_settings set = { .policy_burst_s = 60,
					.policy_hour_s = 3600,
					.policy_day_s = 86400,
					.lmtp_default_domain = "o" };

static bool has(struct mr_span s, char c)
{
	return mr_span_find(s, c) < s.len;
}

static int fake_settings(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
			 struct mr_arena *arena MR_UNUSED, struct mr_user_settings *settings_out)
{
	mr_user_settings_default(settings_out);
	settings_out->quota.octets = 100;
	settings_out->send_reject = has(local, 'r');
	return has(domain, 't') ? MR_ETEMP : 0;
}

static int fake_take(void *arg MR_UNUSED, struct mr_send_limit *l)
{
	struct mr_span name = l->owner[MR_LIMIT_ACCOUNT].name;

	MR_ASSERT(name.len > 0 && name.len <= MR_LIMIT_OWNER_MAX && name.p[0] != '@');
	MR_ASSERT(l->recipients > 0);
	l->over = has(name, 'x') || l->recipients > 1000;
	l->over_recipients = l->recipients > 1000;
	l->over_window = MR_LIMIT_DAY;
	return has(name, 'e') ? MR_ETEMP : 0;
}

static int fake_mailbox(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
			struct mr_arena *arena MR_UNUSED, struct mr_user *user_out)
{
	*user_out = (struct mr_user){ .local = local, .domain = domain };
	return has(domain, 'o') ? 0 : MR_ENOENT;
}

static int fake_usage(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain MR_UNUSED,
		      struct mr_usage *usage_out)
{
	*usage_out = (struct mr_usage){ (int64_t)local.len * 10, 1 };
	return 0;
}

static int fake_over(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain MR_UNUSED,
		     int64_t now_s, int64_t *since_s_out)
{
	*since_s_out = has(local, 'g') ? now_s - 864000 : now_s;
	return 0;
}

static int64_t fake_time(void *arg MR_UNUSED)
{
	return 1728000000;
}

static const struct mr_limit_table table = { fake_settings, fake_take,
					     fake_take,     fake_take,
					     fake_mailbox,  fake_usage,
					     fake_over,     { fake_time, fake_time, NULL },
					     NULL };

struct state {
	struct mr_arena *arena;
	struct mr_policy_memory memory;
};

static int answer(void *arg MR_UNUSED, void **at, struct mr_span request, struct mr_buf *reply)
{
	struct state *state = *at ? *at : (*at = mr_calloc(1, sizeof(*state)));
	struct mr_policy_request r;
	struct mr_limit_verdict v;
	int err;

	if (!state || (!state->arena && !(state->arena = mr_arena_new(MR_LIMIT_ARENA_MAX))))
		return MR_ENOMEM;
	if ((err = mr_policy_parse(request, &r)) < 0)
		return err;
	mr_policy_decide(&table, &set, &r, &state->memory, state->arena, &v);
	MR_ASSERT(!v.over || r.account.len > 0);
	mr_arena_reset(state->arena);
	return mr_policy_reply(&v, reply);
}

static void forget(void *arg MR_UNUSED, void *at)
{
	struct state *state = at;

	if (state)
		mr_arena_free(state->arena);
	mr_free(state);
}

static const struct mr_ask ask = {
	.word = "policy",
	.request_max = MR_POLICY_REQUEST_MAX,
	.frame = mr_policy_frame,
	.answer = answer,
	.forget = forget,
};

/* Feed all of it, step octets at a time; returns what was said. */
static bool converse(struct mr_span in, size_t step, struct mr_buf *out)
{
	struct mr_talking *talk = mr_talk_new(&ask, 1000, 0);

	if (!talk)
		return false;
	while (!mr_talk_closed(talk)) {
		struct mr_span said = mr_talk_output(talk);

		if (said.len > 0) {
			mr_buf_add(out, said);
			mr_talk_sent(talk, said.len, 0);
		}
		if (mr_talk_busy(talk)) {
			mr_talk_work(talk);
			mr_talk_worked(talk, 0);
		} else if (in.len == 0) {
			break;
		} else {
			struct mr_span part = mr_span_sub(in, 0, step);

			mr_talk_input(talk, part, 0);
			in = mr_span_sub(in, part.len, in.len);
		}
	}
	mr_buf_add(out, mr_talk_output(talk));
	mr_talk_free(talk);
	return mr_buf_err(out) == 0;
}

static void printable(struct mr_span line)
{
	for (size_t i = 0; i < line.len; i++)
		MR_ASSERT(line.p[i] >= ' ' && line.p[i] <= '~');
}

static void check(struct mr_span said)
{
	while (said.len > 0) {
		struct mr_span line, empty;

		MR_ASSERT(mr_span_split(said, '\n', &line, &said));
		MR_ASSERT(mr_span_split(said, '\n', &empty, &said) && empty.len == 0);
		MR_ASSERT(mr_span_has_prefix(line, MR_SPAN("action=")));
		printable(line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_span in = mr_span_bytes(data, size);
	MR_AUTO_BUF whole = MR_BUF(OUT_MAX), single = MR_BUF(OUT_MAX), text = MR_BUF(OUT_MAX);
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_LIMIT_ARENA_MAX);
	struct mr_limit_verdict v = { .code = 0 };

	if (size > 20000 || !arena)
		return 0;
	if (converse(in, 65536, &whole) && converse(in, 1, &single)) {
		check(mr_buf_span(&whole));
		MR_ASSERT(mr_span_eq(mr_buf_span(&whole), mr_buf_span(&single)));
	}
	if (mr_policy_key(&table, &set, in, arena, &v) == 0 && v.code != 0) {
		(void)mr_policy_data(&v, &text);
		printable(mr_buf_span(&text));
	}
	return 0;
}
