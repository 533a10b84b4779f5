/* What of a message counts, on arrival and in a mailbox; and the features of known messages. */
#include "lib/base/mr_buf.h"
#include "milters/spam/extract.h"
#include "milters/spam/html.h"
#include "milters/spam/text.h"
#include "milters/spam/url.h"
#include "tests/unit/mr_spam_test.h"

#define ARENA_MAX ((size_t)16 << 20)

#define OURS                                                                                       \
	"X-Spam-Flag: NO\nX-Spam-Score: 1.250\n"                                                   \
	"X-Spam-Status: No, score=1.250 required=5.000 scorer=millrace\n\tbecause: text +1.2\n"
#define MTA    "Received: from c (c [192.0.2.1])\n\tby mx.example.org (Postfix) with ESMTP id 1;\n"
#define LMTP   "Received: from mx.example.org by mx.example.org with LMTP id 2;\n"
#define DELIV  "Return-Path: <a@b>\nDelivered-To: u@example.org\n"
#define MAIL   "Received: from x by y; today\nFrom: a@b\nSubject: s\n\nbody\nof it\n"
#define FIELDS "Received From Subject "

/* The names of the fields that count, each with a blank behind it. */
static int names_of(const char *raw, enum mr_spam_where where, struct mr_arena *arena,
		    struct mr_buf *out, uint8_t digest[MR_SPAM_DIGEST_SIZE])
{
	struct mr_spam_view view;
	struct mr_msg msg;
	int err;

	if ((err = mr_msg_parse(mr_span_str(raw), &mr_msg_limits_default, arena, &msg)) < 0 ||
	    (err = mr_spam_view_init(&view, &msg, where, MR_SPAN(""), arena)) < 0)
		return err;
	for (uint32_t i = 0; i < view.count; i++) {
		mr_buf_add(out, view.field[i]->name);
		mr_buf_addc(out, ' ');
	}
	mr_spam_view_digest(&view, digest);
	return mr_buf_err(out);
}

MR_TEST(spam_view_rules)
{
	static const struct {
		const char *raw;
		enum mr_spam_where where;
		const char *names;
		bool same; /* as MAIL on its arrival */
	} rows[] = {
		{ MAIL, MR_SPAM_ARRIVING, FIELDS, true },
		{ MAIL, MR_SPAM_STORED, FIELDS, true }, /* rule 3: a file from elsewhere */
		/* nothing, and no field */
		{ "", MR_SPAM_ARRIVING, "", false },
		{ "", MR_SPAM_STORED, "", false },
		{ "\nbody\n", MR_SPAM_STORED, "", false },
		/* rule 1 */
		{ OURS MTA MAIL, MR_SPAM_STORED, FIELDS, true },
		{ DELIV OURS MTA MAIL, MR_SPAM_STORED, FIELDS, true },
		{ DELIV LMTP OURS MTA MAIL, MR_SPAM_STORED, FIELDS, true },
		{ "X-Later: 1\n" OURS "X-Virus-Status: Clean\n" MTA MAIL, MR_SPAM_STORED, FIELDS,
		  true },
		/* rule 2 */
		{ DELIV MTA MAIL, MR_SPAM_STORED, FIELDS, true },
		{ DELIV LMTP MTA MAIL, MR_SPAM_STORED, FIELDS, true },
		/* a filter of others, SpamAssassin for one, between delivery and Received */
		{ DELIV "X-Spam-Status: No, score=1\n" MTA MAIL, MR_SPAM_STORED, FIELDS, true },
		/* what a mailbox and a client add */
		{ DELIV MTA "Status: RO\nX-Keywords:\nX-UID: 7\nContent-Length: 9\nLines: 2\n"
			    "X-Mozilla-Status: 0001\n" MAIL,
		  MR_SPAM_STORED, FIELDS, true },
		/* forged from outside: on arrival neither counts nor makes anything else go */
		{ OURS MAIL, MR_SPAM_ARRIVING, FIELDS, true },
		{ "Authentication-Results: x; spf=pass\nX-Millrace-TLS: 1\n" MAIL, MR_SPAM_ARRIVING,
		  FIELDS, true },
		/* CR LF, other folds, empty lines at the end */
		{ "Received:  from x\r\n by\ty; today\r\nFrom: a@b\r\nSubject: s\r\n\r\nbody\r\n"
		  "of it\r\n\r\n",
		  MR_SPAM_ARRIVING, FIELDS, true },
		/* another body, another field, another name: another message */
		{ MAIL "x", MR_SPAM_ARRIVING, FIELDS, false },
		{ "X: 1\n" MAIL, MR_SPAM_ARRIVING, "X " FIELDS, false },
		{ MTA MAIL, MR_SPAM_STORED, "Received " FIELDS, false },
		{ "\nbody", MR_SPAM_STORED, "", false },
		{ "", MR_SPAM_STORED, "", false },
	};
	uint8_t want[MR_SPAM_DIGEST_SIZE], got[MR_SPAM_DIGEST_SIZE];

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO_BUF names = MR_BUF(1000);

		t->row = (long)i;
		MR_NEED(t, arena != NULL &&
				   names_of(rows[i].raw, rows[i].where, arena, &names, got) == 0);
		MR_CHECK_SPAN(t, rows[i].names, mr_buf_span(&names));
		if (i == 0)
			memcpy(want, got, sizeof(want));
		MR_CHECK(t, rows[i].same == (memcmp(want, got, sizeof(want)) == 0));
	}
}

MR_TEST(spam_view_upstream)
{
	static const struct {
		const char *raw;
		enum mr_spam_where where;
		const char *name;
		int want;
	} rows[] = {
		{ "X-Rspamd-Score: 7.41\n\n", MR_SPAM_ARRIVING, "X-Rspamd-Score", 7 },
		{ "X-Rspamd-Score: -12\n\n", MR_SPAM_ARRIVING, "x-rspamd-score", -12 },
		{ "X-Spam-Status: Yes, score=8.9 required=5\n\n", MR_SPAM_ARRIVING, "X-Spam-Status",
		  8 },
		{ "X-Spam-Flag: YES\n\n", MR_SPAM_ARRIVING, "X-Spam-Flag", 10 },
		{ "X-Spam-Flag: NO\n\n", MR_SPAM_ARRIVING, "X-Spam-Flag", 0 },
		{ "X-Rspamd-Score: 99999999999999\n\n", MR_SPAM_ARRIVING, "X-Rspamd-Score", 999 },
		/* nobody is named, or the field is not there */
		{ "X-Rspamd-Score: 7\n\n", MR_SPAM_ARRIVING, "", MR_SPAM_UPSTREAM_NONE },
		{ "From: a@b\n\n", MR_SPAM_ARRIVING, "X-Rspamd-Score", MR_SPAM_UPSTREAM_NONE },
		/* the field is gone from a stored message; ours remembers */
		{ "X-Spam-Status: No, score=1.0 required=5.000 scorer=millrace upstream=7\n\n",
		  MR_SPAM_STORED, "X-Rspamd-Score", 7 },
		{ "X-Spam-Status: No, score=1.0 required=5.000 scorer=millrace\n\n", MR_SPAM_STORED,
		  "X-Rspamd-Score", MR_SPAM_UPSTREAM_NONE },
		/* not ours: anybody may write that */
		{ "X-Spam-Status: No, upstream=7\n\n", MR_SPAM_STORED, "", MR_SPAM_UPSTREAM_NONE },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].raw);
		struct mr_spam_view view;
		struct mr_msg msg;

		MR_NEED(t, arena != NULL && in != NULL);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		MR_NEED(t, mr_spam_view_init(&view, &msg, rows[i].where, mr_span_str(rows[i].name),
					     arena) == 0);
		MR_CHECK_INT(t, rows[i].want, view.upstream);
	}
}

/* -- features --------------------------------------------------------------------------------- */

MR_TEST(spam_features_of_a_message)
{
	struct mr_spam_test s;

	if (mr_spam_test_init(t, &s, 0, "Subject: Buy now\nX-A: b\n\nBuy 100 pills, buy!\n") &&
	    mr_spam_test_message(t, &s)) {
		MR_CHECK_SPAN(t, "header-name:Subject header-name:X-A ",
			      mr_spam_test_list(s.f, MR_SPAM_NAME, &s.text));
		MR_CHECK_SPAN(t, "header-word:Buy header-word:now pair:now header-word:b ",
			      mr_spam_test_list(s.f, MR_SPAM_HEAD, &s.text));
		MR_CHECK_SPAN(t, "word:Buy word:100 pair:100 word:pills pair:pills pair:buy ",
			      mr_spam_test_list(s.f, MR_SPAM_WORD, &s.text));
		MR_CHECK_INT(t, 0, s.f->family[MR_SPAM_URL].count);
		/* "Subject: Buy now\nX-A: b\n\nBuy 100 pills, buy!" has 44 bytes, so 41 sequences of
		 * four, of which "Buy " stands there twice */
		MR_CHECK_INT(t, 40, s.f->family[MR_SPAM_GRAM].count);
	}
	mr_spam_test_done(&s);
}

/* When mail was sent says nothing of it: no word of Date, none behind the last semicolon of Received
 * (RFC 5322 3.6.7). */
MR_TEST(spam_dates_say_nothing)
{
	static const char raw[] = "Received: from a (b; c) by d; Mon, 4 Nov 2002 10:00:00 +0100\n"
				  "Received: without\n"
				  "Date: Mon, 4 Nov 2002 10:00:00 +0100\n\n.\n";
	struct mr_spam_test s;

	if (mr_spam_test_init(t, &s, 0, raw) && mr_spam_test_message(t, &s))
		MR_CHECK_SPAN(t,
			      "header-word:from header-word:a header-word:b header-word:c "
			      "header-word:by header-word:d header-word:without ",
			      mr_spam_test_list(s.f, MR_SPAM_HEAD, &s.text));
	mr_spam_test_done(&s);
}

MR_TEST(spam_words)
{
	static const struct {
		const char *a, *b;
		bool same; /* one feature, or two */
	} rows[] = {
		{ "viagra", "VIAGRA", true },
		{ "2003", "17", true }, /* a number is a number */
		{ "a2b", "a33b", true },
		{ "viagra", "viagre", false },
		{ "'quoted'", "quoted", true },
		{ "don't", "dont", false },
		{ "\xC3\xA4", "\xC3\xB6", false },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
		struct mr_spam_words w = { .f = f, .family = MR_SPAM_WORD, .kind = "word" };

		MR_NEED(t, f != NULL);
		t->row = (long)i;
		mr_spam_words_add(&w, mr_span_str(rows[i].a));
		mr_spam_words_add(&w, mr_span_str(rows[i].b));
		MR_CHECK_INT(t, rows[i].same ? 1 : 2, f->family[MR_SPAM_WORD].count);
	}
}

MR_TEST(spam_urls)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "see http://www.shop.example.com/buy now",
		  "scheme:http path:buy host:www.shop.example.com domain:example.com "
		  "top-level:.com " },
		/* in the registry of the United Kingdom names are sold at the third level */
		{ "HTTP://a.B.co.uk", "scheme:HTTP host:a.b.co.uk domain:b.co.uk top-level:.uk " },
		{ "http://192.0.2.7:8080/", "scheme:http link-trait:a port host:192.0.2.7 "
					    "link-trait:a number for a host " },
		/* the same number in one piece: 192 * 2^24 + 2 * 2^8 + 7 */
		{ "http://3221225991/",
		  "scheme:http host:192.0.2.7 link-trait:a number for a host " },
		{ "http://bank.example.com@evil.example.net/",
		  "scheme:http link-trait:a user name before the host host:evil.example.net "
		  "domain:example.net top-level:.net " },
		{ "http://a.b.c.d.example.org",
		  "scheme:http host:a.b.c.d.example.org domain:example.org top-level:.org "
		  "link-trait:a host of many labels " },
		{ "no link: // here", "" },
		{ "://", "" },
	};
	MR_AUTO(mr_psl) *psl = mr_psl_new(NULL);

	MR_NEED(t, psl != NULL);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_spam_features) *f = mr_spam_features_new(psl);
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].text);
		MR_AUTO_BUF out = MR_BUF(10000);

		MR_NEED(t, f != NULL && in != NULL && arena != NULL);
		MR_NEED(t, mr_spam_url_find(f, mr_block_span(in), NULL, arena) == 0);
		MR_CHECK_SPAN(t, rows[i].want, mr_spam_test_list(f, MR_SPAM_URL, &out));
	}
}

MR_TEST(spam_html)
{
	static const char html[] =
		"<a href=\"http://evil.example.com/\">click</a><style>p { x }</style> her&eacute;"
		"<p style='color: RED;font-size:0'>x</p><!-- c -->";
	MR_AUTO(mr_psl) *psl = mr_psl_new(NULL);
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(psl);
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_spam_words w = { .f = f, .family = MR_SPAM_WORD, .kind = "word" };
	MR_AUTO_BUF out = MR_BUF(10000);

	MR_NEED(t, f != NULL && arena != NULL);
	MR_NEED(t, mr_spam_html_add(&w, mr_span_str(html), arena) == 0);
	MR_CHECK_SPAN(t, "word:click word:here ", mr_spam_test_list(f, MR_SPAM_WORD, &out));
	MR_CHECK_SPAN(t, "scheme:http host:evil.example.com domain:example.com top-level:.com ",
		      mr_spam_test_list(f, MR_SPAM_URL, &out));
	MR_CHECK_SPAN(t,
		      "tag:a attribute:href tag:style tag:p attribute:style style:color: RED "
		      "style:font-size:0 count:links count:images count:comments count:tags "
		      "count:bytes of visible text ",
		      mr_spam_test_list(f, MR_SPAM_HTML, &out));
}
