#include "tests/unit/mr_script.h"

#include <stdio.h>

#define START_MS 1000000 /* any time; not 0, which may mean "none" */

struct script {
	struct mr_t *t;
	const struct mr_script_peer *peer;
	void *conv;
	int64_t now_ms;
	const char *file;
	int line;
	bool bytewise;
};

/* Compare as MR_CHECK_SPAN does, at the line of the script. */
static void check(struct script *s, struct mr_span want, struct mr_span got)
{
	mr_check_span(s->t, want, got, s->bytewise ? "byte by byte" : "whole", s->file, s->line);
}

static void send(struct script *s, struct mr_span text)
{
	size_t step = s->bytewise ? 1 : text.len;

	for (size_t at = 0; at < text.len; at += step) {
		struct mr_block *piece = mr_test_block(s->t, mr_span_sub(text, at, step));

		if (piece && !s->peer->closed(s->conv))
			s->peer->input(s->conv, mr_block_span(piece), s->now_ms);
		mr_block_free(piece);
	}
}

static void get(struct script *s, struct mr_span start)
{
	struct mr_span out = s->peer->output(s->conv);
	size_t len = mr_span_search(out, MR_SPAN("\r\n"));

	check(s, start, mr_span_sub(out, 0, start.len < len ? start.len : len));
	if (len < out.len)
		s->peer->sent(s->conv, len + 2);
}

static void step(struct script *s, const struct mr_step *step)
{
	s->line = step->line;
	switch (step->kind) {
	case MR_STEP_SENDS:
		send(s, step->text);
		return;
	case MR_STEP_GETS:
		get(s, step->text);
		return;
	case MR_STEP_PASSES:
		s->now_ms += step->ms;
		s->peer->tick(s->conv, s->now_ms);
		return;
	case MR_STEP_QUIET:
	case MR_STEP_CLOSED:
		check(s, MR_SPAN(""), s->peer->output(s->conv));
		mr_check_int(s->t, step->kind == MR_STEP_CLOSED, s->peer->closed(s->conv), "closed",
			     s->file, s->line);
		return;
	case MR_STEP_DOES:
		s->peer->special(s->t, s->conv, step->text.p, s->now_ms);
		return;
	}
}

static void run(struct script *s, const struct mr_step *steps, size_t count)
{
	s->now_ms = START_MS;
	s->conv = s->peer->open(s->t, s->now_ms);
	if (!s->conv)
		return;
	for (size_t i = 0; i < count; i++)
		step(s, &steps[i]);
	check(s, MR_SPAN(""), s->peer->output(s->conv));
	s->peer->close(s->t, s->conv);
}

void mr_script_run_at(struct mr_t *t, const struct mr_script_peer *peer,
		      const struct mr_step *steps, size_t count, const char *file)
{
	struct script s = { .t = t, .peer = peer, .file = file };

	run(&s, steps, count);
	s.bytewise = true;
	run(&s, steps, count);
}
