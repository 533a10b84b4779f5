/* One connection: from the socket to the conversation and back, and to the pool when it is busy. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_conns_priv.h"

/* How long a connection that is over may take to read our last words. */
#define LINGER_MS 5000

struct mr_conn {
	struct mr_pool_item item; /* first: the pool's pointer is ours */
	struct mr_conns *conns;
	struct mr_conn *next, *before;
	int fd;
	struct event readable, writable, timer;
	void *talk;
	int64_t linger_ms; /* 0: not over yet */
	bool working; /* the pool has it */
	bool gone; /* the client is; free it once the pool is done */
};

static int64_t now_ms(const struct mr_conns *conns)
{
	return conns->clock.now_ms(conns->clock.arg);
}

static const struct mr_talk *talk_of(const struct mr_conn *c)
{
	return &c->conns->ops->talk;
}

static void conn_free(struct mr_conn *c)
{
	struct mr_conns *conns = c->conns;

	if (c->working) { /* the pool writes to it */
		c->gone = true;
		return;
	}
	event_del(&c->readable);
	event_del(&c->writable);
	event_del(&c->timer);
	close(c->fd);
	talk_of(c)->end(c->talk);
	if (c->before)
		c->before->next = c->next;
	else
		conns->first = c->next;
	if (c->next)
		c->next->before = c->before;
	mr_free(c);
	conns->ops->news(conns->arg, MR_CONNS_CLOSED, atomic_fetch_sub(&conns->open, 1) - 1);
	if (!conns->first)
		mr_conns_idle(conns);
}

/* Send what there is. False: the client is gone. */
static bool conn_send(struct mr_conn *c)
{
	struct mr_span out;

	while ((out = talk_of(c)->output(c->talk)).len > 0) {
		ssize_t n = send(c->fd, out.p, out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		talk_of(c)->sent(c->talk, (size_t)n, now_ms(c->conns));
	}
	return true;
}

static void on_work(struct mr_pool_item *item)
{
	struct mr_conn *c = (struct mr_conn *)item;

	talk_of(c)->work(c->talk);
}

/* Until when may nothing happen? An event's timer wants to know how long that is. */
static void conn_arm_timer(struct mr_conn *c)
{
	int64_t now = now_ms(c->conns), due = talk_of(c)->deadline_ms(c->talk), wait;
	struct timeval tv;

	if (talk_of(c)->closed(c->talk)) {
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
static void conn_go(struct mr_conn *c)
{
	const struct mr_talk *talk = talk_of(c);
	bool out;

	if (!conn_send(c)) {
		conn_free(c);
		return;
	}
	/* Sending may have let it go on, and made it busy. */
	if (talk->busy(c->talk) && !c->working) {
		c->working = true;
		c->conns->working++;
		mr_pool_put(c->conns->pool, &c->item);
	}
	out = talk->output(c->talk).len > 0;
	if (talk->closed(c->talk) && !out) {
		conn_free(c);
		return;
	}
	if (out)
		event_add(&c->writable, NULL);
	if (c->working)
		return;
	if (talk->reads(c->talk))
		event_add(&c->readable, NULL);
	else
		event_del(&c->readable);
	/* A timer that is armed for an earlier time finds out when it fires. */
	if (!event_pending(&c->timer, EV_TIMEOUT, NULL) || talk->closed(c->talk))
		conn_arm_timer(c);
}

static void on_done(struct mr_pool_item *item)
{
	struct mr_conn *c = (struct mr_conn *)item;
	struct mr_conns *conns = c->conns;

	c->working = false;
	conns->working--;
	conns->ops->news(conns->arg, MR_CONNS_WORKED, atomic_load(&conns->open));
	talk_of(c)->worked(c->talk, now_ms(conns));
	if (c->gone)
		conn_free(c);
	else
		conn_go(c);
}

static void on_readable(evutil_socket_t fd, short what MR_UNUSED, void *arg)
{
	struct mr_conn *c = arg;
	struct mr_conns *conns = c->conns;
	ssize_t n;

	/* Most clients wait for the answer, so the loop stops watching one only when it did not: that
	 * saves four calls of the kernel for each message. conn_go() watches again. */
	if (c->working || !talk_of(c)->reads(c->talk)) {
		event_del(&c->readable);
		return;
	}
	n = recv(fd, conns->input, sizeof(conns->input), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_free(c);
		return;
	}
	talk_of(c)->input(c->talk, mr_span(conns->input, (size_t)n), now_ms(conns));
	conn_go(c);
}

static void on_writable(evutil_socket_t fd MR_UNUSED, short what MR_UNUSED, void *arg)
{
	conn_go(arg);
}

static void on_timer(evutil_socket_t fd MR_UNUSED, short what MR_UNUSED, void *arg)
{
	struct mr_conn *c = arg;
	int64_t now = now_ms(c->conns);

	if (c->linger_ms > 0 && now >= c->linger_ms) {
		conn_free(c);
		return;
	}
	if (!c->working)
		talk_of(c)->tick(c->talk, now);
	conn_go(c);
}

/* What was never a connection gets one line. */
static void turn_away(struct mr_conns *conns, int fd)
{
	const char *line = conns->ops->full;

	conns->ops->news(conns->arg, MR_CONNS_TURNED_AWAY, atomic_load(&conns->open));
	if (line[0])
		(void)!send(fd, line, strlen(line), MSG_NOSIGNAL);
	close(fd);
}

void mr_conn_new(struct mr_conns *conns, int fd, void *which)
{
	struct mr_conn *c = mr_calloc(1, sizeof(*c));

	if (c)
		c->talk = conns->ops->talk.begin(conns->arg, which, atomic_load(&conns->open),
						 now_ms(conns));
	if (!c || !c->talk) {
		mr_free(c);
		turn_away(conns, fd);
		return;
	}
	c->item = (struct mr_pool_item){ .work = on_work, .done = on_done };
	c->conns = conns;
	c->fd = fd;
	c->next = conns->first;
	if (c->next)
		c->next->before = c;
	conns->first = c;
	event_assign(&c->readable, conns->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	event_assign(&c->writable, conns->base, fd, EV_WRITE, on_writable, c);
	event_assign(&c->timer, conns->base, -1, 0, on_timer, c);
	conns->ops->news(conns->arg, MR_CONNS_OPENED, atomic_fetch_add(&conns->open, 1) + 1);
	conn_go(c);
}

void mr_conn_stop_all(struct mr_conns *conns)
{
	struct mr_conn *next;

	for (struct mr_conn *c = conns->first; c; c = next) {
		next = c->next;
		/* One that is being worked for learns it in worked(). */
		talk_of(c)->stop(c->talk, atomic_load(&conns->drain), now_ms(conns));
		if (!c->working)
			conn_go(c);
	}
}

void mr_conn_free_all(struct mr_conns *conns)
{
	while (conns->first) {
		conns->first->working = false;
		conn_free(conns->first);
	}
}
