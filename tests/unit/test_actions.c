#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/run/mr_actions.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX (4u << 20)
#define ALL                                                                                        \
	(MR_MAY_FIELDS | MR_MAY_BODY | MR_MAY_RCPT | MR_MAY_REJECT | MR_MAY_DISCARD |              \
	 MR_MAY_QUARANTINE)

/* A message of which only the table of fields is there: what deleting looks at. */
static struct mr_msg fields_only(struct mr_field *field, struct mr_part *part, uint32_t count)
{
	*part = (struct mr_part){ .field_count = count };
	return (struct mr_msg){
		.field = field, .part = part, .field_count = count, .part_count = 1
	};
}

static void check_print(struct mr_t *t, const struct mr_actions *acts, const char *want)
{
	MR_AUTO_BUF out = MR_BUF(1u << 20);

	MR_CHECK_INT(t, 0, mr_actions_print(acts, &out));
	MR_CHECK_SPAN(t, want, mr_buf_span(&out));
}

MR_TEST(actions_names_and_values)
{
	static const struct {
		const char *name, *value;
		int want;
	} rows[] = {
		{ "X-Spam-Flag", "YES", 0 },
		{ "!#$%&'*+-/=?^_`{|}~", "", 0 }, /* RFC 5322 2.2: 33 to 126 but the colon */
		{ "", "x", MR_EINVAL },
		{ "X Y", "x", MR_EINVAL },
		{ "X:Y", "x", MR_EINVAL },
		{ "X\n", "x", MR_EINVAL },
		{ "X\x7f", "x", MR_EINVAL },
		{ "X\xc3\xa4", "x", MR_EINVAL },
		{ "X", "a\n b\n\tc", 0 },
		{ "X", "\n a", 0 },
		{ "X", "\xe4 \xc3\xa4", 0 }, /* raw 8-bit and UTF-8 */
		{ "X", "a\nb", MR_EINVAL }, /* would be a field of its own */
		{ "X", "a\n\n b", MR_EINVAL }, /* would end the header */
		{ "X", "a\n", MR_EINVAL },
		{ "X", "a\rb", MR_EINVAL },
		{ "X", "a\r\n b", MR_EINVAL }, /* a break is LF; libmilter doubles the CR */
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *value =
			mr_test_block(t, mr_span(rows[i].value, strlen(rows[i].value) + 1));
		struct mr_actions acts;

		MR_NEED(t, arena && value);
		t->row = (long)i;
		mr_actions_init(&acts, arena, MR_MAY_FIELDS);
		MR_CHECK_INT(t, rows[i].want, mr_act_add(&acts, rows[i].name, value->bytes));
		MR_CHECK_INT(t, rows[i].want, mr_act_insert(&acts, 0, rows[i].name, value->bytes));
		MR_CHECK_INT(t, rows[i].want, mr_act_change(&acts, rows[i].name, 1, value->bytes));
		MR_CHECK_INT(t, rows[i].want == 0 ? 3 : 0, acts.count);
	}
}

MR_TEST(actions_limits)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_block) *big = mr_malloc(sizeof(*big) + MR_ACT_VALUE_MAX + 2);
	struct mr_actions acts;

	MR_NEED(t, arena && big);
	mr_actions_init(&acts, arena, ALL);
	memset(big->bytes, 'x', MR_ACT_VALUE_MAX + 1);
	big->bytes[MR_ACT_VALUE_MAX + 1] = '\0';
	MR_CHECK_INT(t, MR_ELIMIT, mr_act_add(&acts, "X", big->bytes));
	MR_CHECK_INT(t, MR_ELIMIT, mr_act_rcpt_add(&acts, mr_span(big->bytes, 1001)));
	MR_CHECK_INT(t, MR_ELIMIT, mr_act_reject(&acts, "5.7.1", big->bytes));
	big->bytes[MR_ACT_NAME_MAX + 1] = '\0';
	MR_CHECK_INT(t, MR_ELIMIT, mr_act_add(&acts, big->bytes, ""));
	MR_CHECK_INT(t, MR_EINVAL, mr_act_change(&acts, "X", 0, "")); /* counted from 1 */
	MR_CHECK_INT(t, 0, acts.count);
	for (int i = 0; i < MR_ACTIONS_MAX; i++)
		MR_NEED(t, mr_act_add(&acts, "X", "y") == 0);
	MR_CHECK_INT(t, MR_ELIMIT, mr_act_add(&acts, "X", "y"));
	MR_CHECK_INT(t, MR_ACTIONS_MAX, acts.count);
}

MR_TEST(actions_replace)
{
	struct mr_field field[] = {
		{ .name = MR_SPAN("X-Spam-Flag") }, { .name = MR_SPAN("Subject") },
		{ .name = MR_SPAN("x-spam-FLAG") }, { .name = MR_SPAN("X-Spam-Flags") },
		{ .name = MR_SPAN("X-Spam-Flag") }, /* of a part: not the message's */
	};
	struct mr_part part;
	struct mr_msg msg = fields_only(field, &part, 4);
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_actions acts;

	MR_NEED(t, arena);
	mr_actions_init(&acts, arena, MR_MAY_FIELDS);
	MR_NEED(t, mr_act_replace(&acts, &msg, "X-Spam-Flag", "YES") == 0);
	check_print(t, &acts,
		    "delete 2 X-Spam-Flag\n"
		    "delete 1 X-Spam-Flag\n"
		    "insert 0 X-Spam-Flag: YES\n"
		    "accept\n");
	/* What is wrong with the value must not leave the deletions behind. */
	MR_CHECK_INT(t, MR_EINVAL, mr_act_replace(&acts, &msg, "X-Spam-Flag", "YES\n"));
	MR_CHECK_INT(t, 3, acts.count);
}

/* 10,000 fields fill the table; a forged one behind them must still go. */
MR_TEST(actions_delete_behind_the_table)
{
	struct mr_field field[] = { { .name = MR_SPAN("A") } };
	struct mr_part part;
	struct mr_msg msg = fields_only(field, &part, 1);
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_block) *header = mr_test_exact(t, 0,
						  "A: b\r\n"
						  "X-Spam-Flag: NO\r\n"
						  " X-Spam-Flag: NO\r\n" /* a fold */
						  "x-spam-flag : NO\n");
	struct mr_actions acts;

	MR_NEED(t, arena);
	msg.cut = MR_CUT_FIELDS;
	part.header = mr_block_span(header);
	mr_actions_init(&acts, arena, MR_MAY_FIELDS);
	MR_NEED(t, mr_act_delete_all(&acts, &msg, "X-Spam-Flag") == 0);
	check_print(t, &acts, "delete 2 X-Spam-Flag\ndelete 1 X-Spam-Flag\naccept\n");
}

/* More copies than actions: nothing is half deleted. */
MR_TEST(actions_delete_too_many)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_field *field =
		arena ? mr_arena_array(arena, MR_ACTIONS_MAX + 1, sizeof(*field)) : NULL;
	struct mr_part part;
	struct mr_msg msg = fields_only(field, &part, MR_ACTIONS_MAX + 1);
	struct mr_actions acts;

	MR_NEED(t, field);
	for (int i = 0; i < MR_ACTIONS_MAX + 1; i++)
		field[i].name = MR_SPAN("X");
	mr_actions_init(&acts, arena, MR_MAY_FIELDS);
	MR_CHECK_INT(t, MR_ELIMIT, mr_act_delete_all(&acts, &msg, "X"));
	MR_CHECK_INT(t, 0, acts.count);
}

MR_TEST(actions_verdicts)
{
	static const struct {
		const char *code, *text;
		int want;
	} rows[] = {
		/* RFC 3463 2: class "." 1*3digit "." 1*3digit */
		{ "5.7.1", "No", 0 },
		{ "5.123.456", "No", 0 },
		{ "5.7.1", "first\nsecond", 0 },
		{ "4.7.1", "No", MR_EINVAL }, /* RFC 2034 4: the class is the reply's first digit */
		{ "5.7", "No", MR_EINVAL },
		{ "5.7.1234", "No", MR_EINVAL },
		{ "5.7.", "No", MR_EINVAL },
		{ "5.7.1 ", "No", MR_EINVAL },
		{ "", "No", MR_EINVAL },
		{ "5.7.1", "", MR_EINVAL },
		{ "5.7.1", "a\n", MR_EINVAL },
		{ "5.7.1", "a\r\nb", MR_EINVAL },
		{ "5.7.1", "\xc3\xa4", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_actions acts;

		t->row = (long)i;
		MR_NEED(t, arena);
		mr_actions_init(&acts, arena, ALL);
		MR_CHECK_INT(t, rows[i].want, mr_act_reject(&acts, rows[i].code, rows[i].text));
		MR_CHECK(t, (acts.verdict == MR_VERDICT_REJECT) == (rows[i].want == 0) || t->oom);
		MR_CHECK(t, (acts.reply != NULL) == (rows[i].want == 0) || t->oom);
	}
}

MR_TEST(actions_verdict_is_replaced)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_actions acts;

	MR_NEED(t, arena);
	mr_actions_init(&acts, arena, ALL);
	MR_NEED(t, mr_act_reject(&acts, "5.7.1", "100% no\nnever") == 0);
	check_print(t, &acts, "reject 550 5.7.1 100% no\\nnever\n");
	MR_NEED(t, mr_act_tempfail(&acts, "4.7.1", "Later") == 0);
	check_print(t, &acts, "tempfail 451 4.7.1 Later\n");
	MR_NEED(t, mr_act_quarantine(&acts, "Eicar") == 0);
	check_print(t, &acts, "quarantine Eicar\n");
	mr_act_discard(&acts);
	check_print(t, &acts, "discard\n");
	mr_act_accept(&acts);
	check_print(t, &acts, "accept\n");
	MR_NEED(t, mr_act_note(&acts, "score=%d", 7) == 0);
	MR_CHECK_STR(t, "score=7", acts.note);
}

/* A terminal must not be moved by what a message says. */
MR_TEST(actions_print_escapes)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_actions acts;

	MR_NEED(t, arena);
	mr_actions_init(&acts, arena, ALL);
	MR_NEED(t, mr_act_insert(&acts, 3, "A", "\x1b[2J\\ \xc3\xa4 \xe4 \xc2\x9b") == 0);
	MR_NEED(t, mr_act_add(&acts, "B", "\n x\ty") == 0);
	MR_NEED(t, mr_act_change(&acts, "C", 2, "") == 0);
	MR_NEED(t, mr_act_body(&acts, mr_span("a\0b", 3)) == 0);
	MR_NEED(t, mr_act_rcpt_add(&acts, MR_SPAN("a@b")) == 0);
	MR_NEED(t, mr_act_rcpt_remove(&acts, MR_SPAN("\xc3\xa4@b")) == 0);
	MR_CHECK_INT(t, MR_EINVAL, mr_act_rcpt_add(&acts, MR_SPAN("a@b\nRCPT")));
	MR_CHECK_INT(t, MR_EINVAL, mr_act_rcpt_add(&acts, MR_SPAN("")));
	check_print(t, &acts,
		    "insert 3 A: \\x1b[2J\\\\ \xc3\xa4 \\xe4 \\xc2\\x9b\n"
		    "add B:\\n x\\ty\n"
		    "change 2 C: \n"
		    "body 3\n"
		    "rcpt-add a@b\n"
		    "rcpt-remove \xc3\xa4@b\n"
		    "accept\n");
}
