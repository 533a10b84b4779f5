/* What is done when there is nothing to deliver: old spam goes. */
#include <stddef.h>

#include "lda/lmtpd/server_private.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_pool.h"

#define IDLE_S 1 /* without work for a connection, other work is begun */

/* On the pool. */
static void expire_work(struct mr_pool_item *item)
{
	struct server *server = (struct server *)((char *)item - offsetof(struct server, expire));
	struct mr_deliver *d = &server->deliver;
	const struct mr_settings *set = mr_run_settings_hold(server->run);
	struct mr_expiry_one one;
	int removed = 0;

	if (mr_expiry_next(d->expiry, &one))
		removed =
			mr_expiry_run(d->mail_fd, one.mailbox, mr_span_str(set->spam_folder),
				      one.days, d->clock.time_s(d->clock.arg), MR_EXPIRY_NAMES_MAX);
	mr_run_settings_release(server->run, set);
	if (removed < 0 && removed != MR_EPERM)
		mr_log(MR_LOG_WARN, "old spam not removed", MR_KV("mailbox", one.mailbox),
		       MR_KV("error", removed == MR_EEXIST ? "is a link, or no folder"
							   : mr_err_text(removed)));
	if (removed <= 0)
		return;
	mr_log(MR_LOG_INFO, "old spam removed", MR_KV("mailbox", one.mailbox),
	       MR_KV_INT("messages", removed), MR_KV_INT("days", one.days));
	mr_metrics_add(mr_run_metrics(server->run), ROW_EXPIRED, (uint64_t)removed);
}

static void expire_done(struct mr_pool_item *item)
{
	struct server *server = (struct server *)((char *)item - offsetof(struct server, expire));

	server->expiring = false;
	mr_lmtpd_rest(server);
}

void mr_lmtpd_rest(struct server *server)
{
	const struct timeval rest = { .tv_sec = IDLE_S };

	if (!server->expiring && !mr_conns_stopping(server->conns) &&
	    mr_expiry_waits(server->deliver.expiry) &&
	    !event_pending(&server->idle, EV_TIMEOUT, NULL))
		event_add(&server->idle, &rest);
}

/* Only where the pool has nothing to do: mail comes first. */
static void on_idle(evutil_socket_t fd MR_UNUSED, short what MR_UNUSED, void *arg)
{
	struct server *server = arg;

	if (mr_conns_working(server->conns) > 0 || mr_conns_stopping(server->conns)) {
		mr_lmtpd_rest(server);
		return;
	}
	server->expiring = true;
	mr_pool_put(mr_conns_pool(server->conns), &server->expire);
}

void mr_lmtpd_rest_init(void *arg)
{
	struct server *server = arg;

	event_assign(&server->idle, mr_conns_base(server->conns), -1, 0, on_idle, server);
	server->expire = (struct mr_pool_item){ .work = expire_work, .done = expire_done };
}
