#include "tests/unit/mr_stage_test.h"

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"

#define ARENA_MAX (256u << 20)
#define TEXT_MAX  (16u << 20)

/* False: no memory (an OOM run). *acts_out lives in arena, and points into block. */
static bool run(struct mr_t *t, const struct mr_stage_test *st, struct mr_arena *arena,
		const struct mr_block *block, struct mr_actions *acts_out)
{
	struct mr_clock_fake clock = st->clock;
	struct mr_ctx ctx = {
		.set = st->set,
		.clock = mr_clock_fake(&clock),
		.arena = arena,
		.state = st->state,
	};

	if (!arena || !block)
		return false;
	return mr_check(
		t, mr_stage_run(st->stage, &ctx, &st->env, mr_block_span(block), acts_out) == 0,
		"mr_stage_run", __FILE__, __LINE__);
}

void mr_stage_check_at(struct mr_t *t, const struct mr_stage_test *st, struct mr_span message,
		       const char *want, const char *file, int line)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_block) *block = mr_test_block(t, message);
	struct mr_actions acts;
	MR_AUTO_BUF text = MR_BUF(TEXT_MAX);

	if (!run(t, st, arena, block, &acts))
		return;
	(void)mr_check(t, mr_actions_print(&acts, &text) == 0, "mr_actions_print", file, line);
	mr_check_span(t, mr_span_str(want), mr_buf_span(&text), "actions", file, line);
}

void mr_stage_check_edited_at(struct mr_t *t, const struct mr_stage_test *st,
			      struct mr_span message, const char *want, const char *file, int line)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_block) *block = mr_test_block(t, message);
	struct mr_actions acts;
	struct mr_span edited = { "", 0 };

	if (!run(t, st, arena, block, &acts))
		return;
	(void)mr_check(t, mr_actions_apply(&acts, mr_block_span(block), arena, &edited) == 0,
		       "mr_actions_apply", file, line);
	mr_check_span(t, mr_span_str(want), edited, "edited message", file, line);
}
