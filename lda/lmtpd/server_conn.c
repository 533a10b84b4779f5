/* One connection: from the socket to the conversation and back, and to the pool when it is busy. */
#include "lda/lmtpd/server_private.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

/* How long a connection that is over may take to read our last words. */
#define LINGER_MS 5000

struct conn {
	struct mr_pool_item item; /* first: the pool's pointer is ours */
	struct server *server;
	struct conn *next, *before;
	int fd;
	struct event readable, writable, timer;
	struct mr_lmtp *lmtp;
	const struct mr_settings *set; /* held */
	int64_t linger_ms; /* 0: not over yet */
	bool working; /* the pool has it */
	bool gone; /* the client is; free it once the pool is done */
};

static int64_t now_ms(const struct server *server)
{
	const struct mr_clock *clock = mr_run_clock(server->run);

	return clock->now_ms(clock->arg);
}

static void conn_free(struct conn *c)
{
	struct server *server = c->server;

	if (c->working) { /* the pool writes to it */
		c->gone = true;
		return;
	}
	event_del(&c->readable);
	event_del(&c->writable);
	event_del(&c->timer);
	close(c->fd);
	mr_lmtp_free(c->lmtp);
	mr_run_settings_release(server->run, c->set);
	if (c->before)
		c->before->next = c->next;
	else
		server->first = c->next;
	if (c->next)
		c->next->before = c->before;
	mr_free(c);
	mr_metrics_set(mr_run_metrics(server->run), ROW_OPEN,
		       (int64_t)(atomic_fetch_sub(&server->open, 1) - 1));
	if (!server->first)
		mr_lmtpd_idle(server);
}

/* Send what there is. False: the client is gone. */
static bool conn_send(struct conn *c)
{
	struct mr_span out;

	while ((out = mr_lmtp_output(c->lmtp)).len > 0) {
		ssize_t n = send(c->fd, out.p, out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		mr_lmtp_sent(c->lmtp, (size_t)n, now_ms(c->server));
	}
	return true;
}

static void on_work(struct mr_pool_item *item)
{
	mr_lmtp_work(((struct conn *)item)->lmtp);
}

/* Until when may nothing happen? An event's timer wants to know how long that is. */
static void conn_arm_timer(struct conn *c)
{
	int64_t now = now_ms(c->server), due = mr_lmtp_deadline_ms(c->lmtp), wait;
	struct timeval tv;

	if (mr_lmtp_closed(c->lmtp)) {
		if (c->linger_ms == 0)
			c->linger_ms = now + LINGER_MS;
		due = c->linger_ms;
	}
	if (due == INT64_MAX) /* busy: conn_go() comes when it is done */
		return;
	wait = due > now ? due - now : 0;
	tv = (struct timeval){ .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 };
	event_add(&c->timer, &tv);
}

/* After anything happened: what is next? */
static void conn_go(struct conn *c)
{
	bool out;

	if (!conn_send(c)) {
		conn_free(c);
		return;
	}
	/* Sending may have let it go on, and made it busy. */
	if (mr_lmtp_busy(c->lmtp) && !c->working) {
		c->working = true;
		c->server->working++;
		event_del(&c->readable);
		mr_pool_put(c->server->pool, &c->item);
	}
	out = mr_lmtp_output(c->lmtp).len > 0;
	if (mr_lmtp_closed(c->lmtp) && !out) {
		conn_free(c);
		return;
	}
	if (out)
		event_add(&c->writable, NULL);
	if (c->working)
		return;
	if (mr_lmtp_reads(c->lmtp))
		event_add(&c->readable, NULL);
	else
		event_del(&c->readable);
	/* A timer that is armed for an earlier time finds out when it fires. */
	if (!event_pending(&c->timer, EV_TIMEOUT, NULL) || mr_lmtp_closed(c->lmtp))
		conn_arm_timer(c);
}

static void on_done(struct mr_pool_item *item)
{
	struct conn *c = (struct conn *)item;

	c->working = false;
	c->server->working--;
	mr_lmtpd_rest(c->server);
	mr_lmtp_worked(c->lmtp, now_ms(c->server));
	if (c->gone)
		conn_free(c);
	else
		conn_go(c);
}

/* Between two messages the settings in force are taken. */
static void conn_renew(struct conn *c)
{
	const struct mr_settings *set = mr_run_settings_hold(c->server->run);

	if (set == c->set) {
		mr_run_settings_release(c->server->run, set);
		return;
	}
	mr_lmtp_set(c->lmtp, set);
	mr_run_settings_release(c->server->run, c->set);
	c->set = set;
}

static void on_readable(evutil_socket_t fd, short what MR_UNUSED, void *arg)
{
	struct conn *c = arg;
	struct server *server = c->server;
	ssize_t n;

	if (c->working || !mr_lmtp_reads(c->lmtp))
		return;
	n = recv(fd, server->input, sizeof(server->input), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_free(c);
		return;
	}
	if (mr_lmtp_idle(c->lmtp))
		conn_renew(c);
	mr_lmtp_input(c->lmtp, mr_span(server->input, (size_t)n), now_ms(server));
	conn_go(c);
}

static void on_writable(evutil_socket_t fd MR_UNUSED, short what MR_UNUSED, void *arg)
{
	conn_go(arg);
}

static void on_timer(evutil_socket_t fd MR_UNUSED, short what MR_UNUSED, void *arg)
{
	struct conn *c = arg;
	int64_t now = now_ms(c->server);

	if (c->linger_ms > 0 && now >= c->linger_ms) {
		conn_free(c);
		return;
	}
	if (!c->working)
		mr_lmtp_tick(c->lmtp, now);
	conn_go(c);
}

/* What was never a connection gets one line. */
static void turn_away(struct server *server, int fd, const char *line)
{
	mr_metrics_add(mr_run_metrics(server->run), ROW_TURNED_AWAY, 1);
	(void)!send(fd, line, strlen(line), MSG_NOSIGNAL);
	close(fd);
}

void mr_conn_new(struct server *server, int fd)
{
	const struct mr_settings *set = mr_run_settings_hold(server->run);
	struct conn *c = NULL;

	if (atomic_load(&server->open) < (size_t)set->lmtp_connections_max)
		c = mr_calloc(1, sizeof(*c));
	if (c)
		c->lmtp = mr_lmtp_new(set, server->host, &server->ops, now_ms(server));
	if (!c || !c->lmtp) {
		mr_free(c);
		turn_away(server, fd, "421 4.3.2 Too many connections\r\n");
		mr_run_settings_release(server->run, set);
		return;
	}
	c->item = (struct mr_pool_item){ .work = on_work, .done = on_done };
	c->server = server;
	c->fd = fd;
	c->set = set;
	c->next = server->first;
	if (c->next)
		c->next->before = c;
	server->first = c;
	event_assign(&c->readable, server->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	event_assign(&c->writable, server->base, fd, EV_WRITE, on_writable, c);
	event_assign(&c->timer, server->base, -1, 0, on_timer, c);
	mr_metrics_add(mr_run_metrics(server->run), ROW_CONNECTIONS, 1);
	mr_metrics_set(mr_run_metrics(server->run), ROW_OPEN,
		       (int64_t)(atomic_fetch_add(&server->open, 1) + 1));
	conn_go(c);
}

void mr_conn_stop_all(struct server *server)
{
	struct conn *next;

	for (struct conn *c = server->first; c; c = next) {
		next = c->next;
		/* One that is being worked for learns it in mr_lmtp_worked(). */
		mr_lmtp_stop(c->lmtp, atomic_load(&server->drain), now_ms(server));
		if (!c->working)
			conn_go(c);
	}
}

void mr_conn_free_all(struct server *server)
{
	while (server->first) {
		server->first->working = false;
		conn_free(server->first);
	}
}
