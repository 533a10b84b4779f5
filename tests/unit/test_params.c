#include "lib/mail/mr_params.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_msg.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX (1024u * 1024)

/* params, name, and the value; NULL: MR_ENOENT. */
struct row {
	const char *in, *name, *want;
};

static void check_rows(struct mr_t *t, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_span got = MR_SPAN("untouched");
		int err;

		MR_NEED(t, in && arena);
		err = mr_params_get(mr_block_span(in), mr_span_str(rows[i].name), arena, &got);
		MR_CHECK_INT(t, rows[i].want ? 0 : MR_ENOENT, err);
		MR_CHECK_SPAN(t, rows[i].want ? rows[i].want : "untouched", got);
	}
}

MR_TEST(params_plain)
{
	static const struct row rows[] = {
		/* RFC 2045 5.1: these two are equal */
		{ "; charset=us-ascii (Plain text)", "charset", "us-ascii" },
		{ "; charset=\"us-ascii\"", "charset", "us-ascii" },
		{ "; A=1; B=2", "b", "2" },
		{ ";a=1;a=2", "a", "1" }, /* the first */
		{ "", "a", NULL },
		{ ";;;", "a", NULL },
		{ "; a=1", "aa", NULL },
		{ "; aa=1", "a", NULL },
		{ "; a=", "a", "" },
		{ "; a=; b=1", "b", "1" },
		{ "; a=\"\"", "a", "" },
		{ "; a\r\n = \r\n\t1 \r\n", "a", "1" },
		{ "; a=\"x\\\"y\\\\z\"", "a", "x\"y\\z" }, /* RFC 5322 3.2.4: quoted-pair */
		{ "; a=\"x\r\n y\"", "a", "x y" }, /* RFC 5322 2.2.3: a fold is its line ending */
		{ "; a=x\\y", "a", "x\\y" }, /* outside of quotes a backslash is one */
		{ "; a=\"x;y=z\"; b=1", "b", "1" },
		{ "; (c; a=0) a=(c)1(x", "a", "1(x" },
		{ "; (\\) a=0) a=1", "a", "1" },
		{ "; (a=1", "a", NULL }, /* a comment that never ends */
		/* as mail has it */
		{ " a=1 b=2", "b", "2" }, /* no semicolons */
		{ "; a=\"1\" b=2", "b", "2" },
		{ ";; a=1;", "a", "1" },
		{ "; a=my file.doc; b=1", "a", "my file.doc" },
		{ "; a=my file.doc b=1", "a", "my file.doc" },
		{ "; a=file(1).doc", "a", "file(1).doc" },
		{ "; a==_x/y:z?", "a", "=_x/y:z?" },
		{ "; a=\"x", "a", "x" }, /* quotes that never end */
		{ "; a=\"x\\", "a", "x\\" },
		{ "; junk; \"b=0\"; =; b=1", "b", "1" },
		{ "; a=\"x\"y; b=1", "b", "1" },
		{ "; a=caf\xc3\xa9", "a", "caf\xc3\xa9" }, /* RFC 6532 */
		{ "; a=caf\xe9", "a", "caf\xc3\xa9" }, /* raw 8-bit: Windows-1252 */
		/* RFC 2047 5 (3) forbids it; common */
		{ "; a=\"=?utf-8?B?w6Q=?=.txt\"", "a", "\xc3\xa4.txt" },
		{ "; a==?iso-8859-1?q?=E4?=", "a", "\xc3\xa4" },
	};
	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(params_rfc2231)
{
	static const struct row rows[] = {
		/* RFC 2231 3, its example */
		{ "; access-type=URL;\r\n URL*0=\"ftp://\";\r\n"
		  " URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
		  "url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar" },
		/* 4, its example */
		{ ";\r\n title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title",
		  "This is ***fun***" },
		/* 4.1, its example */
		{ ";\r\n title*0*=us-ascii'en'This%20is%20even%20more%20\r\n"
		  " ;title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n ;title*2=\"isn't it!\"",
		  "title", "This is even more ***fun*** isn't it!" },
		/* order does not count, gaps end it, the first of two counts */
		{ "; a*1=b; a*0=a; a*2=c", "a", "abc" },
		{ "; a*0=a; a*2=c", "a", "a" },
		{ "; a*1=b", "a", NULL },
		{ "; a*0=x; a*0=y; a*1=z", "a", "xz" },
		{ "; a*0=x; a*99999999999999999999=y", "a", "x" },
		{ "; a*x=1", "a", NULL },
		{ "; a*1x=1", "a", NULL },
		{ "; a*0*=utf-8''%C3; a*1*=%A4", "a", "\xc3\xa4" }, /* a character cut in two */
		{ "; a*0*=iso-8859-1''%E4; a*1=%E4", "a", "\xc3\xa4%E4" }, /* the second is plain */
		/* RFC 2231 4: charset and language may be empty */
		{ "; a*=''%C3%A4", "a", "\xc3\xa4" },
		{ "; a*=UTF-8''%e2%82%ac", "a", "\xe2\x82\xac" },
		{ "; a*=x%20y", "a", "x y" }, /* without quotes: all is text */
		{ "; a*=utf-8''100%", "a", "100%" },
		{ "; a*=utf-8''%4G%4", "a", "%4G%4" },
		{ "; a*=\"utf-8''%41\"", "a", "A" }, /* quotes are common */
		{ "; a*=utf-8''%FF", "a", "\xef\xbf\xbd" },
		/* both forms: this one, wherever it stands; RFC 6266 4.3 says so for HTTP */
		{ "; a=old; a*=utf-8''new", "a", "new" },
		{ "; a*0=new; a=old", "a", "new" },
		{ "; a*1=new; a=old", "a", "old" },
		/* RFC 2047 words are none here */
		{ "; a*=us-ascii''=?utf-8?Q?x?=", "a", "=?utf-8?Q?x?=" },
	};
	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(params_type)
{
	static const struct {
		const char *in;
		bool ok;
		const char *type, *subtype, *rest;
	} rows[] = {
		{ " text/plain; a=b", true, "text", "plain", "; a=b" },
		{ "text/plain", true, "text", "plain", "" },
		{ "(c) text (c) / (c) plain (c)", true, "text", "plain", " (c)" },
		{ "application/vnd.ms-excel+x_y.z", true, "application", "vnd.ms-excel+x_y.z", "" },
		{ "text/html charset=x", true, "text", "html", " charset=x" },
		{ "text", false, "", "", "text" },
		{ "text/", false, "", "", "text/" },
		{ "/plain", false, "", "", "/plain" },
		{ "\"text/plain\"", false, "", "", "\"text/plain\"" },
		{ "", false, "", "", "" },
		{ "(text/plain", false, "", "", "(text/plain" },
	};
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_span type = MR_SPAN(""), subtype = MR_SPAN("");
		struct mr_cur c = mr_cur(mr_block_span(in));

		MR_NEED(t, in);
		MR_CHECK_INT(t, rows[i].ok, mr_params_type(&c, &type, &subtype));
		MR_CHECK_SPAN(t, rows[i].type, type);
		MR_CHECK_SPAN(t, rows[i].subtype, subtype);
		MR_CHECK_SPAN(t, rows[i].rest, mr_cur_rest(&c));
	}
}

MR_TEST(params_boundary)
{
	static const struct {
		const char *in, *want;
		bool cut;
	} rows[] = {
		{ "; boundary=abc", "abc", false },
		{ "; Boundary=\"a b\"; boundary=c", "a b", false },
		{ "; charset=x", "", false },
		{ "; boundary=", "", false },
		{ "; boundary=a b; x=y", "a", false }, /* no blank can be in it without quotes */
		{ "; boundary=a\r\n <junk", "a", false },
		{ "; boundary=0123456789", "0123456789", false }, /* nothing is copied */
		{ "; boundary=\"a\\b\"", "ab", false },
		{ "; boundary=\"01234567\\8\"", "", true }, /* 9 octets do not fit 8 */
		{ "; boundary=\"0123456\\7\"", "01234567", false },
		{ "; boundary*0=ab; boundary*1=cd", "abcd", false },
		{ "; boundary*0=ab; boundary*2=cd", "ab", false },
		{ "; boundary*1=ab; boundary*0=cd", "cd", false }, /* in order alone */
		{ "; boundary*0*=''a%20b", "a b", false },
		{ "; boundary*=x'y'abc", "abc", false },
	};
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		char buf[8];
		bool cut = false;

		MR_NEED(t, in);
		MR_CHECK_SPAN(t, rows[i].want,
			      mr_params_boundary(mr_block_span(in), buf, sizeof(buf), &cut));
		MR_CHECK_INT(t, rows[i].cut, cut);
	}
}

/* -- through mr_msg.h ---------------------------------------------------------------------------- */

MR_TEST(params_of_part)
{
	static const struct {
		const char *in, *filename, *name; /* NULL: none */
		bool attachment;
	} rows[] = {
		{ "A: b\n\n", NULL, NULL, false },
		{ "Content-Disposition: attachment; filename=f.txt\n\n", "f.txt", NULL, true },
		{ "Content-Disposition: ATTACHMENT\n\n", NULL, NULL, true },
		{ "Content-Disposition: inline; filename=f\n\n", "f", NULL, false },
		{ "Content-Disposition: attachments; filename=f\n\n", "f", NULL, false },
		{ "Content-Disposition: (c) attachment (c); filename=f\n\n", "f", NULL, true },
		{ "Content-Disposition: ; filename=f\n\n", "f", NULL, false },
		{ "Content-Type: a/b; name=n\n\n", "n", "n", false },
		{ "Content-Type: a/b; name=n\nContent-Disposition: inline; filename=f\n\n", "f",
		  "n", false },
		{ "Content-Type: a/b; name=n\nContent-Disposition: attachment\n\n", "n", "n",
		  true },
		{ "Content-Type: text; name=n\n\n", "n", "n", false },
		{ "Content-Disposition: attachment; filename*=utf-8''%C3%A4\n\n", "\xc3\xa4", NULL,
		  true },
	};
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_span got = MR_SPAN("");
		struct mr_msg msg;
		int err;

		MR_NEED(t, in && arena);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		err = mr_part_filename(&msg, 0, arena, &got);
		MR_CHECK_INT(t, rows[i].filename ? 0 : MR_ENOENT, err);
		MR_CHECK_SPAN(t, rows[i].filename ? rows[i].filename : "", got);
		got = MR_SPAN("");
		err = mr_part_type_param(&msg, 0, MR_SPAN("name"), arena, &got);
		MR_CHECK_INT(t, rows[i].name ? 0 : MR_ENOENT, err);
		MR_CHECK_SPAN(t, rows[i].name ? rows[i].name : "", got);
		MR_CHECK_INT(t, rows[i].attachment, mr_part_is_attachment(&msg, 0));
	}
}
