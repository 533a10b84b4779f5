/* server_private: what server.c (life of the program), server_conn.c (of a connection) and
 * server_idle.c (the rest) share. */
#ifndef SERVER_PRIVATE_H
#define SERVER_PRIVATE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>

#include "lda/lmtpd/deliver.h"
#include "lda/lmtpd/server.h"
#include "lda/lmtpd/settle.h"
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
	struct mr_store *usage; /* the store, with the group quota alone */
	struct mr_settle *settle;
	struct mr_buf warning_user, warning_domain; /* what the operator wrote; empty: our own */
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

/* server_quota.c: quotas. < 0: logged. settings: as mr_settle_with has it, its arg is the server. */
MR_MUST_USE int mr_lmtpd_quota_check(const struct mr_settings *set, struct mr_buf *error);
MR_MUST_USE int mr_lmtpd_quota_open(struct server *server, const struct mr_settings *set,
				    int (*settings)(void *arg, struct mr_span local,
						    struct mr_span domain, struct mr_arena *arena,
						    struct mr_user_settings *settings_out));
void mr_lmtpd_quota_start(struct server *server);
/* Ends its thread; before what it uses goes. */
void mr_lmtpd_quota_stop(struct server *server);
void mr_lmtpd_quota_close(struct server *server);

#endif
