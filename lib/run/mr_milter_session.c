#include <time.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_milter_priv.h"
#include "lib/run/mr_stage_step.h"

/* What one message may take beside its spool: tables of the parser, work of the stage, and a new
 * body of the largest size (mr_act_body). Taken as needed. */
#define ARENA_MAX (64u << 20)

struct mr_session *mr_session_new(void)
{
	return mr_calloc(1, sizeof(struct mr_session));
}

void mr_session_free(struct mr_session *s)
{
	mr_message_end(s);
	mr_free(s->client_addr);
	mr_free(s->client_name);
	mr_free(s->helo);
	mr_free(s);
}

int mr_session_set(char **string, const char *text)
{
	char *copy = mr_strdup(text ? text : "");

	if (!copy)
		return MR_ENOMEM;
	mr_free(*string);
	*string = copy;
	return 0;
}

int mr_message_begin(struct mr_session *s)
{
	struct mr_generation *gen;
	struct mr_message *m;
	struct mr_arena *arena;

	mr_message_end(s);
	gen = mr_generation_hold();
	arena = mr_arena_new(ARENA_MAX + (size_t)gen->set->message_size_max);
	m = arena ? mr_arena_alloc(arena, sizeof(*m)) : NULL;
	if (!m) {
		mr_arena_free(arena);
		mr_generation_release(gen);
		return MR_ENOMEM;
	}
	m->gen = gen;
	m->ctx = (struct mr_ctx){
		.set = gen->set,
		.clock = *mr_run_clock(mr_daemon.run),
		.arena = arena,
		.state = gen->state,
		.metrics = mr_daemon.metrics,
		.run = mr_daemon.run,
	};
	m->env.client_addr = mr_span_str(s->client_addr);
	m->env.client_name = mr_span_str(s->client_name);
	m->env.helo = mr_span_str(s->helo);
	mr_actions_init(&m->acts, arena, mr_daemon.milter->stage->may);
	mr_spool_init(&m->spool, (size_t)gen->set->spool_memory_max, gen->set->spool_dir);
	s->message = m;
	return 0;
}

void mr_message_end(struct mr_session *s)
{
	struct mr_message *m = MR_TAKE(s->message);

	if (!m)
		return;
	mr_spool_done(&m->spool);
	mr_generation_release(m->gen);
	mr_arena_free(m->ctx.arena); /* m itself lies in it */
}

static void failed(struct mr_message *m, int err)
{
	if (m->err == 0)
		m->err = err;
}

struct mr_span mr_message_text(struct mr_message *m, const char *text)
{
	struct mr_span copy = { "", 0 };
	int err = mr_arena_dup(m->ctx.arena, mr_span_str(text), &copy);

	if (err < 0)
		failed(m, err);
	return copy;
}

struct mr_span mr_message_address(struct mr_message *m, const char *path)
{
	struct mr_span s = mr_message_text(m, path);

	/* RFC 5321 4.1.2: Path = "<" [ A-d-l ":" ] Mailbox ">"; Postfix passes what it was given. */
	if (s.len >= 2 && s.p[0] == '<' && s.p[s.len - 1] == '>')
		s = mr_span_sub(s, 1, s.len - 2);
	return s;
}

void mr_message_rcpt(struct mr_message *m, struct mr_span rcpt)
{
	int err = mr_arena_grow(m->ctx.arena, &m->rcpt, &m->rcpt_room, m->env.rcpt_count + 1,
				sizeof(*m->rcpt));

	if (err < 0) {
		failed(m, err);
		return;
	}
	m->rcpt[m->env.rcpt_count++] = rcpt;
	m->env.rcpt = m->rcpt;
}

void mr_message_field(struct mr_message *m, const char *name, const char *blank, const char *value)
{
	uint64_t before = mr_spool_size(&m->spool);
	int err = mr_spool_field(&m->spool, name, blank, value);

	if (err < 0)
		failed(m, err);
	m->size += mr_spool_size(&m->spool) - before;
}

void mr_message_eoh(struct mr_message *m)
{
	int err;

	if (m->in_body)
		return;
	m->in_body = true;
	err = mr_spool_add(&m->spool, MR_SPAN("\r\n"));
	if (err < 0)
		failed(m, err); /* the spool's errors stay: of any field before, too */
	m->header_whole = err == 0;
	m->header_size = mr_spool_size(&m->spool);
	m->size += 2;
}

void mr_message_body(struct mr_message *m, struct mr_span piece)
{
	int err;

	mr_message_eoh(m);
	m->size += piece.len;
	if (m->size > (uint64_t)m->ctx.set->message_size_max) {
		failed(m, MR_ELIMIT); /* the rest is not kept; the stage gets the header */
		return;
	}
	err = mr_spool_add(&m->spool, piece);
	if (err < 0)
		failed(m, err);
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void mr_message_decide(struct mr_message *m)
{
	int64_t began_us = now_us();
	struct mr_span raw = { "", 0 };
	int err;

	mr_message_eoh(m);
	err = mr_spool_finish(&m->spool, &raw);
	if (err < 0) {
		failed(m, err);
		raw = mr_spool_kept(&m->spool); /* a stage removes forged fields all the same */
	}
	if (m->err < 0 && raw.len > m->header_size)
		raw = mr_span_sub(raw, 0, m->header_size);
	/*
	 * A stage that lets mail pass where it cannot decide must still remove what forges its verdict:
	 * of a header that was not kept whole it would miss what came after the hole.
	 */
	if (m->header_whole && raw.len >= m->header_size) {
		mr_step_message(mr_daemon.milter->stage, &m->ctx, &m->env, raw, m->err, &m->acts);
	} else {
		mr_step_tempfail(&m->acts);
		m->acts.err = m->err;
	}
	m->busy_us = now_us() - began_us;
}

void mr_message_log(struct mr_message *m)
{
	struct mr_kv kv[8];
	size_t count = 0;

	kv[count++] = MR_KV_SPAN("id", m->env.queue_id);
	kv[count++] = MR_KV("verdict", mr_verdict_name(m->acts.verdict));
	if (m->acts.note)
		kv[count++] = MR_KV("note", m->acts.note);
	if (m->acts.err < 0)
		kv[count++] = MR_KV_ERR(m->acts.err);
	kv[count++] = MR_KV_SPAN("from", m->env.mail_from);
	kv[count++] = MR_KV_INT("size", (int64_t)m->size);
	kv[count++] = MR_KV_INT("ms", m->busy_us / 1000);
	mr_log_line(MR_LOG_INFO, "message", kv, count);

	mr_milter_count(MR_MILTER_MESSAGES + m->acts.verdict, 1);
	mr_milter_observe_us(MR_MILTER_SECONDS, m->busy_us);
	if (m->acts.err < 0)
		mr_milter_count(MR_MILTER_ERRORS, 1);
}
