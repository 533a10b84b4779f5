/* Lines to the system's log: as RFC 3164 has them, and with a daemon that stopped, or is not there. */
#include "lib/base/mr_syslog.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/base/mr_time.h"
#include "tests/unit/mr_test.h"

#define LINES     2000 /* more than any kernel keeps of them */
#define LINE_SIZE 4096

/* What the daemon listens on; -1: no such. */
static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (mr_span_copyz(mr_span_str(path), at.sun_path, sizeof(at.sun_path)) == 0)
		unlink(path);
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The next line, from "[" of the process id on. False: none is there. */
static bool next(int fd, char line[LINE_SIZE])
{
	char text[LINE_SIZE];
	ssize_t len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	struct mr_span all = mr_span(text, len < 0 ? 0 : (size_t)len);
	struct mr_span from = mr_span_sub(all, mr_span_search(all, MR_SPAN("[")), all.len);

	return len >= 0 && mr_span_copyz(from, line, LINE_SIZE) >= 0;
}

static void path_in(struct mr_t *t, char path[MR_PATH_MAX])
{
	snprintf(path, MR_PATH_MAX, "%s/log", mr_test_dir(t));
}

/* RFC 3164 4.1.1: mail is 2, info 6, so 2 * 8 + 6. 4.1.2: "Mmm dd hh:mm:ss", a day below 10 with a blank. */
MR_TEST(syslog_line)
{
	char path[MR_PATH_MAX], text[LINE_SIZE] = "", want[LINE_SIZE];
	struct mr_syslog log;
	ssize_t len;
	int fd;

	path_in(t, path);
	MR_NEED(t, (fd = listen_at(path)) >= 0);
	mr_syslog_init(&log, path, "millrace-demo");
	mr_syslog_put(&log, LOG_MAIL | LOG_INFO, "delivered id=1");
	len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	snprintf(want, sizeof(want), " millrace-demo[%d]: delivered id=1", (int)getpid());
	MR_NEED(t, len == (ssize_t)(4 + 15 + strlen(want)));
	MR_CHECK_SPAN(t, "<22>", mr_span(text, 4));
	MR_CHECK(t, text[7] == ' ' && text[10] == ' ' && text[13] == ':' && text[16] == ':');
	MR_CHECK_STR(t, want, text + 19);
	mr_syslog_done(&log);
	close(fd);
}

/* It stopped: one line waits, the others do not. It goes on: what it kept, how many are lost, and the rest. */
MR_TEST(syslog_stopped)
{
	char path[MR_PATH_MAX], line[LINE_SIZE], want[LINE_SIZE];
	int fd, kept = 0, counts = 0;
	struct mr_syslog log;
	int64_t start_ms;

	path_in(t, path);
	MR_NEED(t, (fd = listen_at(path)) >= 0);
	mr_syslog_init(&log, path, "demo");
	start_ms = mr_now_ms();
	for (int i = 0; i < LINES; i++)
		mr_syslog_put(&log, LOG_MAIL | LOG_INFO, "before");
	MR_CHECK(t, mr_now_ms() - start_ms < 4 * MR_SYSLOG_WAIT_MS);
	for (; next(fd, line); kept++)
		MR_CHECK(t, strstr(line, "]: before") != NULL);
	MR_CHECK(t, kept > 0 && kept < LINES);
	mr_syslog_put(&log, LOG_MAIL | LOG_INFO, "after");
	snprintf(want, sizeof(want), "[%d]: log lines lost count=%d", (int)getpid(), LINES - kept);
	MR_NEED(t, next(fd, line));
	MR_CHECK_STR(t, want, line);
	MR_CHECK(t, next(fd, line) && strstr(line, "]: after"));
	mr_syslog_put(&log, LOG_MAIL | LOG_INFO, "later");
	for (; next(fd, line); counts++)
		MR_CHECK(t, strstr(line, "]: later") != NULL);
	MR_CHECK_INT(t, 1, counts);
	mr_syslog_done(&log);
	close(fd);
}

/* Not there, there, and started anew. */
MR_TEST(syslog_restarted)
{
	char path[MR_PATH_MAX], line[LINE_SIZE];
	struct mr_syslog log;
	int fd;

	path_in(t, path);
	mr_syslog_init(&log, path, "demo");
	mr_syslog_put(&log, LOG_MAIL | LOG_INFO, "nobody");
	for (int i = 0; i < 2; i++) {
		MR_NEED(t, (fd = listen_at(path)) >= 0);
		mr_syslog_put(&log, LOG_MAIL | LOG_INFO, "here");
		if (i == 0)
			MR_CHECK(t, next(fd, line) && strstr(line, "lost count=1"));
		MR_CHECK(t, next(fd, line) && strstr(line, "]: here"));
		MR_CHECK(t, !next(fd, line));
		close(fd);
	}
	mr_syslog_done(&log);
}
