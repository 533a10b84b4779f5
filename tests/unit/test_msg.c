#include "lib/mail/mr_msg.h"

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_boundary.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX (16u * 1024 * 1024)
#define N         "\r\n"

/*
 * The tree of a message on one line: each part as "type/subtype", with ">" before it for each level,
 * a multipart as that alone, a message with "{}", a leaf with its body in parentheses.
 */
static void outline(const struct mr_msg *msg, struct mr_buf *out)
{
	for (uint32_t i = 0; i < msg->part_count; i++) {
		const struct mr_part *part = &msg->part[i];

		if (i > 0)
			mr_buf_addc(out, ' ');
		for (uint32_t d = 0; d < part->depth; d++)
			mr_buf_addc(out, '>');
		mr_buf_add(out, part->type);
		mr_buf_addc(out, '/');
		mr_buf_add(out, part->subtype);
		if (part->kind == MR_PART_MESSAGE)
			mr_buf_adds(out, "{}");
		if (part->kind != MR_PART_LEAF)
			continue;
		mr_buf_addc(out, '(');
		mr_buf_add(out, part->body);
		mr_buf_addc(out, ')');
	}
}

/* What mr_msg.h says of every message. */
static void check_promises(struct mr_t *t, struct mr_span raw, const struct mr_msg *msg)
{
	uint32_t fields = 0;

	MR_CHECK(t, msg->part_count >= 1);
	MR_CHECK(t, msg->part[0].depth == 0 && msg->part[0].parent == 0);
	for (uint32_t i = 0; i < msg->part_count; i++) {
		const struct mr_part *part = &msg->part[i];
		const struct mr_part *parent = &msg->part[part->parent];

		MR_CHECK(t, mr_span_within(part->header, raw) && mr_span_within(part->body, raw));
		MR_CHECK_INT(t, fields, part->field_first);
		fields += part->field_count;
		if (i == 0)
			continue;
		MR_CHECK(t, part->parent < i && part->depth == parent->depth + 1);
		MR_CHECK(t, parent->kind != MR_PART_LEAF);
		MR_CHECK(t, part->body.len == 0 || mr_span_within(part->body, parent->body));
	}
	MR_CHECK_INT(t, msg->field_count, fields);
}

struct row {
	const char *in, *want;
};

static void check_rows(struct mr_t *t, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO_BUF got = MR_BUF(ARENA_MAX);
		struct mr_msg msg;

		MR_NEED(t, in && arena);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		check_promises(t, mr_block_span(in), &msg);
		outline(&msg, &got);
		MR_CHECK_STR(t, rows[i].want, mr_buf_str(&got));
		MR_CHECK_INT(t, 0, msg.cut);
	}
}

MR_TEST(msg_single)
{
	static const struct row rows[] = {
		{ "", "text/plain()" },
		{ "\n", "text/plain()" },
		{ "\nbody", "text/plain(body)" },
		{ "A: b\n\nbody\n", "text/plain(body\n)" },
		{ "A: b\r\n\r\nbody\r\n", "text/plain(body\r\n)" },
		{ "A: b\r\nC: d\n\r\nbody", "text/plain(body)" }, /* line endings mixed */
		{ "A: b\nC: d\r\n\nbody", "text/plain(body)" },
		{ "A: b", "text/plain()" }, /* truncated in the header */
		{ "A: b\r\n\r", "text/plain(\r)" },
		{ "A: b\n\r\n\r\nx", "text/plain(\r\nx)" }, /* a second empty line is body */
		/* A line that is no field ends the header: the empty line was forgotten. */
		{ "A: b\nHello world\nC: d\n", "text/plain(Hello world\nC: d\n)" },
		{ "Hello\n\nworld", "text/plain(Hello\n\nworld)" },
		{ " A: b\n\nc", "text/plain( A: b\n\nc)" }, /* a fold of nothing */
		{ ": b\n\nc", "text/plain(: b\n\nc)" }, /* RFC 5322 2.2: 1*ftext */
		{ "\xc3\xa4: b\n\nc", "text/plain(\xc3\xa4: b\n\nc)" }, /* ftext is ASCII */
		/* What mbox files put first is no field and no body. */
		{ "From a@b Mon Jan  1\nA: b\n\nc", "text/plain(c)" },
		{ ">From a@b Mon Jan  1\nA: b\n\nc", "text/plain(c)" },
		{ "A: b\nFrom here on\n", "text/plain(From here on\n)" },
		{ "Content-Type: TEXT/Html; charset=x\n\nb", "TEXT/Html(b)" },
		{ "Content-Type:\n (c (c)) text (c) / (c)\n html (c)\n\nb", "text/html(b)" },
		{ "content-type : image/gif\n\nb", "image/gif(b)" }, /* RFC 5322 4.5 */
		{ "Content-Type: text\n\nb", "text/plain(b)" }, /* RFC 2045 5.2 */
		{ "Content-Type: /html\n\nb", "text/plain(b)" },
		{ "Content-Type:\n\nb", "text/plain(b)" },
		{ "Content-Type: a/b\nContent-Type: c/d\n\nb", "a/b(b)" }, /* the first */
		/* No boundary, no parts. */
		{ "Content-Type: multipart/mixed\n\n--\na\n----\n",
		  "multipart/mixed(--\na\n----\n)" },
		{ "Content-Type: multipart/mixed; boundary=\"\"\n\n--\na\n--\n",
		  "multipart/mixed(--\na\n--\n)" },
	};
	check_rows(t, rows, MR_COUNT(rows));
}

#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b N N

MR_TEST(msg_multipart)
{
	static const struct row rows[] = {
		/* RFC 2046 5.1.1: preamble, an implicitly and an explicitly typed part, epilogue;
		 * the line ending before a delimiter is the delimiter's. */
		{ "MIME-Version: 1.0" N MIXED(
			  "\"simple boundary\"") "preamble" N N "--simple boundary" N N "one" N
						 "--simple boundary" N
						 "Content-type: text/plain; charset=us-ascii" N N
						 "two" N N "--simple boundary--" N "epilogue" N,
		  "multipart/mixed >text/plain(one) >text/plain(two\r\n)" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n",
		  "multipart/mixed >text/plain(one) >text/plain(two)" },
		/* mixed: CR LF there, LF here */
		{ MIXED("b") "--b\n\none\n--b\r\n\r\ntwo\r\n--b--\n",
		  "multipart/mixed >text/plain(one) >text/plain(two)" },
		{ MIXED("b") "no delimiter", "multipart/mixed" },
		{ MIXED("b"), "multipart/mixed" },
		{ MIXED("b") "--b--" N, "multipart/mixed" },
		{ MIXED("b") "--b", "multipart/mixed >text/plain()" },
		{ MIXED("b") "--b" N, "multipart/mixed >text/plain()" },
		{ MIXED("b") "--b" N N, "multipart/mixed >text/plain()" },
		{ MIXED("b") "--b" N "--b" N N "--b--",
		  "multipart/mixed >text/plain() >text/plain()" },
		/* 5.1.1: blanks behind a delimiter are padding; a longer line is one, too. */
		{ MIXED("b") "--b \t" N N "x" N "--b-- " N "y", "multipart/mixed >text/plain(x)" },
		{ MIXED("b") "--bcd" N N "x" N "--b--y", "multipart/mixed >text/plain(x)" },
		/* not at the start of a line, or with one dash */
		{ MIXED("b") "--b" N N "x --b" N "-b" N " --b" N "--b--",
		  "multipart/mixed >text/plain(x --b\r\n-b\r\n --b)" },
		/* no close-delimiter: cut off */
		{ MIXED("b") "--b" N N "x" N, "multipart/mixed >text/plain(x\r\n)" },
		/* A delimiter inside a header ends it, even if it looks like a field. */
		{ MIXED("b") "--b" N "X: y" N "--b: z" N N "x" N "--b--",
		  "multipart/mixed >text/plain() >text/plain(x)" },
		/* a part whose empty line was forgotten */
		{ MIXED("b") "--b" N "Content-Type: text/html" N "<p>" N "--b--",
		  "multipart/mixed >text/html(<p>)" },
		/* the delimiter right behind the header's empty line: the body is empty */
		{ MIXED("b") "--b" N "X: y" N N "--b--", "multipart/mixed >text/plain()" },
		/* after the end there is only the epilogue */
		{ MIXED("b") "--b" N N "x" N "--b--" N "--b" N N "y",
		  "multipart/mixed >text/plain(x)" },
		/* quoted, unquoted with tspecials, with a fold, escaped, of RFC 2231 */
		{ MIXED("=_a/b:c") "--=_a/b:c" N N "x", "multipart/mixed >text/plain(x)" },
		{ MIXED("\"b\\\"c\"") "--b\"c" N N "x", "multipart/mixed >text/plain(x)" },
		{ MIXED("\"b" N " c\"") "--b c" N N "x", "multipart/mixed >text/plain(x)" },
		{ MIXED("\"b \"") "--b" N N "x" N "--b--", "multipart/mixed >text/plain(x)" },
		{ "Content-Type: multipart/mixed; boundary*0=ab; boundary*1=cd" N N "--abcd" N N
		  "x" N "--ab" N,
		  "multipart/mixed >text/plain(x\r\n--ab\r\n)" },
		{ "Content-Type: multipart/mixed; boundary*=us-ascii'en'a%20b" N N "--a b" N N "x",
		  "multipart/mixed >text/plain(x)" },
		/* missing semicolon */
		{ "Content-Type: multipart/mixed boundary=b" N N "--b" N N "x",
		  "multipart/mixed >text/plain(x)" },
		/* a multipart has no encoding of its own (RFC 2045 6.4) */
		{ "Content-Transfer-Encoding: base64" N MIXED("b") "--b" N N "x",
		  "multipart/mixed >text/plain(x)" },
	};
	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(msg_nested)
{
	static const struct row rows[] = {
		{ MIXED("a") "--a" N MIXED("b") "--b" N N "1" N "--b--" N "epilogue" N "--a" N N
						"2" N "--a--",
		  "multipart/mixed >multipart/mixed >>text/plain(1) >text/plain(2)" },
		/* the inner one is never closed */
		{ MIXED("a") "--a" N MIXED("b") "--b" N N "1" N "--a" N N "2" N "--b" N "--a--",
		  "multipart/mixed >multipart/mixed >>text/plain(1) >text/plain(2\r\n--b)" },
		/* one boundary is a prefix of the other: the longer one that fits */
		{ MIXED("ab") "--ab" N MIXED("abc") "--abc" N N "1" N "--abc--" N "--ab" N N "2" N
						    "--ab--",
		  "multipart/mixed >multipart/mixed >>text/plain(1) >text/plain(2)" },
		{ MIXED("abc") "--abc" N MIXED("ab") "--ab" N N "1" N "--ab--" N "--abc" N N "2" N
						     "--abc--",
		  "multipart/mixed >multipart/mixed >>text/plain(1) >text/plain(2)" },
		/* the same boundary twice: the innermost one */
		{ MIXED("b") "--b" N MIXED("b") "--b" N N "1" N "--b--" N "--b" N N "2" N "--b--",
		  "multipart/mixed >multipart/mixed >>text/plain(1) >text/plain(2)" },
		/* RFC 2046 5.1.5: digest */
		{ "Content-Type: multipart/digest; boundary=b" N N "--b" N N "Subject: s" N N "1" N
		  "--b" N "Content-Type: text/plain" N N "2" N "--b--",
		  "multipart/digest >message/rfc822{} >>text/plain(1) >text/plain(2)" },
		{ "Content-Type: message/rfc822" N N "A: b" N N "x",
		  "message/rfc822{} >text/plain(x)" },
		{ "Content-Type: message/global" N N ">From x" N "A: b" N N "x",
		  "message/global{} >text/plain(x)" },
		{ "Content-Type: message/rfc822" N N, "message/rfc822{} >text/plain()" },
		/* RFC 2046 5.2.1 forbids the encoding: what it holds is not looked into */
		{ "Content-Type: message/rfc822" N "Content-Transfer-Encoding: base64" N N "QTog",
		  "message/rfc822(QTog)" },
		{ "Content-Type: message/delivery-status" N N "A: b",
		  "message/delivery-status(A: b)" },
		/* a delimiter of the multipart around ends the message in it */
		{ MIXED("a") "--a" N "Content-Type: message/rfc822" N N MIXED(
			  "b") "--b" N N "1" N "--a" N N "2" N "--a--",
		  "multipart/mixed >message/rfc822{} >>multipart/mixed >>>text/plain(1)"
		  " >text/plain(2)" },
		{ MIXED("a") "--a" N "Content-Type: message/rfc822" N N "--a--",
		  "multipart/mixed >message/rfc822{} >>text/plain()" },
	};
	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(msg_fields)
{
	static const char raw[] = "From x Mon Jan 1" N "Subject: one" N " two" N "\tthree" N
				  "X-Empty:" N "Received : r1" N "received:r2\n" N "body";
	MR_AUTO(mr_block) *in = mr_test_exact(t, 0, raw);
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	const struct mr_field *f;
	struct mr_msg msg;

	MR_NEED(t, in && arena);
	MR_NEED(t, mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
	MR_CHECK_INT(t, 4, msg.field_count);
	MR_CHECK_INT(t, 4, msg.part[0].field_count);
	MR_CHECK_INT(t, strlen(raw) - strlen(N "body"), msg.part[0].header.len);
	f = mr_msg_field(&msg, 0, MR_SPAN("SUBJECT"));
	MR_NEED(t, f);
	MR_CHECK_SPAN(t, "Subject", f->name);
	MR_CHECK_SPAN(t, " one" N " two" N "\tthree", f->value);
	MR_CHECK_SPAN(t, "Subject: one" N " two" N "\tthree" N, f->raw);
	f = mr_msg_field(&msg, 0, MR_SPAN("x-empty"));
	MR_NEED(t, f);
	MR_CHECK_SPAN(t, "", f->value);
	f = mr_msg_field(&msg, 0, MR_SPAN("Received"));
	MR_NEED(t, f);
	MR_CHECK_SPAN(t, "Received", f->name);
	MR_CHECK_SPAN(t, " r1", f->value);
	f = mr_msg_field_next(&msg, 0, f);
	MR_NEED(t, f);
	MR_CHECK_SPAN(t, "r2", f->value);
	MR_CHECK_SPAN(t, "received:r2\n", f->raw);
	MR_CHECK(t, !mr_msg_field_next(&msg, 0, f));
	MR_CHECK(t, !mr_msg_field(&msg, 0, MR_SPAN("Subjec")));
}

/* Fields of one part are not those of the next. */
MR_TEST(msg_fields_of_parts)
{
	MR_AUTO(mr_block) *in =
		mr_test_exact(t, 0,
			      "A: 0" N MIXED("b") "--b" N "A: 1" N N "--b" N N "--b" N "C: 3" N
						  "A: 4" N N "--b--");
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	const struct mr_field *f;
	struct mr_msg msg;

	MR_NEED(t, in && arena);
	MR_NEED(t, mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
	MR_CHECK_INT(t, 4, msg.part_count);
	f = mr_msg_field(&msg, 0, MR_SPAN("A"));
	MR_NEED(t, f);
	MR_CHECK(t, !mr_msg_field_next(&msg, 0, f));
	f = mr_msg_field(&msg, 3, MR_SPAN("a"));
	MR_NEED(t, f);
	MR_CHECK_SPAN(t, " 4", f->value);
	MR_CHECK(t, !mr_msg_field(&msg, 2, MR_SPAN("A")));
	MR_CHECK(t, !mr_msg_field(&msg, 1, MR_SPAN("C")));
}

MR_TEST(msg_encodings)
{
	static const struct {
		const char *in;
		enum mr_encoding want;
	} rows[] = {
		{ "A: b\n\n", MR_ENC_7BIT }, /* RFC 2045 6.1: the default */
		{ "Content-Transfer-Encoding: 7bit\n\n", MR_ENC_7BIT },
		{ "content-transfer-encoding: 8BIT\n\n", MR_ENC_8BIT },
		{ "Content-Transfer-Encoding: binary\n\n", MR_ENC_BINARY },
		{ "Content-Transfer-Encoding:\n\tQuoted-Printable\n\n", MR_ENC_QP },
		{ "Content-Transfer-Encoding: base64\n\n", MR_ENC_BASE64 },
		{ "Content-Transfer-Encoding: (c) base64 (c)\n\n", MR_ENC_BASE64 },
		{ "Content-Transfer-Encoding: base64;\n\n", MR_ENC_BASE64 },
		{ "Content-Transfer-Encoding: \"base64\"\n\n", MR_ENC_BASE64 },
		{ "Content-Transfer-Encoding: 8-bit\n\n", MR_ENC_8BIT },
		{ "Content-Transfer-Encoding: x-uuencode\n\n", MR_ENC_UNKNOWN },
		{ "Content-Transfer-Encoding: base6\n\n", MR_ENC_UNKNOWN },
		{ "Content-Transfer-Encoding:\n\n", MR_ENC_7BIT },
		{ "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n",
		  MR_ENC_7BIT },
	};
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_msg msg;

		MR_NEED(t, in && arena);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		MR_CHECK_INT(t, rows[i].want, msg.part[0].encoding);
	}
}

MR_TEST(msg_charsets)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "A: b\n\n", "" },
		{ "Content-Type: text/plain\n\n", "" },
		{ "Content-Type: text/plain; charset=utf-8\n\n", "utf-8" },
		{ "Content-Type: text/plain; format=flowed; CHARSET=\"UTF-8\"; charset=x\n\n",
		  "UTF-8" },
		{ "Content-Type: text/plain; charset=\" utf-8 \"\n\n", "utf-8" },
		{ "Content-Type: text/plain; charset=utf-8\n <junk\n\n", "utf-8" },
		{ "Content-Type: text/html charset=utf-8 name=x\n\n", "utf-8" },
		{ "Content-Type: text; charset=utf-8\n\n", "utf-8" },
	};
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_msg msg;

		MR_NEED(t, in && arena);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		MR_CHECK_SPAN(t, rows[i].want, msg.part[0].charset);
	}
}

/* A message with most of what there is, cut after every octet: each prefix keeps all promises. */
MR_TEST(msg_every_prefix)
{
	static const char raw[] =
		"From x Mon" N "Subject: =?utf-8?q?a?=" N " b" N
		"Content-Type: multipart/mixed; (c) boundary=\"a\\b\"; charset=x" N N "pre" N
		"--ab" N "Content-Type: multipart/digest; boundary*0=ab; boundary*1=c" N N
		"--abc" N N "To: x\nContent-Type: text/html\n\n<p>\n--abc--" N "--ab" N
		"Content-Disposition: attachment; filename*=utf-8'en'a%20b" N
		"Content-Transfer-Encoding: base64" N N "QUJD" N "--ab--" N "post" N;

	for (size_t len = 0; len < sizeof(raw); len++) {
		MR_AUTO(mr_block) *in = mr_test_block(t, mr_span(raw, len));
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_msg msg;

		t->row = (long)len;
		MR_NEED(t, in && arena);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		check_promises(t, mr_block_span(in), &msg);
		for (uint32_t i = 0; i < msg.part_count; i++) {
			struct mr_span name;
			int err = mr_part_filename(&msg, i, arena, &name);

			MR_CHECK(t, err == 0 || err == MR_ENOENT);
		}
	}
}

/* -- limits -------------------------------------------------------------------------------------- */

static void check_cut(struct mr_t *t, const char *raw, struct mr_msg_limits limits, unsigned cut,
		      const char *want)
{
	MR_AUTO(mr_block) *in = mr_test_exact(t, 0, raw);
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO_BUF got = MR_BUF(ARENA_MAX);
	struct mr_msg msg;

	t->row = -1;
	MR_NEED(t, in && arena);
	MR_NEED(t, mr_msg_parse(mr_block_span(in), &limits, arena, &msg) == 0);
	check_promises(t, mr_block_span(in), &msg);
	outline(&msg, &got);
	MR_CHECK_STR(t, want, mr_buf_str(&got));
	MR_CHECK_INT(t, cut, msg.cut);
	MR_CHECK(t, msg.field_count <= limits.fields_max && msg.part_count <= limits.parts_max);
}

MR_TEST(msg_limits)
{
	static const char three[] = MIXED("b") "--b" N N "1" N "--b" N N "2" N "--b" N
					       "Content-Type: text/html" N N "3" N "--b--";
	static const char deep[] =
		MIXED("a") "--a" N MIXED("b") "--b" N N "1" N "--b--" N "--a" N N "2" N "--a--";
	static const char message[] = "Content-Type: message/rfc822" N N "A: b" N N "x";
	struct mr_msg_limits limits = mr_msg_limits_default;

	limits.parts_max = 4;
	check_cut(t, three, limits, 0,
		  "multipart/mixed >text/plain(1) >text/plain(2) >text/html(3)");
	limits.parts_max = 2; /* the second part ends where it ends, though the third has no row */
	check_cut(t, three, limits, MR_CUT_PARTS, "multipart/mixed >text/plain(1)");
	limits.parts_max = 1;
	check_cut(t, message, limits, MR_CUT_PARTS, "message/rfc822(A: b" N N "x)");

	limits = mr_msg_limits_default;
	limits.depth_max = 2;
	check_cut(t, deep, limits, 0,
		  "multipart/mixed >multipart/mixed >>text/plain(1) >text/plain(2)");
	limits.depth_max = 1;
	check_cut(t, deep, limits, MR_CUT_DEPTH,
		  "multipart/mixed >multipart/mixed(--b" N N "1" N "--b--) >text/plain(2)");
	limits.depth_max = 0;
	check_cut(t, message, limits, MR_CUT_DEPTH, "message/rfc822(A: b" N N "x)");

	/* What a part is, is known even where the table of fields is full. */
	limits = mr_msg_limits_default;
	limits.fields_max = 1;
	check_cut(t, three, limits, MR_CUT_FIELDS,
		  "multipart/mixed >text/plain(1) >text/plain(2) >text/html(3)");
	limits.fields_max = 0;
	check_cut(t, message, limits, MR_CUT_FIELDS, "message/rfc822{} >text/plain(x)");

	/* A boundary that is cut is not known; one that ends before the limit is. */
	limits = mr_msg_limits_default;
	limits.params_size_max = 28; /* of " multipart/mixed; boundary=a": all */
	check_cut(t, MIXED("abc") "--a" N N "1", limits, MR_CUT_PARAMS,
		  "multipart/mixed(--a" N N "1)");
	limits.params_size_max = 29; /* the semicolon, too */
	check_cut(t, MIXED("a; x=y") "--a" N N "1", limits, MR_CUT_PARAMS,
		  "multipart/mixed >text/plain(1)");
}

/* The header promises tables of 2.5 MiB at most. */
MR_TEST(msg_memory)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(5u * 1024 * 1024 / 2);
	MR_AUTO_BUF raw = MR_BUF(ARENA_MAX);
	struct mr_msg msg;

	mr_buf_adds(&raw, "Content-Type: multipart/mixed; boundary=b" N N);
	for (int i = 0; i < 10001; i++)
		mr_buf_adds(&raw, "--b" N "A: b" N N "x" N);
	MR_NEED(t, arena && mr_buf_err(&raw) == 0);
	MR_NEED(t, mr_msg_parse(mr_buf_span(&raw), &mr_msg_limits_default, arena, &msg) == 0);
	MR_CHECK_INT(t, 10000, msg.part_count);
	MR_CHECK_INT(t, 10000, msg.field_count);
	MR_CHECK_INT(t, MR_CUT_PARTS, msg.cut);
}

MR_TEST(msg_arena_full)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(64);
	struct mr_msg msg = { .part_count = 77 };

	MR_NEED(t, arena);
	MR_CHECK_INT(t, MR_ENOMEM,
		     mr_msg_parse(MR_SPAN("A: b\n\n"), &mr_msg_limits_default, arena, &msg));
	MR_CHECK_INT(t, 77, msg.part_count);
}

/* -- open boundaries ----------------------------------------------------------------------------- */

MR_TEST(boundary_longest)
{
	static const char *const texts[] = { "b", "a", "abc", "ab", "abd", "abcde", "ab", "xyz" };
	static const struct {
		const char *line;
		int want;
	} rows[] = {
		{ "a", 1 },    { "ab", 6 },  { "abc", 2 },  { "abcd", 2 }, { "abcde", 5 },
		{ "abce", 2 }, { "abe", 6 }, { "abdz", 4 }, { "ac", 1 },   { "b", 0 },
		{ "c", -1 },   { "", -1 },   { "xy", -1 },  { "xyza", 7 }, { "zzz", -1 },
	};
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_boundaries b = { .count = 0 };
	const struct mr_boundary *hit;

	MR_NEED(t, arena);
	for (uint32_t i = 0; i < MR_COUNT(texts); i++)
		MR_NEED(t, mr_boundaries_add(&b, arena, mr_span_str(texts[i]), i) == 0);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		hit = mr_boundaries_match(&b, mr_span_str(rows[i].line));
		MR_CHECK_INT(t, rows[i].want, hit ? (int)hit->level : -1);
	}
	t->row = -1;
	mr_boundaries_drop(&b, 4);
	MR_CHECK_INT(t, 4, b.count);
	hit = mr_boundaries_match(&b, MR_SPAN("abcde"));
	MR_CHECK_INT(t, 2, hit ? (int)hit->level : -1);
	hit = mr_boundaries_match(&b, MR_SPAN("abd"));
	MR_CHECK_INT(t, 3, hit ? (int)hit->level : -1);
	mr_boundaries_drop(&b, 1);
	hit = mr_boundaries_match(&b, MR_SPAN("abd"));
	MR_CHECK(t, !hit);
	mr_boundaries_drop(&b, 0);
	MR_CHECK(t, !mr_boundaries_match(&b, MR_SPAN("b")));
}
