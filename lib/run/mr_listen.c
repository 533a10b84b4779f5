#include "lib/run/mr_listen.h"

#include <sys/resource.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_sock.h"

#define UNIX "unix:"

int mr_listen_check(const char *name, struct mr_list list, const char *mode_name, const char *mode,
		    struct mr_buf *error)
{
	mode_t rights;

	for (size_t i = 0; i < list.count; i++) {
		int err = mr_sock_is_local(list.item[i]);

		if (err < 0)
			return mr_run_refuse(error, name, list.item[i],
					     err == MR_ELIMIT
						     ? "path too long"
						     : "neither unix:PATH nor inet:HOST:PORT");
	}
	if (mr_sock_mode(mode, &rights) < 0)
		return mr_run_refuse(error, mode_name, mode, "no octal number from 0 to 0777");
	return 0;
}

static int failed(const char *what, const char *name, int err)
{
	mr_log(MR_LOG_ERROR, what, MR_KV("name", name), MR_KV_ERR(err));
	return err;
}

int mr_listen_all(struct mr_run *run, struct mr_conns *conns, struct mr_list list, const char *mode,
		  void *which)
{
	mode_t rights;
	int err = mr_sock_mode(mode, &rights);

	if (err < 0)
		return failed("rights of a socket are no octal number", mode, err);
	for (size_t i = 0; i < list.count; i++) {
		const char *name = list.item[i];

		if ((err = mr_conns_listen(conns, name, rights, which)) < 0)
			return failed("cannot listen", name, err);
		if (mr_span_has_prefix(mr_span_str(name), MR_SPAN(UNIX)) &&
		    (err = mr_run_give(run, name + strlen(UNIX))) < 0)
			return failed("cannot give away the socket", name, err);
	}
	return 0;
}

void mr_listen_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void mr_listen_news(struct mr_run *run, const struct mr_listen_rows *rows, enum mr_conns_news news,
		    size_t open)
{
	struct mr_metrics *metrics = mr_run_metrics(run);

	switch (news) {
	case MR_CONNS_OPENED:
		mr_metrics_add(metrics, rows->connections, 1);
		mr_metrics_set(metrics, rows->open, (int64_t)open);
		break;
	case MR_CONNS_CLOSED:
		mr_metrics_set(metrics, rows->open, (int64_t)open);
		break;
	case MR_CONNS_TURNED_AWAY:
		mr_metrics_add(metrics, rows->turned_away, 1);
		break;
	case MR_CONNS_NO_DESCRIPTORS:
		mr_log(MR_LOG_WARN, "no descriptors left", MR_KV_INT("connections", (int64_t)open));
		break;
	case MR_CONNS_WORKED:
		break;
	}
}
