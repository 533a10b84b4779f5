#include "lib/base/mr_log.h"

#include <paths.h>
#include <pthread.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_syslog.h"

#define SUBSYSTEMS_MAX 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *program_name = "millrace";
static bool to_syslog;
static struct mr_syslog system_log;
static void (*extra_sink)(void *arg, enum mr_log_level level, const char *line);
static void *extra_arg;
static char debugged[SUBSYSTEMS_MAX][32];

struct mr_span mr_kv_str(const char *s)
{
	return mr_span_str(s ? s : "-");
}

struct mr_span mr_kv_span(struct mr_span s)
{
	return s.p ? s : mr_span("", 0);
}

/* A line being written; what does not fit is left out. */
struct line {
	char *out;
	size_t len;
	bool cut;
};

static void put(struct line *l, char c)
{
	if (l->len < MR_LOG_LINE_MAX)
		l->out[l->len++] = c;
	else
		l->cut = true;
}

static void puts_plain(struct line *l, const char *s)
{
	while (*s)
		put(l, *s++);
}

static void put_hex(struct line *l, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";

	put(l, '\\');
	put(l, 'x');
	put(l, hex[byte >> 4]);
	put(l, hex[byte & 15]);
}

static bool is_plain(struct mr_span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '=' ||
		    s.p[i] == '\\')
			return false;
	}
	return s.len > 0;
}

static void put_value(struct line *l, struct mr_span s)
{
	bool quoted = !is_plain(s);

	if (quoted)
		put(l, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < ' ' || s.p[i] > '~') {
			put_hex(l, (uint8_t)s.p[i]);
			continue;
		}
		if (s.p[i] == '"' || s.p[i] == '\\')
			put(l, '\\');
		put(l, s.p[i]);
	}
	if (quoted)
		put(l, '"');
}

void mr_log_format(char out[MR_LOG_LINE_MAX + 1], const char *event, const struct mr_kv *kv,
		   size_t count)
{
	struct line l = { .out = out };

	puts_plain(&l, event);
	for (size_t i = 0; i < count; i++) {
		put(&l, ' ');
		puts_plain(&l, kv[i].key);
		put(&l, '=');
		if (kv[i].value.p) {
			put_value(&l, kv[i].value);
		} else {
			char number[24];

			snprintf(number, sizeof(number), "%lld", (long long)kv[i].number);
			puts_plain(&l, number);
		}
	}
	if (l.cut) {
		l.len = MR_LOG_LINE_MAX - 3;
		puts_plain(&l, "...");
	}
	out[l.len] = '\0';
}

void mr_log_line(enum mr_log_level level, const char *event, const struct mr_kv *kv, size_t count)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	char line[MR_LOG_LINE_MAX + 1];

	mr_log_format(line, event, kv, count);
	pthread_mutex_lock(&lock);
	if (to_syslog)
		mr_syslog_put(&system_log, LOG_MAIL | priorities[level], line);
	else
		fprintf(stderr, "%s[%d]: %s\n", program_name, (int)getpid(), line);
	if (extra_sink)
		extra_sink(extra_arg, level, line);
	pthread_mutex_unlock(&lock);
}

void mr_log_open(const char *program, bool to_stderr)
{
	program_name = program;
	to_syslog = !to_stderr;
	if (!to_syslog)
		return;
	mr_syslog_init(&system_log, _PATH_LOG, program);
	openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL); /* for libraries that log, as libmilter */
}

void mr_log_sink(void (*sink)(void *arg, enum mr_log_level level, const char *line), void *arg)
{
	pthread_mutex_lock(&lock);
	extra_sink = sink;
	extra_arg = arg;
	pthread_mutex_unlock(&lock);
}

/* With the lock held. The slot of a subsystem, or -1. */
static int slot_of(const char *subsystem)
{
	for (int i = 0; i < SUBSYSTEMS_MAX; i++) {
		if (mr_span_eq(mr_span_str(debugged[i]), mr_span_str(subsystem)))
			return i;
	}
	return -1;
}

void mr_log_debug(const char *subsystem, bool on)
{
	int at;

	pthread_mutex_lock(&lock);
	at = slot_of(subsystem);
	if (!on && at >= 0)
		debugged[at][0] = '\0';
	if (on && at < 0 && (at = slot_of("")) >= 0 &&
	    mr_span_copyz(mr_span_str(subsystem), debugged[at], sizeof(debugged[at])) < 0)
		debugged[at][0] = '\0'; /* no subsystem has so long a name */
	pthread_mutex_unlock(&lock);
}

bool mr_log_debugs(const char *subsystem)
{
	bool on;

	pthread_mutex_lock(&lock);
	on = slot_of(subsystem) >= 0 || slot_of("all") >= 0;
	pthread_mutex_unlock(&lock);
	return on;
}
