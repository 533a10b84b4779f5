/*
 * mr_log: one event, one line, key=value. To syslog (facility mail), or to stderr with -d. Only
 * programs and lib/run log; library code returns an error and lets the caller decide. Any thread.
 *
 *	mr_log(MR_LOG_INFO, "delivered", MR_KV("id", queue_id), MR_KV_INT("size", size));
 *	millrace-lmtpd[812]: delivered id=4bXyZ size=4711
 *
 * Values that hold anything but visible ASCII without quotes, "=" and "\" are quoted and made
 * printable, so a line is one line whatever a message holds. A secret is never an argument.
 */
#ifndef MR_LOG_H
#define MR_LOG_H

#include "lib/base/mr_span.h"

enum mr_log_level {
	MR_LOG_ERROR, /* look now */
	MR_LOG_WARN, /* look this week */
	MR_LOG_INFO, /* what became of a message, once for each program */
	MR_LOG_DEBUG /* off, until switched on for one subsystem */
};

struct mr_kv {
	const char *key;
	struct mr_span value;
	int64_t number; /* counts when value.p is NULL */
};
#define MR_KV(key, str)       ((struct mr_kv){ (key), mr_kv_str(str), 0 })
#define MR_KV_SPAN(key, span) ((struct mr_kv){ (key), mr_kv_span(span), 0 })
#define MR_KV_INT(key, n)     ((struct mr_kv){ (key), { NULL, 0 }, (n) })
/* An error by its text. */
#define MR_KV_ERR(err) ((struct mr_kv){ "error", mr_kv_str(mr_err_text(err)), 0 })

/* Neither has a NULL pointer, so that an empty text is told from a number. */
struct mr_span mr_kv_str(const char *s);
struct mr_span mr_kv_span(struct mr_span s);

/* A line longer than this is cut, with "..." at its end. */
#define MR_LOG_LINE_MAX 2000

#define mr_log(level, event, ...)                                                                  \
	mr_log_line((level), (event), (const struct mr_kv[]){ __VA_ARGS__ },                       \
		    MR_COUNT(((const struct mr_kv[]){ __VA_ARGS__ })))
void mr_log_line(enum mr_log_level level, const char *event, const struct mr_kv *kv, size_t count);

/* The line as it would be written, ending in NUL. For tests, and for the control socket's trace. */
void mr_log_format(char out[MR_LOG_LINE_MAX + 1], const char *event, const struct mr_kv *kv,
		   size_t count);

/* Where lines go: stderr, or syslog under the program's name. Before the first thread starts. A system
 * log that stopped stops nobody: lines are lost, and counted (mr_syslog.h). */
void mr_log_open(const char *program, bool to_stderr);
/* Every line goes to sink too, on the thread that logs; NULL: no more. For tests and trace. */
void mr_log_sink(void (*sink)(void *arg, enum mr_log_level level, const char *line), void *arg);

/* Debug lines of one subsystem, by name, "all" for all; off by default. */
void mr_log_debug(const char *subsystem, bool on);
bool mr_log_debugs(const char *subsystem);

#endif
