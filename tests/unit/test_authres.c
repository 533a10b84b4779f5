/* RFC 8601: fields of its Appendix B, of filters in use, and hostile ones. */
#include "lib/mail/mr_authres.h"

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "tests/unit/mr_test.h"

#define LONG_MAX_SIZE ((size_t)2 << 20)

static void put_value(struct mr_buf *out, const struct mr_authres_value *value)
{
	char buf[200];
	struct mr_span text = MR_SPAN("TOO LONG");

	if (mr_authres_text(value, buf, sizeof(buf), &text) == 0 && !mr_authres_is(value, text))
		text = MR_SPAN("UNEQUAL");
	mr_buf_add(out, text);
}

/* id/version|method/version=result{reason}[ptype.property=value]... */
static void put(struct mr_buf *out, const struct mr_authres *ar)
{
	put_value(out, &ar->id);
	mr_buf_printf(out, "/%u", (unsigned)ar->version);
	for (uint32_t i = 0; i < ar->result_count; i++) {
		const struct mr_authres_result *r = &ar->result[i];

		mr_buf_printf(out, "|%.*s/%u=%.*s", (int)r->method.len, r->method.p,
			      (unsigned)r->version, (int)r->result.len, r->result.p);
		if (r->reason.raw.p != NULL) {
			mr_buf_addc(out, '{');
			put_value(out, &r->reason);
			mr_buf_addc(out, '}');
		}
		for (uint32_t k = 0; k < r->prop_count; k++) {
			const struct mr_authres_prop *p = &ar->prop[r->prop_first + k];

			mr_buf_printf(out, "[%.*s.%.*s=", (int)p->ptype.len, p->ptype.p,
				      (int)p->property.len, p->property.p);
			put_value(out, &p->value);
			mr_buf_addc(out, ']');
		}
	}
}

struct row {
	const char *in, *want; /* NULL: MR_ESYNTAX */
};

static void check_rows(struct mr_t *t, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO_BUF got = MR_BUF(2000);
		struct mr_authres ar = { .version = 7, .id = { MR_SPAN("untouched"), false } };
		int err;

		MR_NEED(t, in != NULL);
		err = mr_authres_parse(mr_block_span(in), &ar);
		MR_CHECK_INT(t, rows[i].want != NULL ? 0 : MR_ESYNTAX, err);
		put(&got, &ar);
		MR_CHECK_SPAN(t, rows[i].want != NULL ? rows[i].want : "untouched/7",
			      mr_buf_span(&got));
	}
}

/* RFC 8601 Appendix B; B.1 has no field. */
MR_TEST(authres_rfc8601)
{
	static const struct row rows[] = {
		{ " example.org 1; none", "example.org/1" }, /* B.2 */
		{ " example.com;\r\n          spf=pass smtp.mailfrom=example.net", /* B.3 */
		  "example.com/1|spf/1=pass[smtp.mailfrom=example.net]" },
		{ " example.com;\r\n          auth=pass (cram-md5) "
		  "smtp.auth=sender@example.net;\r\n"
		  "          spf=pass smtp.mailfrom=example.net", /* B.4 */
		  "example.com/1|auth/1=pass[smtp.auth=sender@example.net]"
		  "|spf/1=pass[smtp.mailfrom=example.net]" },
		{ " example.com; iprev=pass\r\n          policy.iprev=192.0.2.200",
		  "example.com/1|iprev/1=pass[policy.iprev=192.0.2.200]" },
		{ " example.com;\r\n          dkim=pass (good signature) header.d=example.com",
		  "example.com/1|dkim/1=pass[header.d=example.com]" }, /* B.5 */
		{ " example.com;\r\n          auth=pass (cram-md5) "
		  "smtp.auth=sender@example.com;\r\n"
		  "          spf=fail smtp.mailfrom=example.com",
		  "example.com/1|auth/1=pass[smtp.auth=sender@example.com]"
		  "|spf/1=fail[smtp.mailfrom=example.com]" },
		{ " example.com;\r\n      dkim=pass reason=\"good signature\"\r\n"
		  "        header.i=@mail-router.example.net;\r\n"
		  "      dkim=fail reason=\"bad signature\"\r\n        "
		  "header.i=@newyork.example.com",
		  "example.com/1|dkim/1=pass{good signature}[header.i=@mail-router.example.net]"
		  "|dkim/1=fail{bad signature}[header.i=@newyork.example.com]" }, /* B.6 */
		{ " foo.example.net (foobar) 1 (baz);\r\n"
		  "    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
		  "      policy (A dot can go here) . (like that) expired\r\n"
		  "      (this surprised me) = (as I wasn't expecting it) 1362471462",
		  "foo.example.net/1|dkim/1=fail[policy.expired=1362471462]" }, /* B.7 */
	};

	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(authres_grammar)
{
	static const struct row rows[] = {
		/* authserv-id is a value: a token or a quoted string */
		{ "a;none", "a/1" },
		{ "\"a b\" 1;none", "a b/1" },
		{ "\"a\\\"b\\\\\";none", "a\"b\\/1" },
		{ "\"a\r\n b\";none", "a b/1" }, /* RFC 5322 2.2.3: a fold is its line ending */
		{ "(c) (d(e)f) a (g) 2 (h) ; (i) NONE (j)", "a/2" },
		{ "a\r\n\t;\r\n\tnone\r\n\t", "a/1" },
		{ "", NULL },
		{ "a", NULL },
		{ "a;", NULL },
		{ "; none", NULL },
		{ "a 1", NULL },
		{ "a x; none", NULL },
		{ "a 1 1; none", NULL },
		{ "a; none; none", NULL },
		{ "a; none;", NULL },
		{ "a; nonesuch", NULL },
		{ "a; none; spf=pass", NULL },
		{ "a; spf=pass; none", NULL },
		{ "a; spf=pass;", NULL },
		{ "a; spf=pass;; dkim=pass", NULL },
		/* a method may be called none */
		{ "a; none=pass", "a/1|none/1=pass" },
		/* methodspec */
		{ "a;spf=pass", "a/1|spf/1=pass" },
		{ "a; spf / 2 = pass", "a/1|spf/2=pass" },
		{ "a; X-Foo-9=q1", "a/1|X-Foo-9/1=q1" },
		{ "a; spf", NULL },
		{ "a; spf=", NULL },
		{ "a; =pass", NULL },
		{ "a; spf/=pass", NULL },
		{ "a; spf/x=pass", NULL },
		{ "a; spf-=pass", NULL }, /* RFC 5321 4.1.2: Ldh-str ends in a letter or digit */
		{ "a; spf=\"pass\"", NULL }, /* a result is a Keyword */
		{ "a; spf=pass dkim=pass", NULL }, /* no ";" between them */
		{ "a, spf=pass", NULL },
		/* reasonspec stands before properties, and once */
		{ "a; spf=fail reason=bad smtp.helo=b", "a/1|spf/1=fail{bad}[smtp.helo=b]" },
		{ "a; spf=fail REASON (c) = \"b; (d\"", "a/1|spf/1=fail{b; (d}" },
		{ "a; spf=fail reason=\"\"", "a/1|spf/1=fail{}" },
		{ "a; spf=fail reason", NULL },
		{ "a; spf=fail reason=", NULL },
		{ "a; spf=fail reason=b reason=c", NULL },
		{ "a; spf=fail smtp.helo=b reason=c", NULL },
		{ "a; spf=fail reason.helo=b", "a/1|spf/1=fail[reason.helo=b]" },
		/* propspec */
		{ "a; spf=pass smtp.mailfrom=b@c smtp . helo = d",
		  "a/1|spf/1=pass[smtp.mailfrom=b@c][smtp.helo=d]" },
		{ "a; spf=pass smtp.mailfrom=\"b c\"@d",
		  "a/1|spf/1=pass[smtp.mailfrom=\"b c\"@d]" },
		{ "a; spf=pass smtp.mailfrom=\"b\n \\c\"@d",
		  "a/1|spf/1=pass[smtp.mailfrom=\"b \\c\"@d]" }, /* its quotes stay, and what is in
								  * them */
		{ "a; spf=pass smtp.mailfrom=\"b;c@d\"", "a/1|spf/1=pass[smtp.mailfrom=b;c@d]" },
		{ "a; spf=pass smtp.mailfrom=\"\"", "a/1|spf/1=pass[smtp.mailfrom=]" },
		{ "a; spf=pass smtp.mailfrom=prvs=1=b@c",
		  "a/1|spf/1=pass[smtp.mailfrom=prvs=1=b@c]" },
		{ "a; spf=pass smtp.mailfrom=\xc3\xa9@c",
		  "a/1|spf/1=pass[smtp.mailfrom=\xc3\xa9@c]" },
		{ "a; spf=pass smtp.mailfrom=\"b\"@", NULL },
		{ "a; spf=pass smtp.mailfrom", NULL },
		{ "a; spf=pass smtp.mailfrom=", NULL },
		{ "a; spf=pass smtp.=b", NULL },
		{ "a; spf=pass .mailfrom=b", NULL },
		{ "a; spf=pass smtp mailfrom=b", NULL },
		{ "a; dkim=pass action=none", NULL },
		{ "a; dkim=pass header.d= header.s=b", NULL }, /* a value is missing */
		{ "a; dkim=pass header.d=b,c", NULL },
		{ "a; dkim=pass header.d=b)", NULL },
		/* DEVIATIONS: no token, but nothing else either */
		{ "a; iprev=pass policy.iprev=2001:db8::1",
		  "a/1|iprev/1=pass[policy.iprev=2001:db8::1]" },
		{ "a; dkim=pass header.b=a/b+c==", "a/1|dkim/1=pass[header.b=a/b+c==]" },
		{ "a; spf=pass smtp.mailfrom=<>", "a/1|spf/1=pass[smtp.mailfrom=<>]" },
		/* what does not end */
		{ "a; spf=pass (b", NULL },
		{ "a; spf=pass (b\\)", NULL },
		{ "a; spf=pass ((b)", NULL },
		{ "a; spf=pass b)", NULL },
		{ "(a; none", NULL },
		{ "\"a; none", NULL },
		{ "\"a\\\"; none", NULL },
		{ "a; spf=pass reason=\"b", NULL },
		{ "a; spf=pass smtp.helo=\"b\\", NULL },
		/* control characters, wherever they stand */
		{ "a\x01; none", NULL },
		{ "a; spf=pass (\x7f)", NULL },
		{ "a; spf=pass reason=\"\x08\"", NULL },
		/* RFC 2047 does not apply */
		{ "a; spf=pass (=?utf-8?q?=28?=) smtp.helo=b", "a/1|spf/1=pass[smtp.helo=b]" },
	};

	check_rows(t, rows, MR_COUNT(rows));
}

/* As filters write them. */
MR_TEST(authres_in_use)
{
	static const struct row rows[] = {
		/* rspamd 3.4: lua_auth_results.lua */
		{ " mx.example.org;\r\n\tdkim=pass header.d=example.net header.s=s1 "
		  "header.b=\"a/b4zQ==\";\r\n\tdmarc=pass (policy=reject) "
		  "header.from=example.net;\r\n"
		  "\tspf=pass (mx.example.org: domain of bob@example.net designates 192.0.2.10 as "
		  "permitted sender) smtp.mailfrom=bob@example.net",
		  "mx.example.org/1|dkim/1=pass[header.d=example.net][header.s=s1]"
		  "[header.b=a/b4zQ==]|dmarc/1=pass[header.from=example.net]"
		  "|spf/1=pass[smtp.mailfrom=bob@example.net]" },
		{ " mx.example.org; dkim=none; spf=none (x) smtp.helo=\"[192.0.2.10]\"; dmarc=fail "
		  "reason=\"No valid SPF, No valid DKIM\" header.from=example.net (policy=none)",
		  "mx.example.org/1|dkim/1=none|spf/1=none[smtp.helo=[192.0.2.10]]"
		  "|dmarc/1=fail{No valid SPF, No valid DKIM}[header.from=example.net]" },
		/* opendkim 2.11 */
		{ " mx.example.org;\r\n\tdkim=pass (2048-bit key; unprotected) "
		  "header.d=example.net "
		  "header.i=@example.net header.a=rsa-sha256 header.s=s1 header.b=\"a/b+c4zQ\";\r\n"
		  "\tdkim-atps=neutral",
		  "mx.example.org/1|dkim/1=pass[header.d=example.net][header.i=@example.net]"
		  "[header.a=rsa-sha256][header.s=s1][header.b=a/b+c4zQ]|dkim-atps/1=neutral" },
		/* a large provider's arrival */
		{ " mx.example.org;\n       dkim=pass header.i=@b.example header.s=20111006 "
		  "header.b=URn9MW+F;\n       spf=softfail (x: transitioning) "
		  "smtp.mailfrom=a+b=c.d@b.example;\n       dmarc=pass (p=REJECT sp=REJECT "
		  "dis=NONE) "
		  "header.from=b.example",
		  "mx.example.org/1|dkim/1=pass[header.i=@b.example][header.s=20111006]"
		  "[header.b=URn9MW+F]|spf/1=softfail[smtp.mailfrom=a+b=c.d@b.example]"
		  "|dmarc/1=pass[header.from=b.example]" },
	};

	check_rows(t, rows, MR_COUNT(rows));
}

MR_TEST(authres_id)
{
	static const struct {
		const char *in, *text;
		int err;
		bool same;
	} rows[] = {
		{ "mx.example.org; none", "mx.example.org", 0, true },
		{ " (c) MX.Example.ORG 1; none", "mx.example.org", 0, true },
		{ "\"mx.example.org\"; none", "mx.example.org", 0, true },
		{ "\"mx\\.exam\r\n\tple.org\"; none", "mx.exam\tple.org", 0, true },
		{ "mx.example.org.; none", "mx.example.org", 0, false },
		{ "mx.example.or; none", "mx.example.org", 0, false },
		{ "mx.example.org2; none", "mx.example.org", 0, false },
		{ "\"mx.example.org\\ \"; none", "mx.example.org", 0, false },
		{ "mx.example.org junk (", "mx.example.org", 0, true }, /* malformed behind it */
		{ "mx.example.org", "mx.example.org", 0, true },
		{ ";", "", MR_ESYNTAX, false },
		{ "(", "", MR_ESYNTAX, false },
		{ "", "", MR_ESYNTAX, false },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_authres_value id = { MR_SPAN("untouched"), false };

		MR_NEED(t, in != NULL);
		MR_CHECK_INT(t, rows[i].err, mr_authres_parse_id(mr_block_span(in), &id));
		MR_CHECK(t, mr_authres_is(&id, mr_span_str(rows[i].text)) == rows[i].same);
	}
}

MR_TEST(authres_text)
{
	static const struct {
		const char *raw, *want; /* NULL: does not fit 4 octets */
		bool quoted;
	} rows[] = {
		{ "abcdef", "abcdef", true }, /* as it stands: nothing is copied */
		{ "a\\b\\\\", "ab\\", true },
		{ "a\\bcde", NULL, true },
		{ "a\\\r\n\\b", "a\\b", true }, /* a fold inside a pair */
		{ "a\r\n\tb", "a\tb", true },
		{ "", "", true },
		{ "\\\"", "\"", true },
		{ "a\\b", "a\\b", false }, /* never written, but said */
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].raw);
		struct mr_authres_value value;
		struct mr_span text = MR_SPAN("untouched");
		char buf[4];
		int err;

		MR_NEED(t, in != NULL);
		value = (struct mr_authres_value){ mr_block_span(in), rows[i].quoted };
		err = mr_authres_text(&value, buf, sizeof(buf), &text);
		MR_CHECK_INT(t, rows[i].want != NULL ? 0 : MR_ELIMIT, err);
		MR_CHECK_SPAN(t, rows[i].want != NULL ? rows[i].want : "untouched", text);
	}
}

MR_TEST(authres_prop)
{
	static const struct {
		const char *ptype, *property, *want;
	} rows[] = {
		{ "smtp", "mailfrom", "b" },
		{ "SMTP", "MailFrom", "b" },
		{ "smtp", "helo", NULL }, /* the other result's */
		{ "header", "mailfrom", NULL },
	};
	const struct mr_span in = MR_SPAN("a; spf=pass smtp.mailfrom=b smtp.mailfrom=c; "
					  "spf=pass smtp.helo=d");
	struct mr_authres ar;

	MR_NEED(t, mr_authres_parse(in, &ar) == 0 && ar.result_count == 2);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		const struct mr_authres_prop *p =
			mr_authres_prop(&ar, &ar.result[0], mr_span_str(rows[i].ptype),
					mr_span_str(rows[i].property));

		t->row = (long)i;
		MR_CHECK(t, (p != NULL) == (rows[i].want != NULL));
		if (p != NULL)
			MR_CHECK_SPAN(t, rows[i].want, p->value.raw);
	}
}

/* head, then piece count times, then tail. */
static int parse_long(struct mr_t *t, const char *head, const char *piece, size_t count,
		      const char *tail, struct mr_authres *ar)
{
	MR_AUTO_BUF text = MR_BUF(LONG_MAX_SIZE);
	MR_AUTO(mr_block) *in = NULL;

	mr_buf_adds(&text, head);
	for (size_t i = 0; i < count; i++)
		mr_buf_adds(&text, piece);
	mr_buf_adds(&text, tail);
	if (mr_buf_err(&text) < 0 || (in = mr_test_block(t, mr_buf_span(&text))) == NULL)
		return MR_ENOMEM;
	return mr_authres_parse(mr_block_span(in), ar);
}

MR_TEST(authres_limits)
{
	static const struct {
		const char *head, *piece;
		size_t count;
		const char *tail;
		int want;
	} rows[] = {
		/* the largest field that is read, and one octet more */
		{ "a; x=y ", " ", MR_AUTHRES_SIZE_MAX - 7, "", 0 },
		{ "a; x=y ", " ", MR_AUTHRES_SIZE_MAX - 6, "", MR_ELIMIT },
		{ "a", "; x=y", MR_AUTHRES_RESULTS_MAX, "", 0 },
		{ "a", "; x=y", MR_AUTHRES_RESULTS_MAX + 1, "", MR_ELIMIT },
		{ "a; x=y", " p.q=r", MR_AUTHRES_PROPS_MAX, "", 0 },
		{ "a; x=y", " p.q=r", MR_AUTHRES_PROPS_MAX + 1, "", MR_ELIMIT },
		{ "a", "; x=y p.q=r p.q=r p.q=r", MR_AUTHRES_RESULTS_MAX, "", 0 },
		{ "a 6553", "5", 1, "; none", 0 },
		{ "a 6553", "6", 1, "; none", MR_ELIMIT },
		{ "a ", "9", 1000, "; none", MR_ELIMIT },
		{ "a; spf/", "9", 1000, "=pass", MR_ELIMIT },
		/* depth is counted, not recursed into */
		{ "a; x=y ", "(", 30000, "", MR_ESYNTAX },
		{ "a; x=y ", ")", 30000, "", MR_ESYNTAX },
		{ "a; x=y reason=\"", "\\\"", 30000, "", MR_ESYNTAX },
		{ "a; x=y ", "()", 30000, "", 0 },
		{ "a; x=y ", "(())", 15000, "(", MR_ESYNTAX },
		{ "", "(c)", 100000, "a; none", MR_ELIMIT }, /* 300 kB */
		{ "", "()", 30000, "a; none", 0 },
	};
	struct mr_authres ar;

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		int err = parse_long(t, rows[i].head, rows[i].piece, rows[i].count, rows[i].tail,
				     &ar);

		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, err);
	}
}

MR_TEST(authres_nul)
{
	static const struct mr_span rows[] = {
		MR_SPAN("a\0; none"),        MR_SPAN("\0"),
		MR_SPAN("a; spf=pass (\0)"), MR_SPAN("a; spf=pass reason=\"\0\""),
		MR_SPAN("a; spf=pass\0"),    MR_SPAN("a; spf=pass smtp.mailfrom=b\0c"),
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_block(t, rows[i]);
		struct mr_authres ar = { .version = 7 };

		t->row = (long)i;
		MR_NEED(t, in != NULL);
		MR_CHECK_INT(t, MR_ESYNTAX, mr_authres_parse(mr_block_span(in), &ar));
		MR_CHECK_INT(t, 7, ar.version);
	}
}
