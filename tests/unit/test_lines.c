#include "lib/base/mr_err.h"
#include "lib/net/mr_lines.h"
#include "tests/unit/mr_test.h"

/* in arrives in pieces of step octets; the lines, each with "|" behind it, and the end's error. */
static int lines_of(struct mr_span in, size_t step, size_t line_max, struct mr_buf *out)
{
	struct mr_lines lines;
	struct mr_span line;
	int got = 0, err = 0;

	mr_lines_init(&lines, line_max, in.len);
	for (size_t at = 0; err == 0 && got >= 0 && at < in.len; at += step) {
		err = mr_lines_push(&lines, mr_span_sub(in, at, step));
		while (err == 0 && (got = mr_lines_next(&lines, &line)) > 0) {
			(void)mr_buf_add(out, line);
			(void)mr_buf_addc(out, '|');
		}
	}
	mr_lines_done(&lines);
	return err < 0 ? err : got;
}

MR_TEST(lines_split)
{
	static const struct {
		const char *in, *out;
		int end;
	} rows[] = {
		{ "", "", 0 },
		{ "a\r\n", "a|", 0 },
		{ "a\r\nbc\r\n\r\n", "a|bc||", 0 },
		{ "a\r\nbc", "a|", 0 },
		{ "a\rb\r\n", "a\rb|", 0 }, /* a bare CR is content */
		{ "a\r\r\n", "a\r|", 0 },
		{ "a\r\nb\nc\r\n", "a|", MR_ESYNTAX }, /* RFC 5321 2.3.8: no bare LF */
		{ "\n", "", MR_ESYNTAX },
		{ "12345678\r\n", "12345678|", 0 }, /* the longest */
		{ "123456789\r\n", "", MR_ELIMIT },
		{ "1234567890", "", MR_ELIMIT }, /* without an end, too */
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);

		for (size_t step = 1; step < 12; step += 2) {
			MR_AUTO_BUF out = MR_BUF(100);

			MR_CHECK_INT(t, rows[i].end, lines_of(mr_block_span(in), step, 8, &out));
			MR_CHECK_STR(t, rows[i].out, mr_buf_str(&out));
		}
	}
}

/* The next line, which must be there. */
static struct mr_span next_line(struct mr_t *t, struct mr_lines *lines)
{
	struct mr_span line = MR_SPAN("");

	MR_CHECK_INT(t, 1, mr_lines_next(lines, &line));
	return line;
}

MR_TEST(lines_bounded)
{
	struct mr_lines lines;

	mr_lines_init(&lines, 4, 10);
	MR_CHECK_INT(t, 0, mr_lines_push(&lines, MR_SPAN("12\r\n34\r\n")));
	MR_CHECK_INT(t, MR_ELIMIT, mr_lines_push(&lines, MR_SPAN("123")));
	MR_CHECK_SPAN(t, "12", next_line(t, &lines)); /* nothing was added, nothing is lost */
	MR_CHECK_INT(t, 0, mr_lines_push(&lines, MR_SPAN("5\r\n")));
	MR_CHECK_SPAN(t, "34\r\n5\r\n", mr_lines_rest(&lines));
	MR_CHECK_SPAN(t, "34", next_line(t, &lines));
	mr_lines_done(&lines);
}

/* A line, raw octets, a line: as a message's content stands among commands. */
MR_TEST(lines_and_raw)
{
	struct mr_lines lines;
	struct mr_span line;

	mr_lines_init(&lines, 10, 100);
	MR_CHECK_INT(t, 0, mr_lines_push(&lines, MR_SPAN("DATA\r\na\nb\nQUIT\r")));
	MR_CHECK_SPAN(t, "DATA", next_line(t, &lines));
	MR_CHECK_SPAN(t, "a\nb\nQUIT\r", mr_lines_rest(&lines));
	if (!t->oom)
		mr_lines_take(&lines, 4);
	MR_CHECK_INT(t, 0, mr_lines_next(&lines, &line));
	MR_CHECK_INT(t, 0, mr_lines_push(&lines, MR_SPAN("\n")));
	MR_CHECK_SPAN(t, "QUIT", next_line(t, &lines));
	mr_lines_done(&lines);
}
