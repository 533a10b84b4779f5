#include "lib/run/mr_metrics.h"

#include <stdatomic.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

/* Upper bounds of the buckets, and what Prometheus is told: text, since it must stay the same. */
static const struct {
	int64_t us;
	const char *le;
} bounds[] = {
	{ 100, "0.0001" },  { 250, "0.00025" }, { 500, "0.0005" },  { 1000, "0.001" },
	{ 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },  { 25000, "0.025" },
	{ 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" }, { 500000, "0.5" },
	{ 1000000, "1" },   { 2500000, "2.5" }, { 5000000, "5" },   { 10000000, "10" },
	{ 30000000, "30" }, { 60000000, "60" },
};
#define BOUNDS MR_COUNT(bounds)

struct cell {
	_Atomic int64_t value; /* of a histogram: the sum in microseconds */
	_Atomic int64_t *bucket; /* BOUNDS + 1, the last one beyond all bounds; or NULL */
};

struct mr_metrics {
	const struct mr_metric *rows;
	size_t count;
	struct cell *cells;
};

struct mr_metrics *mr_metrics_new(const struct mr_metric *rows, size_t count)
{
	struct mr_metrics *m = mr_calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->rows = rows;
	m->cells = mr_calloc(count + 1, sizeof(*m->cells));
	if (!m->cells)
		goto failed;
	m->count = count;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].kind != MR_METRIC_SECONDS)
			continue;
		m->cells[i].bucket = mr_calloc(BOUNDS + 1, sizeof(*m->cells[i].bucket));
		if (!m->cells[i].bucket)
			goto failed;
	}
	return m;
failed:
	mr_metrics_free(m);
	return NULL;
}

void mr_metrics_free(struct mr_metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->cells && i < m->count; i++)
		mr_free(m->cells[i].bucket);
	mr_free(m->cells);
	mr_free(m);
}

void mr_metrics_add(struct mr_metrics *m, size_t row, int64_t n)
{
	if (!m)
		return;
	MR_ASSERT(row < m->count && m->rows[row].kind != MR_METRIC_SECONDS);
	atomic_fetch_add_explicit(&m->cells[row].value, n, memory_order_relaxed);
}

void mr_metrics_set(struct mr_metrics *m, size_t row, int64_t value)
{
	if (!m)
		return;
	MR_ASSERT(row < m->count && m->rows[row].kind == MR_METRIC_GAUGE);
	atomic_store_explicit(&m->cells[row].value, value, memory_order_relaxed);
}

void mr_metrics_observe_us(struct mr_metrics *m, size_t row, int64_t us)
{
	size_t i = 0;

	if (!m)
		return;
	MR_ASSERT(row < m->count && m->rows[row].kind == MR_METRIC_SECONDS);
	while (i < BOUNDS && us > bounds[i].us)
		i++;
	atomic_fetch_add_explicit(&m->cells[row].value, us, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->cells[row].bucket[i], 1, memory_order_relaxed);
}

/* -- text ------------------------------------------------------------------------------------ */

/* "name_suffix{label,le="x"} ": what stands before a value. */
static void put_name(struct mr_buf *out, const struct mr_metric *row, const char *suffix,
		     const char *le)
{
	mr_buf_printf(out, "%s%s", row->name, suffix);
	if (row->label[0] || le)
		mr_buf_printf(out, "{%s%s", row->label, row->label[0] && le ? "," : "");
	if (le)
		mr_buf_printf(out, "le=\"%s\"", le);
	mr_buf_adds(out, row->label[0] || le ? "} " : " ");
}

static void put_seconds(struct mr_buf *out, int64_t us)
{
	mr_buf_printf(out, "%lld.%06lld\n", (long long)(us / 1000000), (long long)(us % 1000000));
}

/* Help is one line, with "\" and the line break escaped (exposition format 0.0.4). */
static void put_head(struct mr_buf *out, const struct mr_metric *row)
{
	static const char *const types[] = {
		[MR_METRIC_COUNTER] = "counter",
		[MR_METRIC_GAUGE] = "gauge",
		[MR_METRIC_SECONDS] = "histogram",
	};

	mr_buf_printf(out, "# HELP %s ", row->name);
	for (const char *p = row->help; *p; p++) {
		if (*p == '\n')
			mr_buf_adds(out, "\\n");
		else if (*p == '\\')
			mr_buf_adds(out, "\\\\");
		else
			mr_buf_addc(out, *p);
	}
	mr_buf_printf(out, "\n# TYPE %s %s\n", row->name, types[row->kind]);
}

static int64_t load(const _Atomic int64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void put_value(struct mr_buf *out, const struct mr_metric *row, const struct cell *cell)
{
	put_name(out, row, "", NULL);
	mr_buf_printf(out, "%lld\n", (long long)load(&cell->value));
}

/* Buckets count all that is below their bound, and the last one is the count: both from one pass, so
 * that they agree while others count on. */
static void put_histogram(struct mr_buf *out, const struct mr_metric *row, const struct cell *cell)
{
	int64_t total = 0;

	for (size_t i = 0; i <= BOUNDS; i++) {
		total += load(&cell->bucket[i]);
		put_name(out, row, "_bucket", i < BOUNDS ? bounds[i].le : "+Inf");
		mr_buf_printf(out, "%lld\n", (long long)total);
	}
	put_name(out, row, "_sum", NULL);
	put_seconds(out, load(&cell->value));
	put_name(out, row, "_count", NULL);
	mr_buf_printf(out, "%lld\n", (long long)total);
}

int mr_metrics_text(const struct mr_metrics *m, struct mr_buf *out)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct mr_metric *row = &m->rows[i];

		if (i == 0 || strcmp(row->name, row[-1].name) != 0)
			put_head(out, row);
		if (row->kind == MR_METRIC_SECONDS)
			put_histogram(out, row, &m->cells[i]);
		else
			put_value(out, row, &m->cells[i]);
	}
	return mr_buf_err(out);
}

/* The value that percent of the observations stay below, as if they lay evenly in their bucket. */
static int64_t quantile_us(const int64_t count[BOUNDS + 1], int64_t total, int percent)
{
	int64_t before = 0, wanted = (total * percent + 99) / 100;

	for (size_t i = 0; i < BOUNDS; i++) {
		int64_t low = i > 0 ? bounds[i - 1].us : 0;

		if (before + count[i] >= wanted && count[i] > 0)
			return low + (bounds[i].us - low) * (wanted - before) / count[i];
		before += count[i];
	}
	return total > 0 ? bounds[BOUNDS - 1].us : 0;
}

static void lines_histogram(struct mr_buf *out, const struct mr_metric *row,
			    const struct cell *cell)
{
	int64_t count[BOUNDS + 1], total = 0;

	for (size_t i = 0; i <= BOUNDS; i++)
		total += count[i] = load(&cell->bucket[i]);
	put_name(out, row, "_count", NULL);
	mr_buf_printf(out, "%lld\n", (long long)total);
	put_name(out, row, "_sum", NULL);
	put_seconds(out, load(&cell->value));
	put_name(out, row, "_p50", NULL);
	put_seconds(out, quantile_us(count, total, 50));
	put_name(out, row, "_p99", NULL);
	put_seconds(out, quantile_us(count, total, 99));
}

int mr_metrics_lines(const struct mr_metrics *m, struct mr_buf *out)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->rows[i].kind == MR_METRIC_SECONDS)
			lines_histogram(out, &m->rows[i], &m->cells[i]);
		else
			put_value(out, &m->rows[i], &m->cells[i]);
	}
	return mr_buf_err(out);
}
