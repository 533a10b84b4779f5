#include "lib/net/mr_conns.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_conns_priv.h"
#include "lib/net/mr_sock.h"

#define ACCEPTS_MAX   64 /* at a time, so that those who are here get their turn */
#define ACCEPT_REST_S 1 /* without descriptors we try again after this */

int mr_conns_new(const struct mr_conns_ops *ops, void *arg, struct mr_clock clock,
		 struct mr_conns **conns_out)
{
	struct mr_conns *conns = mr_calloc(1, sizeof(*conns));
	int err;

	if (!conns)
		return MR_ENOMEM;
	conns->ops = ops;
	conns->arg = arg;
	conns->clock = clock;
	conns->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (conns->wake_fd < 0) {
		err = mr_err_from_errno(errno);
		mr_free(conns);
		return err;
	}
	*conns_out = conns;
	return 0;
}

static void listeners_close(struct mr_conns *conns)
{
	for (size_t i = 0; i < conns->listener_count; i++)
		close(conns->listener[i].fd);
	conns->listener_count = 0;
}

void mr_conns_free(struct mr_conns *conns)
{
	if (!conns)
		return;
	listeners_close(conns);
	close(conns->wake_fd);
	mr_free(conns);
}

int mr_conns_listen(struct mr_conns *conns, const char *name, mode_t mode, void *which)
{
	struct mr_listener *listener = &conns->listener[conns->listener_count];
	int err;

	if (conns->listener_count == MR_CONNS_LISTENERS_MAX)
		return MR_ELIMIT;
	if ((err = mr_sock_listen(name, mode, &listener->fd)) < 0)
		return err;
	listener->which = which;
	listener->conns = conns;
	conns->listener_count++;
	return 0;
}

static void listen_begin(struct mr_conns *conns)
{
	for (size_t i = 0; i < conns->listener_count; i++)
		event_add(&conns->listener[i].event, NULL);
}

static void listen_end(struct mr_conns *conns)
{
	event_del(&conns->again);
	for (size_t i = 0; i < conns->listener_count; i++)
		event_del(&conns->listener[i].event);
}

static void on_accept(evutil_socket_t fd, short what MR_UNUSED, void *arg)
{
	struct mr_listener *listener = arg;
	struct mr_conns *conns = listener->conns;
	const struct timeval rest = { .tv_sec = ACCEPT_REST_S };

	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int client, err = mr_sock_accept(fd, &client);

		if (err == MR_ELIMIT) {
			conns->ops->news(conns->arg, MR_CONNS_NO_DESCRIPTORS,
					 atomic_load(&conns->open));
			listen_end(conns);
			event_add(&conns->again, &rest);
		}
		if (err < 0)
			return;
		mr_conn_new(conns, client, listener->which);
	}
}

static void on_again(evutil_socket_t fd MR_UNUSED, short what MR_UNUSED, void *arg)
{
	listen_begin(arg);
}

static void on_reaped(evutil_socket_t fd MR_UNUSED, short what MR_UNUSED, void *arg)
{
	mr_pool_reap(((struct mr_conns *)arg)->pool);
}

void mr_conns_idle(struct mr_conns *conns)
{
	if (atomic_load(&conns->stopping))
		event_base_loopbreak(conns->base);
}

static void on_wake(evutil_socket_t fd, short what MR_UNUSED, void *arg)
{
	struct mr_conns *conns = arg;
	eventfd_t ignored;

	(void)eventfd_read(fd, &ignored);
	listen_end(conns);
	listeners_close(conns); /* the MTA is refused at once, and tries later */
	mr_conn_stop_all(conns);
	if (!conns->first)
		mr_conns_idle(conns);
}

/* libevent's own memory comes from where ours does. */
static int loop_new(struct mr_conns *conns)
{
	event_set_mem_functions(mr_malloc, mr_realloc, mr_free);
	conns->base = event_base_new();
	if (!conns->base)
		return MR_ENOMEM;
	event_assign(&conns->wake, conns->base, conns->wake_fd, EV_READ | EV_PERSIST, on_wake,
		     conns);
	event_assign(&conns->reaped, conns->base, mr_pool_fd(conns->pool), EV_READ | EV_PERSIST,
		     on_reaped, conns);
	event_assign(&conns->again, conns->base, -1, 0, on_again, conns);
	for (size_t i = 0; i < conns->listener_count; i++)
		event_assign(&conns->listener[i].event, conns->base, conns->listener[i].fd,
			     EV_READ | EV_PERSIST, on_accept, &conns->listener[i]);
	event_add(&conns->wake, NULL);
	event_add(&conns->reaped, NULL);
	listen_begin(conns);
	return 0;
}

int mr_conns_serve(struct mr_conns *conns, unsigned threads)
{
	int err = MR_ENOMEM;

	conns->pool = mr_pool_new(threads);
	if (conns->pool && (err = loop_new(conns)) == 0) {
		if (conns->ops->start)
			conns->ops->start(conns->arg);
		event_base_dispatch(conns->base);
	}
	/* Work that is under way is finished here; what was never answered will come again. */
	mr_pool_free(conns->pool);
	if (conns->base) {
		mr_conn_free_all(conns);
		event_base_free(conns->base);
	}
	return err;
}

void mr_conns_stop(struct mr_conns *conns, bool drain)
{
	atomic_store(&conns->drain, drain);
	atomic_store(&conns->stopping, true);
	(void)eventfd_write(conns->wake_fd, 1);
}

bool mr_conns_stopping(const struct mr_conns *conns)
{
	return atomic_load(&conns->stopping);
}

size_t mr_conns_open(const struct mr_conns *conns)
{
	return atomic_load(&conns->open);
}

struct event_base *mr_conns_base(struct mr_conns *conns)
{
	return conns->base;
}

struct mr_pool *mr_conns_pool(struct mr_conns *conns)
{
	return conns->pool;
}

size_t mr_conns_working(const struct mr_conns *conns)
{
	return conns->working;
}
