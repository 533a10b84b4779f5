#include "lda/mapd/talk.h"

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_conns.h"

struct mr_talking {
	const struct mr_ask *ask;
	void *state; /* of the protocol */
	int64_t timeout_ms, deadline_ms;
	struct mr_buf in, out;
	bool busy, closed, stopping;
	/* Of the work, while it runs: what it has answered, and of how many octets of in. */
	struct mr_buf reply;
	size_t done;
	bool close;
};

struct mr_talking *mr_talk_new(const struct mr_ask *ask, int64_t timeout_ms, int64_t now_ms)
{
	struct mr_talking *t = mr_calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ask = ask;
	t->timeout_ms = timeout_ms;
	t->deadline_ms = now_ms + timeout_ms;
	mr_buf_init(&t->in, ask->request_max + MR_CONNS_INPUT_MAX);
	mr_buf_init(&t->out, 2 * (MR_TALK_OUT_MAX + MR_TALK_ANSWER_MAX));
	mr_buf_init(&t->reply, MR_TALK_OUT_MAX + MR_TALK_ANSWER_MAX);
	return t;
}

void mr_talk_free(struct mr_talking *t)
{
	if (!t)
		return;
	if (t->ask->forget)
		t->ask->forget(t->ask->arg, t->state);
	mr_buf_done(&t->in);
	mr_buf_done(&t->out);
	mr_buf_done(&t->reply);
	mr_free(t);
}

/* The first request of what is left from octet at on: its length, 0: it is not whole, or an error. */
static int next(const struct mr_talking *t, size_t at, size_t *len_out)
{
	struct mr_span rest = mr_span_sub(mr_buf_span(&t->in), at, t->in.len);
	int err;

	*len_out = 0;
	if (rest.len == 0)
		return 0;
	if ((err = t->ask->frame(rest, len_out)) < 0)
		return err;
	MR_ASSERT(*len_out <= rest.len);
	if (*len_out > t->ask->request_max || (*len_out == 0 && rest.len >= t->ask->request_max))
		return MR_ELIMIT;
	return 0;
}

/* A connection that waits keeps no memory for what it once had. */
static void give_back(struct mr_buf *b)
{
	size_t size_max = b->size_max;

	if (b->len > 0)
		return;
	mr_buf_done(b);
	mr_buf_init(b, size_max);
}

/* On the loop: is there anything to be done? */
static void look(struct mr_talking *t)
{
	size_t len;

	if (t->busy || t->closed)
		return;
	if (next(t, 0, &len) < 0)
		t->closed = true;
	else if (len > 0)
		t->busy = true;
	else if (t->stopping)
		t->closed = true;
}

bool mr_talk_reads(const struct mr_talking *t)
{
	return !t->busy && !t->closed && t->out.len < MR_TALK_OUT_MAX;
}

void mr_talk_input(struct mr_talking *t, struct mr_span in, int64_t now_ms MR_UNUSED)
{
	if (mr_buf_add(&t->in, in) < 0)
		t->closed = true; /* out of memory */
	look(t);
}

bool mr_talk_busy(const struct mr_talking *t)
{
	return t->busy;
}

void mr_talk_work(struct mr_talking *t)
{
	size_t len = 0;

	while (!t->close && t->reply.len < MR_TALK_OUT_MAX && next(t, t->done, &len) == 0 &&
	       len > 0) {
		size_t before = t->reply.len;

		t->close = t->ask->answer(t->ask->arg, &t->state,
					  mr_span_sub(mr_buf_span(&t->in), t->done, len),
					  &t->reply) != 0;
		/* Half an answer is none. */
		if (mr_buf_err(&t->reply) < 0) {
			mr_buf_cut(&t->reply, before);
			t->close = true;
		}
		t->done += len;
	}
}

void mr_talk_worked(struct mr_talking *t, int64_t now_ms)
{
	bool close = mr_buf_add(&t->out, mr_buf_span(&t->reply)) < 0 || t->close;

	mr_buf_reset(&t->reply);
	give_back(&t->reply);
	mr_buf_drop(&t->in, t->done);
	give_back(&t->in);
	t->done = 0;
	t->busy = false;
	t->deadline_ms = now_ms + t->timeout_ms;
	t->closed = t->closed || close;
	if (t->out.len < MR_TALK_OUT_MAX)
		look(t);
}

int64_t mr_talk_deadline_ms(const struct mr_talking *t)
{
	return t->busy ? INT64_MAX : t->deadline_ms;
}

void mr_talk_tick(struct mr_talking *t, int64_t now_ms)
{
	if (!t->busy && now_ms >= t->deadline_ms) {
		t->closed = true;
		mr_buf_reset(&t->out); /* nobody reads it */
	}
}

struct mr_span mr_talk_output(const struct mr_talking *t)
{
	return mr_buf_span(&t->out);
}

void mr_talk_sent(struct mr_talking *t, size_t n, int64_t now_ms)
{
	mr_buf_drop(&t->out, n);
	give_back(&t->out);
	if (t->busy)
		return;
	t->deadline_ms = now_ms + t->timeout_ms;
	if (t->out.len < MR_TALK_OUT_MAX)
		look(t);
}

bool mr_talk_closed(const struct mr_talking *t)
{
	return t->closed && !t->busy;
}

void mr_talk_stop(struct mr_talking *t)
{
	t->stopping = true;
	look(t);
}
