#include "lda/srsd/srsd.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_listen.h"

#define CLIENT_MS 1000
#define REST_MS   100 /* without descriptors */

struct server {
	struct mr_srsd_secrets *secrets;
	int listen_fd, wake_fd;
	atomic_bool stopping;
};

int mr_srsd_check(const struct mr_settings *set, struct mr_buf *error)
{
	const char *const item[] = { set->srs_socket };

	if (!mr_span_has_prefix(mr_span_str(set->srs_socket), MR_SPAN("unix:")))
		return mr_run_refuse(error, "srs_socket", set->srs_socket, "not unix:PATH");
	return mr_listen_check("srs_socket", (struct mr_list){ item, 1 }, "srs_socket_mode",
			       set->srs_socket_mode, error);
}

static const char *why(int err)
{
	return err == MR_EPERM    ? "cannot be read, or not by its owner alone: chmod 0400"
	       : err == MR_EINVAL ? "one or two lines of 16 to 1024 octets, the newest secret first"
				  : mr_err_text(err);
}

static int listen_at(struct mr_run *run, struct server *server, const struct mr_settings *set)
{
	mode_t mode;
	int err = mr_sock_mode(set->srs_socket_mode, &mode);

	if (err == 0)
		err = mr_sock_listen(set->srs_socket, mode, &server->listen_fd);
	if (err == 0)
		err = mr_run_give(run, set->srs_socket + strlen("unix:"));
	if (err < 0)
		mr_log(MR_LOG_ERROR, "cannot listen", MR_KV("name", set->srs_socket),
		       MR_KV_ERR(err));
	return err;
}

int mr_srsd_open(struct mr_run *run)
{
	struct server *server = mr_calloc(1, sizeof(*server));
	const struct mr_settings *set;
	int err;

	if (!server)
		return MR_ENOMEM;
	server->listen_fd = -1;
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	mr_run_set_state(run, server);
	if (server->wake_fd < 0)
		return mr_err_from_errno(errno);
	set = mr_run_settings_hold(run);
	err = mr_srsd_secrets_read(set->srs_secret, &server->secrets);
	if (err < 0)
		mr_log(MR_LOG_ERROR, "srs_secret", MR_KV("path", set->srs_secret),
		       MR_KV("error", why(err)));
	else
		err = listen_at(run, server, set);
	mr_run_settings_release(run, set);
	return err;
}

void mr_srsd_close(struct mr_run *run)
{
	struct server *server = mr_run_state(run);

	if (!server)
		return;
	mr_close_at(&server->listen_fd);
	mr_close_at(&server->wake_fd);
	mr_srsd_secrets_free(server->secrets);
	mr_free(server);
}

/* The question, without its LF; false: there is none within CLIENT_MS. */
static bool question(int fd, char text[MR_SRSD_TEXT_MAX + 1], struct mr_span *text_out)
{
	int64_t deadline_ms = mr_now_ms() + CLIENT_MS;
	size_t len = 0;

	while (len < MR_SRSD_TEXT_MAX + 1) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms - mr_now_ms();
		ssize_t n;

		if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
			return false;
		n = recv(fd, text + len, MR_SRSD_TEXT_MAX + 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		if (text[len - 1] == '\n') {
			*text_out = mr_span(text, len - 1);
			/* One question a connection, and a line has one LF. */
			return mr_span_find(*text_out, '\n') == text_out->len;
		}
	}
	return false;
}

static void serve_one(const struct server *server, int fd)
{
	struct mr_srs_hashes hashes;
	char text[MR_SRSD_TEXT_MAX + 1], answer[MR_SRS_SECRETS_MAX * MR_SRS_HASH_SIZE + 1];
	struct mr_span asked;
	int len = 0;

	if (!question(fd, text, &asked) || mr_srsd_hash(server->secrets, asked, &hashes) < 0)
		return;
	for (size_t i = 0; i < hashes.count; i++)
		len += snprintf(answer + len, sizeof(answer) - (size_t)len, "%s%s", i ? " " : "",
				hashes.hash[i]);
	answer[len++] = '\n'; /* its room was that of a NUL */
	(void)!send(fd, answer, (size_t)len, MSG_NOSIGNAL); /* so little always fits */
}

int mr_srsd_serve(struct mr_run *run)
{
	struct server *server = mr_run_state(run);
	struct pollfd wait[] = { { .fd = server->listen_fd, .events = POLLIN },
				 { .fd = server->wake_fd, .events = POLLIN } };

	while (!atomic_load(&server->stopping)) {
		MR_AUTO_FD fd = -1;
		int err;

		if (poll(wait, MR_COUNT(wait), -1) < 0 && errno != EINTR)
			return mr_err_from_errno(errno);
		if (!(wait[0].revents & POLLIN))
			continue;
		if ((err = mr_sock_accept(server->listen_fd, &fd)) == 0)
			serve_one(server, fd);
		else if (err == MR_ELIMIT)
			(void)poll(NULL, 0, REST_MS);
	}
	return 0;
}

void mr_srsd_stop(struct mr_run *run, bool drain MR_UNUSED)
{
	struct server *server = mr_run_state(run);

	atomic_store(&server->stopping, true);
	(void)eventfd_write(server->wake_fd, 1);
}
