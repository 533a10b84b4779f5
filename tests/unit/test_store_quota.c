#include "lib/store/mr_store_quota.h"

#include <pthread.h>

#include "lib/base/mr_err.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define S(text) mr_span_str(text)
#define ORG     MR_SPAN("example.org")
#define ALL     MR_SPAN("")
#define THREADS 4
#define CHANGES 40 /* of each thread */

static struct mr_usage usage(int64_t octets, int64_t messages)
{
	return (struct mr_usage){ octets, messages };
}

static void check(struct mr_t *t, struct mr_store *st, struct mr_span local, int64_t octets,
		  int64_t messages)
{
	struct mr_usage u = { -1, -1 };

	MR_CHECK_INT(t, 0, mr_store_usage_get(st, local, ORG, &u));
	MR_CHECK_INT(t, octets, u.octets);
	MR_CHECK_INT(t, messages, u.messages);
}

/* What was reported, and its sum, of this domain alone. */
MR_TEST(quota_reports)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_QUOTA);

	MR_NEED(t, st);
	check(t, st, S("ann"), 0, 0);
	check(t, st, ALL, 0, 0);
	MR_CHECK_INT(t, 0, mr_store_usage_add(st, S("Ann"), S("Example.org"), usage(100, 1)));
	MR_CHECK_INT(t, 0, mr_store_usage_add(st, S("ann"), ORG, usage(50, 1)));
	MR_CHECK_INT(t, 0, mr_store_usage_set(st, S("zoe"), ORG, usage(1000, 10)));
	MR_CHECK_INT(t, 0, mr_store_usage_set(st, S("bob"), S("b.example"), usage(7777, 7)));
	check(t, st, S("ann"), 150, 2);
	check(t, st, S("zoe"), 1000, 10);
	check(t, st, ALL, 1150, 12);
	MR_CHECK_INT(t, 0, mr_store_usage_add(st, S("zoe"), ORG, usage(-400, -4)));
	MR_CHECK_INT(t, 0, mr_store_usage_set(st, S("ann"), ORG, usage(1, 1)));
	check(t, st, ALL, 601, 7);
	/* Reports that come in the wrong order: never shown below 0, and right once all are there. */
	MR_CHECK_INT(t, 0, mr_store_usage_add(st, S("new"), ORG, usage(-10, -1)));
	check(t, st, S("new"), 0, 0);
	MR_CHECK_INT(t, 0, mr_store_usage_add(st, S("new"), ORG, usage(25, 2)));
	check(t, st, S("new"), 15, 1);
	MR_CHECK_INT(t, 1, mr_store_usage_forget(st, S("new"), ORG));
	MR_CHECK_INT(t, 2, mr_store_usage_forget(st, ALL, ORG));
	check(t, st, ALL, 0, 0);
	MR_CHECK_INT(t, MR_EINVAL, mr_store_usage_add(st, S("a/b"), ORG, usage(1, 1)));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_usage_set(st, S("ann"), S("a b"), usage(1, 1)));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_usage_add(st, ALL, ORG, usage(1, 1)));
}

/* Beyond 2^53, where a sum in floating point would lose octets. */
MR_TEST(quota_large)
{
	const int64_t big = ((int64_t)1 << 60) + 1;
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_QUOTA);

	MR_NEED(t, st);
	MR_CHECK_INT(t, 0, mr_store_usage_set(st, S("ann"), ORG, usage(big, 1)));
	MR_CHECK_INT(t, 0, mr_store_usage_set(st, S("zoe"), ORG, usage(big, 1)));
	check(t, st, ALL, 2 * big, 2);
}

static int list_row(void *arg, const struct mr_usage_row *r)
{
	return mr_buf_printf(arg, "%s@%s=%d/%d%s ", r->local, r->domain, (int)r->usage.octets,
			     (int)r->usage.messages, r->settled ? "" : "?");
}

static void check_list(struct mr_t *t, struct mr_store *st, struct mr_span domain, const char *want)
{
	MR_AUTO_BUF list = MR_BUF(4096);

	MR_CHECK_INT(t, 0, mr_store_usage_each(st, domain, list_row, &list));
	MR_CHECK_SPAN(t, want, mr_buf_span(&list));
}

/* A report that came after the count keeps the row open, so that it is counted again. */
MR_TEST(quota_settles)
{
	static const struct mr_usage_row none;
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_QUOTA);
	struct mr_usage_row rows[4], touched = { .local = "new", .domain = "example.org" };

	MR_NEED(t, st);
	MR_NEED(t, mr_store_usage_add(st, S("ann"), ORG, usage(100, 1)) == 0);
	MR_NEED(t, mr_store_usage_add(st, S("zoe"), ORG, usage(200, 2)) == 0);
	MR_NEED(t, mr_store_usage_add(st, S("bob"), S("b.example"), usage(300, 3)) == 0);
	MR_CHECK_INT(t, 0, mr_store_usage_touch(st, &touched, 1));
	MR_NEED(t, mr_store_usage_unsettled(st, &none, rows, MR_COUNT(rows)) == 4);
	MR_CHECK_STR(t, "bob", rows[0].local);
	MR_CHECK_STR(t, "ann", rows[1].local);
	MR_CHECK_STR(t, "new", rows[2].local);
	MR_CHECK_STR(t, "zoe", rows[3].local);
	MR_CHECK_INT(t, 2, rows[3].usage.messages);
	MR_CHECK(t, !rows[3].settled && rows[3].file == 0);
	MR_CHECK_INT(t, 0, mr_store_usage_add(st, S("zoe"), ORG, usage(5, 1)));
	for (size_t i = 0; i < 4; i++) {
		rows[i].usage = usage(1000, 1);
		rows[i].settled = i != 0;
		rows[i].file = 77;
	}
	MR_CHECK_INT(t, 0, mr_store_usage_settle(st, rows, 4));
	check_list(t, st, ALL,
		   "bob@b.example=1000/1? ann@example.org=1000/1 new@example.org=1000/1"
		   " zoe@example.org=1000/1? ");
	MR_NEED(t, mr_store_usage_unsettled(st, &none, rows, MR_COUNT(rows)) == 2);
	MR_CHECK_INT(t, 77, rows[1].file);
	MR_NEED(t, mr_store_usage_unsettled(st, &rows[0], rows, MR_COUNT(rows)) == 1);
	MR_CHECK_STR(t, "zoe", rows[0].local);
	MR_CHECK_INT(t, 1, mr_store_usage_unsettled(st, &none, rows, 1));
	/* Who says that a mailbox changed says nothing of what it holds. */
	MR_NEED(t, mr_span_copyz(S("ann"), touched.local, sizeof(touched.local)) == 0);
	MR_CHECK_INT(t, 0, mr_store_usage_touch(st, &touched, 1));
	check_list(t, st, ORG,
		   "ann@example.org=1000/1? new@example.org=1000/1 zoe@example.org=1000/1? ");
	MR_CHECK_INT(t, 0, mr_store_usage_touch_all(st));
	MR_CHECK_INT(t, 4, mr_store_usage_unsettled(st, &none, rows, MR_COUNT(rows)));
}

/* Since when, and of what was warned: of each alone. */
MR_TEST(quota_over)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_QUOTA);
	struct mr_over user = { -1, -1 }, whole = { -1, -1 };
	int64_t since_s = 0;

	MR_NEED(t, st);
	MR_NEED(t, mr_store_over_get(st, S("ann"), ORG, &user, &whole) == 0);
	MR_CHECK(t, user.since_s == 0 && user.warned == 0 && whole.since_s == 0);
	MR_CHECK_INT(t, 0, mr_store_over_end(st, S("ann"), ORG));
	MR_CHECK_INT(t, 0, mr_store_over_begin(st, S("ann"), ORG, 1000, &since_s));
	MR_CHECK_INT(t, 1000, since_s);
	MR_CHECK_INT(t, 0, mr_store_over_begin(st, S("ann"), ORG, 2000, &since_s));
	MR_CHECK_INT(t, 1000, since_s);
	MR_CHECK_INT(t, 0, mr_store_over_begin(st, ALL, ORG, 3000, &since_s));
	MR_CHECK_INT(t, 1, mr_store_over_warned(st, S("ann"), ORG, 80));
	MR_CHECK_INT(t, 0, mr_store_over_warned(st, S("ann"), ORG, 80));
	MR_CHECK_INT(t, 1, mr_store_over_warned(st, S("ann"), ORG, 95));
	MR_NEED(t, mr_store_over_get(st, S("ANN"), ORG, &user, &whole) == 0);
	MR_CHECK(t, user.since_s == 1000 && user.warned == 95);
	MR_CHECK(t, whole.since_s == 3000 && whole.warned == 0);
	MR_NEED(t, mr_store_over_get(st, S("zoe"), ORG, &user, &whole) == 0);
	MR_CHECK(t, user.since_s == 0 && whole.since_s == 3000);
	MR_CHECK_INT(t, 0, mr_store_over_end(st, S("ann"), ORG));
	MR_NEED(t, mr_store_over_get(st, S("ann"), ORG, &user, &whole) == 0);
	MR_CHECK(t, user.since_s == 0 && user.warned == 95 && whole.since_s == 3000);
	MR_CHECK_INT(t, 0, mr_store_over_begin(st, S("ann"), ORG, 5000, &since_s));
	MR_CHECK_INT(t, 5000, since_s);
	/* Who goes is forgotten whole. */
	MR_CHECK_INT(t, 0, mr_store_usage_forget(st, S("ann"), ORG));
	MR_NEED(t, mr_store_over_get(st, S("ann"), ORG, &user, &whole) == 0);
	MR_CHECK(t, user.since_s == 0 && user.warned == 0 && whole.since_s == 3000);
}

struct reporter {
	struct mr_store *store;
	pthread_t thread;
	int index, failed;
};

/* Half to one mailbox that all write, half to one's own. */
static void *reports(void *arg)
{
	struct reporter *r = arg;
	char own[16];

	snprintf(own, sizeof(own), "u%d", r->index);
	for (int i = 0; i < CHANGES; i++) {
		int err;

		/* Several writers of one row may need more than ten tries: then nothing was done. */
		do {
			err = mr_store_usage_add(r->store, S(i % 2 ? own : "shared"), ORG,
						 usage(10 + r->index, 1));
			r->failed += err == MR_ETEMP;
		} while (err == MR_ETEMP);
		MR_ASSERT(err == 0);
	}
	return NULL;
}

/* No report is lost, and the sum is theirs: 160 messages; 40 each of 10, 11, 12, 13 octets. */
MR_TEST(quota_at_once)
{
	MR_AUTO(mr_store) *st = NULL;
	struct reporter r[THREADS];

	if (t->oom || getenv("MR_TEST_OOM"))
		return; /* allocations of other threads fail, too */
	st = mr_store_test_open(t, MR_GROUP_QUOTA);
	MR_NEED(t, st);
	for (int i = 0; i < THREADS; i++) {
		r[i] = (struct reporter){ .store = st, .index = i };
		MR_NEED(t, pthread_create(&r[i].thread, NULL, reports, &r[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(r[i].thread, NULL);
	check(t, st, ALL, (10 + 11 + 12 + 13) * CHANGES, (int64_t)THREADS * CHANGES);
	check(t, st, S("u3"), 13 * CHANGES / 2, CHANGES / 2);
}
