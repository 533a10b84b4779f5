/* server_private: what server.c (life of the program), server_conn.c (of a connection) and
 * server_idle.c (the rest) share. */
#ifndef SERVER_PRIVATE_H
#define SERVER_PRIVATE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>

#include "lda/lmtpd/deliver.h"
#include "lda/lmtpd/server.h"
#include "lib/net/mr_pool.h"

#define LISTENERS_MAX 8 /* as lmtp_listen's range says */

enum row {
	ROW_STORED,
	ROW_SPAM,
	ROW_DEFERRED,
	ROW_REFUSED,
	ROW_SECONDS,
	ROW_CONNECTIONS,
	ROW_OPEN,
	ROW_TURNED_AWAY,
	ROW_EXPIRED,
};

struct conn;

struct listener {
	int fd;
	struct event event;
	struct server *server;
};

struct server {
	struct mr_run *run;
	struct mr_store *store;
	struct mr_deliver deliver;
	struct mr_lmtp_ops ops;
	char host[256];
	struct listener listener[LISTENERS_MAX];
	size_t listener_count;
	int wake_fd; /* an eventfd: stop() was called */
	atomic_bool stopping, drain; /* set on the control thread */
	atomic_size_t open; /* connections, for status */
	atomic_bool store_away; /* and the log has said so */
	/* From here on: the loop's thread alone. */
	struct event_base *base;
	struct mr_pool *pool;
	struct event wake, reaped, again, idle;
	size_t working; /* connections that the pool has */
	struct mr_pool_item expire; /* and what it does when it has none */
	bool expiring;
	struct conn *first;
	char input[MR_LMTP_INPUT_MAX];
};

/* Take fd over. */
void mr_conn_new(struct server *server, int fd);
/* Tell every connection that the service ends. */
void mr_conn_stop_all(struct server *server);
/* Release what is left once the pool is gone. */
void mr_conn_free_all(struct server *server);
/* For the loop, before it runs. */
void mr_lmtpd_rest_init(struct server *server);
/* The pool has done its work for a connection: look whether there is other work to do. */
void mr_lmtpd_rest(struct server *server);
/* The last connection of a server that stops is gone. */
void mr_lmtpd_idle(struct server *server);

#endif
