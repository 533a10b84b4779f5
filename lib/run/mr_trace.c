#include "lib/run/mr_trace.h"

#include <unistd.h>

void mr_trace_init(struct mr_trace *trace, int wake_fd)
{
	atomic_init(&trace->wanted, 0);
	pthread_mutex_init(&trace->lock, NULL);
	mr_buf_init(&trace->lines, MR_TRACE_WAITING_MAX);
	trace->lost = 0;
	trace->wake_fd = wake_fd;
}

void mr_trace_done(struct mr_trace *trace)
{
	mr_buf_done(&trace->lines);
	pthread_mutex_destroy(&trace->lock);
}

void mr_trace_listen(struct mr_trace *trace, int change)
{
	atomic_fetch_add_explicit(&trace->wanted, change, memory_order_relaxed);
}

void mr_trace_put(struct mr_trace *trace, const char *line)
{
	const uint64_t one = 1;
	bool first;

	pthread_mutex_lock(&trace->lock);
	first = trace->lines.len == 0;
	if (mr_buf_printf(&trace->lines, "%s\n", line) < 0)
		trace->lost++;
	pthread_mutex_unlock(&trace->lock);
	/* The first line wakes the reader, who then takes all. */
	if (first && trace->wake_fd >= 0 && write(trace->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it will wake anyway */
}

uint64_t mr_trace_take(struct mr_trace *trace, struct mr_buf *out)
{
	struct mr_buf lines;
	uint64_t lost;

	pthread_mutex_lock(&trace->lock);
	lines = trace->lines;
	mr_buf_init(&trace->lines, MR_TRACE_WAITING_MAX);
	lost = trace->lost;
	trace->lost = 0;
	pthread_mutex_unlock(&trace->lock);
	mr_buf_done(out);
	*out = lines;
	return lost;
}

bool mr_trace_about(struct mr_span line, struct mr_span id)
{
	static const struct mr_span key = MR_SPAN(" id=");

	if (id.len == 0)
		return true;
	while (line.len > 0) {
		struct mr_span rest;

		line = mr_span_sub(line, mr_span_search(line, key), line.len);
		rest = mr_span_sub(line, key.len, line.len);
		if (mr_span_has_prefix(rest, id) && (rest.len == id.len || rest.p[id.len] == ' '))
			return true;
		line = mr_span_sub(line, 1, line.len);
	}
	return false;
}
