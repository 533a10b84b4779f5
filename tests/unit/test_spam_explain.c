/* What decided, in words: millrace spam explain, and X-Spam-Status. */
#include <math.h>

#include "milters/spam/explain.h"
#include "milters/spam/status.h"
#include "tests/unit/mr_spam_test.h"

#define BITS 16

static int16_t weights[2][1 << BITS];
static const struct mr_spam_model model = { .weight = { weights[0], weights[1] },
					    .bits = { BITS, BITS },
					    .threshold = 5.0 };

/* A message and what is known of it, under a model that knows nothing yet. */
struct bench {
	struct mr_spam_test s;
	struct mr_spam_score score;
};

static bool bench_init(struct mr_t *t, struct bench *b, size_t row, const char *raw)
{
	memset(weights, 0, sizeof(weights));
	return mr_spam_test_init(t, &b->s, row, raw) && mr_spam_test_message(t, &b->s);
}

static void bench_done(struct bench *b)
{
	mr_spam_test_done(&b->s);
}

static bool says(const struct mr_spam_reason *r, const char *want)
{
	MR_AUTO_BUF text = MR_BUF(1000);

	mr_spam_reason_text(r, &text);
	return mr_span_eq(mr_buf_span(&text), mr_span_str(want));
}

/* The slot of the feature that is called that; NULL: there is none. */
static int16_t *slot_of(const struct bench *b, const char *name)
{
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &b->s.f->family[i];

		for (uint32_t k = 0; k < l->count && l->origin != NULL; k++) {
			struct mr_spam_reason r = { i, 1, &l->origin[k] };

			if (says(&r, name))
				return &weights[0][l->key[k] >> (MR_SPAM_KEY_BITS - BITS)];
		}
	}
	return NULL;
}

/* The feature says so many log-odds, before its family is normalised. */
static void weigh(struct mr_t *t, const struct bench *b, const char *name, int log_odds)
{
	int16_t *slot = slot_of(b, name);

	MR_CHECK(t, slot != NULL);
	if (slot != NULL)
		*slot = (int16_t)htole16((uint16_t)(log_odds * 1024));
}

static size_t explain(struct bench *b, struct mr_spam_reason list[MR_SPAM_REASONS_MAX])
{
	mr_spam_score(&model, b->s.f, &b->score);
	return mr_spam_explain(&model, b->s.f, &b->score, list, MR_SPAM_REASONS_MAX);
}

MR_TEST(spam_explain_in_words)
{
	static const struct {
		const char *raw, *want;
	} rows[] = {
		{ "Content-Type: text/plain\n\nx\n", "a part that names no charset" },
		{ "Content-Type: text/plain; charset=koi8-r\n\nx\n",
		  "a part in charset \"koi8-r\"" },
		{ "Content-Type: text/plain\n\nx\n",
		  "a part sent without base64 or quoted-printable" },
		{ "Content-Transfer-Encoding: base64\n\nYQ==\n", "a part encoded as base64" },
		{ "Content-Type: text/html\n\nx\n", "a part of type text/html" },
		{ "Content-Type: text/html\n\n<meta content=\"a/b\">",
		  "content=\"a/b\" in the tag <meta>" },
		{ "Content-Type: text/html\n\n<td nowrap>",
		  "the attribute nowrap in the tag <td>" },
		{ "\nhttp://a.example/alpha?beta=1\n", "\"alpha\" in the path of a link" },
		{ "\nhttp://a.example/alpha?beta=1\n", "\"beta\" behind the \"?\" of a link" },
		{ "Content-Type: text/html\n\nx\n", "the number of comments in the HTML: none" },
		{ "Content-Type: text/html\n\nx<!--1--><!--2--><!--3-->",
		  "the number of comments in the HTML: 2 to 3" },
		{ "\nv1agra v1agra v1agra v1agra\n", "digits for letters: 4 to 7" },
		{ "Content-Type: text/html\n\n<p style=\"display:none\">secret</p>",
		  "text that is not displayed: 4 to 7 bytes" },
		{ "From: a@mail.example.com\n\nx\n", "a name that ends in \".com\" in From" },
		{ "From: a@mail.example.com\n\nx\n", "\"example\" in From" },
		{ "Received: from mail.example.net by b\n\nx\n",
		  "a name that ends in \".net\" in Received" },
		{ "Subject: about 1.3.10\n\nx\n", "\"10\" in Subject" },
		{ "Subject: the May sun\n\nx\n", "\"May\" in Subject" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct bench b;

		if (bench_init(t, &b, i, rows[i].raw))
			MR_CHECK(t, slot_of(&b, rows[i].want) != NULL);
		bench_done(&b);
	}
}

/* Whether a date's words are features is extract's business: here they are given. */
MR_TEST(spam_explain_dates)
{
	static const struct {
		struct mr_span field, text;
		const char *want;
	} rows[] = {
		{ MR_SPAN("Date"), MR_SPAN("Nov"), "the month in Date, \"Nov\"" },
		{ MR_SPAN("date"), MR_SPAN("tue"), "the weekday in date, \"tue\"" },
		{ MR_SPAN("Received"), MR_SPAN("Jan"), "the month in Received, \"Jan\"" },
		{ MR_SPAN("Date"), MR_SPAN("anF"), "\"anF\" in Date" },
		{ MR_SPAN("Date"), MR_SPAN("GMT"), "\"GMT\" in Date" },
		{ MR_SPAN("From"), MR_SPAN("Jan"), "\"Jan\" in From" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_spam_origin o = { .text = rows[i].text,
					    .field = rows[i].field,
					    .kind = "header-word" };
		struct mr_spam_reason r = { MR_SPAM_HEAD, 1, &o };

		t->row = (long)i;
		MR_CHECK(t, says(&r, rows[i].want));
	}
}

MR_TEST(spam_explain_ranges)
{
	static const struct {
		unsigned magnitude;
		const char *want;
	} rows[] = {
		{ 0, "none" },
		{ 1, "1" },
		{ 2, "2 to 3" },
		{ 3, "4 to 7" },
		{ 10, "512 to 1,023" },
		{ 16, "32,768 to 65,535" },
		{ 17, "more than 65,535" },
		{ 32, "more than 65,535" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_SPAN(t, rows[i].want, mr_spam_range(rows[i].magnitude));
	}
}

/* Type and subtype are one reason with the sum of both; what no feature says is none. */
MR_TEST(spam_explain_joins_types)
{
	struct mr_spam_reason list[MR_SPAM_REASONS_MAX] = { { .log_odds = 0 } };
	struct bench b;

	if (bench_init(t, &b, 0, "Content-Type: text/plain\n\nx\n")) {
		/* four features of how it is built: each counts 1.5 / sqrt(4) */
		weigh(t, &b, "a part of type text", 1);
		weigh(t, &b, "a part of type text/plain", 2);
		weigh(t, &b, "a part that names no charset", 2);
		MR_CHECK_INT(t, 4, b.s.f->family[MR_SPAM_HTML].count);
		MR_CHECK_INT(t, 2, explain(&b, list));
		MR_CHECK(t, says(&list[0], "a part of type text/plain"));
		MR_CHECK_NEAR(t, 2.25, list[0].log_odds, 1e-9);
		MR_CHECK(t, says(&list[1], "a part that names no charset"));
		MR_CHECK_NEAR(t, 1.5, list[1].log_odds, 1e-9);
	}
	bench_done(&b);
}

/* A second part of a type that was there has its subtype alone, and is called by both. */
MR_TEST(spam_explain_subtype_alone)
{
	static const char raw[] = "Content-Type: multipart/mixed; boundary=b\n\n"
				  "--b\n\nx\n--b\nContent-Type: text/html\n\nx\n--b--\n";
	struct mr_spam_reason list[MR_SPAM_REASONS_MAX] = { { .log_odds = 0 } };
	struct bench b;

	if (bench_init(t, &b, 0, raw)) {
		weigh(t, &b, "a part of type text/html", 1);
		MR_CHECK_INT(t, 1, explain(&b, list));
		MR_CHECK(t, says(&list[0], "a part of type text/html"));
	}
	bench_done(&b);
}

/* Numbers and single letters in links are one reason. */
MR_TEST(spam_explain_sums_pieces)
{
	struct mr_spam_reason list[MR_SPAM_REASONS_MAX] = { { .log_odds = 0 } };
	struct bench b;

	if (bench_init(t, &b, 0, "\nhttp://a.example/24/long?q=z\n")) {
		double share = 1.0 / sqrt(b.s.f->family[MR_SPAM_URL].count);

		weigh(t, &b, "\"24\" in the path of a link", 2);
		weigh(t, &b, "\"q\" behind the \"?\" of a link", 1);
		weigh(t, &b, "\"long\" in the path of a link", 1);
		MR_CHECK_INT(t, 2, explain(&b, list));
		MR_CHECK(t, says(&list[0], "numbers and single letters in links"));
		MR_CHECK_NEAR(t, 3 * share, list[0].log_odds, 1e-9);
		MR_CHECK(t, says(&list[1], "\"long\" in the path of a link"));
	}
	bench_done(&b);
}

/* The bytes are none of the ten, however much they gave. */
MR_TEST(spam_explain_leaves_bytes_out)
{
	struct mr_spam_reason list[MR_SPAM_REASONS_MAX] = { { .log_odds = 0 } };
	struct bench b;

	if (bench_init(t, &b, 0, "Subject: a\n\nsome text\n")) {
		memset(weights[1], 1, sizeof(weights[1]));
		weigh(t, &b, "the word \"text\"", 1);
		MR_CHECK_INT(t, 1, explain(&b, list));
		MR_CHECK(t, b.score.family[MR_SPAM_GRAM] > 1);
		MR_CHECK(t, says(&list[0], "the word \"text\""));
	}
	bench_done(&b);
}

/* Of what a judge says for good mail the first unit counts, and a twentieth of the rest. */
MR_TEST(spam_explain_cut)
{
	static const struct {
		double judge[MR_SPAM_JUDGES];
		bool cut;
		double said, counts;
	} rows[] = {
		{ { 0, 3, -1, -0.5 }, false, 0, 0 },
		{ { -1.05, 0, 0, 0 }, false, -1.05, -1.0025 },
		{ { 0, -6.2, 4, 0 }, true, -6.2, -1.26 },
		{ { -3, 2, 0, -11 }, true, -14, -2.6 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_spam_score score = { .points = 0 };
		double said, counts;

		t->row = (long)i;
		memcpy(score.judge, rows[i].judge, sizeof(score.judge));
		MR_CHECK_INT(t, rows[i].cut, mr_spam_explain_cut(&score, &said, &counts));
		MR_CHECK_NEAR(t, rows[i].said, said, 1e-9);
		MR_CHECK_NEAR(t, rows[i].counts, counts, 1e-9);
	}
}

/* The score itself says what each judge said before anything was cut. */
MR_TEST(spam_explain_cut_of_a_message)
{
	struct mr_spam_reason list[MR_SPAM_REASONS_MAX] = { { .log_odds = 0 } };
	double said, counts;
	struct bench b;

	if (bench_init(t, &b, 0, "Subject: a\n\nword\n")) {
		weigh(t, &b, "the word \"word\"", -2); /* the only one: 2.5 times as much */
		explain(&b, list);
		MR_CHECK(t, mr_spam_explain_cut(&b.score, &said, &counts));
		MR_CHECK_NEAR(t, -5, said, 1e-9);
		MR_CHECK_NEAR(t, -1.2, counts, 1e-9);
	}
	bench_done(&b);
}

/* A word of the header has its field's name, where that fits the grammar of docs/HEADERS.md. */
MR_TEST(spam_explain_status_field)
{
	static const struct {
		const char *raw, *name, *want;
	} rows[] = {
		{ "Subject: unknown\n\n", "\"unknown\" in Subject", "(subject:unknown)" },
		{ "X-A-B-C-D-E-F-G-H-I-J-K-: unknown\n\n",
		  "\"unknown\" in X-A-B-C-D-E-F-G-H-I-J-K-", "(x-a-b-c-d-e-f-g-h-i-j-k-:unknown)" },
		{ "X-A-B-C-D-E-F-G-H-I-J-K-L: unknown\n\n",
		  "\"unknown\" in X-A-B-C-D-E-F-G-H-I-J-K-L", "(unknown)" },
		{ "X_A: unknown\n\n", "\"unknown\" in X_A", "(unknown)" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF want = MR_BUF(1000);
		MR_AUTO_BUF got = MR_BUF(1000);
		struct bench b;

		if (bench_init(t, &b, i, rows[i].raw)) {
			weigh(t, &b, rows[i].name, 1); /* the only word: 2.5 */
			mr_spam_score(&model, b.s.f, &b.score);
			mr_buf_printf(&want,
				      "No, score=2.500 required=5.000 scorer=millrace\n"
				      "\tbecause: start +0.0,\n\theader +2.5 %s",
				      rows[i].want);
			MR_CHECK_INT(t, 0,
				     mr_spam_status_text(&model, b.s.f, &b.score,
							 MR_SPAM_UPSTREAM_NONE, &got));
			MR_CHECK_SPANS(t, mr_buf_span(&want), mr_buf_span(&got));
		}
		bench_done(&b);
	}
}
