/* The spam milter as the runners see it: which fields it writes, and that it never loses mail. */
#include <pthread.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_milter.h"
#include "milters/spam/extract.h"
#include "milters/spam/model.h"
#include "milters/spam/stage.h"
#include "tests/unit/mr_spam_test.h"

#define ARENA_MAX ((size_t)16 << 20)
#define MAIL      "From: a@b\nSubject: hello\n\nA text, and http://www.example.com/x\n"

/* In a new folder. */
static int write_model(struct mr_t *t, double points, char path[MR_PATH_MAX])
{
	snprintf(path, MR_PATH_MAX, "%s/model", mr_test_dir(t));
	return mr_spam_test_model(path, points);
}

struct bench {
	struct mr_settings set;
	struct mr_ctx ctx;
	struct mr_clock_fake fake;
	char model[MR_PATH_MAX];
};

static int bench_init(struct mr_t *t, struct bench *b, double points)
{
	int err;

	*b = (struct bench){ .model = "" };
	if ((err = write_model(t, points, b->model)) < 0 ||
	    (err = mr_settings_default(&b->set)) < 0)
		return err;
	b->set.spam_model = b->model;
	b->ctx = (struct mr_ctx){ .set = &b->set, .clock = mr_clock_fake(&b->fake) };
	b->ctx.arena = mr_arena_new(ARENA_MAX);
	if (b->ctx.arena == NULL)
		return MR_ENOMEM;
	return mr_spam_stage.open(&b->set, &b->ctx.state);
}

static void bench_done(struct bench *b)
{
	if (b->ctx.state != NULL)
		mr_spam_stage.close(b->ctx.state);
	mr_arena_free(b->ctx.arena);
	mr_settings_done(&b->set);
}

/* From a client that has logged in as user; NULL: it has not. */
static void run_as(struct mr_t *t, struct bench *b, const char *user, const char *raw,
		   struct mr_actions *acts)
{
	struct mr_envelope env = { .queue_id = MR_SPAN("1"), .auth_user = mr_span_str(user) };

	MR_CHECK_INT(t, 0, mr_stage_run(&mr_spam_stage, &b->ctx, &env, mr_span_str(raw), acts));
}

static void run(struct mr_t *t, struct bench *b, const char *raw, struct mr_actions *acts)
{
	run_as(t, b, NULL, raw, acts);
}

static struct mr_span value_of(const struct mr_actions *acts, const char *name)
{
	for (size_t i = 0; i < acts->count; i++) {
		if (acts->act[i].kind == MR_ACT_INSERT && strcmp(acts->act[i].name, name) == 0)
			return acts->act[i].value;
	}
	return MR_SPAN("none");
}

static bool contains(struct mr_span s, const char *text)
{
	return mr_span_search(s, mr_span_str(text)) < s.len;
}

MR_TEST(spam_stage_fields)
{
	static const struct {
		double points;
		const char *flag, *score, *status;
	} rows[] = {
		{ 5.0, "YES", "5.000",
		  "Yes, score=5.000 required=5.000 scorer=millrace\n\tbecause: start +5.0" },
		{ 4.5, "NO", "4.500",
		  "No, score=4.500 required=5.000 scorer=millrace\n\tbecause: start +4.5" },
		{ -0.5, "NO", "-0.500",
		  "No, score=-0.500 required=5.000 scorer=millrace\n\tbecause: start -0.5" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_actions acts = { .count = 0 };
		struct bench b;
		int err = bench_init(t, &b, rows[i].points);

		t->row = (long)i;
		if (err == 0) {
			run(t, &b, MAIL, &acts);
			MR_CHECK_INT(t, 3, acts.count);
			MR_CHECK_INT(t, MR_VERDICT_ACCEPT, acts.verdict);
			MR_CHECK_SPAN(t, rows[i].flag, value_of(&acts, "X-Spam-Flag"));
			MR_CHECK_SPAN(t, rows[i].score, value_of(&acts, "X-Spam-Score"));
			MR_CHECK_SPAN(t, rows[i].status, value_of(&acts, "X-Spam-Status"));
		}
		MR_CHECK_INT(t, 0, err);
		bench_done(&b);
	}
}

/* Every copy from outside goes, the lowest first; the fields of others stay. */
MR_TEST(spam_stage_removes_foreign)
{
	static const char raw[] = "X-Spam-Flag: NO\nX-Spam-Score: -99\nx-spam-flag: NO\n"
				  "X-Spam-Level: ***\nX-Spam-Status: No, scorer=millrace\n" MAIL;
	struct mr_actions acts = { .count = 0 };
	struct bench b;
	unsigned flags = 0, all = 0;

	if (bench_init(t, &b, 9.0) == 0) {
		run(t, &b, raw, &acts);
		for (size_t i = 0; i < acts.count; i++) {
			if (acts.act[i].kind != MR_ACT_DELETE)
				continue;
			all++;
			if (strcmp(acts.act[i].name, "X-Spam-Flag") == 0)
				MR_CHECK_INT(t, 2 - flags++, acts.act[i].index);
		}
		MR_CHECK_INT(t, 2, flags);
		MR_CHECK_INT(t, 4, all);
		MR_CHECK_SPAN(t, "YES", value_of(&acts, "X-Spam-Flag"));
	}
	bench_done(&b);
}

/* As many copies as the parser sees fields: all go, from the last one up, and ours come. */
MR_TEST(spam_stage_removes_thousands)
{
	static const unsigned rows[] = { 3000, MR_MSG_FIELDS_MAX - 2 }; /* MAIL has two fields */

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_actions acts = { .count = 0 };
		MR_AUTO_BUF raw = MR_BUF(1 << 20);
		unsigned left = rows[i];
		struct bench b;
		int err = bench_init(t, &b, 9.0);

		t->row = (long)i;
		for (unsigned k = 0; k < rows[i]; k++)
			mr_buf_adds(&raw, "X-Spam-Flag: NO\n");
		mr_buf_adds(&raw, MAIL);
		if (err == 0 && (err = mr_buf_err(&raw)) == 0) {
			run(t, &b, mr_buf_str(&raw), &acts);
			MR_CHECK_INT(t, MR_VERDICT_ACCEPT, acts.verdict);
			MR_CHECK_INT(t, rows[i] + 3, acts.count);
			for (size_t k = 0; k < acts.count && acts.act[k].kind == MR_ACT_DELETE; k++)
				left -= acts.act[k].index == left;
			MR_CHECK_INT(t, 0, left);
			MR_CHECK_SPAN(t, "YES", value_of(&acts, "X-Spam-Flag"));
			MR_CHECK_SPAN(t, "9.000", value_of(&acts, "X-Spam-Score"));
			MR_CHECK(t, value_of(&acts, "X-Spam-Status").len > 4);
		}
		MR_CHECK_INT(t, 0, err);
		bench_done(&b);
	}
}

/* The manual's 10,000: one more can neither pass nor be mended by waiting, so it is never 451, wherever the
 * limits of lower layers are. RFC 3463 3.7: 5.6.0. */
MR_TEST(spam_stage_refuses_too_many)
{
	static const struct {
		unsigned forged;
		enum mr_verdict want;
	} rows[] = {
		{ 10000, MR_VERDICT_ACCEPT }, { 10001, MR_VERDICT_REJECT },
		{ 10097, MR_VERDICT_REJECT }, { 10098, MR_VERDICT_REJECT },
		{ 10100, MR_VERDICT_REJECT }, { 10101, MR_VERDICT_REJECT },
		{ 12000, MR_VERDICT_REJECT },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_actions acts = { .count = 0 };
		MR_AUTO_BUF raw = MR_BUF(1 << 20);
		struct bench b;
		int err = bench_init(t, &b, 1.0);

		t->row = (long)i;
		for (unsigned k = 0; k < rows[i].forged; k++)
			mr_buf_adds(&raw, k % 2 ? "X-Spam-Flag: NO\n" : "X-Spam-Tag: a\n");
		mr_buf_adds(&raw, MAIL);
		if (err == 0 && (err = mr_buf_err(&raw)) == 0) {
			run(t, &b, mr_buf_str(&raw), &acts);
			MR_CHECK_INT(t, rows[i].want, acts.verdict);
			if (rows[i].want == MR_VERDICT_REJECT && acts.reply)
				MR_CHECK(t, mr_span_has_prefix(mr_span_str(acts.reply),
							       MR_SPAN("550 5.6.0 ")));
			else if (!t->oom)
				MR_CHECK_INT(t, rows[i].forged + 3, acts.count);
		}
		MR_CHECK_INT(t, 0, err);
		bench_done(&b);
	}
}

static char warned[2000];

static void warn_sink(void *arg MR_UNUSED, enum mr_log_level level, const char *line)
{
	if (level == MR_LOG_WARN)
		snprintf(warned, sizeof(warned), "%s", line);
}

/* Mail of a client that has logged in: no field of ours, its own threshold, the account in the log. */
MR_TEST(spam_stage_auth)
{
	static const struct {
		const char *user, *policy;
		double points;
		enum mr_verdict want;
		const char *warned; /* what the line holds; NULL: there is none */
		bool fields;
	} rows[] = {
		{ "ann@example.org", "off", 20.0, MR_VERDICT_ACCEPT, NULL, false },
		{ "ann@example.org", "log", 9.9, MR_VERDICT_ACCEPT, NULL, false },
		{ "ann@example.org", "log", 10.0, MR_VERDICT_ACCEPT, "result=passed", false },
		{ "ann@example.org", "reject", 9.9, MR_VERDICT_ACCEPT, NULL, false },
		{ "ann@example.org", "reject", 10.0, MR_VERDICT_REJECT, "result=refused", false },
		/* Who has not logged in is under the other threshold. */
		{ NULL, "reject", 10.0, MR_VERDICT_ACCEPT, NULL, true },
		{ NULL, "off", 30.0, MR_VERDICT_REJECT, NULL, false },
	};

	mr_log_sink(warn_sink, NULL);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_actions acts = { .count = 0 };
		struct bench b;

		t->row = (long)i;
		warned[0] = '\0';
		if (bench_init(t, &b, rows[i].points) == 0) {
			b.set.spam_reject_score = 30;
			b.set.spam_auth_policy = rows[i].policy;
			b.set.spam_auth_reject_score = 10;
			run_as(t, &b, rows[i].user, "X-Spam-Flag: YES\n" MAIL, &acts);
			MR_CHECK_INT(t, rows[i].want, acts.verdict);
			if (rows[i].want == MR_VERDICT_REJECT)
				MR_CHECK(t, t->oom || mr_span_has_prefix(mr_span_str(acts.reply),
									 MR_SPAN("550 5.7.1 ")));
			/* What came from outside goes in any case; accept alone applies it. */
			if (rows[i].want == MR_VERDICT_ACCEPT)
				MR_CHECK_INT(t, rows[i].fields ? 4 : 1, acts.count);
			MR_CHECK_INT(t, rows[i].warned != NULL, warned[0] != '\0');
			if (rows[i].warned != NULL) {
				MR_CHECK(t, t->oom || strstr(warned, rows[i].warned) != NULL);
				MR_CHECK(t, t->oom || strstr(warned, "account=ann@example.org"));
				MR_CHECK(t, t->oom || strstr(warned, "id=1 ") != NULL);
			}
		}
		bench_done(&b);
	}
	mr_log_sink(NULL, NULL);
}

/* Padded until nobody looks at it, spam of a stolen password passes; but not without a word. */
MR_TEST(spam_stage_auth_too_large)
{
	static const struct {
		const char *policy;
		bool warned;
	} rows[] = { { "off", false }, { "log", true }, { "reject", true } };

	mr_log_sink(warn_sink, NULL);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_actions acts = { .count = 0 };
		MR_AUTO_BUF text = MR_BUF(65536);
		struct bench b;

		t->row = (long)i;
		warned[0] = '\0';
		if (bench_init(t, &b, 20.0) == 0) {
			b.set.spam_auth_policy = rows[i].policy;
			b.set.spam_auth_reject_score = 10;
			b.set.message_size_max = sizeof(MAIL) - 2; /* one octet less */
			b.ctx.metrics =
				mr_metrics_new(mr_spam_stage.metrics, mr_spam_stage.metric_count);
			run_as(t, &b, "ann@example.org", MAIL, &acts);
			MR_CHECK_INT(t, MR_VERDICT_ACCEPT, acts.verdict);
			MR_CHECK_INT(t, 0, acts.count);
			MR_CHECK_INT(t, rows[i].warned, warned[0] != '\0');
			if (b.ctx.metrics && mr_metrics_text(b.ctx.metrics, &text) == 0)
				MR_CHECK_INT(
					t, rows[i].warned,
					contains(mr_buf_span(&text),
						 "auth_messages_total{result=\"unscored\"} 1"));
			mr_metrics_free(b.ctx.metrics);
			if (rows[i].warned && !t->oom) {
				MR_CHECK(t, strstr(warned, "result=unscored") != NULL);
				MR_CHECK(t, strstr(warned, "account=ann@example.org") != NULL);
				MR_CHECK(t, strstr(warned, "too large") != NULL);
				MR_CHECK(t, strstr(warned, "id=1 ") != NULL);
			}
		}
		bench_done(&b);
	}
	mr_log_sink(NULL, NULL);
}

/* Undecided mail of our users passes too, and says nothing of it to the world. */
MR_TEST(spam_stage_auth_fails_open)
{
	struct mr_envelope env = { .auth_user = MR_SPAN("ann") };
	struct mr_actions acts = { .count = 0 };
	struct mr_msg msg;
	struct bench b;

	if (bench_init(t, &b, 9.0) == 0 &&
	    mr_msg_parse(MR_SPAN("X-Spam-Flag: NO\n" MAIL), &mr_msg_limits_default, b.ctx.arena,
			 &msg) == 0) {
		struct mr_mail mail = { &env, &msg };

		mr_actions_init(&acts, b.ctx.arena, mr_spam_stage.may);
		MR_CHECK_INT(t, 0, mr_spam_stage.failed(&b.ctx, &mail, MR_ENOMEM, &acts));
		MR_CHECK_INT(t, MR_VERDICT_ACCEPT, acts.verdict);
		MR_CHECK_INT(t, 1, acts.count);
		MR_CHECK(t, acts.count == 0 || acts.act[0].kind == MR_ACT_DELETE);
	}
	bench_done(&b);
}

MR_TEST(spam_stage_check)
{
	static const struct {
		const char *policy;
		int want;
	} rows[] = {
		{ "off", 0 },
		{ "log", 0 },
		{ "reject", 0 },
		{ "hold", MR_EINVAL },
		{ "Reject", MR_EINVAL },
	};
	struct mr_settings set;

	MR_NEED(t, mr_settings_default(&set) == 0);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF error = MR_BUF(1000);

		t->row = (long)i;
		set.spam_auth_policy = rows[i].policy;
		MR_CHECK_INT(t, rows[i].want, mr_spam_stage.check(&set, &error));
		MR_CHECK(t, t->oom || (error.len > 0) == (rows[i].want < 0));
	}
	mr_settings_done(&set);
}

MR_TEST(spam_stage_upstream)
{
	struct mr_actions acts = { .count = 0 };
	struct bench b;
	bool deleted = false;

	if (bench_init(t, &b, 0.0) == 0) {
		b.set.upstream_scorer = "X-Rspamd-Score";
		run(t, &b, "X-Rspamd-Score: 7.2\n" MAIL, &acts);
		for (size_t i = 0; i < acts.count; i++)
			deleted = deleted || (acts.act[i].kind == MR_ACT_DELETE &&
					      strcmp(acts.act[i].name, "X-Rspamd-Score") == 0);
		MR_CHECK(t, deleted || t->oom);
		MR_CHECK(t, contains(value_of(&acts, "X-Spam-Status"), " upstream=7") || t->oom);
	}
	bench_done(&b);
}

MR_TEST(spam_stage_rejects)
{
	static const struct {
		double points;
		int64_t reject;
		enum mr_verdict want;
	} rows[] = {
		{ 9.0, 0, MR_VERDICT_ACCEPT }, /* 0: never */
		{ 9.0, 10, MR_VERDICT_ACCEPT },
		{ 10.0, 10, MR_VERDICT_REJECT },
		{ 11.0, 10, MR_VERDICT_REJECT },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_actions acts = { .count = 0 };
		struct bench b;

		t->row = (long)i;
		if (bench_init(t, &b, rows[i].points) == 0) {
			b.set.spam_reject_score = rows[i].reject;
			run(t, &b, MAIL, &acts);
			MR_CHECK_INT(t, rows[i].want, acts.verdict);
			if (acts.verdict == MR_VERDICT_REJECT) {
				MR_CHECK(t, mr_span_has_prefix(mr_span_str(acts.reply),
							       MR_SPAN("550 5.7.1 ")));
			}
		}
		bench_done(&b);
	}
}

/* An arena that is too small for the message: the message passes, unscored, forged fields removed. */
MR_TEST(spam_stage_fails_open)
{
	struct mr_actions acts = { .count = 0 };
	struct mr_mail mail;
	struct mr_envelope env = { .queue_id = MR_SPAN("1") };
	struct mr_msg msg;
	struct bench b;

	if (bench_init(t, &b, 9.0) == 0 &&
	    mr_msg_parse(MR_SPAN("X-Spam-Flag: NO\n" MAIL), &mr_msg_limits_default, b.ctx.arena,
			 &msg) == 0) {
		mail = (struct mr_mail){ &env, &msg };
		mr_actions_init(&acts, b.ctx.arena, mr_spam_stage.may);
		MR_CHECK_INT(t, 0, mr_spam_stage.failed(&b.ctx, &mail, MR_ENOMEM, &acts));
		MR_CHECK_INT(t, MR_VERDICT_ACCEPT, acts.verdict);
		MR_CHECK_SPAN(t, "none", value_of(&acts, "X-Spam-Flag"));
		MR_CHECK_SPAN(t, "none", value_of(&acts, "X-Spam-Score"));
		MR_CHECK_SPAN(t, "Unknown, unscored: out of memory scorer=millrace",
			      value_of(&acts, "X-Spam-Status"));
		MR_CHECK_INT(t, 2, acts.count);
		mr_actions_init(&acts, b.ctx.arena, mr_spam_stage.may);
		MR_CHECK_INT(t, 0, mr_spam_stage.failed(&b.ctx, &mail, MR_ELIMIT, &acts));
		MR_CHECK_SPAN(t, "Unknown, unscored: too large scorer=millrace",
			      value_of(&acts, "X-Spam-Status"));
		/* no header that forged fields could be removed from: it must not pass */
		mail.msg = NULL;
		mr_actions_init(&acts, b.ctx.arena, mr_spam_stage.may);
		MR_CHECK_INT(t, MR_ENOMEM, mr_spam_stage.failed(&b.ctx, &mail, MR_ENOMEM, &acts));
	}
	bench_done(&b);
}

/* Without a file the built-in model scores; a damaged file never replaces one that works. */
MR_TEST(spam_stage_models)
{
	struct bench b;
	void *state = NULL;

	if (bench_init(t, &b, 1.0) == 0) {
		struct mr_settings set = b.set;

		set.spam_model = "/nonexistent/spam.model";
		MR_CHECK_INT(t, 0, mr_spam_stage.open(&set, &state));
		if (state != NULL)
			mr_spam_stage.close(state);
		state = NULL;
		set.spam_model = "";
		MR_CHECK_INT(t, 0, mr_spam_stage.open(&set, &state));
		if (state != NULL)
			mr_spam_stage.close(state);
		/* a reload: open() was called before */
		MR_CHECK_INT(t, 0, mr_replace_file(b.model, MR_SPAN("damaged"), 0600));
		MR_CHECK_INT(t, MR_ECORRUPT, mr_spam_stage.open(&b.set, &state));
	}
	bench_done(&b);
}

/* -- many messages at once -------------------------------------------------------------------- */

#define THREADS     6
#define EACH_THREAD 20

/* One thread's messages, all on one state. Each must come out as if it were alone. */
static void *score_many(void *arg)
{
	const struct bench *b = arg;
	struct mr_envelope env = { .queue_id = MR_SPAN("1") };
	intptr_t wrong = 0;

	for (int i = 0; i < EACH_THREAD; i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_ctx ctx = b->ctx;
		struct mr_actions acts;

		ctx.arena = arena;
		if (arena == NULL ||
		    mr_stage_run(&mr_spam_stage, &ctx, &env, MR_SPAN(MAIL), &acts) < 0 ||
		    !mr_span_eq(value_of(&acts, "X-Spam-Score"), MR_SPAN("4.500")))
			wrong++;
	}
	return (void *)wrong;
}

MR_TEST(spam_stage_at_once)
{
	pthread_t thread[THREADS];
	struct bench b;
	int started = 0;

	if (t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "threads and failing allocations do not go together");
	MR_NEED(t, bench_init(t, &b, 4.5) == 0);
	while (started < THREADS && pthread_create(&thread[started], NULL, score_many, &b) == 0)
		started++;
	MR_CHECK_INT(t, THREADS, started);
	for (int i = 0; i < started; i++) {
		void *wrong = NULL;

		MR_CHECK_INT(t, 0, pthread_join(thread[i], &wrong));
		MR_CHECK_INT(t, 0, (intptr_t)wrong);
	}
	bench_done(&b);
}

/* -- what is learned later is what was seen --------------------------------------------------- */

static int keys_of(struct mr_span raw, enum mr_spam_where where, struct mr_arena *arena,
		   struct mr_spam_features *f, uint8_t digest[MR_SPAM_DIGEST_SIZE])
{
	struct mr_spam_view view;
	int err = mr_spam_extract_raw(raw, where, MR_SPAN(""), arena, f, &view);

	if (err == 0)
		mr_spam_view_digest(&view, digest);
	return err;
}

/* What the MTA and delivery make of the message: its own Received under our fields, trace above. */
static int deliver(const struct mr_actions *acts, const char *raw, struct mr_arena *arena,
		   struct mr_span *stored_out)
{
	const char *with = mr_arena_printf(
		arena, "Received: from c\n\tby mx.example.org (Postfix) id 1; today\n%s", raw);
	struct mr_span edited;
	const char *stored;
	int err;

	if (with == NULL)
		return MR_ENOMEM;
	if ((err = mr_actions_apply(acts, mr_span_str(with), arena, &edited)) < 0)
		return err;
	stored = mr_arena_printf(arena, "Return-Path: <a@b>\nDelivered-To: u@example.org\n%.*s",
				 (int)edited.len, edited.p);
	*stored_out = mr_span_str(stored);
	return stored == NULL ? MR_ENOMEM : 0;
}

/* As SMTP carries it. */
static const char *with_crlf(const char *raw, struct mr_arena *arena)
{
	char *text = mr_arena_text(arena, 2 * strlen(raw) + 1), *to = text;

	for (; text != NULL && *raw; raw++) {
		if (*raw == '\n')
			*to++ = '\r';
		*to++ = *raw;
	}
	if (text != NULL)
		*to = '\0';
	return text;
}

MR_TEST(spam_stored_teaches_what_arrived)
{
	static const char *const rows[] = {
		MAIL,
		"Received: from x by y; today\n" MAIL,
		"X-Spam-Status: Yes, scorer=millrace\nReceived: from x by y; today\n" MAIL,
		"X-Spam-Flag: YES\nReceived: from x by y; today\nReceived: z\n" MAIL,
		"Subject: =?utf-8?q?h=C3=A9?=\nX-Long: a\n b\n\tc\n\nbody\n\n\n",
		/* Seven bytes to be seen, ten with CR (another magnitude); values that break. */
		"Content-Type: text/html\n\n<p id='a\nb' style='x:\n1'>a\nb\nc\nd",
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_spam_features) *a = mr_spam_features_new(NULL),
					  *s = mr_spam_features_new(NULL);
		uint8_t digest_a[MR_SPAM_DIGEST_SIZE], digest_s[MR_SPAM_DIGEST_SIZE];
		struct mr_actions acts = { .count = 0 };
		struct mr_span stored;
		struct bench b = { .model = "" };

		t->row = (long)i;
		if (bench_init(t, &b, 1.0) == 0 && a != NULL && s != NULL) {
			const char *arriving = with_crlf(rows[i], b.ctx.arena);

			run(t, &b, rows[i], &acts);
			MR_CHECK_INT(t, 0, deliver(&acts, rows[i], b.ctx.arena, &stored));
			if (!t->oom && arriving != NULL &&
			    keys_of(mr_span_str(arriving), MR_SPAM_ARRIVING, b.ctx.arena, a,
				    digest_a) == 0 &&
			    keys_of(stored, MR_SPAM_STORED, b.ctx.arena, s, digest_s) == 0) {
				MR_CHECK(t, memcmp(digest_a, digest_s, sizeof(digest_a)) == 0);
				for (unsigned k = 0; k < MR_SPAM_FAMILIES; k++) {
					MR_CHECK_INT(t, a->family[k].count, s->family[k].count);
					MR_CHECK(t, memcmp(a->family[k].key, s->family[k].key,
							   a->family[k].count * 4) == 0);
				}
			}
		}
		bench_done(&b);
	}
}

/* A file that is replaced counts from the next second on, without a reload; one that is broken does
 * not, and what was in use stays. */
MR_TEST(spam_stage_takes_up_models)
{
	struct mr_actions acts = { .count = 0 };
	struct bench b;
	int err = bench_init(t, &b, 1.0);

	if (err == 0) {
		run(t, &b, MAIL, &acts);
		MR_CHECK_SPAN(t, "1.000", value_of(&acts, "X-Spam-Score"));
		MR_CHECK_INT(t, 0, mr_spam_test_model(b.model, 2.0));
		run(t, &b, MAIL, &acts); /* looked at a moment ago */
		MR_CHECK_SPAN(t, "1.000", value_of(&acts, "X-Spam-Score"));
		b.fake.now_ms += 1000;
		run(t, &b, MAIL, &acts);
		MR_CHECK_SPAN(t, "2.000", value_of(&acts, "X-Spam-Score"));
		MR_CHECK_INT(t, 0, mr_replace_file(b.model, MR_SPAN("no model"), 0600));
		b.fake.now_ms += 1000;
		run(t, &b, MAIL, &acts);
		MR_CHECK_SPAN(t, "2.000", value_of(&acts, "X-Spam-Score"));
		MR_CHECK_INT(t, 0, mr_spam_test_model(b.model, 3.0));
		b.fake.now_ms += 1000;
		run(t, &b, MAIL, &acts);
		MR_CHECK_SPAN(t, "3.000", value_of(&acts, "X-Spam-Score"));
	}
	bench_done(&b);
	MR_CHECK_INT(t, 0, err);
}
