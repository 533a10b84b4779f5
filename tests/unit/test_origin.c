#include "lib/mail/mr_origin.h"

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "tests/unit/mr_test.h"

#define AR  "Authentication-Results: mx.example.org;"
#define ANN "From: Ann <ann@a.example>\n"

static const struct mr_belief ours = { .authserv_id = MR_SPAN("mx.example.org"),
				       .writers = MR_WRITER_AUTH | MR_WRITER_VIRUS };
static const struct mr_belief nobody = { .authserv_id = MR_SPAN("mx.example.org"), .writers = 0 };

/* p: proven, a: answerable, s: suspect; then the first key of each From, and of the envelope. */
static int read_it(struct mr_span raw, const char *sender, const struct mr_belief *belief,
		   struct mr_buf *out)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(4u << 20);
	struct mr_origin *o = arena ? mr_arena_alloc(arena, sizeof(*o)) : NULL;
	struct mr_msg msg;
	int err = MR_ENOMEM;

	if (o && (err = mr_msg_parse(raw, &mr_msg_limits_default, arena, &msg)) == 0)
		err = mr_origin_read(
			&msg, mr_span_str(sender), belief,
			mr_belief_delivered(belief, msg.field, msg.part[0].field_count), NULL,
			arena, o);
	if (err < 0)
		return err;
	(void)mr_buf_printf(out, "%s%s%s", o->proven ? "p" : "", o->answerable ? "a" : "",
			    o->suspect ? "s" : "");
	for (size_t i = 0; i < o->from_count; i++)
		(void)mr_buf_printf(out, " %s", o->from[i].key[0]);
	return mr_buf_printf(out, " <%s>", o->envelope.count > 0 ? o->envelope.key[0] : "");
}

#define RCVD "Received: from x by y id 1; today\n"

MR_TEST(origin_read)
{
	static const struct {
		const char *header, *sender, *want;
	} rows[] = {
		/* RFC 8601 2.7.1, RFC 7489 3.1 */
		{ AR " dkim=pass header.d=a.example\n" RCVD ANN, "Bounce@a.example",
		  "pa ann@a.example <bounce@a.example>" },
		{ AR " dkim=pass header.d=a.example\n" RCVD ANN, "b@x.example",
		  "p ann@a.example <b@x.example>" },
		{ AR " spf=pass smtp.mailfrom=x@b.example\n" RCVD ANN, "x@b.example",
		  "a ann@a.example <x@b.example>" },
		{ AR " dkim=pass header.d=evil.example\n" RCVD ANN, "", " ann@a.example <>" },
		{ AR " dkim=fail header.d=a.example\n" RCVD ANN, "", " ann@a.example <>" },
		{ AR " none\n" RCVD ANN, "", " ann@a.example <>" },
		/* forged below our MTA's Received; another's id; without any Received */
		{ RCVD AR " dkim=pass header.d=a.example\n" ANN, "a@a.example",
		  " ann@a.example <a@a.example>" },
		{ "Authentication-Results: evil.example; dkim=pass header.d=a.example\n" RCVD ANN,
		  "", " ann@a.example <>" },
		{ AR " dkim=pass header.d=a.example\n" ANN, "", " ann@a.example <>" },
		/* whose message is it? */
		{ AR " dkim=pass header.d=a.example\n" RCVD ANN "From: bob@b.example\n", "",
		  " ann@a.example bob@b.example <>" },
		{ AR " dkim=pass header.d=a.example\n" RCVD "From: ann@a.example, bob@b.example\n",
		  "", " ann@a.example bob@b.example <>" },
		{ AR " dkim=pass header.d=a.example\n" RCVD "From: friends:;\n", "", " <>" },
		{ AR " dkim=pass header.d=a.example\n" RCVD "Subject: no From\n", "c@a.example",
		  "a <c@a.example>" },
		{ AR " dkim=pass header.d=a.example\n" RCVD
		     "From: \"ann@a.example\" <bob@b.example>\n",
		  "", " bob@b.example <>" },
		/* four addresses are looked at */
		{ RCVD "From: a@x.y, b@x.y, c@x.y\nFrom: d@x.y, e@x.y\n", "",
		  " a@x.y b@x.y c@x.y d@x.y <>" },
		{ RCVD "From: \"a b\"@x.y\n", "\"ann\"@a.example", " x.y <ann@a.example>" },
		{ RCVD ANN, "mailer", " ann@a.example <>" },
		{ "X-Virus-Status: Clean\n" RCVD ANN, "", " ann@a.example <>" },
		{ "X-Virus-Status: clean (x)\n" RCVD ANN, "", " ann@a.example <>" },
		{ "X-Virus-Status: Cleaned\n" RCVD ANN, "", "s ann@a.example <>" },
		{ "X-Virus-Status: Infected (Eicar)\n" RCVD ANN, "", "s ann@a.example <>" },
		{ "X-Virus-Status: Unscanned\n" RCVD ANN, "", "s ann@a.example <>" },
		{ RCVD "X-Virus-Status: Infected\n" ANN, "", " ann@a.example <>" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].header);
		MR_AUTO_BUF got = MR_BUF(4096);
		MR_AUTO_BUF unproven = MR_BUF(4096);

		MR_CHECK_INT(t, 0, read_it(mr_block_span(in), rows[i].sender, &ours, &got));
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&got));
		/* With the writer left out nothing is proven. */
		MR_CHECK_INT(t, 0, read_it(mr_block_span(in), rows[i].sender, &nobody, &unproven));
		MR_CHECK_SPAN(t, strchr(rows[i].want, ' '), mr_buf_span(&unproven));
	}
}
