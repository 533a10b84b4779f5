#include "lib/base/mr_err.h"
#include "lib/net/mr_smtp.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX 65536

MR_TEST(smtp_command)
{
	static const struct {
		const char *in, *verb, *args;
	} rows[] = {
		{ "QUIT", "QUIT", "" },
		{ "quit ", "quit", "" },
		{ "MAIL FROM:<> SIZE=1", "MAIL", "FROM:<> SIZE=1" },
		{ "NOOP  a b ", "NOOP", "a b" },
		{ "", "", "" },
		{ " X", "", "X" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_span verb, args;

		mr_smtp_command(mr_block_span(in), &verb, &args);
		MR_CHECK_SPAN(t, rows[i].verb, verb);
		MR_CHECK_SPAN(t, rows[i].args, args);
	}
}

/* RFC 5321 4.1.2 and 4.1.3, RFC 6531 3.3. */
MR_TEST(smtp_path)
{
	static const struct {
		const char *in;
		int want;
		const char *text, *local, *domain;
		bool utf8;
	} rows[] = {
		{ "<>", 0, "", "", "", false },
		{ "<a@example.org>", 0, "a@example.org", "a", "example.org", false },
		{ "<Jones+x/y=z@b-c.example>", 0, "Jones+x/y=z@b-c.example", "Jones+x/y=z",
		  "b-c.example", false },
		{ "<\"Fred \\\"Foo\\\" <\\\\>\"@c>", 0, "\"Fred \\\"Foo\\\" <\\\\>\"@c",
		  "Fred \"Foo\" <\\>", "c", false },
		{ "<\"\"@c>", 0, "\"\"@c", "", "c", false },
		{ "<\"a@b\"@c>", 0, "\"a@b\"@c", "a@b", "c", false },
		{ "<Postmaster>", 0, "Postmaster", "Postmaster", "", false }, /* 4.5.1 */
		{ "<@one,@two.example:joe@three>", 0, "joe@three", "joe", "three", false },
		{ "<a@[192.0.2.1]>", 0, "a@[192.0.2.1]", "a", "[192.0.2.1]", false },
		{ "<a@[IPv6:2001:db8::1]>", 0, "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]",
		  false },
		{ "<\xc3\xbc@\xc3\xa4.example>", 0, "\xc3\xbc@\xc3\xa4.example", "\xc3\xbc",
		  "\xc3\xa4.example", true },
		{ "<a..b.@x_y.example>", 0, "a..b.@x_y.example", "a..b.", "x_y.example", false },
		{ "", MR_ESYNTAX, "", "", "", false },
		{ "a@b", MR_ESYNTAX, "", "", "", false },
		{ "<a@b", MR_ESYNTAX, "", "", "", false },
		{ "<a@>", MR_ESYNTAX, "", "", "", false },
		{ "<@b>", MR_ESYNTAX, "", "", "", false },
		{ "<a b@c>", MR_ESYNTAX, "", "", "", false },
		{ "<a@b c>", MR_ESYNTAX, "", "", "", false },
		{ "<a\r@c>", MR_ESYNTAX, "", "", "", false },
		{ "<\"a\nb\"@c>", MR_ESYNTAX, "", "", "", false },
		{ "<\"a\x7f\"@c>", MR_ESYNTAX, "", "", "", false },
		{ "<\"a\\", MR_ESYNTAX, "", "", "", false },
		{ "<\"a@c>", MR_ESYNTAX, "", "", "", false },
		{ "<a@[]>", MR_ESYNTAX, "", "", "", false },
		{ "<a@[1\\]>", MR_ESYNTAX, "", "", "", false },
		{ "<a@b@c>", MR_ESYNTAX, "", "", "", false },
		{ "<\xff@c>", 0, "\xff@c", "\xff", "c", true }, /* no UTF-8: DEVIATIONS */
		{ "<@one,two:joe@three>", MR_ESYNTAX, "", "", "", false },
		{ "<@one joe@three>", MR_ESYNTAX, "", "", "", false },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_cur c = mr_cur(mr_block_span(in));
		struct mr_smtp_path path = { .utf8 = false };

		MR_NEED(t, arena);
		MR_CHECK_INT(t, rows[i].want, mr_smtp_path(&c, arena, &path));
		MR_CHECK_SPAN(t, rows[i].text, path.text);
		MR_CHECK_SPAN(t, rows[i].local, path.local);
		MR_CHECK_SPAN(t, rows[i].domain, path.domain);
		MR_CHECK(t, path.utf8 == rows[i].utf8);
	}
}

/* What Postfix's pipe(8) puts on a command line: the address, unquoted unless its flag q is set. */
MR_TEST(smtp_path_from_arg)
{
	static const struct {
		const char *in;
		int want;
		const char *text;
	} rows[] = {
		{ "", 0, "" },
		{ "a@b.example", 0, "a@b.example" },
		{ "\"a b\"@c", 0, "\"a b\"@c" },
		{ "a b@c", 0, "\"a b\"@c" },
		{ "a@b@c", 0, "\"a@b\"@c" },
		{ "a\"b@c", 0, "\"a\\\"b\"@c" },
		{ "-rf", 0, "-rf" },
		{ "user", 0, "user" },
		{ "a\nb@c", MR_ESYNTAX, "" },
		{ "a\r\nRCPT TO:<b>@c", MR_ESYNTAX, "" },
		{ "a@b c", MR_ESYNTAX, "" },
		{ "a@b>", MR_ESYNTAX, "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_smtp_path path = { .utf8 = false };

		MR_NEED(t, arena);
		MR_CHECK_INT(t, rows[i].want,
			     mr_smtp_path_from_arg(mr_block_span(in), arena, &path));
		MR_CHECK_SPAN(t, rows[i].text, path.text);
	}
}

MR_TEST(smtp_mail)
{
	static const struct {
		const char *in;
		int want;
		uint64_t size;
		enum mr_smtp_body body;
		bool smtputf8;
	} rows[] = {
		{ "FROM:<>", 0, 0, 0, false },
		{ "from: <a@b>", 0, 0, 0, false }, /* a blank is common */
		{ "FROM:<a@b> SIZE=1000", 0, 1000, 0, false },
		{ "FROM:<a@b> BODY=8bitmime SIZE=12 SMTPUTF8", 0, 12, MR_SMTP_BODY_8BITMIME, true },
		{ "FROM:<a@b>  BODY=7BIT ", 0, 0, MR_SMTP_BODY_7BIT, false },
		{ "FROM:<a@b> SIZE=18446744073709551616", MR_ESYNTAX, 0, 0, false }, /* 2^64 */
		{ "FROM:<a@b> SIZE=", MR_ESYNTAX, 0, 0, false },
		{ "FROM:<a@b> SIZE", MR_ESYNTAX, 0, 0, false },
		{ "FROM:<a@b> SIZE=-1", MR_ESYNTAX, 0, 0, false },
		{ "FROM:<a@b> BODY=BINARYMIME", MR_ESYNTAX, 0, 0, false }, /* not announced */
		{ "FROM:<a@b> SMTPUTF8=1", MR_ESYNTAX, 0, 0, false },
		{ "FROM:<a@b> RET=HDRS", MR_EINVAL, 0, 0, false }, /* DSN: not announced */
		{ "FROM:<a@b>SIZE=1", MR_ESYNTAX, 0, 0, false },
		{ "FROM:<a@b> A==", MR_ESYNTAX, 0, 0, false },
		{ "FROM:<a@b> -A", MR_ESYNTAX, 0, 0, false },
		{ "TO:<a@b>", MR_ESYNTAX, 0, 0, false },
		{ "FROM", MR_ESYNTAX, 0, 0, false },
		{ "", MR_ESYNTAX, 0, 0, false },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_smtp_mail mail = { .size = 0 };

		MR_NEED(t, arena);
		MR_CHECK_INT(t, rows[i].want, mr_smtp_mail(mr_block_span(in), arena, &mail));
		MR_CHECK(t, t->oom || mail.size == rows[i].size);
		MR_CHECK_INT(t, rows[i].body, mail.body);
		MR_CHECK(t, t->oom || mail.smtputf8 == rows[i].smtputf8);
	}
}

/* Whatever sender an MTA took: one line of text comes out of it. */
MR_TEST(smtp_odd_sender)
{
	static const struct {
		const char *in;
		int want;
		const char *text, *local, *domain;
	} rows[] = {
		{ "FROM:<a@b#c.com>", 0, "a@b#c.com", "a", "b#c.com" },
		{ "FROM:<a@b/c> SIZE=5", 0, "a@b/c", "a", "b/c" },
		{ "FROM:<a@b&c>", 0, "a@b&c", "a", "b&c" },
		{ "FROM:<a@$b>", 0, "a@$b", "a", "$b" },
		{ "FROM:<a@b@c>", 0, "a@b@c", "a", "b@c" },
		{ "FROM:<a@[1.2>", 0, "a@[1.2", "a", "[1.2" },
		{ "FROM:<\"x y\"@b#c>", 0, "\"x y\"@b#c", "x y", "b#c" },
		{ "FROM:<@r,@s:a@b#c>", 0, "a@b#c", "a", "b#c" },
		/* unfit for a line, or nobody knows where it ends: the null sender */
		{ "FROM:<a@b c>", 0, "", "", "" },
		{ "FROM:<a@b\tc>", 0, "", "", "" },
		{ "FROM:<a@b\x01>", 0, "", "", "" },
		{ "FROM:<a@b\x7F>", 0, "", "", "" },
		{ "FROM:<a@b\r>", 0, "", "", "" },
		{ "FROM:<a\x01@b>", 0, "", "", "" },
		{ "FROM:<a@b>c>", 0, "", "", "" },
		{ "FROM:<a@<b>", 0, "", "", "" },
		{ "FROM:<a b@c>", 0, "", "", "" },
		{ "FROM:<@x:>", 0, "", "", "" },
		{ "FROM:<@>", 0, "", "", "" },
		{ "FROM:< >", 0, "", "", "" },
		/* no path at all, or a parameter that is wrong, is the client's fault as before */
		{ "FROM:a@b#c", MR_ESYNTAX, "", "", "" },
		{ "FROM:<a@b#c", MR_ESYNTAX, "", "", "" },
		{ "FROM:<a@b#c>x", MR_ESYNTAX, "", "", "" },
		{ "FROM:<a@b#c> SIZE=x", MR_ESYNTAX, "", "", "" },
		{ "TO:<a@b#c>", MR_ESYNTAX, "", "", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_smtp_mail mail = { .size = 0 };

		MR_NEED(t, arena);
		MR_CHECK_INT(t, rows[i].want, mr_smtp_mail(mr_block_span(in), arena, &mail));
		MR_CHECK_SPAN(t, rows[i].text, mail.from.text);
		MR_CHECK_SPAN(t, rows[i].local, mail.from.local);
		MR_CHECK_SPAN(t, rows[i].domain, mail.from.domain);
	}
}

MR_TEST(smtp_rcpt)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_smtp_path path;

	MR_NEED(t, arena);
	MR_CHECK_INT(t, MR_ESYNTAX, mr_smtp_rcpt(MR_SPAN("TO:<>"), arena, &path));
	MR_CHECK_INT(t, MR_EINVAL, mr_smtp_rcpt(MR_SPAN("TO:<a@b> NOTIFY=NEVER"), arena, &path));
	MR_CHECK_INT(t, MR_ESYNTAX, mr_smtp_rcpt(MR_SPAN("TO:a@b"), arena, &path));
	MR_CHECK_INT(t, MR_ESYNTAX, mr_smtp_rcpt(MR_SPAN("TO:<a@b#c>"), arena, &path));
	MR_CHECK_INT(t, 0, mr_smtp_rcpt(MR_SPAN("to:<a@b>"), arena, &path));
	MR_NEED(t, !t->oom);
	MR_CHECK_SPAN(t, "a@b", path.text);
}

MR_TEST(smtp_xtext) /* RFC 3461 4 */
{
	static const struct {
		const char *in;
		int want;
		const char *text;
	} rows[] = {
		{ "", 0, "" },
		{ "4bXyZ", 0, "4bXyZ" },
		{ "a+2Bb+3Dc+20", 0, "a+b=c " },
		{ "a+2", MR_ESYNTAX, "" },
		{ "a+", MR_ESYNTAX, "" },
		{ "a+xy", MR_ESYNTAX, "" },
		{ "a+0A", MR_ESYNTAX, "" }, /* no line breaks into the log */
		{ "a+00", MR_ESYNTAX, "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_span text = MR_SPAN("");
		MR_AUTO_BUF out = MR_BUF(100);

		MR_NEED(t, arena);
		MR_CHECK_INT(t, rows[i].want, mr_smtp_xtext(mr_block_span(in), arena, &text));
		MR_CHECK_SPAN(t, rows[i].text, text);
		mr_smtp_xtext_put(&out, text);
		if (rows[i].want == 0)
			MR_CHECK_STR(t, rows[i].in, mr_buf_str(&out));
	}
}

MR_TEST(smtp_reply) /* RFC 5321 4.2, RFC 2034 */
{
	static const struct {
		const char *in;
		int want, code;
		bool last;
		const char *status, *text;
	} rows[] = {
		{ "250 OK", 0, 250, true, "", "OK" },
		{ "250-SIZE 1000", 0, 250, false, "", "SIZE 1000" },
		{ "550 5.1.1 No such user", 0, 550, true, "5.1.1", "No such user" },
		{ "451 4.3.0", 0, 451, true, "4.3.0", "" },
		{ "250", 0, 250, true, "", "" },
		{ "550 4.1.1 x", 0, 550, true, "", "4.1.1 x" }, /* another class: text */
		{ "550 5.1.1x", 0, 550, true, "", "5.1.1x" },
		{ "550 5.1234.1 x", 0, 550, true, "", "5.1234.1 x" },
		{ "550 5.. x", 0, 550, true, "", "5.. x" },
		{ "25", MR_ESYNTAX, 0, false, "", "" },
		{ "099 x", MR_ESYNTAX, 0, false, "", "" },
		{ "600 x", MR_ESYNTAX, 0, false, "", "" },
		{ "2500", MR_ESYNTAX, 0, false, "", "" },
		{ "abc d", MR_ESYNTAX, 0, false, "", "" },
		{ "", MR_ESYNTAX, 0, false, "", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_smtp_reply reply = { .code = 0 };

		MR_CHECK_INT(t, rows[i].want, mr_smtp_reply(mr_block_span(in), &reply));
		MR_CHECK_INT(t, rows[i].code, reply.code);
		MR_CHECK(t, t->oom || reply.last == rows[i].last);
		MR_CHECK_SPAN(t, rows[i].status, reply.status);
		MR_CHECK_SPAN(t, rows[i].text, reply.text);
	}
}

/* in comes in pieces of step octets; the content, and how many octets the end left over, or -1. */
static int data_of(struct mr_span in, size_t step, struct mr_buf *out)
{
	struct mr_smtp_data data = { .state = 0 };
	size_t used = 0;

	while (used < in.len && !mr_smtp_data_ended(&data)) {
		struct mr_span content;

		used += mr_smtp_data_next(&data, mr_span_sub(in, used, step), &content);
		(void)mr_buf_add(out, content);
	}
	return mr_smtp_data_ended(&data) ? (int)(in.len - used) : -1;
}

/* RFC 5321 4.5.2; the rows with a bare CR or LF are what "SMTP smuggling" is made of. */
MR_TEST(smtp_data)
{
	static const struct {
		const char *in, *content;
		int left;
	} rows[] = {
		{ ".\r\n", "", 0 },
		{ "a\r\n.\r\n", "a\r\n", 0 },
		{ "a\r\n.\r\nMAIL", "a\r\n", 4 },
		{ "..a\r\n.b\r\n...\r\n.\r\n", ".a\r\nb\r\n..\r\n", 0 },
		{ "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", 0 },
		{ "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", 0 },
		{ "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", 0 },
		{ "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", 0 },
		{ "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", 0 },
		{ "a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", 0 },
		{ "a\r\r\n.\r\n", "a\r\r\n", 0 },
		{ "\n.\r\n", "\n.\r\n", -1 },
		{ "\r\n\r\n.\r\n", "\r\n\r\n", 0 },
		{ "a\r\n.", "a\r\n", -1 },
		{ "a", "a", -1 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);

		for (size_t step = 1; step <= 30 && in; step++) {
			MR_AUTO_BUF out = MR_BUF(100);

			MR_CHECK_INT(t, rows[i].left, data_of(mr_block_span(in), step, &out));
			MR_CHECK_STR(t, rows[i].content, mr_buf_str(&out));
		}
	}
}

MR_TEST(smtp_line_endings)
{
	static const struct {
		const char *in, *lf, *stuffed;
	} rows[] = {
		{ "", "", ".\r\n" },
		{ "a", "a", "a\r\n.\r\n" },
		{ "a\r\nb\n", "a\nb\n", "a\r\nb\r\n.\r\n" },
		{ ".a\n.\n..\n", ".a\n.\n..\n", "..a\r\n..\r\n...\r\n.\r\n" },
		{ "a\rb\r\r\n", "a\rb\r\n", "a\rb\r\r\n.\r\n" },
		{ "\n\n.", "\n\n.", "\r\n\r\n..\r\n.\r\n" },
		{ "a\r", "a\r", "a\r\r\n.\r\n" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);

		for (size_t step = 1; step <= 10 && in; step++) {
			struct mr_smtp_lf lf = { .cr = false };
			struct mr_smtp_stuff stuff = { .inside = false };
			MR_AUTO_BUF a = MR_BUF(100);
			MR_AUTO_BUF b = MR_BUF(100);

			for (size_t at = 0; at < in->size; at += step) {
				struct mr_span piece = mr_span_sub(mr_block_span(in), at, step);

				MR_CHECK_INT(t, 0, mr_smtp_lf_add(&lf, piece, &a));
				MR_CHECK_INT(t, 0, mr_smtp_stuff_add(&stuff, piece, &b));
			}
			MR_CHECK_INT(t, 0, mr_smtp_lf_end(&lf, &a));
			MR_CHECK_INT(t, 0, mr_smtp_stuff_end(&stuff, &b));
			MR_CHECK_STR(t, rows[i].lf, mr_buf_str(&a));
			MR_CHECK_STR(t, rows[i].stuffed, mr_buf_str(&b));
		}
	}
}
