#include "lib/run/mr_milter_priv.h"

#define ROWS_MAX 128

#define MESSAGES(verdict_)                                                                         \
	{                                                                                          \
		MR_METRIC_COUNTER, "millrace_milter_messages_total", "verdict=\"" verdict_ "\"",   \
			"Messages by what became of them."                                         \
	}

static const struct mr_metric ours[MR_MILTER_METRICS] = {
	[MR_MILTER_MESSAGES + MR_VERDICT_ACCEPT] = MESSAGES("accept"),
	[MR_MILTER_MESSAGES + MR_VERDICT_REJECT] = MESSAGES("reject"),
	[MR_MILTER_MESSAGES + MR_VERDICT_TEMPFAIL] = MESSAGES("tempfail"),
	[MR_MILTER_MESSAGES + MR_VERDICT_DISCARD] = MESSAGES("discard"),
	[MR_MILTER_MESSAGES + MR_VERDICT_QUARANTINE] = MESSAGES("quarantine"),
	[MR_MILTER_ERRORS] = { MR_METRIC_COUNTER, "millrace_milter_errors_total", "",
			       "Messages that could not be decided as they should." },
	[MR_MILTER_SECONDS] = { MR_METRIC_SECONDS, "millrace_milter_message_seconds", "",
				"Time from the end of a message to our answer." },
	[MR_MILTER_SESSIONS] = { MR_METRIC_GAUGE, "millrace_milter_sessions", "",
				 "Open connections from MTAs." },
};

static size_t first_of_ours;

const struct mr_metric *mr_milter_metrics(const struct mr_stage *stage, size_t *count_out)
{
	static struct mr_metric rows[ROWS_MAX];

	MR_ASSERT(stage->metric_count + MR_MILTER_METRICS <= ROWS_MAX);
	for (size_t i = 0; i < stage->metric_count; i++)
		rows[i] = stage->metrics[i];
	first_of_ours = stage->metric_count;
	memcpy(rows + first_of_ours, ours, sizeof(ours));
	*count_out = first_of_ours + MR_MILTER_METRICS;
	return rows;
}

void mr_milter_count(enum mr_milter_metric row, int64_t n)
{
	mr_metrics_add(mr_daemon.metrics, first_of_ours + row, n);
}

void mr_milter_observe_us(enum mr_milter_metric row, int64_t us)
{
	mr_metrics_observe_us(mr_daemon.metrics, first_of_ours + row, us);
}
