/*
 * mr_metrics: counters and latency histograms of one program, as Prometheus text (exposition format
 * 0.0.4). Declared as a table when the program starts; counted from any thread without a lock.
 */
#ifndef MR_METRICS_H
#define MR_METRICS_H

#include "lib/base/mr_buf.h"

enum mr_metric_kind { MR_METRIC_COUNTER, MR_METRIC_GAUGE, MR_METRIC_SECONDS };

/* A row of a program's table. Rows of one name and different labels stand together. */
struct mr_metric {
	enum mr_metric_kind kind;
	const char *name; /* "millrace_spam_messages_total" */
	const char *label; /* "verdict=\"spam\"", or "" */
	const char *help;
};

struct mr_metrics;

/* rows must outlive it; count may be 0. NULL: out of memory. */
MR_MUST_USE struct mr_metrics *mr_metrics_new(const struct mr_metric *rows, size_t count);
void mr_metrics_free(struct mr_metrics *m);

/* By the row's index. A NULL m counts nothing, so logic can be run without. */
void mr_metrics_add(struct mr_metrics *m, size_t row, int64_t n);
void mr_metrics_set(struct mr_metrics *m, size_t row, int64_t value);
/* One observation, in microseconds, into fixed buckets from 100 us to 60 s. */
void mr_metrics_observe_us(struct mr_metrics *m, size_t row, int64_t us);

/* Append the text of all rows. */
MR_MUST_USE int mr_metrics_text(const struct mr_metrics *m, struct mr_buf *out);
/* Append lines "name{label} value", for the command stats. A histogram is four: name_count, name_sum
 * in seconds, and name_p50 and name_p99, estimated within their bucket. */
MR_MUST_USE int mr_metrics_lines(const struct mr_metrics *m, struct mr_buf *out);

#endif
