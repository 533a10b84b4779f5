#include "lib/base/mr_err.h"
#include "tests/unit/mr_note_stage.h"
#include "tests/unit/mr_stage_test.h"

static const struct mr_span one_rcpt[] = { { "old@example.org", 15 } };
static const struct mr_span two_rcpts[] = { { "old@example.org", 15 },
					    { "nobody@example.org", 18 } };

MR_TEST(stage_actions)
{
	struct mr_stage_test st = { .stage = &mr_note_stage,
				    .env = { .rcpt = one_rcpt, .rcpt_count = 1 } };

	/* 26 bytes of header with its end, 3 of body. */
	mr_stage_check(t, &st, "Subject: x\r\nX-Do: add8\r\n\r\nb\r\n",
		       "insert 0 X-Note: seen 29 by 0\n"
		       "add X-Raw: \\xe4\\xf6 \xc3\xa4\n"
		       "accept\n");
	mr_stage_check(t, &st, "X-Note: forged\nX-Do: reject\n\n",
		       "delete 1 X-Note\n"
		       "insert 0 X-Note: seen 29 by 0\n"
		       "reject 550 5.7.1 100% no\\nand %s never\n");
	mr_stage_check(t, &st, "X-Do: discard\n\n", "insert 0 X-Note: seen 15 by 0\ndiscard\n");
}

MR_TEST(stage_edited)
{
	struct mr_stage_test st = { .stage = &mr_note_stage };

	mr_stage_check_edited(
		t, &st,
		"Received: a\r\nX-Note: forged\r\nSubject:x\r\nx-note: 2\r\n"
		"X-Do: change\r\n\r\nb\r\n",
		"X-Note: seen 70 by 0\r\nReceived: a\r\nSubject: changed\r\n and folded\r\n"
		"X-Do: change\r\n\r\nb\r\n");
	mr_stage_check_edited(t, &st, "Subject: x\nX-Do: empty\nX-Do: body\n\nb\n",
			      "X-Note: seen 37 by 0\nSubject: \nX-Do: empty\nX-Do: body\n\n"
			      "another\nbody\n");
}

/* The first hook that does not accept ends the run: no message() after it. */
MR_TEST(stage_hooks_in_order)
{
	struct mr_stage_test st = {
		.stage = &mr_note_stage,
		.env = { .rcpt = two_rcpts, .rcpt_count = 2, .helo = MR_SPAN("bad.example") }
	};

	mr_stage_check(t, &st, "A: b\n\n", "reject 550 5.7.1 Not from there\n");
	st.env.helo = MR_SPAN("good.example");
	mr_stage_check(t, &st, "A: b\n\n", "reject 550 5.1.1 Nobody\n");
	st.env.rcpt_count = 1;
	mr_stage_check(t, &st, "A: b\n\n", "insert 0 X-Note: seen 6 by 0\naccept\n");
}

/* What a stage cannot decide waits with the sender: 4xx, and nothing of what it had begun. */
MR_TEST(stage_error_is_tempfail)
{
	struct mr_stage_test st = { .stage = &mr_note_stage };

	mr_stage_check(t, &st, "X-Do: fail\n\n",
		       "tempfail 451 4.7.1 Not decided; please try again later\n");
	st.env.helo = MR_SPAN("fail.example"); /* in connect: failed() is asked at the end */
	mr_stage_check(t, &st, "A: b\n\n",
		       "tempfail 451 4.7.1 Not decided; please try again later\n");
}

MR_TEST(stage_too_large_is_failed_with_the_header)
{
	struct mr_settings set;
	struct mr_stage_test st = { .stage = &mr_note_stage, .set = &set };
	MR_AUTO(mr_arena) *arena = mr_arena_new(1u << 20);
	char *text = arena ? mr_arena_text(arena, 2001) : NULL;

	MR_NEED(t, text && mr_settings_default(&set) == 0);
	memset(text, 'x', 2000);
	text[2000] = '\0';
	memcpy(text, "X-Note: forged\n\n", 16);
	set.message_size_max = 2000;
	mr_stage_check(t, &st, text, "delete 1 X-Note\ninsert 0 X-Note: seen 2000 by 0\naccept\n");
	set.message_size_max = 1999;
	mr_stage_check(t, &st, text, "delete 1 X-Note\ninsert 0 X-Note: too large\naccept\n");
	mr_settings_done(&set);
}

/* As from an MTA that was told to send no body. */
MR_TEST(stage_without_body)
{
	struct mr_stage_test st = { .stage = &mr_note_header_stage };

	mr_stage_check(t, &st, "A: b\r\n\r\nbody", "insert 0 X-Note: seen 8 by 0\naccept\n");
	mr_stage_check(t, &st, "A: b\r\n", "insert 0 X-Note: seen 6 by 0\naccept\n");
	mr_stage_check(t, &st, "", "insert 0 X-Note: seen 0 by 0\naccept\n");
}
