/*
 * The spam stage promises, whatever the message is: it answers and lets mail pass; each of its fields
 * is there once, as docs/HEADERS.md has them, and none of those from outside; the edited message
 * parses; what the delivered message teaches is what was seen on arrival.
 */
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/run/mr_milter.h"
#include "lib/run/mr_ours.h"
#include "milters/spam/extract.h"
#include "milters/spam/stage.h"

#define FUZZ_ARENA_MAX ((size_t)64 << 20)
#define MTA            "Received: from c by mx (Postfix) id 1; today\n"
#define DELIVERY       "Return-Path: <>\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mr_settings set;

static struct mr_ctx *the_ctx(void)
{
	static struct mr_ctx ctx;

	if (ctx.state == NULL) {
		MR_ASSERT(mr_settings_default(&set) == 0);
		set.spam_model = "";
		set.authserv_id = "mx.test";
		set.auth_milter = set.rbl_milter = set.tls_milter = set.virus_milter = true;
		ctx.set = &set;
		ctx.clock = mr_clock_real;
		MR_ASSERT(mr_spam_stage.open(&set, &ctx.state) == 0);
	}
	return &ctx;
}

/* The only field of that name. */
static const struct mr_field *one(const struct mr_msg *msg, struct mr_span name)
{
	const struct mr_field *field = mr_msg_field(msg, 0, name);

	MR_ASSERT(field != NULL && mr_msg_field_next(msg, 0, field) == NULL);
	return field;
}

static void check_fields(const struct mr_msg *msg)
{
	struct mr_span flag = mr_span_trim(one(msg, MR_SPAN("X-Spam-Flag"))->value);
	struct mr_span score = mr_span_trim(one(msg, MR_SPAN("X-Spam-Score"))->value);
	struct mr_span status = mr_span_trim(one(msg, MR_SPAN("X-Spam-Status"))->value);
	bool yes = mr_span_eq(flag, MR_SPAN("YES"));

	MR_ASSERT(yes || mr_span_eq(flag, MR_SPAN("NO")));
	MR_ASSERT(mr_span_only(score, MR_DIGIT | MR_DOT | MR_HYPHEN) && score.len >= 5);
	MR_ASSERT(mr_span_has_prefix(status, yes ? MR_SPAN("Yes, score=") : MR_SPAN("No, score=")));
	MR_ASSERT(mr_span_search(status, score) < status.len);
	for (size_t i = 0; i < status.len; i++)
		MR_ASSERT(!mr_is(status.p[i], MR_CTL | MR_HIGH));
}

static void keys(struct mr_span raw, enum mr_spam_where where, struct mr_arena *arena,
		 struct mr_spam_features *f, uint8_t digest[MR_SPAM_DIGEST_SIZE])
{
	struct mr_spam_view view;

	MR_ASSERT(mr_spam_extract_raw(raw, where, MR_SPAN(""), arena, f, &view) == 0);
	mr_spam_view_digest(&view, digest);
}

static void check_same(struct mr_span arrived, struct mr_span stored, struct mr_arena *arena)
{
	MR_AUTO(mr_spam_features) *a = mr_spam_features_new(NULL), *s = mr_spam_features_new(NULL);
	uint8_t digest_a[MR_SPAM_DIGEST_SIZE], digest_s[MR_SPAM_DIGEST_SIZE];
	struct mr_ours ours;

	MR_ASSERT(a != NULL && s != NULL);
	mr_ours_init(&ours, &set);
	a->belief = s->belief = &ours.belief; /* so that answers of other filters count, too */
	keys(arrived, MR_SPAM_ARRIVING, arena, a, digest_a);
	keys(stored, MR_SPAM_STORED, arena, s, digest_s);
	MR_ASSERT(memcmp(digest_a, digest_s, sizeof(digest_a)) == 0);
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		MR_ASSERT(a->family[i].count == s->family[i].count);
		MR_ASSERT(memcmp(a->family[i].key, s->family[i].key,
				 a->family[i].count * sizeof(*a->family[i].key)) == 0);
	}
}

/* A file from elsewhere, delivered by another, with the field of another filter: points have a limit. */
static void check_others(struct mr_span raw, struct mr_arena *arena)
{
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	struct mr_spam_view view;

	MR_ASSERT(f != NULL);
	for (int where = MR_SPAM_ARRIVING; where <= MR_SPAM_STORED; where++) {
		mr_spam_features_reset(f);
		MR_ASSERT(mr_spam_extract_raw(raw, where, MR_SPAN("X-Spam-Status"), arena, f,
					      &view) == 0);
		MR_ASSERT(view.upstream == MR_SPAM_UPSTREAM_NONE ||
			  (view.upstream >= -999 && view.upstream <= 999));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A milter is shown a header, an empty line, a body: what comes first is a field here. */
	static const char first[] =
		"Authentication-Results: mx.test; spf=pass smtp.helo=a.example\n";
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_envelope env = { .queue_id = MR_SPAN("1") };
	struct mr_ctx ctx = *the_ctx();
	struct mr_span edited, with;
	struct mr_actions acts;
	struct mr_msg msg;
	char *raw;

	MR_ASSERT(arena != NULL);
	raw = mr_arena_text(arena, sizeof(DELIVERY MTA) + sizeof(first) + size);
	memcpy(raw, MTA, sizeof(MTA) - 1);
	memcpy(raw + sizeof(MTA) - 1, first, sizeof(first) - 1);
	if (size > 0)
		memcpy(raw + sizeof(MTA) + sizeof(first) - 2, data, size);
	with = mr_span(raw, sizeof(MTA) + sizeof(first) - 2 + size);
	check_others(mr_span_sub(with, sizeof(MTA) + sizeof(first) - 2, with.len), arena);
	ctx.arena = arena;
	MR_ASSERT(mr_stage_run(&mr_spam_stage, &ctx, &env,
			       mr_span_sub(with, sizeof(MTA) - 1, with.len), &acts) == 0);
	MR_ASSERT(acts.verdict == MR_VERDICT_ACCEPT && acts.err == 0);
	MR_ASSERT(mr_actions_apply(&acts, with, arena, &edited) == 0);
	MR_ASSERT(mr_msg_parse(edited, &mr_msg_limits_default, arena, &msg) == 0);
	if (msg.cut & MR_CUT_FIELDS)
		return 0; /* what was not looked at was not removed either */
	check_fields(&msg);
	check_same(mr_span_sub(with, sizeof(MTA) - 1, with.len), edited, arena);
	return 0;
}
