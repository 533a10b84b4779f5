#include "lib/base/mr_syslog.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mr_log.h"
#include "lib/base/mr_time.h"

#define FRAME_MAX 128 /* priority, date, program, process id */

static void take(struct mr_syslog *log)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	mr_syslog_done(log);
	if (mr_span_copyz(mr_span_str(log->path), to.sun_path, sizeof(to.sun_path)) < 0)
		return;
	log->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (log->fd >= 0 && connect(log->fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		mr_syslog_done(log);
}

void mr_syslog_init(struct mr_syslog *log, const char *path, const char *program)
{
	*log = (struct mr_syslog){ .path = path, .program = program, .fd = -1 };
	take(log);
}

void mr_syslog_done(struct mr_syslog *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

/* 0, or the errno: EAGAIN, there was no room in time. */
static int send_by(const struct mr_syslog *log, struct mr_span text, int64_t end_ms)
{
	struct pollfd fd = { .fd = log->fd, .events = POLLOUT };
	int64_t left_ms;
	int err;

	if (log->fd < 0)
		return ENOTCONN;
	for (;;) {
		if (send(log->fd, text.p, text.len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		err = errno;
		left_ms = end_ms - mr_now_ms();
		if (err == EINTR)
			continue;
		if (err != EAGAIN || left_ms <= 0)
			return err;
		/* That there is room is no promise: others write, too. */
		(void)poll(&fd, 1, (int)left_ms);
	}
}

/* RFC 3164 4.1, as syslog(3) writes it: the host is for the daemon to say. */
static bool put(struct mr_syslog *log, int priority, const char *line)
{
	const int64_t end_ms = mr_now_ms() + (log->stuck ? 0 : MR_SYSLOG_WAIT_MS);
	char text[FRAME_MAX + MR_LOG_LINE_MAX + 1], date[32] = "";
	time_t now = mr_time_s();
	struct tm local;
	int len, err;

	if (localtime_r(&now, &local))
		(void)strftime(date, sizeof(date), "%b %e %H:%M:%S ", &local);
	len = snprintf(text, sizeof(text), "<%d>%s%.64s[%d]: %s", priority, date, log->program,
		       (int)getpid(), line);
	MR_ASSERT(len > 0 && len < (int)sizeof(text));
	err = send_by(log, mr_span(text, (size_t)len), end_ms);
	if (err != 0 && err != EAGAIN) { /* its daemon was started anew */
		take(log);
		err = send_by(log, mr_span(text, (size_t)len), end_ms);
	}
	log->stuck = err == EAGAIN;
	return err == 0;
}

void mr_syslog_put(struct mr_syslog *log, int priority, const char *line)
{
	char lost[64];

	if (log->lost > 0) {
		snprintf(lost, sizeof(lost), "log lines lost count=%llu",
			 (unsigned long long)log->lost);
		if (put(log, priority, lost))
			log->lost = 0;
	}
	/* Where the count found no room, a line must not come before it. */
	if (log->lost > 0 || !put(log, priority, line))
		log->lost++;
}
