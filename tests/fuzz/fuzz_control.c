/* What the control and the metrics socket read: a command line, and an HTTP request. */
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/run/mr_control.h"
#include "lib/run/mr_scrape.h"
#include "lib/run/mr_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_command(struct mr_span in)
{
	struct mr_control_cmd cmd = { .word = MR_SPAN("untouched") };
	int err = mr_control_parse(in, &cmd);

	MR_ASSERT(err == 0 || err == MR_ESYNTAX || err == MR_ELIMIT);
	if (err < 0) {
		MR_ASSERT(mr_span_eq(cmd.word, MR_SPAN("untouched")));
		return;
	}
	MR_ASSERT(cmd.word.len <= MR_CONTROL_WORD_MAX);
	MR_ASSERT(mr_span_only(cmd.word, MR_ALNUM | MR_UNDERSCORE | MR_HYPHEN | MR_DOT));
	MR_ASSERT(cmd.word.len == 0 || mr_span_within(cmd.word, in));
	MR_ASSERT(cmd.verb != MR_CONTROL_DEBUG || cmd.word.len > 0);
}

static void check_request(struct mr_span in)
{
	static const struct mr_metric rows[] = { { MR_METRIC_COUNTER, "x_total", "", "X." } };
	struct mr_metrics *m = mr_metrics_new(rows, 1);
	MR_AUTO_BUF out = MR_BUF(100000);
	int err;

	MR_ASSERT(m != NULL);
	err = mr_scrape(in, m, &out);
	MR_ASSERT(err == 0 || err == 1);
	/* More cannot come: a request that is full is answered. */
	MR_ASSERT(err == 1 || in.len < MR_SCRAPE_REQUEST_MAX);
	MR_ASSERT(err == 0 ? out.len == 0
			   : mr_span_has_prefix(mr_buf_span(&out), MR_SPAN("HTTP/1.1 ")));
	mr_metrics_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_span in = mr_span_bytes(data, size);

	check_command(in);
	check_request(in);
	(void)mr_trace_about(in, MR_SPAN("4bX"));
	MR_ASSERT(mr_trace_about(in, MR_SPAN("")));
	return 0;
}
