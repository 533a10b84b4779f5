/*
 * mr_syslog: lines to the system's log, by whoever must not stop when the log's daemon does. syslog(3)
 * waits for that daemon as long as it takes; a message would wait with it. Here a line waits
 * MR_SYSLOG_WAIT_MS at most. After one that waited in vain the next ones do not wait at all; what finds
 * no room is dropped and counted, and the count is a line of its own before the first one that goes out.
 *
 * Called by mr_log alone, from one thread at a time. No thread and no memory of its own, so nothing is to
 * be flushed, and a fork does no harm. In the sandbox it needs poll(2) and sendto(2); without
 * MR_SANDBOX_CONNECT a daemon that was started anew is not found again, as with syslog(3).
 */
#ifndef MR_SYSLOG_H
#define MR_SYSLOG_H

#include "lib/base/mr_span.h"

#define MR_SYSLOG_WAIT_MS 500

struct mr_syslog {
	const char *path, *program; /* the caller's */
	int fd; /* -1: none */
	bool stuck; /* the last line found no room in time */
	uint64_t lost;
};

/* Take the socket at path, such as _PATH_LOG, at once: the sandbox may not allow it later. Where
 * nobody listens, each line tries again. */
void mr_syslog_init(struct mr_syslog *log, const char *path, const char *program);
void mr_syslog_done(struct mr_syslog *log);

/* priority: facility and severity, as syslog(3) takes them. A line of at most MR_LOG_LINE_MAX octets. */
void mr_syslog_put(struct mr_syslog *log, int priority, const char *line);

#endif
