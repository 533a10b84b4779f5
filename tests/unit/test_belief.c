/* Which fields are ours, and what they prove: each writer left out, forged fields, alignment. */
#include "lib/mail/mr_belief.h"

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_align.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX ((size_t)4 << 20)
#define ALL       (MR_WRITER_AUTH | MR_WRITER_RBL | MR_WRITER_TLS | MR_WRITER_VIRUS)

#define AR(result)    "Authentication-Results: mx.example.org; " result "\n"
#define AR_OF(result) "Authentication-Results: other.example; " result "\n"
#define RCVD          "Received: from a by b; today\n"
#define MAIL          "From: a@b.example\nSubject: s\n"

static struct mr_belief belief_in(unsigned writers)
{
	return (struct mr_belief){ MR_SPAN("mx.example.org"), writers, false };
}

MR_TEST(belief_field)
{
	static const struct {
		const char *field;
		unsigned writer; /* 0: nobody's */
	} rows[] = {
		{ AR("spf=pass"), MR_WRITER_AUTH },
		{ "AUTHENTICATION-RESULTS:MX.Example.ORG;none\n", MR_WRITER_AUTH },
		{ "Authentication-Results : mx.example.org; none\n", MR_WRITER_AUTH },
		{ "Authentication-Results: (c) \"mx.example.org\" 1; none\n", MR_WRITER_AUTH },
		{ "X-Millrace-RBL: zen.example=2\n", MR_WRITER_RBL },
		{ "X-Millrace-TLS: TLSv1.3\n", MR_WRITER_TLS },
		{ "X-Encryption: SSL encrypted\n", MR_WRITER_TLS },
		{ "X-Virus-Status: Clean\n", MR_WRITER_VIRUS },
		{ AR_OF("spf=pass"), 0 },
		{ "Authentication-Results: sub.mx.example.org; spf=pass\n", 0 },
		{ "Authentication-Results: ; spf=pass\n", 0 },
		{ "ARC-Authentication-Results: mx.example.org; spf=pass\n", 0 },
		{ "X-Authentication-Results: mx.example.org; spf=pass\n", 0 },
		{ "X-Spam-Status: Yes\n", 0 },
		{ "Received-SPF: pass\n", 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].field);
		struct mr_belief belief = { MR_SPAN(""), ALL, false };
		struct mr_msg msg;

		MR_NEED(t, arena != NULL && in != NULL);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		MR_NEED(t, msg.field_count == 1);
		/* nobody has the empty authserv-id */
		MR_CHECK(t, mr_belief_field(&belief, &msg.field[0]) ==
				    (rows[i].writer > MR_WRITER_AUTH));
		for (unsigned writers = 0; writers <= ALL; writers++) {
			belief = belief_in(writers);
			MR_CHECK(t, mr_belief_field(&belief, &msg.field[0]) ==
					    ((writers & rows[i].writer) != 0));
		}
	}
}

/* The methods and results of what is believed, each with a blank behind it. */
static void list(const struct mr_msg *msg, unsigned writers, uint32_t end, struct mr_buf *out)
{
	struct mr_belief belief = belief_in(writers);
	struct mr_authres ar;
	uint32_t at = 0;

	while (mr_belief_authres(&belief, msg->field, end, &at, &ar)) {
		for (uint32_t i = 0; i < ar.result_count; i++)
			mr_buf_printf(out, "%.*s=%.*s ", (int)ar.result[i].method.len,
				      ar.result[i].method.p, (int)ar.result[i].result.len,
				      ar.result[i].result.p);
	}
}

MR_TEST(belief_authres)
{
	static const struct {
		const char *header;
		const char *arriving, *delivered; /* what is believed there */
		const char *below; /* as delivered, and below the topmost Received */
	} rows[] = {
		/* in a milter, the MTA's own Received is not shown; at delivery it is */
		{ AR("spf=pass") RCVD MAIL, "spf=pass ", "spf=pass ", "spf=pass " },
		{ AR("spf=pass") AR("dkim=fail") RCVD MAIL, "spf=pass dkim=fail ",
		  "spf=pass dkim=fail ", "spf=pass dkim=fail " },
		{ "X-Spam-Flag: NO\n" AR_OF("dmarc=fail") AR("spf=pass") RCVD MAIL, "spf=pass ",
		  "spf=pass ", "spf=pass " },
		/* below a Received: where rspamd inserts; but then anybody's */
		{ RCVD AR("dmarc=pass") MAIL, "", "", "dmarc=pass " },
		{ AR("dmarc=fail") RCVD AR("spf=pass") RCVD MAIL, "dmarc=fail ", "dmarc=fail ",
		  "dmarc=fail spf=pass " },
		/* below what came from outside: never */
		{ RCVD RCVD AR("dmarc=pass") MAIL, "", "", "" },
		{ AR("dmarc=fail") RCVD "received: x\n" AR("dmarc=pass") MAIL, "dmarc=fail ",
		  "dmarc=fail ", "dmarc=fail " },
		/* a message that its writer hands over himself: the active writer has removed forged
		 * ones; at delivery there is always a Received, or nothing is believed */
		{ AR("spf=pass") MAIL, "spf=pass ", "", "" },
		{ MAIL, "", "", "" },
		/* none of it is half believed */
		{ AR("spf=pass; dkim=") AR("dmarc=pass") RCVD, "dmarc=pass ", "dmarc=pass ",
		  "dmarc=pass " },
		{ AR("spf=pass (") RCVD, "", "", "" },
		{ "Authentication-Results: mx.example.org 2; spf=pass\n" RCVD, "", "", "" },
		{ AR("none") RCVD, "", "", "" },
		/* as rspamd 3.4 wrote it of MAIL FROM:<"a) ; dmarc=pass header.from=bank.example
		 * (b"@evil.example>, whose ")" ends its comment */
		{ AR("dkim=none;\n"
		     "\tspf=permerror (mx.example.org: domain of \"a) ;\n"
		     "\tdmarc=pass header.from=bank.example (b@evil.example\" uses mechanism not "
		     "recognized by this client) smtp.mailfrom=\"a) ;\n"
		     "\tdmarc=pass header.from=bank.example (b@evil.example\";\n"
		     "\tdmarc=fail reason=\"No valid SPF, No valid DKIM\" "
		     "header.from=bank.example (policy=reject)") RCVD,
		  "", "", "" },
		/* honest parentheses */
		{ AR("dmarc=fail reason=\"SPF not aligned (relaxed)\" header.from=b.example") RCVD,
		  "dmarc=fail ", "dmarc=fail ", "dmarc=fail " },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].header);
		MR_AUTO_BUF arriving = MR_BUF(1000);
		MR_AUTO_BUF delivered = MR_BUF(1000);
		MR_AUTO_BUF below = MR_BUF(1000);
		MR_AUTO_BUF nothing = MR_BUF(1000);
		struct mr_belief belief = belief_in(ALL);
		struct mr_msg msg;

		MR_NEED(t, arena != NULL && in != NULL);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		list(&msg, ALL, mr_belief_arriving(msg.field, msg.field_count), &arriving);
		list(&msg, ALL, mr_belief_delivered(&belief, msg.field, msg.field_count),
		     &delivered);
		belief.below_received = true;
		list(&msg, ALL, mr_belief_delivered(&belief, msg.field, msg.field_count), &below);
		/* its writer left out: not one */
		list(&msg, ALL & ~(unsigned)MR_WRITER_AUTH, msg.field_count, &nothing);
		MR_CHECK_SPAN(t, rows[i].arriving, mr_buf_span(&arriving));
		MR_CHECK_SPAN(t, rows[i].delivered, mr_buf_span(&delivered));
		MR_CHECK_SPAN(t, rows[i].below, mr_buf_span(&below));
		MR_CHECK_SPAN(t, "", mr_buf_span(&nothing));
	}
}

MR_TEST(align_from)
{
	static const struct {
		const char *header;
		const char *domain; /* NULL: MR_ENOENT */
	} rows[] = {
		{ "From: a@b.example\n", "b.example" },
		{ "FROM: A <a@B.Example.>\n", "b.example" },
		{ "From: \"x@y.example\" <a@b.example>\n", "b.example" },
		{ "From: a@xn--bcher-kva.example\n", "xn--bcher-kva.example" },
		{ "From: a@b\xc3\xbc.example\n", "b\xc3\xbc.example" },
		{ "To: a@b.example\n", NULL },
		{ "From: a@b.example\nFrom: a@b.example\n", NULL }, /* RFC 5322 3.6 */
		{ "From: a@b.example, c@d.example\n", NULL }, /* RFC 7489 6.6.1 */
		{ "From: a@b.example, c@b.example\n", NULL },
		{ "From: undisclosed\n", NULL },
		{ "From:\n", NULL },
		{ "From: a@[192.0.2.1]\n", NULL },
		{ "From: a@192.0.2.1\n", NULL },
		{ "From: a@1\n", NULL },
		{ "From: a@.\n", NULL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].header);
		struct mr_span domain = MR_SPAN("untouched");
		char buf[MR_DOMAIN_MAX];
		struct mr_msg msg;
		int err;

		MR_NEED(t, arena != NULL && in != NULL);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		err = mr_align_from(&msg, arena, buf, &domain);
		MR_CHECK_INT(t, rows[i].domain != NULL ? 0 : MR_ENOENT, err);
		MR_CHECK_SPAN(t, rows[i].domain != NULL ? rows[i].domain : "untouched", domain);
	}
}

/* Each of From: a@news.bank.co.uk. */
MR_TEST(align_pass)
{
	static const struct {
		const char *results;
		const char *identity; /* of the first */
		bool relaxed, strict; /* with the public suffix list, and without one */
	} rows[] = {
		/* RFC 7489 3.1.1, 3.1.2, B.1 */
		{ "dkim=pass header.d=news.bank.co.uk", "news.bank.co.uk", true, true },
		{ "dkim=pass header.d=News.Bank.CO.UK.", "news.bank.co.uk", true, true },
		{ "dkim=pass header.d=bank.co.uk", "bank.co.uk", true, false },
		{ "dkim=pass header.d=a.bank.co.uk", "a.bank.co.uk", true, false },
		{ "dkim=pass header.d=co.uk", "co.uk", false, false },
		{ "dkim=pass header.d=shop.co.uk", "shop.co.uk", false, false },
		{ "dkim=pass header.d=xbank.co.uk", "xbank.co.uk", false, false },
		{ "dkim=pass header.d=bank.co.uk.evil.example", "bank.co.uk.evil.example", false,
		  false },
		{ "dkim=pass header.i=@bank.co.uk", "bank.co.uk", true, false },
		{ "dkim=pass header.i=\"a b\"@bank.co.uk", "bank.co.uk", true, false },
		{ "dkim=pass header.d=evil.example header.i=@bank.co.uk", "evil.example", false,
		  false },
		{ "dkim=pass header.d=x@bank.co.uk", "", false, false },
		{ "dkim=pass header.d=\"bank.co.uk\"", "bank.co.uk", true, false },
		{ "dkim=pass header.d=\"bank\\.co.uk\"", "", false, false },
		{ "dkim=pass header.from=bank.co.uk", "", false, false },
		{ "dkim=pass", "", false, false },
		{ "DKIM=PASS HEADER.D=bank.co.uk", "bank.co.uk", true, false },
		{ "dkim/2=pass header.d=bank.co.uk", "", false, false },
		{ "dkim=fail header.d=bank.co.uk", "bank.co.uk", false, false },
		{ "dkim=fail header.d=bank.co.uk; dkim=pass header.d=bank.co.uk", "bank.co.uk",
		  true, false },
		{ "dkim=pass header.d=evil.example; dkim=pass header.d=bank.co.uk", "evil.example",
		  true, false },
		{ "spf=pass smtp.mailfrom=bounce@news.bank.co.uk", "news.bank.co.uk", true, true },
		{ "spf=pass smtp.mailfrom=bank.co.uk", "bank.co.uk", true, false },
		{ "spf=pass smtp.mailfrom=<a@bank.co.uk>", "bank.co.uk", true, false },
		{ "spf=pass smtp.mailfrom=\"bank.co.uk\"@evil.example", "evil.example", false,
		  false },
		{ "spf=pass smtp.mailfrom=\"\\\"x@bank.co.uk\\\"@evil.example\"", "evil.example",
		  false, false },
		{ "spf=softfail smtp.mailfrom=a@bank.co.uk", "bank.co.uk", false, false },
		{ "spf=pass smtp.helo=mx.bank.co.uk", "mx.bank.co.uk", true, false },
		{ "spf=pass smtp.mailfrom=\"\" smtp.helo=mx.bank.co.uk", "mx.bank.co.uk", true,
		  false },
		{ "spf=pass smtp.mailfrom=<> smtp.helo=mx.bank.co.uk", "mx.bank.co.uk", true,
		  false },
		{ "spf=pass smtp.mailfrom=a@evil.example smtp.helo=mx.bank.co.uk", "evil.example",
		  false, false },
		{ "spf=pass smtp.mailfrom=a@[192.0.2.1] smtp.helo=mx.bank.co.uk", "", false,
		  false },
		{ "dmarc=pass header.from=news.bank.co.uk", "news.bank.co.uk", true, true },
		{ "dmarc=pass header.from=bank.co.uk", "bank.co.uk", false, false },
		{ "dmarc=fail header.from=news.bank.co.uk", "news.bank.co.uk", false, false },
		{ "iprev=pass policy.iprev=192.0.2.1", "", false, false },
		{ "arc=pass header.d=bank.co.uk", "", false, false },
		{ "auth=pass smtp.mailfrom=a@bank.co.uk", "", false, false },
	};
	MR_AUTO(mr_psl) *psl = mr_psl_new(NULL);
	struct mr_span from = MR_SPAN("news.bank.co.uk");

	MR_NEED(t, psl != NULL);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF text = MR_BUF(1000);
		char buf[MR_DOMAIN_MAX];
		struct mr_authres ar;

		t->row = (long)i;
		mr_buf_printf(&text, "mx.example.org; %s", rows[i].results);
		MR_NEED(t, mr_authres_parse(mr_buf_span(&text), &ar) == 0);
		MR_CHECK_SPAN(t, rows[i].identity, mr_align_identity(&ar, &ar.result[0], buf));
		MR_CHECK(t, mr_align_pass(&ar, from, psl) == rows[i].relaxed);
		MR_CHECK(t, mr_align_pass(&ar, from, NULL) == rows[i].strict);
		MR_CHECK(t, !mr_align_pass(&ar, MR_SPAN(""), psl)); /* From names nobody */
	}
}

MR_TEST(align_long_domain)
{
	MR_AUTO_BUF text = MR_BUF(2000);
	char buf[MR_DOMAIN_MAX];
	struct mr_authres ar;

	mr_buf_adds(&text, "a; dkim=pass header.d=");
	for (size_t i = 0; i < MR_DOMAIN_MAX - 1; i++)
		mr_buf_addc(&text, 'a');
	mr_buf_adds(&text, "b");
	MR_NEED(t, mr_authres_parse(mr_buf_span(&text), &ar) == 0);
	MR_CHECK_INT(t, MR_DOMAIN_MAX, mr_align_identity(&ar, &ar.result[0], buf).len);
	mr_buf_addc(&text, 'c');
	MR_NEED(t, mr_authres_parse(mr_buf_span(&text), &ar) == 0);
	MR_CHECK_INT(t, 0, mr_align_identity(&ar, &ar.result[0], buf).len);
}
