/* When the spam milter refuses: only what all recipients let it refuse. milters/spam/consent.c. */
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_milter.h"
#include "lib/store/mr_store_alias.h"
#include "lib/store/mr_store_senders.h"
#include "milters/spam/stage.h"
#include "tests/unit/mr_spam_test.h"

#define S(text) mr_span_str(text)
#define BOB     "From: Bob <bob@b.example>\nSubject: hello\n\nText\n"
#define VALID   "Authentication-Results: mx.example.org; dkim=pass header.d=b.example\n"
#define ORG     MR_SPAN("example.org")
#define RCPTS   8

static char logged[2000];

static void sink(void *arg MR_UNUSED, enum mr_log_level level, const char *line)
{
	size_t len = strlen(logged);

	if (level <= MR_LOG_INFO)
		snprintf(logged + len, sizeof(logged) - len, "%s\n", line);
}

struct bench {
	struct mr_settings set;
	struct mr_ctx ctx;
	struct mr_clock_fake fake;
	char model[MR_PATH_MAX + 8], url[MR_PATH_MAX + 16];
};

static int bench_init(struct mr_t *t, struct bench *b)
{
	const char *dir = mr_test_dir(t);
	int err;

	*b = (struct bench){ .model = "" };
	logged[0] = '\0';
	mr_log_sink(sink, NULL);
	snprintf(b->model, sizeof(b->model), "%s/model", dir);
	snprintf(b->url, sizeof(b->url), "sqlite:%s/store", dir);
	if ((err = mr_spam_test_model(b->model, 20)) < 0 ||
	    (err = mr_settings_default(&b->set)) < 0)
		return err;
	b->set.spam_model = b->model;
	b->set.store = b->url;
	b->set.authserv_id = "mx.example.org";
	b->set.auth_milter = true;
	b->set.spam_reject_score = 15;
	b->ctx = (struct mr_ctx){ .set = &b->set, .clock = mr_clock_fake(&b->fake) };
	b->ctx.arena = mr_arena_new((size_t)16 << 20);
	return b->ctx.arena ? mr_spam_stage.open(&b->set, &b->ctx.state) : MR_ENOMEM;
}

static void bench_done(struct bench *b)
{
	if (b->ctx.state != NULL)
		mr_spam_stage.close(b->ctx.state);
	mr_arena_free(b->ctx.arena);
	mr_settings_done(&b->set);
	mr_log_sink(NULL, NULL);
}

static int entry(struct mr_store *st, const char *local, const char *text,
		 enum mr_sender_action action)
{
	const struct mr_sender_entry e = { S(text), S(""), action, 1 };

	return mr_store_sender_put(st, S(local), ORG, &e, 1);
}

/* ann, bob, zoe of example.org. bob has friends, zoe opted out; ann blocks some, bob others. both: an
 * alias of ann and bob; away: of ann and somebody outside. */
static int fill(const char *url)
{
	MR_AUTO(mr_store) *st = NULL;
	static const char *const users[] = { "ann", "bob", "zoe" };
	int err = mr_store_open(url, MR_GROUP_DIRECTORY | MR_GROUP_SENDERS, MR_STORE_CREATE, &st);

	if (err == 0)
		err = mr_store_domain_add(st, ORG);
	for (size_t i = 0; i < MR_COUNT(users) && err == 0; i++)
		err = mr_store_user_add(st, S(users[i]), ORG, 1);
	if (err < 0 ||
	    (err = mr_store_alias_add(st, S("both"), ORG, S("ann@example.org"), 1)) < 0 ||
	    (err = mr_store_alias_add(st, S("both"), ORG, S("bob@example.org"), 1)) < 0 ||
	    (err = mr_store_alias_add(st, S("away"), ORG, S("ann@example.org"), 1)) < 0 ||
	    (err = mr_store_alias_add(st, S("away"), ORG, S("x@other.example"), 1)) < 0 ||
	    (err = mr_store_setting_set(st, S("zoe"), ORG, S("spam_reject"), S("no"))) < 0 ||
	    (err = entry(st, "bob", "bob@b.example", MR_SENDER_FRIEND)) < 0 ||
	    (err = entry(st, "ann", "r.example", MR_SENDER_REJECT)) < 0 ||
	    (err = entry(st, "bob", "r.example", MR_SENDER_REJECT)) < 0 ||
	    (err = entry(st, "ann", "d.example", MR_SENDER_DROP)) < 0 ||
	    (err = entry(st, "bob", "d.example", MR_SENDER_DROP)) < 0 ||
	    (err = entry(st, "ann", "m.example", MR_SENDER_DROP)) < 0 ||
	    (err = entry(st, "bob", "m.example", MR_SENDER_REJECT)) < 0)
		return err;
	return entry(st, "ann", "f.example", MR_SENDER_FOLDER);
}

/* The verdict for a message from the envelope's sender to recipients, set apart by blanks. */
static const char *verdict(struct mr_t *t, struct bench *b, const char *from, const char *to,
			   const char *raw, const char *user)
{
	static char said[400];
	struct mr_span rcpt[RCPTS], rest = S(to);
	struct mr_envelope env = {
		.queue_id = MR_SPAN("1"), .mail_from = S(from), .auth_user = S(user), .rcpt = rcpt
	};
	struct mr_actions acts = { .count = 0 };

	while (rest.len > 0 && env.rcpt_count < RCPTS)
		(void)mr_span_split(rest, ' ', &rcpt[env.rcpt_count++], &rest);
	MR_CHECK_INT(t, 0, mr_stage_run(&mr_spam_stage, &b->ctx, &env, S(raw), &acts));
	snprintf(said, sizeof(said), "%s %s", mr_verdict_name(acts.verdict),
		 acts.note ? acts.note : "");
	return said;
}

/* Every message has 20 points; from 15 on it would be refused. */
static const struct {
	const char *from, *to, *raw, *want;
} rows[] = {
	{ "bob@b.example", "ann@example.org", BOB, "reject score=20.000" },
	{ "bob@b.example", "Bob@Example.org", VALID BOB, "accept score=20.000 spared=friend" },
	{ "bob@b.example", "bob+x@example.org", VALID BOB, "accept score=20.000 spared=friend" },
	/* not proven: no friend */
	{ "bob@b.example", "bob@example.org", BOB, "reject score=20.000" },
	{ "bob@b.example", "bob@example.org",
	  "Authentication-Results: b.example; dkim=pass header.d=b.example\n" BOB,
	  "reject score=20.000" },
	{ "bob@b.example", "bob@example.org", "Received: from a by b; today\n" VALID BOB,
	  "reject score=20.000" },
	/* one is enough */
	{ "bob@b.example", "ann@example.org bob@example.org", VALID BOB,
	  "accept score=20.000 spared=friend" },
	{ "bob@b.example", "both@example.org", VALID BOB, "accept score=20.000 spared=friend" },
	{ "bob@b.example", "both@example.org", BOB, "reject score=20.000" },
	{ "bob@b.example", "zoe@example.org", BOB, "accept score=20.000 spared=setting" },
	{ "bob@b.example", "ann@example.org zoe@example.org", BOB,
	  "accept score=20.000 spared=setting" },
	/* who is not ours has agreed to nothing */
	{ "bob@b.example", "x@other.example", BOB, "accept score=20.000 spared=outside" },
	{ "bob@b.example", "ann@example.org nobody@example.org", BOB,
	  "accept score=20.000 spared=outside" },
	{ "bob@b.example", "away@example.org", BOB, "accept score=20.000 spared=outside" },
	{ "bob@b.example", "ann", BOB, "accept score=20.000 spared=outside" },
	{ "bob@b.example", "", BOB, "accept score=20.000 spared=unknown" },
	/* blocks, by the envelope or by From, proven or not */
	{ "x@r.example", "ann@example.org", "Subject: x\n\n",
	  "reject blocked=r.example list=user" },
	{ "", "ann@example.org", "From: x@r.example\n\n", "reject blocked=r.example list=user" },
	{ "x@r.example", "both@example.org", BOB, "reject blocked=r.example list=user" },
	{ "x@d.example", "ann@example.org bob@example.org", BOB,
	  "discard blocked=d.example list=user" },
	{ "x@m.example", "ann@example.org bob@example.org", BOB,
	  "reject blocked=m.example list=user" },
	/* not all: delivery sorts it out; the score is another matter */
	{ "x@r.example", "ann@example.org zoe@example.org", BOB,
	  "accept score=20.000 spared=setting" },
	{ "x@r.example", "ann@example.org x@other.example", BOB,
	  "accept score=20.000 spared=outside" },
	{ "x@f.example", "ann@example.org", BOB, "reject score=20.000" },
	/* nobody blocks his own domain */
	{ "x@r.example", "ann@example.org", "From: zoe@example.org\n\n", "reject score=20.000" },
};

MR_TEST(spam_consent)
{
	struct bench b;

	if (bench_init(t, &b) == 0 && fill(b.url) == 0) {
		for (size_t i = 0; i < MR_COUNT(rows); i++) {
			if ((t->oom || getenv("MR_TEST_OOM")) && i != 7)
				continue;
			t->row = (long)i;
			MR_CHECK_STR(t, rows[i].want,
				     verdict(t, &b, rows[i].from, rows[i].to, rows[i].raw, NULL));
		}
		MR_CHECK_STR(t, "", logged);
		t->row = -1;
		/* our own users, and nothing to refuse for */
		MR_CHECK_STR(t, "accept score=20.000 account=ann",
			     verdict(t, &b, "x@d.example", "ann@example.org", BOB, "ann"));
		b.set.spam_reject_score = 21;
		MR_CHECK_STR(t, "accept score=20.000",
			     verdict(t, &b, "bob@b.example", "zoe@example.org", BOB, NULL));
	}
	bench_done(&b);
}

/* No directory: the score alone. No lists: the settings count. */
MR_TEST(spam_consent_without)
{
	struct bench b;
	char path[MR_PATH_MAX + 32];

	if (bench_init(t, &b) == 0) {
		MR_CHECK_STR(t, "reject score=20.000",
			     verdict(t, &b, "x@r.example", "x@other.example", BOB, NULL));
		snprintf(path, sizeof(path), "%s/senders.db", b.url + strlen("sqlite:"));
		if (fill(b.url) == 0 && unlink(path) == 0) {
			MR_CHECK_STR(
				t, "reject score=20.000",
				verdict(t, &b, "x@d.example", "bob@example.org", VALID BOB, NULL));
			MR_CHECK_STR(
				t, "accept score=20.000 spared=setting",
				verdict(t, &b, "x@d.example", "zoe@example.org", VALID BOB, NULL));
		}
		MR_CHECK_STR(t, "", logged);
	}
	bench_done(&b);
}

/* The store does not answer: nothing is refused, and the log has one line. */
MR_TEST(spam_consent_away)
{
	struct bench b;
	char path[MR_PATH_MAX + 32];
	int fd;

	if (t->oom || getenv("MR_TEST_OOM"))
		return;
	if (bench_init(t, &b) == 0 && fill(b.url) == 0) {
		snprintf(path, sizeof(path), "%s/senders.db", b.url + strlen("sqlite:"));
		fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		MR_CHECK(t, fd >= 0 && mr_write_all(fd, S("no file of SQLite's, but text")) == 0);
		close(fd);
		for (int i = 0; i < 3; i++) {
			t->row = i;
			MR_CHECK_STR(t, "accept score=20.000 spared=unknown",
				     verdict(t, &b, "x@r.example", "ann@example.org", BOB, NULL));
		}
		MR_CHECK(t, strstr(logged, "nothing is refused"));
		MR_CHECK(t, !strchr(strchr(logged, '\n') + 1, '\n'));
	}
	bench_done(&b);
}
