/*
 * mr_trace: lines on their way from any thread to those who listen on the control socket. A writer
 * never waits: what does not fit is counted and lost. For lib/run.
 */
#ifndef MR_TRACE_H
#define MR_TRACE_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/mr_buf.h"

#define MR_TRACE_WAITING_MAX 262144 /* bytes of lines that nobody has fetched yet */

struct mr_trace {
	_Atomic int wanted; /* listeners, and 1 for debug: 0 makes mr_trace_wanted() false */
	pthread_mutex_t lock; /* private, as all below */
	struct mr_buf lines; /* each ends in LF */
	uint64_t lost;
	int wake_fd;
};

/* wake_fd: an eventfd that is signalled when there are lines; -1: none. */
void mr_trace_init(struct mr_trace *trace, int wake_fd);
void mr_trace_done(struct mr_trace *trace);

static inline bool mr_trace_wanted(struct mr_trace *trace)
{
	return atomic_load_explicit(&trace->wanted, memory_order_relaxed) > 0;
}
/* One listener more, or less. */
void mr_trace_listen(struct mr_trace *trace, int change);

/* line has no line break. Any thread; not under a lock of mr_log's caller. */
void mr_trace_put(struct mr_trace *trace, const char *line);

/* Move all lines to out, which is emptied first; returns how many were lost since the last call. */
uint64_t mr_trace_take(struct mr_trace *trace, struct mr_buf *out);

/* The line is about the message id: it has the word "id=ID". An empty id is every message. */
bool mr_trace_about(struct mr_span line, struct mr_span id);

#endif
