#include "tests/unit/mr_sink.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/net/mr_sock.h"

static void *sink_run(void *arg)
{
	struct mr_sink *sink = arg;
	struct mr_span heard, quit = MR_SPAN("QUIT\r\n");
	int fd = -1;

	while (mr_sock_accept(sink->listen_fd, &fd) == MR_EAGAIN)
		usleep(1000);
	MR_ASSERT(fd >= 0);
	if (sink->time)
		sink->time->now_ms += 60000;
	(void)!send(fd, sink->words, strlen(sink->words), MSG_NOSIGNAL);
	/* Until QUIT, or the other side ends. */
	while (sink->words[0] && sink->heard_len + 1 < sizeof(sink->heard)) {
		ssize_t n = read(fd, sink->heard + sink->heard_len,
				 sizeof(sink->heard) - 1 - sink->heard_len);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		sink->heard_len += n > 0 ? (size_t)n : 0;
		heard = mr_span(sink->heard, sink->heard_len);
		if (mr_span_has_suffix_nocase(heard, quit))
			break;
		usleep(1000);
	}
	sink->heard[sink->heard_len] = '\0';
	close(fd);
	return NULL;
}

bool mr_sink_begin(struct mr_t *t, struct mr_sink *sink, const char *words)
{
	const char *dir = sink->name[0] ? "" : mr_test_dir(t);

	sink->words = words;
	sink->heard_len = 0;
	sink->heard[0] = '\0';
	if (!dir)
		return false;
	if (!sink->name[0])
		(void)snprintf(sink->name, sizeof(sink->name), "unix:%s/mta", dir);
	unlink(sink->name + strlen("unix:"));
	MR_ASSERT(mr_sock_listen(sink->name, 0600, &sink->listen_fd) == 0);
	MR_ASSERT(pthread_create(&sink->thread, NULL, sink_run, sink) == 0);
	return true;
}

void mr_sink_end(struct mr_sink *sink)
{
	int fd;

	/* Nobody came: let it go. */
	if (mr_sock_connect(sink->name, 1000, &fd) == 0)
		close(fd);
	pthread_join(sink->thread, NULL);
	close(sink->listen_fd);
}
