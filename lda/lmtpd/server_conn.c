/* The conversation of one connection, as lib/net/mr_conns.h has it, with the settings that it holds. */
#include "lda/lmtpd/server_private.h"

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_listen.h"

_Static_assert(MR_CONNS_INPUT_MAX <= MR_LMTP_INPUT_MAX, "a piece of input is taken whole");

struct session {
	struct server *server;
	struct mr_lmtp *lmtp;
	const struct mr_settings *set; /* held */
};

static void *session_begin(void *arg, void *which MR_UNUSED, size_t open, int64_t now_ms)
{
	struct server *server = arg;
	const struct mr_settings *set = mr_run_settings_hold(server->run);
	struct session *s = NULL;

	if (open < (size_t)set->lmtp_connections_max)
		s = mr_calloc(1, sizeof(*s));
	if (s)
		s->lmtp = mr_lmtp_new(set, server->host, &server->ops, now_ms);
	if (!s || !s->lmtp) {
		mr_free(s);
		mr_run_settings_release(server->run, set);
		return NULL;
	}
	s->server = server;
	s->set = set;
	return s;
}

static void session_end(void *talk)
{
	struct session *s = talk;

	mr_lmtp_free(s->lmtp);
	mr_run_settings_release(s->server->run, s->set);
	mr_free(s);
}

static bool session_reads(const void *talk)
{
	return mr_lmtp_reads(((const struct session *)talk)->lmtp);
}

/* Between two messages the settings in force are taken. */
static void session_renew(struct session *s)
{
	const struct mr_settings *set = mr_run_settings_hold(s->server->run);

	if (set == s->set) {
		mr_run_settings_release(s->server->run, set);
		return;
	}
	mr_lmtp_set(s->lmtp, set);
	mr_run_settings_release(s->server->run, s->set);
	s->set = set;
}

static void session_input(void *talk, struct mr_span in, int64_t now_ms)
{
	struct session *s = talk;

	if (mr_lmtp_idle(s->lmtp))
		session_renew(s);
	mr_lmtp_input(s->lmtp, in, now_ms);
}

static bool session_busy(const void *talk)
{
	return mr_lmtp_busy(((const struct session *)talk)->lmtp);
}

static void session_work(void *talk)
{
	mr_lmtp_work(((struct session *)talk)->lmtp);
}

static void session_worked(void *talk, int64_t now_ms)
{
	mr_lmtp_worked(((struct session *)talk)->lmtp, now_ms);
}

static int64_t session_deadline_ms(const void *talk)
{
	return mr_lmtp_deadline_ms(((const struct session *)talk)->lmtp);
}

static void session_tick(void *talk, int64_t now_ms)
{
	mr_lmtp_tick(((struct session *)talk)->lmtp, now_ms);
}

static struct mr_span session_output(const void *talk)
{
	return mr_lmtp_output(((const struct session *)talk)->lmtp);
}

static void session_sent(void *talk, size_t n, int64_t now_ms)
{
	mr_lmtp_sent(((struct session *)talk)->lmtp, n, now_ms);
}

static bool session_closed(const void *talk)
{
	return mr_lmtp_closed(((const struct session *)talk)->lmtp);
}

static void session_stop(void *talk, bool drain, int64_t now_ms)
{
	mr_lmtp_stop(((struct session *)talk)->lmtp, drain, now_ms);
}

static void session_news(void *arg, enum mr_conns_news news, size_t open)
{
	static const struct mr_listen_rows rows = { ROW_CONNECTIONS, ROW_OPEN, ROW_TURNED_AWAY };
	struct server *server = arg;

	if (news == MR_CONNS_WORKED)
		mr_lmtpd_rest(server);
	else
		mr_listen_news(server->run, &rows, news, open);
}

const struct mr_conns_ops mr_lmtpd_conns = {
	.talk = {
		.begin = session_begin,
		.end = session_end,
		.reads = session_reads,
		.input = session_input,
		.busy = session_busy,
		.work = session_work,
		.worked = session_worked,
		.deadline_ms = session_deadline_ms,
		.tick = session_tick,
		.output = session_output,
		.sent = session_sent,
		.closed = session_closed,
		.stop = session_stop,
	},
	.news = session_news,
	.start = mr_lmtpd_rest_init,
	.full = "421 4.3.2 Too many connections\r\n",
};
