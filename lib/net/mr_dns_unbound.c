/*
 * The resolver of the process: one context of libunbound, whose own thread asks, and one of ours that takes its
 * answers.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_dns_engine.h"

#define RCODE_NOERROR  0
#define RCODE_NXDOMAIN 3

struct resolver {
	struct ub_ctx *ctx;
	pthread_t thread;
	int stop_fd; /* an eventfd */
};

/*
 * What a busy mail server needs of libunbound, by measurement: with its own values two hundred names whose
 * servers are silent keep all others waiting for a minute, and a reply that takes three seconds through a
 * forwarder is lost.
 */
static const char *const options[][2] = {
	{ "infra-cache-min-rtt:", "4000" }, { "num-queries-per-thread:", "4096" },
	{ "outgoing-range:", "8192" },      { "do-not-query-localhost:", "no" },
	{ "qname-minimisation:", "yes" },   { "use-syslog:", "no" },
};
/* Zones of private use are answered by libunbound itself, unless we say that they are somebody's. */
static const char *const local_options[][2] = {
	{ "unblock-lan-zones:", "yes" },
	{ "local-zone:", "127.in-addr.arpa. transparent" },
	{ "local-zone:", "test. transparent" },
	{ "local-zone:", "invalid. transparent" },
};

static int complain(int code, const char *what, const char *value)
{
	if (code == 0)
		return 0;
	mr_log(MR_LOG_ERROR, "dns", MR_KV("what", what), MR_KV("value", value),
	       MR_KV("why", ub_strerror(code)));
	return code == UB_NOMEM ? MR_ENOMEM : MR_EINVAL;
}

static int configure(struct ub_ctx *ctx, const struct mr_dns_config *config)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < MR_COUNT(options); i++)
		err = complain(ub_ctx_set_option(ctx, options[i][0], options[i][1]), options[i][0],
			       options[i][1]);
	for (size_t i = 0; config->local && err == 0 && i < MR_COUNT(local_options); i++)
		err = complain(ub_ctx_set_option(ctx, local_options[i][0], local_options[i][1]),
			       local_options[i][0], local_options[i][1]);
	for (size_t i = 0; err == 0 && i < config->forward_count; i++)
		err = complain(ub_ctx_set_fwd(ctx, config->forward[i]), "forwarder ",
			       config->forward[i]);
	if (err == 0 && config->forward_count == 0 && config->resolv_conf)
		err = complain(ub_ctx_resolvconf(ctx, config->resolv_conf), "",
			       config->resolv_conf);
	/* It is not read before the first question. */
	if (err == 0 && config->trust_anchor && access(config->trust_anchor, R_OK) < 0)
		err = complain(UB_READFILE, "trust anchor ", config->trust_anchor);
	if (err == 0 && config->trust_anchor)
		err = complain(ub_ctx_add_ta_file(ctx, config->trust_anchor), "trust anchor ",
			       config->trust_anchor);
	/* A thread: another process would not be seen to end, and could not be made in a sandbox. */
	return err < 0 ? err : complain(ub_ctx_async(ctx, 1), "thread", "");
}

static enum mr_dns_status status_of(int code, const struct ub_result *result)
{
	if (code != 0 || !result)
		return MR_DNS_SERVFAIL;
	if (result->bogus)
		return MR_DNS_BOGUS;
	if (result->nxdomain || result->rcode == RCODE_NXDOMAIN)
		return MR_DNS_NXDOMAIN;
	if (result->rcode != RCODE_NOERROR)
		return MR_DNS_SERVFAIL;
	return result->havedata ? MR_DNS_OK : MR_DNS_NODATA;
}

static void on_answer(void *arg, int code, struct ub_result *result)
{
	struct mr_dns_question *question = arg;
	struct mr_span record[MR_DNS_RECORDS_MAX];
	enum mr_dns_status status = status_of(code, result);
	size_t count = 0;

	while (status == MR_DNS_OK && count < MR_DNS_RECORDS_MAX && result->data[count]) {
		record[count] = mr_span(result->data[count], (size_t)result->len[count]);
		count++;
	}
	mr_dns_question_done(question, status, result && result->secure, record, count);
	ub_resolve_free(result);
}

static void *take_answers(void *arg)
{
	struct resolver *r = arg;
	struct pollfd fds[] = { { .fd = ub_fd(r->ctx), .events = POLLIN },
				{ .fd = r->stop_fd, .events = POLLIN } };

	for (;;) {
		if (poll(fds, MR_COUNT(fds), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents && ub_process(r->ctx) != 0)
			mr_log(MR_LOG_ERROR, "dns",
			       MR_KV("why", "the resolver's answers do not read"));
	}
}

static int ask(void *arg, const char *name, enum mr_dns_type type, struct mr_dns_question *question,
	       int *id_out)
{
	struct resolver *r = arg;

	return ub_resolve_async(r->ctx, name, (int)type, 1, question, on_answer, id_out) == 0
		       ? 0
		       : MR_ENOMEM;
}

static bool cancel(void *arg, int id)
{
	struct resolver *r = arg;

	return ub_cancel(r->ctx, id) == 0;
}

static void resolver_close(void *arg)
{
	struct resolver *r = arg;

	if (r->stop_fd >= 0) {
		(void)!eventfd_write(r->stop_fd, 1);
		pthread_join(r->thread, NULL);
		close(r->stop_fd);
	}
	ub_ctx_delete(r->ctx);
	mr_free(r);
}

int mr_dns_open(const struct mr_dns_config *config, struct mr_dns **dns_out)
{
	struct resolver *r = mr_calloc(1, sizeof(*r));
	struct mr_dns_engine engine = { ask, cancel, resolver_close, r };
	int err = MR_ENOMEM;

	if (!r)
		return MR_ENOMEM;
	r->stop_fd = -1;
	r->ctx = ub_ctx_create();
	if (r->ctx && (err = configure(r->ctx, config)) == 0 &&
	    (r->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		err = mr_err_from_errno(errno);
	if (err == 0 && pthread_create(&r->thread, NULL, take_answers, r) != 0) {
		close(r->stop_fd);
		r->stop_fd = -1;
		err = MR_ENOMEM;
	}
	if (err == 0 && (err = mr_dns_new(&engine, dns_out)) == 0)
		return 0;
	resolver_close(r);
	return err;
}
