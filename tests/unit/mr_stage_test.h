/*
 * mr_stage_test: the unit test's runner of a stage. A test is a message as text and the actions as
 * the command line would print them:
 *
 *	struct mr_stage_test st = { .stage = &mr_spam_stage, .set = &set };
 *	mr_stage_check(t, &st, "Subject: x\r\n\r\nbody\r\n", "insert 0 X-Spam-Flag: NO\naccept\n");
 */
#ifndef MR_STAGE_TEST_H
#define MR_STAGE_TEST_H

#include "lib/run/mr_milter.h"
#include "tests/unit/mr_test.h"

struct mr_stage_test {
	const struct mr_stage *stage;
	const struct mr_settings *set; /* NULL: no settings */
	void *state; /* what the stage's open() made; the test closes it */
	struct mr_envelope env;
	struct mr_clock_fake clock;
};

/* Run, and compare what mr_actions_print() says with want. */
void mr_stage_check_at(struct mr_t *t, const struct mr_stage_test *st, struct mr_span message,
		       const char *want, const char *file, int line);
#define mr_stage_check(t, st, message, want)                                                       \
	mr_stage_check_at((t), (st), mr_span_str(message), (want), __FILE__, __LINE__)

/* Run, apply, and compare the edited message. */
void mr_stage_check_edited_at(struct mr_t *t, const struct mr_stage_test *st,
			      struct mr_span message, const char *want, const char *file, int line);
#define mr_stage_check_edited(t, st, message, want)                                                \
	mr_stage_check_edited_at((t), (st), mr_span_str(message), (want), __FILE__, __LINE__)

#endif
