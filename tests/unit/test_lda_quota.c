#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lda/lmtpd/settle.h"
#include "lda/lmtpd/warning.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_maildirsize.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define ORG   MR_SPAN("example.org")
#define START 1800000000

/* A mail_dir, a store, and what is set for everybody. */
struct bench {
	struct mr_store *store;
	struct mr_quota *quota;
	struct mr_settle *settle;
	struct mr_clock_fake clock;
	struct mr_user_settings set;
	struct mr_buf warned;
	int mail_fd, fd; /* fd: ann's mailbox */
	int warn_err;
};

/* zoe has no limit of her own. */
static int settings(void *arg, struct mr_span local, struct mr_span domain MR_UNUSED,
		    struct mr_arena *arena MR_UNUSED, struct mr_user_settings *settings_out)
{
	*settings_out = ((struct bench *)arg)->set;
	if (mr_span_eq(local, MR_SPAN("zoe")))
		settings_out->quota = (struct mr_limit){ 0, 0 };
	return 0;
}

static int warn(void *arg, const struct mr_quota_warning *w)
{
	struct bench *b = arg;

	(void)mr_buf_printf(&b->warned, "%.*s@%.*s %d; ", (int)w->local.len, w->local.p,
			    (int)w->domain.len, w->domain.p, w->percent);
	return b->warn_err;
}

static int bench_open(struct mr_t *t, struct bench *b, struct mr_store *store)
{
	struct mr_settle_with with = { .settings = settings, .warn = warn, .arg = b };

	*b = (struct bench){ .mail_fd = -1,
			     .fd = -1,
			     .clock = { .now_ms = 1, .time_s = START },
			     .warned = MR_BUF(4096) };
	mr_user_settings_default(&b->set);
	b->store = store;
	b->mail_fd = open(mr_test_dir(t), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!b->store || b->mail_fd < 0)
		return MR_ENOMEM;
	b->quota = mr_quota_new(b->store, mr_clock_fake(&b->clock));
	with.quota = b->quota;
	with.store = b->store;
	with.mail_fd = b->mail_fd;
	with.clock = mr_clock_fake(&b->clock);
	b->settle = mr_settle_new(&with);
	if (!b->quota || !b->settle)
		return MR_ENOMEM;
	return mr_maildir_open(b->mail_fd, "example.org/ann", MR_MAILDIR_CREATE, &b->fd);
}

static int bench_init(struct mr_t *t, struct bench *b)
{
	return bench_open(t, b, mr_store_test_open(t, MR_GROUP_QUOTA));
}

static void bench_done(struct bench *b)
{
	mr_settle_free(b->settle);
	mr_quota_free(b->quota);
	mr_store_close(b->store);
	mr_close_at(&b->mail_fd);
	mr_close_at(&b->fd);
	mr_buf_done(&b->warned);
}

static struct mr_quota_owner ann(const struct bench *b)
{
	return (struct mr_quota_owner){ MR_SPAN("ann"), ORG, &b->set, "example.org/ann" };
}

/* "452 4.2.2", or "250". */
static const char *ask(struct bench *b, int64_t size, bool no_sender)
{
	static char text[32];
	const struct mr_quota_owner owner = ann(b);
	struct mr_lmtp_reply reply = { 0, "", "" };

	if (mr_quota_admits(b->quota, &owner, b->mail_fd, -1, size, no_sender, &reply))
		return "250";
	snprintf(text, sizeof(text), "%d %s", reply.code, reply.status);
	return text;
}

/* A message of so many octets, whose file is empty: its name says. */
static void deliver(struct mr_t *t, struct bench *b, int number, int octets)
{
	const struct mr_quota_owner owner = ann(b);
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "new/%d.host,S=%d", number, octets);
	fd = openat(b->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MR_CHECK(t, fd >= 0);
	mr_close_at(&fd);
	mr_quota_stored(b->quota, &owner, b->fd, octets);
}

static void check_usage(struct mr_t *t, struct bench *b, int64_t octets, int64_t messages)
{
	struct mr_usage u = { -1, -1 };

	MR_CHECK_INT(t, 0, mr_store_usage_get(b->store, MR_SPAN("ann"), ORG, &u));
	MR_CHECK_INT(t, octets, u.octets);
	MR_CHECK_INT(t, messages, u.messages);
}

/* Without limits nothing is asked, counted, or written. */
MR_TEST(lda_quota_none)
{
	struct bench b;
	struct mr_maildirsize size;

	if (bench_init(t, &b) == 0) {
		MR_CHECK_STR(t, "250", ask(&b, 1 << 30, false));
		deliver(t, &b, 1, 500);
		MR_CHECK_INT(t, 0, mr_settle_round(b.settle));
		MR_CHECK_INT(t, MR_ENOENT, mr_maildirsize_read(b.fd, &size));
		check_usage(t, &b, 0, 0);
	}
	bench_done(&b);
}

/* Waits for the time of grace, then refused; room again, a new time of grace. */
MR_TEST(lda_quota_of_user)
{
	struct bench b;

	if (bench_init(t, &b) == 0) {
		b.set.quota = (struct mr_limit){ 1000, 0 };
		b.set.quota_grace_hours = 2;
		MR_CHECK_STR(t, "250", ask(&b, 1000, false));
		MR_CHECK_STR(t, "552 5.2.3", ask(&b, 1001, false));
		deliver(t, &b, 1, 900);
		MR_CHECK_STR(t, "250", ask(&b, 100, false));
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 101, false));
		MR_CHECK_STR(t, "250", ask(&b, 0, false));
		b.clock.time_s += 7199;
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 101, false));
		b.clock.time_s += 1;
		MR_CHECK_STR(t, "552 5.2.2", ask(&b, 101, false));
		MR_CHECK_STR(t, "250", ask(&b, 100, false));
		MR_CHECK_STR(t, "250", ask(&b, 101, true)); /* without a sender */
		/* 94 per cent: it was full, and is not any more */
		deliver(t, &b, 2, 40);
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 101, false));
		b.clock.time_s += 7200;
		MR_CHECK_STR(t, "552 5.2.2", ask(&b, 101, false));
		/* 95 per cent: still full */
		deliver(t, &b, 3, 10);
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		MR_CHECK_STR(t, "552 5.2.2", ask(&b, 101, false));
	}
	bench_done(&b);
}

/* The user has room, his domain has none. */
MR_TEST(lda_quota_of_domain)
{
	struct bench b;

	if (bench_init(t, &b) == 0) {
		b.set.quota = (struct mr_limit){ 1000, 0 };
		b.set.domain_quota = (struct mr_limit){ 5000, 0 };
		b.set.quota_grace_hours = 1;
		MR_CHECK_INT(t, 0,
			     mr_store_usage_set(b.store, MR_SPAN("zoe"), ORG,
						(struct mr_usage){ 4500, 9 }));
		MR_CHECK_STR(t, "250", ask(&b, 500, false));
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 501, false));
		deliver(t, &b, 1, 400);
		b.clock.now_ms += MR_QUOTA_SUM_KEPT_MS;
		MR_CHECK_INT(t, 2, mr_settle_round(b.settle));
		MR_CHECK_STR(t, "250", ask(&b, 100, false));
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 101, false));
		b.clock.time_s += 3600;
		MR_CHECK_STR(t, "552 5.2.2", ask(&b, 101, false));
		b.clock.now_ms += MR_QUOTA_SUM_KEPT_MS;
		MR_CHECK_INT(t, 0,
			     mr_store_usage_set(b.store, MR_SPAN("zoe"), ORG,
						(struct mr_usage){ 100, 1 }));
		MR_CHECK_STR(t, "250", ask(&b, 600, false));
	}
	bench_done(&b);
}

/* What was delivered is in the store after a round, and settled once the file was compared. */
MR_TEST(lda_quota_settles)
{
	static const struct mr_usage_row first;
	struct mr_usage_row row[2];
	struct bench b;

	if (bench_init(t, &b) == 0) {
		b.set.quota = (struct mr_limit){ 100000, 0 };
		MR_CHECK_STR(t, "250", ask(&b, 500, false)); /* makes the file */
		deliver(t, &b, 1, 500);
		deliver(t, &b, 2, 70);
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		check_usage(t, &b, 570, 2);
		MR_CHECK_INT(t, 1, mr_store_usage_unsettled(b.store, &first, row, 2));
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle)); /* quiet: compared */
		MR_CHECK_INT(t, 0, mr_store_usage_unsettled(b.store, &first, row, 2));
		MR_CHECK_INT(t, 0, mr_settle_round(b.settle));
		deliver(t, &b, 3, 5);
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle)); /* the same file: believed */
		MR_CHECK_INT(t, 0, mr_store_usage_unsettled(b.store, &first, row, 2));
		check_usage(t, &b, 575, 3);
	}
	bench_done(&b);
}

/* A report that is wrong, of somebody else; a file that is wrong, which only counting finds. */
MR_TEST(lda_quota_mends)
{
	static const struct mr_usage_row first;
	struct mr_usage_row row[2];
	struct bench b;

	if (bench_init(t, &b) == 0) {
		b.set.quota = (struct mr_limit){ 100000, 0 };
		deliver(t, &b, 1, 500);
		MR_CHECK_INT(t, 0,
			     mr_maildirsize_write(b.fd, (struct mr_maildir_sum){ 100000, 0 },
						  (struct mr_maildir_sum){ 7777, 7 }));
		MR_CHECK_INT(t, 0,
			     mr_store_usage_add(b.store, MR_SPAN("ann"), ORG,
						(struct mr_usage){ -9, -9 }));
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		check_usage(t, &b, 7777, 7);
		/* Compared, and wrong; still so: made anew; quiet; compared. */
		for (int i = 0; i < 4; i++)
			MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		check_usage(t, &b, 500, 1);
		MR_CHECK_INT(t, 0, mr_store_usage_unsettled(b.store, &first, row, 2));
		MR_CHECK_INT(t, 0, mr_settle_round(b.settle));
	}
	bench_done(&b);
}

/* Of whom there is no mailbox here the report stays. */
MR_TEST(lda_quota_elsewhere)
{
	struct bench b;

	if (bench_init(t, &b) == 0) {
		struct mr_usage u = { 0, 0 };

		b.set.quota = (struct mr_limit){ 100000, 0 };
		MR_CHECK_INT(t, 0,
			     mr_store_usage_set(b.store, MR_SPAN("zoe"), ORG,
						(struct mr_usage){ 4500, 9 }));
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		MR_CHECK_INT(t, 0, mr_settle_round(b.settle));
		MR_CHECK_INT(t, 0, mr_store_usage_get(b.store, MR_SPAN("zoe"), ORG, &u));
		MR_CHECK_INT(t, 4500, u.octets);
	}
	bench_done(&b);
}

/* Once each, of user and domain; tried again where nobody took it, but not at once. */
MR_TEST(lda_quota_warnings)
{
	struct bench b;

	if (bench_init(t, &b) == 0) {
		b.set.quota = (struct mr_limit){ 1000, 0 };
		b.set.domain_quota = (struct mr_limit){ 10000, 0 };
		MR_CHECK_STR(t, "250", ask(&b, 1, false));
		deliver(t, &b, 1, 800);
		b.warn_err = MR_ETEMP;
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		MR_CHECK_SPAN(t, "ann@example.org 80; ", mr_buf_span(&b.warned));
		b.warn_err = 0;
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		MR_CHECK_SPAN(t, "ann@example.org 80; ", mr_buf_span(&b.warned));
		b.clock.now_ms += 30000;
		deliver(t, &b, 2, 10);
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		MR_CHECK_SPAN(t, "ann@example.org 80; ann@example.org 80; ",
			      mr_buf_span(&b.warned));
		mr_buf_reset(&b.warned);
		deliver(t, &b, 3, 100);
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		MR_CHECK_SPAN(t, "", mr_buf_span(&b.warned));
		deliver(t, &b, 4, 50);
		MR_CHECK_INT(t, 0,
			     mr_store_usage_set(b.store, MR_SPAN("zoe"), ORG,
						(struct mr_usage){ 8000, 9 }));
		MR_CHECK_INT(t, 2, mr_settle_round(b.settle));
		MR_CHECK_SPAN(t, "ann@example.org 95; @example.org 80; ", mr_buf_span(&b.warned));
		mr_buf_reset(&b.warned);
		deliver(t, &b, 5, 50);
		MR_CHECK_INT(t, 1, mr_settle_round(b.settle));
		MR_CHECK_SPAN(t, "", mr_buf_span(&b.warned));
	}
	bench_done(&b);
}

/* A limit that is no more: nobody is full, and a new one gives a new time of grace. */
MR_TEST(lda_quota_limit_goes)
{
	struct bench b;

	if (bench_init(t, &b) == 0) {
		b.set.quota = (struct mr_limit){ 1000, 0 };
		b.set.quota_grace_hours = 1;
		MR_CHECK_STR(t, "250", ask(&b, 990, false));
		deliver(t, &b, 1, 990);
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 100, false));
		b.clock.time_s += 3600;
		MR_CHECK_STR(t, "552 5.2.2", ask(&b, 100, false));
		b.set.quota = (struct mr_limit){ 0, 0 };
		MR_CHECK_STR(t, "250", ask(&b, 100, false));
		deliver(t, &b, 2, 100);
		MR_CHECK(t, mr_settle_round(b.settle) == 1);
		b.set.quota = (struct mr_limit){ 1000, 0 };
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 100, false));
	}
	bench_done(&b);
}

/* The quotas away: nothing is refused for good, domains count as they were, and what is delivered is counted
 * once they are back. */
MR_TEST(lda_quota_store_away)
{
	char url[MR_PATH_MAX], file[MR_PATH_MAX], aside[MR_PATH_MAX + 8], dir[MR_PATH_MAX - 64];
	struct mr_store *store = NULL;
	struct bench b;

	if (mr_store_test_server() || t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "about files");
	MR_NEED(t, mr_span_copyz(mr_span_str(mr_test_dir(t)), dir, sizeof(dir)) == 0);
	snprintf(url, sizeof(url), "sqlite:%s", dir);
	snprintf(file, sizeof(file), "%s/quota.db", dir);
	snprintf(aside, sizeof(aside), "%s.aside", file);
	MR_NEED(t, mr_store_open(url, MR_GROUP_QUOTA, MR_STORE_CREATE, &store) == 0);
	if (bench_open(t, &b, store) == 0) {
		b.set.quota = (struct mr_limit){ 1000, 0 };
		b.set.domain_quota = (struct mr_limit){ 1500, 0 };
		b.set.quota_grace_hours = 0;
		MR_CHECK_INT(t, 0,
			     mr_store_usage_set(b.store, MR_SPAN("zoe"), ORG,
						(struct mr_usage){ 900, 1 }));
		MR_CHECK_STR(t, "250", ask(&b, 500, false));
		MR_CHECK_STR(t, "552 5.2.2", ask(&b, 601, false));
		MR_CHECK_INT(t, 0, rename(file, aside));
		b.clock.now_ms += 100000;
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 601, false));
		MR_CHECK_STR(t, "250", ask(&b, 600, false));
		deliver(t, &b, 1, 600);
		MR_CHECK_STR(t, "452 4.2.2", ask(&b, 401, false));
		MR_CHECK(t, mr_settle_round(b.settle) < 0);
		MR_CHECK_INT(t, 0, rename(aside, file));
		MR_CHECK(t, mr_settle_round(b.settle) > 0);
		check_usage(t, &b, 600, 1);
	}
	bench_done(&b);
}

MR_TEST(lda_quota_warning_text)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "Full\n\nYou, %{address}: %{percent} %\n", 0 },
		{ "%{used} %{limit}\n\n%{messages} %{messages_limit}\n", 0 },
		{ "Full\n\n", 0 },
		{ "", MR_EINVAL },
		{ "Full\n", MR_EINVAL },
		{ "\n\ntext\n", MR_EINVAL },
		{ "Full\ntext\n", MR_EINVAL },
		{ "Full\n\n%{name}\n", MR_EINVAL },
		{ "%{}\n\nx\n", MR_EINVAL },
		{ "Full\n\n%{address\n", MR_EINVAL },
		{ "Full\xff\n\nx\n", MR_EINVAL },
	};
	const struct mr_quota_warning w = { .local = MR_SPAN("ann"),
					    .domain = ORG,
					    .percent = 80,
					    .used = { 838861, 7 },
					    .limit = { 1048576, 0 } };
	MR_AUTO_BUF out = MR_BUF(65536);

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].text);

		MR_NEED(t, in);
		MR_CHECK_INT(t, rows[i].want, mr_warning_check(mr_block_span(in)));
	}
	t->row = -1;
	MR_CHECK_INT(t, 0, mr_warning_check(mr_span_str(mr_warning_user)));
	MR_CHECK_INT(t, 0, mr_warning_check(mr_span_str(mr_warning_domain)));
	MR_NEED(t, mr_warning_put(&out,
				  MR_SPAN("%{percent} % full\n\n%{address} has %{used} of"
					  " %{limit}, %{messages} of %{messages_limit}\n"),
				  &w, "mx.example.org", START) == 0);
	MR_CHECK(t, mr_span_search(mr_buf_span(&out), MR_SPAN("Subject: 80 % full\n")) < out.len);
	MR_CHECK(t, mr_span_search(mr_buf_span(&out), MR_SPAN("\nTo: <ann@example.org>\n")) <
				    out.len ||
			    mr_span_search(mr_buf_span(&out), MR_SPAN("To: ann@example.org\n")) <
				    out.len);
	MR_CHECK(t, mr_span_search(mr_buf_span(&out), MR_SPAN("Auto-Submitted: auto-generated\n")) <
			    out.len);
	MR_CHECK(t, mr_span_search(mr_buf_span(&out),
				   MR_SPAN("\nann@example.org has 819.2 KB of 1.0 MB, 7 of -\n")) <
			    out.len);
}
