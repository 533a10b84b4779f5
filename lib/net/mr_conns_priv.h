/* mr_conns_priv: what mr_conns.c (listeners and the loop) and mr_conns_one.c (a connection) share. */
#ifndef MR_CONNS_PRIV_H
#define MR_CONNS_PRIV_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>

#include "lib/net/mr_conns.h"

struct mr_conn;

struct mr_listener {
	int fd;
	void *which;
	struct event event;
	struct mr_conns *conns;
};

struct mr_conns {
	const struct mr_conns_ops *ops;
	void *arg;
	struct mr_clock clock;
	struct mr_listener listener[MR_CONNS_LISTENERS_MAX];
	size_t listener_count;
	int wake_fd; /* an eventfd: stop() was called */
	atomic_bool stopping, drain;
	atomic_size_t open;
	/* From here on: the loop's thread alone. */
	struct event_base *base;
	struct mr_pool *pool;
	struct event wake, reaped, again;
	size_t working; /* connections that the pool has */
	struct mr_conn *first;
	char input[MR_CONNS_INPUT_MAX];
};

/* Take fd over, accepted from listener. */
void mr_conn_new(struct mr_conns *conns, int fd, void *which);
/* Tell every connection that the service ends. */
void mr_conn_stop_all(struct mr_conns *conns);
/* Release what is left once the pool is gone. */
void mr_conn_free_all(struct mr_conns *conns);
/* The last connection is gone: end the loop, if it is to stop. */
void mr_conns_idle(struct mr_conns *conns);

#endif
