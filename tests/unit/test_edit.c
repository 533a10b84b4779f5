#include "lib/base/mr_err.h"
#include "lib/mail/mr_edit.h"
#include "tests/unit/mr_test.h"

#define MAX (64 * 1024 * 1024)

#define INSERT(at, name_, value_)                                                                  \
	{                                                                                          \
		MR_EDIT_INSERT, at, { name_, sizeof(name_) - 1 },                                  \
		{                                                                                  \
			value_, sizeof(value_) - 1                                                 \
		}                                                                                  \
	}
#define ADD(name_, value_)                                                                         \
	{                                                                                          \
		MR_EDIT_ADD, 0, { name_, sizeof(name_) - 1 },                                      \
		{                                                                                  \
			value_, sizeof(value_) - 1                                                 \
		}                                                                                  \
	}
#define CHANGE(nth, name_, value_)                                                                 \
	{                                                                                          \
		MR_EDIT_CHANGE, nth, { name_, sizeof(name_) - 1 },                                 \
		{                                                                                  \
			value_, sizeof(value_) - 1                                                 \
		}                                                                                  \
	}
#define DELETE(nth, name_)                                                                         \
	{                                                                                          \
		MR_EDIT_DELETE, nth, { name_, sizeof(name_) - 1 },                                 \
		{                                                                                  \
			"", 0                                                                      \
		}                                                                                  \
	}
#define BODY(value_)                                                                               \
	{                                                                                          \
		MR_EDIT_BODY, 0, { "", 0 },                                                        \
		{                                                                                  \
			value_, sizeof(value_) - 1                                                 \
		}                                                                                  \
	}

/* Expected: what the manual pages of smfi_insheader, _addheader, _chgheader, _replacebody say. */
static const struct {
	const char *in;
	struct mr_edit edits[3];
	size_t count;
	const char *want;
} rows[] = {
	{ "A: 1\r\nB: 2\r\n\r\nx\r\n",
	  { INSERT(0, "N", "v") },
	  1,
	  "N: v\r\nA: 1\r\nB: 2\r\n\r\nx\r\n" },
	{ "A: 1\nB: 2\n\nx\n", { INSERT(0, "N", "v") }, 1, "N: v\nA: 1\nB: 2\n\nx\n" },
	{ "A: 1\nB: 2\n\nx\n", { INSERT(1, "N", "v") }, 1, "A: 1\nN: v\nB: 2\n\nx\n" },
	{ "A: 1\nB: 2\n\nx\n", { INSERT(2, "N", "v") }, 1, "A: 1\nB: 2\nN: v\n\nx\n" },
	{ "A: 1\nB: 2\n\nx\n", { INSERT(99, "N", "v") }, 1, "A: 1\nB: 2\nN: v\n\nx\n" },
	{ "A: 1\nB: 2\n\nx\n", { INSERT(UINT32_MAX, "N", "v") }, 1, "A: 1\nB: 2\nN: v\n\nx\n" },
	{ "A: 1\n\nx\n",
	  { INSERT(0, "N", "1"), INSERT(0, "N", "2") },
	  2,
	  "N: 2\nN: 1\nA: 1\n\nx\n" },
	{ "A: 1\n\nx\n", { ADD("N", "v"), ADD("N", "w") }, 2, "A: 1\nN: v\nN: w\n\nx\n" },
	/* the nth of a name, counted from 1; ASCII case ignored */
	{ "A: 1\nB: 2\na: 3\n\nx\n", { CHANGE(1, "A", "n") }, 1, "A: n\nB: 2\na: 3\n\nx\n" },
	{ "A: 1\nB: 2\na: 3\n\nx\n", { CHANGE(2, "A", "n") }, 1, "A: 1\nB: 2\nA: n\n\nx\n" },
	{ "A: 1\nB: 2\na: 3\n\nx\n", { CHANGE(0, "A", "n") }, 1, "A: n\nB: 2\na: 3\n\nx\n" },
	{ "A: 1\n\nx\n", { CHANGE(2, "A", "n") }, 1, "A: 1\nA: n\n\nx\n" }, /* added */
	{ "A: 1\nB: 2\n\nx\n", { CHANGE(1, "A", "") }, 1, "B: 2\n\nx\n" },
	{ "A: 1\n\nx\n", { CHANGE(2, "A", "") }, 1, "A: 1\n\nx\n" },
	{ "A: 1\n\nx\n", { CHANGE(1, "B", "") }, 1, "A: 1\n\nx\n" },
	{ "A: 1\nB: 2\nA: 3\n\nx\n", { DELETE(2, "A") }, 1, "A: 1\nB: 2\n\nx\n" },
	{ "A: 1\nB: 2\nA: 3\n\nx\n", { DELETE(2, "a"), DELETE(1, "a") }, 2, "B: 2\n\nx\n" },
	{ "A: 1\nB: 2\nA: 3\n\nx\n", { DELETE(1, "A"), DELETE(1, "A") }, 2, "B: 2\n\nx\n" },
	{ "A: 1\n\nx\n", { DELETE(2, "A") }, 1, "A: 1\n\nx\n" },
	{ "A: 1\n\nx\n", { DELETE(1, "A") }, 1, "\nx\n" },
	{ "A: 1\n\nx\n", { DELETE(1, "A"), ADD("B", "2") }, 2, "B: 2\n\nx\n" },
	{ "A: 1\n\nx\n", { ADD("B", "2"), DELETE(1, "B") }, 2, "A: 1\n\nx\n" },
	{ "A: 1\n\nx\n",
	  { ADD("B", "2"), CHANGE(1, "B", "3"), INSERT(1, "C", "4") },
	  3,
	  "A: 1\nC: 4\nB: 3\n\nx\n" },
	/* folds and line endings */
	{ "A: 1\r\n 2\r\nB: 3\r\n\r\nx\r\n", { DELETE(1, "A") }, 1, "B: 3\r\n\r\nx\r\n" },
	{ "A: 1\r\n\r\n", { ADD("N", "a\n\tb\r\n c") }, 1, "A: 1\r\nN: a\r\n\tb\r\n c\r\n\r\n" },
	{ "A: 1\n\n", { ADD("N", "a\r\n b") }, 1, "A: 1\nN: a\n b\n\n" },
	{ "A: 1\n\n", { ADD("N", "\n b") }, 1, "A: 1\nN:\n b\n\n" },
	{ "A: 1\n\n", { ADD("N", "  b"), ADD("M", "\tb") }, 2, "A: 1\nN:  b\nM:\tb\n\n" },
	{ "A: 1\n\n", { ADD("N", "") }, 1, "A: 1\nN: \n\n" },
	{ "A: 1\n\n", { ADD("N", "v\n") }, 1, "A: 1\nN: v\n\n" }, /* no empty line in it */
	/* the body */
	{ "A: 1\r\n\r\nold\r\n", { BODY("new\nlines\r\n") }, 1, "A: 1\r\n\r\nnew\r\nlines\r\n" },
	{ "A: 1\n\nold\n", { BODY("1"), BODY("2\n\n") }, 2, "A: 1\n\n2\n\n" },
	{ "A: 1\n\nold\n", { BODY("") }, 1, "A: 1\n\n" },
	{ "A: 1\n", { BODY("b\n") }, 1, "A: 1\n\nb\n" },
	{ "A: 1", { BODY("b\n") }, 1, "A: 1\r\n\r\nb\r\n" },
	/* a header that ends where the message does */
	{ "A: 1", { ADD("N", "v") }, 1, "A: 1\r\nN: v\r\n" },
	{ "A: 1", { INSERT(0, "N", "v") }, 1, "N: v\r\nA: 1" },
	{ "A: 1\n", { ADD("N", "v") }, 1, "A: 1\nN: v\n" },
	{ "A: 1\nB: 2", { DELETE(1, "B") }, 1, "A: 1\n" },
	{ "", { ADD("N", "v") }, 1, "N: v\r\n" },
	/* no header; a body that begins like a fold */
	{ "\nx\n", { ADD("N", "v") }, 1, "N: v\n\nx\n" },
	{ " x\n", { ADD("N", "v") }, 1, "N: v\n\n x\n" },
	{ "A: 1\nno field\n", { ADD("N", "v") }, 1, "A: 1\nN: v\n\nno field\n" },
	/* nothing done: every byte as it was */
	{ "A: 1\nno field\r\n", { DELETE(1, "B") }, 0, "A: 1\nno field\r\n" },
	{ "A: 1\nno field\r\n", { DELETE(1, "B") }, 1, "A: 1\nno field\r\n" },
	{ "A : 1\r\nB:2\n\r\nx\ny\r\n", { DELETE(1, "B") }, 0, "A : 1\r\nB:2\n\r\nx\ny\r\n" },
	/* the line in front of an mbox message stays in front */
	{ "From a Thu\nA: 1\n\nx\n", { INSERT(0, "N", "v") }, 1, "From a Thu\nN: v\nA: 1\n\nx\n" },
	{ "From a Thu\nA: 1\n\nx\n", { DELETE(1, "A") }, 1, "From a Thu\n\nx\n" },
};

MR_TEST(edit_rows)
{
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		struct mr_span edited = MR_SPAN("untouched");
		struct mr_msg msg;

		MR_NEED(t, in && arena);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		MR_CHECK_INT(t, 0,
			     mr_edit_apply(&msg, rows[i].edits, rows[i].count, arena, &edited));
		MR_CHECK_SPAN(t, rows[i].want, edited);
	}
}

MR_TEST(edit_limit)
{
	static struct mr_edit edits[MR_EDITS_MAX + 1];
	MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
	struct mr_span edited = MR_SPAN("untouched");
	struct mr_msg msg;

	for (size_t i = 0; i < MR_COUNT(edits); i++)
		edits[i] = (struct mr_edit)INSERT(0, "N", "v");
	MR_NEED(t, arena);
	MR_NEED(t, mr_msg_parse(MR_SPAN("\n"), &mr_msg_limits_default, arena, &msg) == 0);
	MR_CHECK_INT(t, MR_ELIMIT, mr_edit_apply(&msg, edits, MR_EDITS_MAX + 1, arena, &edited));
	MR_CHECK_SPAN(t, "untouched", edited);
	MR_NEED(t, mr_edit_apply(&msg, edits, MR_EDITS_MAX, arena, &edited) == 0);
	MR_CHECK_INT(t, MR_EDITS_MAX * 5 + 1, edited.len); /* "N: v\n" */
}

/* Of as many fields as are seen, under two names by turns, every second one of one name goes, from the last
 * one up, and some come in between: what is left is what was not named. */
MR_TEST(edit_many)
{
	enum { FIELDS = MR_MSG_FIELDS_MAX };
	static char in[FIELDS * 5 + 1], want[FIELDS * 5 + 6];
	static struct mr_edit edits[FIELDS / 4 + 1];
	MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
	struct mr_span edited = MR_SPAN("");
	size_t count = 0, len = 0;
	struct mr_msg msg;

	for (size_t i = 0; i < FIELDS; i++) {
		/* A: 0, B: 1, A: 2, B: 3 and again; "A: 2" is every second A */
		snprintf(in + 5 * i, 6, "%c: %zu\n", i % 2 ? 'B' : 'a', i % 4);
		if (i % 4 != 2)
			len += (size_t)snprintf(want + len, 6, "%s", in + 5 * i);
	}
	for (uint32_t nth = FIELDS / 2; nth > 0; nth -= 2)
		edits[count++] = (struct mr_edit){ .kind = MR_EDIT_DELETE,
						   .index = nth,
						   .name = MR_SPAN("A") };
	edits[count++] = (struct mr_edit)ADD("a", "9");
	snprintf(want + len, 6, "a: 9\n");
	MR_NEED(t, arena);
	MR_NEED(t, mr_msg_parse(mr_span_str(in), &mr_msg_limits_default, arena, &msg) == 0);
	MR_NEED(t, mr_edit_apply(&msg, edits, count, arena, &edited) == 0);
	MR_CHECK_SPAN(t, want, edited);
}

/* Fields beyond the parser's limit: not seen, not lost, and in front of what is added. */
MR_TEST(edit_cut_header)
{
	static const struct mr_edit edits[] = { DELETE(3, "A"), ADD("N", "v"),
						INSERT(9, "M", "w") };
	const struct mr_msg_limits limits = {
		.fields_max = 2, .parts_max = 1, .depth_max = 1, .params_size_max = 100
	};
	MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
	struct mr_span edited = MR_SPAN("");
	struct mr_msg msg;

	MR_NEED(t, arena);
	MR_NEED(t, mr_msg_parse(MR_SPAN("A: 1\nA: 2\nA: 3\n\nx"), &limits, arena, &msg) == 0);
	MR_CHECK(t, msg.cut & MR_CUT_FIELDS);
	MR_NEED(t, mr_edit_apply(&msg, edits, MR_COUNT(edits), arena, &edited) == 0);
	MR_CHECK_SPAN(t, "A: 1\nA: 2\nA: 3\nN: v\nM: w\n\nx", edited);
}
