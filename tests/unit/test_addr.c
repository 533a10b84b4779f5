#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_addr.h"
#include "tests/unit/mr_test.h"

#define MAX (16 * 1024 * 1024)

/* want: name|local|domain of each address, one a line. */
static const struct {
	const char *in, *want;
} rows[] = {
	/* RFC 5322 appendix A.1.1 */
	{ " John Doe <jdoe@machine.example>", "John Doe|jdoe|machine.example\n" },
	{ " Mary Smith <mary@example.net>", "Mary Smith|mary|example.net\n" },
	/* A.1.2 */
	{ "\"Joe Q. Public\" <john.q.public@example.com>",
	  "Joe Q. Public|john.q.public|example.com\n" },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	  "Mary Smith|mary|x.test\n|jdoe|example.org\nWho?|one|y.test\n" },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	  "|boss|nil.test\nGiant; \"Big\" Box|sysservices|example.net\n" },
	/* A.1.3 */
	{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	  "Ed Jones|c|a.test\n|joe|where.test\nJohn|jdoe|one.test\n" },
	{ "Undisclosed recipients:;", "" },
	/* A.5 */
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	  "Pete|pete|silly.test\n" },
	{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
	  "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the "
	  "group)",
	  "Chris Jones|c|public.example\n|joe|example.org\nJohn|jdoe|one.test\n" },
	{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "" },
	/* A.6.1 */
	{ "Joe Q. Public <john.q.public@example.com>",
	  "Joe Q. Public|john.q.public|example.com\n" },
	{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	  "Mary Smith|mary|example.net\n|jdoe|test.example\n" },
	/* A.6.3 */
	{ "Mary Smith\r\n          \r\n          <mary@example.net>",
	  "Mary Smith|mary|example.net\n" },
	{ "John Doe <jdoe@machine(comment).  example>", "John Doe|jdoe|machine.example\n" },
	/* 3.4.1, 4.4 */
	{ "a@[192.0.2.1]", "|a|[192.0.2.1]\n" },
	{ "a@[ IPv6:2001:db8::1 ]", "|a|[IPv6:2001:db8::1]\n" },
	{ "\"john smith\"@x.test", "|john smith|x.test\n" },
	{ "\"a\\\"b\\\\c\"@x.test", "|a\"b\\c|x.test\n" },
	{ "\"\"@x.test", "||x.test\n" },
	{ "john . \"van d\" . doe @ x . test", "|john.van d.doe|x.test\n" },
	{ "<@a.test,@b.test:c@d.test>", "|c|d.test\n" },
	/* encoded words, RFC 2047 8, and where they may not be */
	{ "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>",
	  "Keld J\xC3\xB8rn Simonsen|keld|dkuug.dk\n" },
	{ "=?utf-8?Q?a?=\r\n =?utf-8?Q?b?= <c@d>", "ab|c|d\n" },
	{ "\"=?utf-8?Q?=C3=A4?=\" <c@d>", "\xC3\xA4|c|d\n" },
	{ "=?utf-8?Q?Doe,_Ann?= <a@b>, c@d", "Doe, Ann|a|b\n|c|d\n" },
	{ "Nathaniel Borenstein <nsb@thumper.bellcore.com>\r\n    "
	  "(=?iso-8859-8?b?7eXs+SDv4SDs6Oj08A==?=)",
	  "Nathaniel Borenstein|nsb|thumper.bellcore.com\n" },
	/* the comment behind a bare address */
	{ "nsb@x.test (=?iso-8859-1?q?Andr=E9?=)", "Andr\xC3\xA9|nsb|x.test\n" },
	{ "a@b (Ann (the boss) \\) B.)", "Ann (the boss) ) B.|a|b\n" },
	/* UTF-8 (RFC 6532) and raw 8-bit */
	{ "J\xC3\xB8rn <j\xC3\xB8@\xC3\xA4.test>", "J\xC3\xB8rn|j\xC3\xB8|\xC3\xA4.test\n" },
	{ "\"J\xF8rn\" <j@x>", "J\xC3\xB8rn|j|x\n" },
	/* what no grammar has, but mail */
	{ "john@x.test <ann@y.test>", "john@x.test|ann|y.test\n" },
	{ "John Doe a@b", "John Doe|a|b\n" },
	{ "a@b; c@d", "|a|b\n|c|d\n" },
	{ "A <a@b> C <c@d>", "A|a|b\n|c|d\n" },
	{ "<mailto:a@b>", "|a|b\n" },
	{ "mailto:a@b", "|a|b\n" },
	{ "A <a@b, C <c@d>", "A|a|b\nC|c|d\n" },
	{ "a@b@c", "|a|b\n" },
	{ "<<a@b>>", "|a|b\n" },
	{ "A <a@b> trailing, c@d", "A|a|b\n|c|d\n" },
	{ "root", "|root|\n" },
	{ "Ann <root>", "Ann|root|\n" },
	{ "undisclosed", "|undisclosed|\n" },
	{ "two words, a@b", "|a|b\n" },
	{ "@x, a@b", "|a|b\n" },
	{ "a@, c@d", "|c|d\n" },
	{ "<>", "" },
	{ "", "" },
	{ " \r\n ", "" },
	{ ",;:,", "" },
	{ "g:g:g: a@b;;;", "|a|b\n" },
	{ "\"John <a@b>, c@d", "John|a|b\n|c|d\n" }, /* the quote does not end */
	{ "(John <a@b>, \"c\" <c@d>", "John|a|b\nc|c|d\n" }, /* nor the comment */
	{ "a@b (x", "|a|b\n" },
	{ "a@[1.2", "|a|[1.2]\n" },
	{ "\"a\r\n b\" <c@d>", "a b|c|d\n" },
	{ "\"a\\", "|a|\n" }, /* as without the quote */
	{ "\"a\" \"b\"  c<d@e>", "a b c|d|e\n" },
};

static void addrs_print(const struct mr_addr *addrs, int count, struct mr_buf *out)
{
	for (int i = 0; i < count; i++) {
		mr_buf_add(out, addrs[i].name);
		mr_buf_addc(out, '|');
		mr_buf_add(out, addrs[i].local);
		mr_buf_addc(out, '|');
		mr_buf_add(out, addrs[i].domain);
		mr_buf_addc(out, '\n');
	}
}

MR_TEST(addr_rows)
{
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		MR_AUTO_BUF out = MR_BUF(MAX);
		const struct mr_addr *addrs = NULL;
		int count;

		MR_NEED(t, in && arena);
		count = mr_addr_parse(mr_block_span(in), 100, arena, &addrs);
		MR_CHECK(t, count >= 0);
		addrs_print(addrs, count, &out);
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&out));
	}
}

MR_TEST(addr_count_max)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
	const struct mr_addr *addrs = NULL;

	MR_NEED(t, arena);
	MR_CHECK_INT(t, 2, mr_addr_parse(MR_SPAN("a@b, c@d, e@f"), 2, arena, &addrs));
	MR_NEED(t, addrs);
	MR_CHECK_SPAN(t, "c", addrs[1].local);
	MR_CHECK_INT(t, 0, mr_addr_parse(MR_SPAN("a@b"), 0, arena, &addrs));
}

/* A long name is cut, a long local part or domain is no address. */
MR_TEST(addr_limits)
{
	static const struct {
		const char *before;
		size_t count;
		const char *after;
		int want;
		size_t name_len;
	} long_rows[] = {
		{ "", MR_ADDR_NAME_MAX + 1, " <a@b>", 1, MR_ADDR_NAME_MAX },
		{ "\"", 1000000, "\" <a@b>", 1, MR_ADDR_NAME_MAX },
		{ "a@b (", 1000000, ")", 1, MR_ADDR_NAME_MAX },
		{ "", MR_ADDR_LOCAL_MAX, "@b", 1, 0 },
		{ "", MR_ADDR_LOCAL_MAX + 1, "@b", 0, 0 },
		{ "a@", MR_ADDR_DOMAIN_MAX, "", 1, 0 },
		{ "a@", MR_ADDR_DOMAIN_MAX + 1, "", 0, 0 },
		{ "<a@", MR_ADDR_DOMAIN_MAX + 1, ">, c@d", 1, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(long_rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		MR_AUTO_BUF in = MR_BUF(MAX);
		const struct mr_addr *addrs = NULL;

		t->row = (long)i;
		mr_buf_adds(&in, long_rows[i].before);
		for (size_t n = 0; n < long_rows[i].count; n++)
			mr_buf_addc(&in, 'x');
		mr_buf_adds(&in, long_rows[i].after);
		MR_NEED(t, arena && mr_buf_err(&in) == 0);
		MR_CHECK_INT(t, long_rows[i].want,
			     mr_addr_parse(mr_buf_span(&in), 10, arena, &addrs));
		if (addrs)
			MR_CHECK_INT(t, long_rows[i].name_len, addrs[0].name.len);
	}
}

MR_TEST(addr_text)
{
	static const struct {
		struct mr_span local, domain;
		const char *want;
	} texts[] = {
		{ MR_SPAN("john.q"), MR_SPAN("x.test"), "john.q@x.test" },
		{ MR_SPAN("john q"), MR_SPAN("x.test"), "\"john q\"@x.test" },
		{ MR_SPAN("a\"b\\c"), MR_SPAN("x"), "\"a\\\"b\\\\c\"@x" },
		{ MR_SPAN(".a"), MR_SPAN("x"), "\".a\"@x" },
		{ MR_SPAN("a."), MR_SPAN("x"), "\"a.\"@x" },
		{ MR_SPAN("a..b"), MR_SPAN("x"), "\"a..b\"@x" },
		{ MR_SPAN("a@b"), MR_SPAN("x"), "\"a@b\"@x" },
		{ MR_SPAN(""), MR_SPAN("x"), "\"\"@x" },
		{ MR_SPAN("=?a?q?b"), MR_SPAN("[x?=]"), "\"=?a?q?b\"@[x?=]" },
		{ MR_SPAN("a"), MR_SPAN("[192.0.2.1]"), "a@[192.0.2.1]" },
		{ MR_SPAN("root"), MR_SPAN(""), "root" },
		{ MR_SPAN("j\xC3\xB8"), MR_SPAN("x"), "j\xC3\xB8@x" }, /* RFC 6532 3.2 */
	};

	for (size_t i = 0; i < MR_COUNT(texts); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		const struct mr_addr addr = { .local = texts[i].local, .domain = texts[i].domain };
		struct mr_span text = MR_SPAN("");

		t->row = (long)i;
		MR_NEED(t, arena);
		MR_CHECK_INT(t, 0, mr_addr_text(&addr, arena, &text));
		MR_CHECK_SPAN(t, texts[i].want, text);
	}
}
