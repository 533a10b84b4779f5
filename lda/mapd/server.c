#include "lda/mapd/server.h"

#include <time.h>

#include "lda/mapd/protocols.h"
#include "lda/mapd/talk.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_listen.h"
#include "lib/store/mr_store.h"

/* Rows of one kind, one for each word of a protocol, in the order of words[]. */
enum row {
	ROW_ANSWERS,
	ROW_SECONDS = ROW_ANSWERS + MR_PROTOCOLS_MAX,
	ROW_CONNECTIONS = ROW_SECONDS + MR_PROTOCOLS_MAX,
	ROW_OPEN,
	ROW_TURNED_AWAY,
	ROW_OVER,
};

static const char *const words[MR_PROTOCOLS_MAX] = { "map", "policy", "dict" };

#define ANSWERS(i, word)                                                                           \
	[ROW_ANSWERS + (i)] = { MR_METRIC_COUNTER, "millrace_mapd_answers_total",                  \
				"protocol=\"" word "\"", (i) ? "" : "Requests answered." }
#define SECONDS(i, word)                                                                           \
	[ROW_SECONDS + (i)] = { MR_METRIC_SECONDS, "millrace_mapd_answer_seconds",                 \
				"protocol=\"" word "\"",                                           \
				(i) ? "" : "From a request to its answer." }
const struct mr_metric mr_mapd_metrics[] = {
	ANSWERS(0, "map"),
	ANSWERS(1, "policy"),
	ANSWERS(2, "dict"),
	SECONDS(0, "map"),
	SECONDS(1, "policy"),
	SECONDS(2, "dict"),
	[ROW_CONNECTIONS] = { MR_METRIC_COUNTER, "millrace_mapd_connections_total", "",
			      "Connections accepted." },
	[ROW_OPEN] = { MR_METRIC_GAUGE, "millrace_mapd_connections", "", "Connections open." },
	[ROW_TURNED_AWAY] = { MR_METRIC_COUNTER, "millrace_mapd_turned_away_total", "",
			      "Connections refused: too many, or out of memory." },
	[ROW_OVER] = { MR_METRIC_COUNTER, "millrace_mapd_over_limit_total", "",
		       "Questions answered by a send limit." },
};
const size_t mr_mapd_metric_count = MR_COUNT(mr_mapd_metrics);

/* A protocol that is served: counted is its engine, with a clock around it. */
struct served {
	struct server *server;
	const struct mr_protocol *protocol;
	struct mr_ask ask, counted;
	size_t row; /* among words[] */
};

struct server {
	struct mr_run *run;
	struct mr_conns *conns;
	struct served served[MR_PROTOCOLS_MAX];
	size_t count;
};

/* -- connections ------------------------------------------------------------------------------ */

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int counted_answer(void *arg, void **state, struct mr_span request, struct mr_buf *reply)
{
	struct served *s = arg;
	struct mr_metrics *metrics = mr_run_metrics(s->server->run);
	int64_t start_us = now_us();
	int err = s->ask.answer(s->ask.arg, state, request, reply);

	mr_metrics_add(metrics, ROW_ANSWERS + s->row, 1);
	mr_metrics_observe_us(metrics, ROW_SECONDS + s->row, now_us() - start_us);
	return err;
}

static void counted_forget(void *arg, void *state)
{
	struct served *s = arg;

	if (s->ask.forget)
		s->ask.forget(s->ask.arg, state);
}

void mr_mapd_count_over(struct mr_run *run)
{
	mr_metrics_add(mr_run_metrics(run), ROW_OVER, 1);
}

static void *talk_begin(void *arg, void *which, size_t open, int64_t now_ms)
{
	struct server *server = arg;
	struct served *s = which;
	const struct mr_settings *set = mr_run_settings_hold(server->run);
	struct mr_talking *talk = NULL;

	if (open < (size_t)set->map_connections_max)
		talk = mr_talk_new(&s->counted, set->map_timeout_ms, now_ms);
	mr_run_settings_release(server->run, set);
	return talk;
}

static void talk_end(void *talk)
{
	mr_talk_free(talk);
}

static bool talk_reads(const void *talk)
{
	return mr_talk_reads(talk);
}

static void talk_input(void *talk, struct mr_span in, int64_t now_ms)
{
	mr_talk_input(talk, in, now_ms);
}

static bool talk_busy(const void *talk)
{
	return mr_talk_busy(talk);
}

static void talk_work(void *talk)
{
	mr_talk_work(talk);
}

static void talk_worked(void *talk, int64_t now_ms)
{
	mr_talk_worked(talk, now_ms);
}

static int64_t talk_deadline_ms(const void *talk)
{
	return mr_talk_deadline_ms(talk);
}

static void talk_tick(void *talk, int64_t now_ms)
{
	mr_talk_tick(talk, now_ms);
}

static struct mr_span talk_output(const void *talk)
{
	return mr_talk_output(talk);
}

static void talk_sent(void *talk, size_t n, int64_t now_ms)
{
	mr_talk_sent(talk, n, now_ms);
}

static bool talk_closed(const void *talk)
{
	return mr_talk_closed(talk);
}

static void talk_stop(void *talk, bool drain MR_UNUSED, int64_t now_ms MR_UNUSED)
{
	mr_talk_stop(talk);
}

static const struct mr_listen_rows rows_of_news = { ROW_CONNECTIONS, ROW_OPEN, ROW_TURNED_AWAY };

static void news(void *arg, enum mr_conns_news what, size_t open)
{
	mr_listen_news(((struct server *)arg)->run, &rows_of_news, what, open);
}

static const struct mr_conns_ops conns_ops = {
	.talk = { talk_begin, talk_end, talk_reads, talk_input, talk_busy, talk_work, talk_worked,
		  talk_deadline_ms, talk_tick, talk_output, talk_sent, talk_closed, talk_stop },
	.news = news,
	.full = "",
};

/* -- life ------------------------------------------------------------------------------------- */

static struct mr_list list_of(const struct mr_protocol *p, const struct mr_settings *set)
{
	return *(const mr_setting_list *)(const void *)((const char *)set + p->listen_offset);
}

int mr_mapd_check(const struct mr_settings *set, struct mr_buf *error)
{
	int err = 0;

	for (size_t i = 0; i < mr_protocol_count && err == 0; i++) {
		const struct mr_protocol *p = &mr_protocols[i];

		err = mr_listen_check(p->listen_name, list_of(p, set), "map_socket_mode",
				      set->map_socket_mode, error);
		if (err == 0 && p->check)
			err = p->check(set, error);
	}
	if (err == 0 && mr_store_check_url(set->store) < 0)
		err = mr_run_refuse(error, "store", mr_store_shown(set->store), mr_store_why());
	return err;
}

static size_t row_of(const char *word)
{
	size_t i = 0;

	while (strcmp(words[i], word) != 0)
		MR_ASSERT(++i < MR_PROTOCOLS_MAX);
	return i;
}

static int protocol_open(struct server *server, const struct mr_protocol *p,
			 const struct mr_settings *set)
{
	struct served *s = &server->served[server->count];
	int err;

	if (list_of(p, set).count == 0)
		return 0;
	server->count++;
	s->server = server;
	s->protocol = p;
	s->row = row_of(p->word);
	if ((err = p->open(server->run, set, &s->ask)) < 0)
		return err;
	s->counted = s->ask;
	s->counted.answer = counted_answer;
	s->counted.forget = counted_forget;
	s->counted.arg = s;
	return mr_listen_all(server->run, server->conns, list_of(p, set), set->map_socket_mode, s);
}

int mr_mapd_open(struct mr_run *run)
{
	struct server *server = mr_calloc(1, sizeof(*server));
	const struct mr_settings *set;
	int err;

	if (!server)
		return MR_ENOMEM;
	server->run = run;
	mr_run_set_state(run, server);
	mr_listen_descriptors();
	set = mr_run_settings_hold(run);
	err = mr_conns_new(&conns_ops, server, *mr_run_clock(run), &server->conns);
	for (size_t i = 0; i < mr_protocol_count && err == 0; i++)
		err = protocol_open(server, &mr_protocols[i], set);
	mr_run_settings_release(run, set);
	return err;
}

void mr_mapd_close(struct mr_run *run)
{
	struct server *server = mr_run_state(run);

	if (!server)
		return;
	mr_conns_free(server->conns);
	for (size_t i = 0; i < server->count; i++)
		server->served[i].protocol->close(server->served[i].ask.arg);
	mr_free(server);
}

int mr_mapd_serve(struct mr_run *run)
{
	struct server *server = mr_run_state(run);
	const struct mr_settings *set = mr_run_settings_hold(run);
	unsigned workers = (unsigned)set->map_workers;

	mr_run_settings_release(run, set);
	for (size_t i = 0; i < server->count; i++) {
		const struct served *s = &server->served[i];

		if (s->protocol->start)
			s->protocol->start(s->ask.arg);
	}
	return mr_conns_serve(server->conns, workers);
}

void mr_mapd_stop(struct mr_run *run, bool drain)
{
	mr_conns_stop(((struct server *)mr_run_state(run))->conns, drain);
}

/* All others are taken by each request. */
int mr_mapd_reload(struct mr_run *run, const struct mr_settings *next)
{
	/* srs_domain: the sandbox lets us connect, or not. */
	static const char *const fixed[] = { "store", "srs_domain", "map_workers", "reinject" };
	int err = mr_run_keep(run, next, fixed, MR_COUNT(fixed));

	for (size_t i = 0; i < mr_protocol_count && err == 0; i++)
		err = mr_run_keep(run, next, &mr_protocols[i].listen_name, 1);
	return err;
}

void mr_mapd_status(struct mr_run *run, struct mr_buf *out)
{
	struct server *server = mr_run_state(run);

	(void)mr_buf_printf(out, "connections %zu\n", mr_conns_open(server->conns));
}
