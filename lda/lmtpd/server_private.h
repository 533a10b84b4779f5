/* server_private: what server.c (life of the program), server_conn.c (of a connection) and
 * server_idle.c (the rest) share. */
#ifndef SERVER_PRIVATE_H
#define SERVER_PRIVATE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>

#include "lda/lmtpd/deliver.h"
#include "lda/lmtpd/server.h"
#include "lib/net/mr_conns.h"

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

struct server {
	struct mr_run *run;
	struct mr_store *store;
	struct mr_deliver deliver;
	struct mr_wake wake;
	struct mr_lmtp_ops ops;
	char host[256];
	struct mr_conns *conns;
	atomic_bool store_away; /* and the log has said so */
	/* From here on: the loop's thread alone. */
	struct event idle;
	struct mr_pool_item expire; /* what the pool does when it has nothing to do */
	bool expiring;
};

extern const struct mr_conns_ops mr_lmtpd_conns; /* its arg is the server */

/* For the loop, before it runs; server: void, as mr_conns.h wants it. */
void mr_lmtpd_rest_init(void *server);
/* The pool has done its work for a connection: look whether there is other work to do. */
void mr_lmtpd_rest(struct server *server);

#endif
