#include "lib/store/mr_store_limits.h"

#include <pthread.h>

#include "lib/base/mr_err.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)

/* A minute is six slots of 10 s, an hour six of 600 s, a day six of 14,400 s; START begins one of each. */
#define START 1728000000 /* = 20,000 days */

static struct mr_send_limit limit_at(int64_t now_s)
{
	return (struct mr_send_limit){
		.owner = { { .name = S("ann@example.org") }, { .name = S("@example.org") } },
		.length_s = { 60, 3600, 86400 },
		.recipients = 1,
		.now_s = now_s,
		.tell_s = 86400,
	};
}

/* Steps of one account: what it may, and what has been used by then. */
MR_TEST(limits_windows)
{
	static const struct {
		int64_t after_s, recipients;
		bool over;
		enum mr_limit_window window;
		bool by_recipients;
		int64_t messages[MR_LIMIT_WINDOWS], sum[MR_LIMIT_WINDOWS]; /* used before */
	} rows[] = {
		/* burst 3 messages, hour 5 messages, day 20 recipients */
		{ 0, 1, false, 0, false, { 0, 0, 0 }, { 0, 0, 0 } },
		{ 1, 2, false, 0, false, { 1, 1, 1 }, { 1, 1, 1 } },
		{ 9, 1, false, 0, false, { 2, 2, 2 }, { 3, 3, 3 } },
		{ 9, 1, true, MR_LIMIT_BURST, false, { 3, 3, 3 }, { 4, 4, 4 } },
		/* The slot from 0 to 9 counts until its last second is 60 s old. */
		{ 69, 1, true, MR_LIMIT_BURST, false, { 3, 3, 3 }, { 4, 4, 4 } },
		{ 70, 1, false, 0, false, { 0, 3, 3 }, { 0, 4, 4 } },
		{ 75, 1, false, 0, false, { 1, 4, 4 }, { 1, 5, 5 } },
		/* Nothing is left in the hour. What was refused was not counted. */
		{ 200, 1, true, MR_LIMIT_HOUR, false, { 0, 5, 5 }, { 0, 6, 6 } },
		{ 4199, 1, true, MR_LIMIT_HOUR, false, { 0, 5, 5 }, { 0, 6, 6 } },
		/* 4200 = 3600 + a slot. In the day 6 recipients of 20 are used. */
		{ 4200, 15, true, MR_LIMIT_DAY, true, { 0, 0, 5 }, { 0, 0, 6 } },
		{ 4200, 14, false, 0, false, { 0, 0, 5 }, { 0, 0, 6 } },
		{ 4300, 1, true, MR_LIMIT_DAY, true, { 0, 1, 6 }, { 0, 14, 20 } },
		{ 86400 + 14399, 1, true, MR_LIMIT_DAY, true, { 0, 0, 6 }, { 0, 0, 20 } },
		{ 86400 + 14400, 20, false, 0, false, { 0, 0, 0 }, { 0, 0, 0 } },
	};
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);

	MR_NEED(t, st);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_send_limit l = limit_at(START + rows[i].after_s), peek;

		t->row = (long)i;
		l.owner[0].max[MR_LIMIT_BURST].messages = 3;
		l.owner[0].max[MR_LIMIT_HOUR].messages = 5;
		l.owner[0].max[MR_LIMIT_DAY].recipients = 20;
		l.recipients = rows[i].recipients;
		peek = l;
		MR_NEED(t, mr_store_limit_peek(st, &peek) == 0);
		MR_NEED(t, mr_store_limit_take(st, &l) == 0);
		MR_CHECK_INT(t, rows[i].over, l.over);
		MR_CHECK_INT(t, rows[i].over, peek.over);
		MR_CHECK(t, !peek.tell);
		for (unsigned w = 0; w < MR_LIMIT_WINDOWS; w++) {
			MR_CHECK_INT(t, rows[i].messages[w], l.owner[0].used[w].messages);
			MR_CHECK_INT(t, rows[i].sum[w], l.owner[0].used[w].recipients);
			/* The domain counts the same, and has no limit. */
			MR_CHECK_INT(t, rows[i].sum[w], l.owner[1].used[w].recipients);
		}
		if (!l.over)
			continue;
		MR_CHECK_INT(t, MR_LIMIT_ACCOUNT, l.over_owner);
		MR_CHECK_INT(t, rows[i].window, l.over_window);
		MR_CHECK_INT(t, rows[i].by_recipients, l.over_recipients);
	}
}

/* A domain's limit is that of all its accounts together; another domain does not notice. */
MR_TEST(limits_domain)
{
	static const struct {
		const char *account, *domain;
		bool over;
	} rows[] = {
		{ "ann@example.org", "@example.org", false },
		{ "bob@example.org", "@example.org", false },
		{ "cat@example.org", "@example.org", true },
		{ "ann@example.org", "@example.org", true },
		{ "ann@example.net", "@example.net", false },
		{ "dan@example.org", "", false }, /* nobody asks for its domain */
	};
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);

	MR_NEED(t, st);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_send_limit l = limit_at(START);

		t->row = (long)i;
		l.owner[0].name = S(rows[i].account);
		l.owner[1].name = S(rows[i].domain);
		l.owner[1].max[MR_LIMIT_DAY].messages = 2;
		MR_NEED(t, mr_store_limit_take(st, &l) == 0);
		MR_CHECK_INT(t, rows[i].over, l.over);
		if (l.over)
			MR_CHECK_INT(t, MR_LIMIT_DOMAIN, l.over_owner);
	}
}

/* Once in tell_s for each owner, whoever asks. */
MR_TEST(limits_tell_once)
{
	static const struct {
		const char *account;
		int64_t after_s;
		bool tell;
	} rows[] = {
		{ "ann@example.org", 0, true },    { "ann@example.org", 1, false },
		{ "bob@example.org", 1, true },    { "ann@example.org", 99, false },
		{ "ann@example.org", 100, true },  { "ann@example.org", 101, false },
		{ "ann@example.org", 99, false }, /* the clock was set back a little */
		{ "ann@example.org", -601, true }, /* or by much: what is kept is nothing */
	};
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);

	MR_NEED(t, st);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_send_limit l = limit_at(START + rows[i].after_s);

		t->row = (long)i;
		l.owner[0].name = S(rows[i].account);
		l.owner[0].max[MR_LIMIT_BURST].recipients = 1;
		l.recipients = 2;
		l.tell_s = 100;
		MR_NEED(t, mr_store_limit_take(st, &l) == 0);
		MR_CHECK(t, l.over);
		MR_CHECK_INT(t, rows[i].tell, l.tell);
	}
}

/* A clock that was wrong for a while: what it left far in the future counts for nobody. */
MR_TEST(limits_clock)
{
	static const struct {
		int64_t after_s, used;
	} rows[] = {
		{ 365 * 86400, 0 }, { 0, 0 }, { 600, 1 }, { 10, 2 }, { -590, 2 }, { -7200, 0 },
	};
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);

	MR_NEED(t, st);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_send_limit l = limit_at(START + rows[i].after_s);

		t->row = (long)i;
		MR_NEED(t, mr_store_limit_take(st, &l) == 0);
		MR_CHECK_INT(t, rows[i].used, l.owner[0].used[MR_LIMIT_HOUR].messages);
	}
	/* A year ahead: 3 rows of each owner; from before: bursts of -590 s, burst and hour of -7200 s. */
	MR_CHECK_INT(t, 6 + 2 + 4, mr_store_sent_expire(st, START, 1000));
}

struct listing {
	char text[512];
};

static int list(void *arg, struct mr_span owner, const struct mr_sent used[MR_LIMIT_WINDOWS],
		int64_t told_s)
{
	struct listing *l = arg;
	size_t len = strlen(l->text);

	snprintf(l->text + len, sizeof(l->text) - len, "%.*s %d %d/%d %d %d; ", (int)owner.len,
		 owner.p, (int)used[0].messages, (int)used[1].messages, (int)used[1].recipients,
		 (int)used[2].messages, told_s > 0 ? (int)(told_s - START) : -1);
	return 0;
}

static void check_list(struct mr_t *t, struct mr_store *st, const char *owner, int64_t after_s,
		       const char *want)
{
	struct listing all = { "" };

	MR_CHECK_INT(t, 0, mr_store_sent_each(st, S(owner), START + after_s, list, &all));
	MR_CHECK_STR(t, want, all.text);
}

MR_TEST(limits_show_reset_expire)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);
	struct mr_send_limit l = limit_at(START);

	MR_NEED(t, st);
	check_list(t, st, "", 0, "");
	l.recipients = 3;
	MR_NEED(t, mr_store_limit_take(st, &l) == 0);
	l.owner[0].name = S("bob@example.org");
	l.now_s += 600;
	MR_NEED(t, mr_store_limit_take(st, &l) == 0);
	l.owner[0].max[MR_LIMIT_DAY].messages = 1;
	MR_NEED(t, mr_store_limit_take(st, &l) == 0 && l.tell);
	check_list(t, st, "", 600,
		   "@example.org 1 2/6 2 -1; ann@example.org 0 1/3 1 -1; bob@example.org 1 1/3 1 "
		   "600; ");
	check_list(t, st, "ann@example.org", 4200, "ann@example.org 0 0/0 1 -1; ");
	check_list(t, st, "eve@example.org", 0, "");
	MR_CHECK_INT(t, 0, mr_store_sent_reset(st, S("bob@example.org")));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_sent_reset(st, S("bob@example.org")));
	check_list(t, st, "", 600, "@example.org 1 2/6 2 -1; ann@example.org 0 1/3 1 -1; ");
	MR_NEED(t, mr_store_limit_take(st, &l) == 0);
	MR_CHECK(t, !l.over);
	/* Ann's and bob's bursts end at 70 and 670 s, and so do the domain's; hours at 4200 and 4800. */
	MR_CHECK_INT(t, 0, mr_store_sent_expire(st, START + 69, 1000));
	MR_CHECK_INT(t, 2, mr_store_sent_expire(st, START + 70, 1000));
	MR_CHECK_INT(t, 1, mr_store_sent_expire(st, START + 670, 1));
	MR_CHECK_INT(t, 1, mr_store_sent_expire(st, START + 670, 1000));
	MR_CHECK_INT(t, 4, mr_store_sent_expire(st, START + 4800, 1000));
	MR_CHECK_INT(t, 3, mr_store_sent_expire(st, START + 86400 + 14400, 1000));
	check_list(t, st, "", 600, "");
}

MR_TEST(limits_names)
{
	char longest[MR_LIMIT_OWNER_MAX + 2];
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_LIMITS);
	const struct {
		struct mr_span name;
		int want;
	} rows[] = {
		{ S("ann"), 0 },
		{ S("\xc3\xa4nne@example.org"), 0 },
		{ S("it's \\ \"@example.org"), 0 },
		{ mr_span(longest, MR_LIMIT_OWNER_MAX), 0 },
		{ mr_span(longest, MR_LIMIT_OWNER_MAX + 1), MR_EINVAL },
		{ S(""), MR_EINVAL },
		{ S("@example.org"), MR_EINVAL }, /* an account that would count as its domain */
		{ S("\xff@example.org"), MR_EINVAL },
		{ mr_span("a\0b", 3), MR_EINVAL },
	};

	MR_NEED(t, st);
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_send_limit l = limit_at(START);

		t->row = (long)i;
		l.owner[0].name = rows[i].name;
		MR_CHECK_INT(t, rows[i].want, mr_store_limit_take(st, &l));
		MR_CHECK_INT(t, rows[i].want, mr_store_limit_peek(st, &l));
	}
}

/* -- several at once --------------------------------------------------------------------------- */

#define SENDERS 4
#define TRIES   40
#define MAX     60 /* of SENDERS * TRIES */

struct sender {
	char url[MR_PATH_MAX + 16];
	pthread_t thread;
	int taken, failed;
};

static void *sends(void *arg)
{
	struct sender *sender = arg;
	MR_AUTO(mr_store) *st = NULL;

	if (mr_store_open(sender->url, MR_GROUP_LIMITS, MR_STORE_WRITE, &st) < 0) {
		sender->failed = TRIES;
		return NULL;
	}
	for (int i = 0; i < TRIES; i++) {
		struct mr_send_limit l = limit_at(START);
		int err;

		l.owner[MR_LIMIT_DOMAIN].max[MR_LIMIT_HOUR].messages = MAX;
		/* Too many conflicts: a temporary answer, and nothing was done. */
		while ((err = mr_store_limit_take(st, &l)) == MR_ETEMP)
			sender->failed++;
		sender->taken += err == 0 && !l.over;
	}
	return NULL;
}

/* Several programs, each with a connection of its own: exactly the limit, never one more. */
MR_TEST(limits_at_once)
{
	const char *url = mr_store_test_url(mr_test_dir(t));
	MR_AUTO(mr_store) *st = NULL;
	struct sender sender[SENDERS];
	struct mr_send_limit l = limit_at(START);
	int taken = 0;

	if (t->oom)
		return; /* which thread's allocation it is that fails is chance */
	MR_NEED(t, mr_store_open(url, MR_GROUP_LIMITS, MR_STORE_CREATE, &st) == 0);
	for (int i = 0; i < SENDERS; i++) {
		sender[i] = (struct sender){ .taken = 0 };
		MR_NEED(t, mr_span_copyz(S(url), sender[i].url, sizeof(sender[i].url)) == 0);
		MR_NEED(t, pthread_create(&sender[i].thread, NULL, sends, &sender[i]) == 0);
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(sender[i].thread, NULL);
		taken += sender[i].taken;
	}
	MR_CHECK_INT(t, MAX, taken);
	MR_NEED(t, mr_store_limit_peek(st, &l) == 0);
	MR_CHECK_INT(t, MAX, l.owner[MR_LIMIT_ACCOUNT].used[MR_LIMIT_DAY].messages);
	MR_CHECK_INT(t, MAX, l.owner[MR_LIMIT_DOMAIN].used[MR_LIMIT_DAY].recipients);
}
