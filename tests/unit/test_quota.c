#include "lib/store/mr_quota.h"

#include "lib/base/mr_err.h"
#include "tests/unit/mr_store_test.h"
#include "tests/unit/mr_test.h"

#define ORG MR_SPAN("example.org")

MR_TEST(quota_fits)
{
	static const struct {
		struct mr_limit user, domain;
		struct mr_usage user_used, domain_used;
		int64_t size;
		bool no_sender;
		enum mr_quota_fit want;
	} rows[] = {
		{ { 0, 0 },
		  { 0, 0 },
		  { 1 << 30, 9 },
		  { 1 << 30, 9 },
		  1 << 30,
		  false,
		  MR_QUOTA_FITS },
		{ { 100, 0 }, { 0, 0 }, { 90, 9 }, { 90, 9 }, 10, false, MR_QUOTA_FITS },
		{ { 100, 0 }, { 0, 0 }, { 90, 9 }, { 90, 9 }, 11, false, MR_QUOTA_USER_FULL },
		{ { 100, 0 }, { 0, 0 }, { 190, 9 }, { 190, 9 }, 1, false, MR_QUOTA_USER_FULL },
		{ { 100, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, 101, false, MR_QUOTA_NEVER_FITS },
		/* size not known: something must still go in */
		{ { 100, 0 }, { 0, 0 }, { 99, 9 }, { 99, 9 }, 0, false, MR_QUOTA_FITS },
		{ { 100, 0 }, { 0, 0 }, { 100, 9 }, { 100, 9 }, 0, false, MR_QUOTA_USER_FULL },
		{ { 0, 10 }, { 0, 0 }, { 0, 9 }, { 0, 9 }, 5, false, MR_QUOTA_FITS },
		{ { 0, 10 }, { 0, 0 }, { 0, 10 }, { 0, 10 }, 5, false, MR_QUOTA_USER_FULL },
		/* inside the domain's */
		{ { 100, 0 }, { 150, 0 }, { 50, 1 }, { 120, 3 }, 30, false, MR_QUOTA_FITS },
		{ { 100, 0 }, { 150, 0 }, { 50, 1 }, { 120, 3 }, 31, false, MR_QUOTA_DOMAIN_FULL },
		{ { 0, 0 }, { 0, 3 }, { 0, 1 }, { 0, 3 }, 1, false, MR_QUOTA_DOMAIN_FULL },
		{ { 0, 0 }, { 100, 0 }, { 0, 0 }, { 0, 0 }, 101, false, MR_QUOTA_NEVER_FITS },
		/* without a sender: 32768 octets at most, into 262144 and 25 messages more */
		{ { 40000, 0 }, { 0, 0 }, { 40000, 9 }, { 0, 0 }, 32768, true, MR_QUOTA_FITS },
		{ { 40000, 0 }, { 0, 0 }, { 40000, 9 }, { 0, 0 }, 32769, true, MR_QUOTA_USER_FULL },
		{ { 40000, 0 }, { 0, 0 }, { 302143, 9 }, { 0, 0 }, 1, true, MR_QUOTA_FITS },
		{ { 40000, 0 }, { 0, 0 }, { 302144, 9 }, { 0, 0 }, 1, true, MR_QUOTA_USER_FULL },
		{ { 0, 10 }, { 0, 0 }, { 0, 34 }, { 0, 0 }, 1, true, MR_QUOTA_FITS },
		{ { 0, 10 }, { 0, 0 }, { 0, 35 }, { 0, 0 }, 1, true, MR_QUOTA_USER_FULL },
		{ { (int64_t)1 << 60, 0 },
		  { 0, 0 },
		  { INT64_MAX, 1 },
		  { 0, 0 },
		  INT64_MAX,
		  true,
		  MR_QUOTA_NEVER_FITS },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		const struct mr_quota_ask ask = { rows[i].user,      rows[i].domain,
						  rows[i].user_used, rows[i].domain_used,
						  rows[i].size,      rows[i].no_sender };

		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, mr_quota_fits(&ask));
	}
}

MR_TEST(quota_percent)
{
	static const struct {
		struct mr_limit limit;
		struct mr_usage used;
		int want;
	} rows[] = {
		{ { 0, 0 }, { 500, 5 }, 0 },
		{ { 1000, 0 }, { 799, 5 }, 79 },
		{ { 1000, 0 }, { 800, 5 }, 80 },
		{ { 1000, 10 }, { 100, 9 }, 90 },
		{ { 1000, 10 }, { 950, 9 }, 95 },
		{ { 1000, 0 }, { 2500, 9 }, 250 },
		{ { 1, 0 }, { INT64_MAX, 9 }, 1000 },
		{ { (int64_t)1 << 60, 0 }, { ((int64_t)1 << 60) - 1, 9 }, 99 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, mr_quota_percent(rows[i].limit, rows[i].used));
	}
}

/* Once at 80, once at 95; anew after it was below 70. */
MR_TEST(quota_warns)
{
	static const struct {
		int percent, warned;
		bool warns;
	} steps[] = {
		{ 79, 0, false },   { 80, 80, true },   { 94, 80, false }, { 95, 95, true },
		{ 100, 95, false }, { 120, 95, false }, { 90, 95, false }, { 84, 80, false },
		{ 96, 95, true },   { 79, 80, false },  { 81, 80, false }, { 69, 0, false },
		{ 99, 95, true },   { 10, 0, false },   { 80, 80, true },  { 70, 80, false },
	};
	int warned = 0;

	for (size_t i = 0; i < MR_COUNT(steps); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, steps[i].warns, mr_quota_warns(steps[i].percent, &warned));
		MR_CHECK_INT(t, steps[i].warned, warned);
	}
}

MR_TEST(quota_grace)
{
	MR_CHECK(t, !mr_quota_grace_over(0, 24, 1000000));
	MR_CHECK(t, mr_quota_grace_over(0, 0, 1000000));
	MR_CHECK(t, !mr_quota_grace_over(1000, 1, 4599));
	MR_CHECK(t, mr_quota_grace_over(1000, 1, 4600));
	MR_CHECK(t, !mr_quota_grace_over(1000, 1, 999)); /* set back */
	MR_CHECK(t, mr_quota_grace_over(1000, 0, 1000));
}

/* A clock that moves by itself, so that asking takes time. */
struct slow {
	int64_t now_ms, step_ms;
};

static int64_t slow_now(void *arg)
{
	struct slow *slow = arg;

	slow->now_ms += slow->step_ms;
	return slow->now_ms;
}

static int64_t sum_of(struct mr_t *t, struct mr_quota_sums *sums)
{
	struct mr_usage u = { -1, -1 };

	MR_CHECK_INT(t, 0, mr_quota_sums_get(sums, ORG, &u));
	return u.octets;
}

/* Asking took 5 ms here: kept for 50, counted from when it was there. */
MR_TEST(quota_sums)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_QUOTA);
	struct slow slow = { 1000, 5 };
	const struct mr_clock clock = { .now_ms = slow_now, .arg = &slow };
	MR_AUTO(mr_quota_sums) *sums = mr_quota_sums_new(st, clock);

	MR_NEED(t, st && sums);
	MR_NEED(t, mr_store_usage_set(st, MR_SPAN("a"), ORG, (struct mr_usage){ 100, 1 }) == 0);
	MR_CHECK_INT(t, 100, sum_of(t, sums)); /* asked at 1005, there at 1010 */
	MR_NEED(t, mr_store_usage_set(st, MR_SPAN("b"), ORG, (struct mr_usage){ 900, 1 }) == 0);
	slow.now_ms = 1054;
	slow.step_ms = 1;
	MR_CHECK_INT(t, 100, sum_of(t, sums)); /* at 1055 */
	mr_quota_sums_add(sums, MR_SPAN("Example.ORG"), (struct mr_usage){ 7, 1 });
	MR_CHECK_INT(t, 107, sum_of(t, sums));
	slow.now_ms = 1060;
	MR_CHECK_INT(t, 1000, sum_of(t, sums));
	/* Never longer than two seconds. */
	slow.step_ms = 1000;
	slow.now_ms += 100000;
	MR_CHECK_INT(t, 1000, sum_of(t, sums)); /* there after 1000 ms */
	MR_NEED(t, mr_store_usage_set(st, MR_SPAN("b"), ORG, (struct mr_usage){ 50, 1 }) == 0);
	slow.step_ms = 0;
	slow.now_ms += 1999;
	MR_CHECK_INT(t, 1000, sum_of(t, sums));
	slow.now_ms += 1;
	MR_CHECK_INT(t, 150, sum_of(t, sums));
	MR_CHECK_INT(t, MR_EINVAL,
		     mr_quota_sums_get(sums, MR_SPAN("a b"), &(struct mr_usage){ 0, 0 }));
}

/* More domains than are kept: each is answered right. */
MR_TEST(quota_sums_many)
{
	MR_AUTO(mr_store) *st = mr_store_test_open(t, MR_GROUP_QUOTA);
	struct mr_clock_fake fake = { .now_ms = 1 };
	MR_AUTO(mr_quota_sums) *sums = mr_quota_sums_new(st, mr_clock_fake(&fake));
	int bad = 0;

	if (t->oom || getenv("MR_TEST_OOM"))
		return; /* too many */
	MR_NEED(t, st && sums);
	MR_NEED(t, mr_store_usage_set(st, MR_SPAN("a"), MR_SPAN("d7.example"),
				      (struct mr_usage){ 70, 1 }) == 0);
	for (int i = 0; i < MR_QUOTA_SUMS_MAX + 50; i++) {
		struct mr_usage u = { -1, -1 };
		char domain[32];

		snprintf(domain, sizeof(domain), "d%d.example", i);
		bad += mr_quota_sums_get(sums, mr_span_str(domain), &u) != 0 ||
		       u.octets != (i == 7 ? 70 : 0);
	}
	MR_CHECK_INT(t, 0, bad);
}
