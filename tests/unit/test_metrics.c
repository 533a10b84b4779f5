#include "lib/run/mr_metrics.h"

#include "lib/base/mr_err.h"
#include "lib/run/mr_scrape.h"
#include "tests/unit/mr_test.h"

enum { SEEN_HAM, SEEN_SPAM, SESSIONS, TIME };

static const struct mr_metric rows[] = {
	[SEEN_HAM] = { MR_METRIC_COUNTER, "x_seen_total", "verdict=\"ham\"",
		       "Messages\\seen.\nAll." },
	[SEEN_SPAM] = { MR_METRIC_COUNTER, "x_seen_total", "verdict=\"spam\"", "" },
	[SESSIONS] = { MR_METRIC_GAUGE, "x_sessions", "", "Now." },
	[TIME] = { MR_METRIC_SECONDS, "x_seconds", "stage=\"a\"", "How long." },
};

static void check_has(struct mr_t *t, const struct mr_buf *out, const char *text)
{
	if (!strstr(mr_buf_str(out), text))
		MR_CHECK_STR(t, text, mr_buf_str(out));
}

/* As the exposition format 0.0.4 has it: HELP and TYPE once, "\" and line breaks escaped, buckets
 * that count all below their bound, the last one equal to the count. */
MR_TEST(metrics_text)
{
	struct mr_metrics *m = mr_metrics_new(rows, MR_COUNT(rows));
	MR_AUTO_BUF out = MR_BUF(100000);

	MR_NEED(t, m != NULL);
	mr_metrics_add(m, SEEN_HAM, 2);
	mr_metrics_add(m, SEEN_HAM, 1);
	mr_metrics_add(m, SEEN_SPAM, 7);
	mr_metrics_set(m, SESSIONS, -4);
	mr_metrics_observe_us(m, TIME, 100); /* a bound belongs to its bucket */
	mr_metrics_observe_us(m, TIME, 101);
	mr_metrics_observe_us(m, TIME, 60000001); /* beyond all */
	if (mr_metrics_text(m, &out) == 0) {
		MR_CHECK(t,
			 mr_span_has_prefix(mr_buf_span(&out),
					    MR_SPAN("# HELP x_seen_total Messages\\\\seen.\\nAll.\n"
						    "# TYPE x_seen_total counter\n"
						    "x_seen_total{verdict=\"ham\"} 3\n"
						    "x_seen_total{verdict=\"spam\"} 7\n"
						    "# HELP x_sessions Now.\n"
						    "# TYPE x_sessions gauge\n"
						    "x_sessions -4\n"
						    "# HELP x_seconds How long.\n"
						    "# TYPE x_seconds histogram\n")));
		check_has(t, &out, "x_seconds_bucket{stage=\"a\",le=\"0.0001\"} 1\n");
		check_has(t, &out, "x_seconds_bucket{stage=\"a\",le=\"0.00025\"} 2\n");
		check_has(t, &out, "x_seconds_bucket{stage=\"a\",le=\"60\"} 2\n");
		check_has(t, &out, "x_seconds_bucket{stage=\"a\",le=\"+Inf\"} 3\n");
		check_has(t, &out, "x_seconds_sum{stage=\"a\"} 60.000202\n");
		check_has(t, &out, "x_seconds_count{stage=\"a\"} 3\n");
	}
	mr_metrics_free(m);
}

MR_TEST(metrics_lines)
{
	struct mr_metrics *m = mr_metrics_new(rows, MR_COUNT(rows));
	MR_AUTO_BUF out = MR_BUF(100000);

	MR_NEED(t, m != NULL);
	/* Four in the bucket from 500 us to 1 ms: half of them is 500 + 500 * 2 / 4. */
	for (int i = 0; i < 4; i++)
		mr_metrics_observe_us(m, TIME, 700);
	if (mr_metrics_lines(m, &out) == 0)
		MR_CHECK_STR(t,
			     "x_seen_total{verdict=\"ham\"} 0\n"
			     "x_seen_total{verdict=\"spam\"} 0\n"
			     "x_sessions 0\n"
			     "x_seconds_count{stage=\"a\"} 4\n"
			     "x_seconds_sum{stage=\"a\"} 0.002800\n"
			     "x_seconds_p50{stage=\"a\"} 0.000750\n"
			     "x_seconds_p99{stage=\"a\"} 0.001000\n",
			     mr_buf_str(&out));
	mr_metrics_free(m);
}

MR_TEST(metrics_none)
{
	struct mr_metrics *m = mr_metrics_new(NULL, 0);
	MR_AUTO_BUF out = MR_BUF(100);

	mr_metrics_add(NULL, 3, 1); /* logic without metrics */
	mr_metrics_set(NULL, 3, 1);
	mr_metrics_observe_us(NULL, 3, 1);
	MR_NEED(t, m != NULL);
	MR_CHECK_INT(t, 0, mr_metrics_text(m, &out));
	MR_CHECK_STR(t, "", mr_buf_str(&out));
	mr_metrics_free(m);
}

/* RFC 9112 2 and 3, RFC 9110 15 */
static const struct {
	const char *in, *starts;
} requests[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n" },
	{ "GET /metrics?x=1 HTTP/1.0\n\n", "HTTP/1.1 200 OK\r\n" },
	{ "HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n" },
	{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 " },
	{ "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 " },
	{ "get /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 " },
	{ "GET /metrics\r\n\r\n", "HTTP/1.1 400 " },
	{ "GET /metrics HTTP/2\r\n\r\n", "HTTP/1.1 400 " },
	{ "\r\n\r\n", "HTTP/1.1 400 " },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n", NULL }, /* not yet */
	{ "", NULL },
};

MR_TEST(metrics_scrape)
{
	struct mr_metrics *m = mr_metrics_new(rows, MR_COUNT(rows));

	MR_NEED(t, m != NULL);
	for (size_t i = 0; i < MR_COUNT(requests); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, requests[i].in);
		MR_AUTO_BUF out = MR_BUF(100000);

		MR_CHECK_INT(t, requests[i].starts ? 1 : 0, mr_scrape(mr_block_span(in), m, &out));
		if (requests[i].starts &&
		    !mr_span_has_prefix(mr_buf_span(&out), mr_span_str(requests[i].starts)))
			MR_CHECK_STR(t, requests[i].starts, mr_buf_str(&out));
		if (requests[i].in[0] == 'H') /* RFC 9110 9.3.2: no content */
			MR_CHECK(t, t->oom || strstr(mr_buf_str(&out), "x_sessions") == NULL);
	}
	mr_metrics_free(m);
}

MR_TEST(metrics_scrape_too_long)
{
	struct mr_metrics *m = mr_metrics_new(NULL, 0);
	char text[MR_SCRAPE_REQUEST_MAX];
	MR_AUTO_BUF out = MR_BUF(1000);

	MR_NEED(t, m != NULL);
	memset(text, 'a', sizeof(text));
	MR_CHECK_INT(t, 0, mr_scrape(mr_span(text, sizeof(text) - 1), m, &out));
	MR_CHECK_INT(t, 1, mr_scrape(mr_span(text, sizeof(text)), m, &out));
	MR_CHECK(t, mr_span_has_prefix(mr_buf_span(&out), MR_SPAN("HTTP/1.1 431 ")));
	mr_metrics_free(m);
}
