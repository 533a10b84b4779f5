/* What filters before ours found: which features it makes, that only ours are believed, that they are
 * the same on arrival and in a mailbox, and that they are learned. */
#include "milters/spam/answer.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_random.h"
#include "milters/spam/explain.h"
#include "milters/spam/extract.h"
#include "milters/spam/lesson.h"
#include "milters/spam/status.h"
#include "milters/spam/train.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX ((size_t)16 << 20)
#define MODEL_MAX ((size_t)1 << 20)

#define AR(results) "Authentication-Results: mx.example.org; " results "\n"
#define OURS                                                                                       \
	"X-Spam-Flag: NO\nX-Spam-Score: 1.250\n"                                                   \
	"X-Spam-Status: No, score=1.250 required=5.000 scorer=millrace\n\tbecause: text +1.2\n"
#define MTA  "Received: from c (c [192.0.2.1])\n\tby mx.example.org (Postfix) with ESMTP id 1;\n"
#define FROM "Received: from x by y; today\n"
#define LMTP "Received: from mx.example.org by mx.example.org with LMTP id 2;\n"
#define TO   "Return-Path: <a@b>\nDelivered-To: u@example.org\n"
#define MAIL "From: Ann <ann@news.bank.co.uk>\nSubject: s\n\nbody\n"

static const struct mr_belief all = { MR_SPAN("mx.example.org"),
				      MR_WRITER_AUTH | MR_WRITER_RBL | MR_WRITER_TLS |
					      MR_WRITER_VIRUS,
				      false };

struct bench {
	struct mr_arena *arena;
	struct mr_psl *psl;
	struct mr_spam_features *f;
	struct mr_spam_view view;
};

static void bench_done(struct bench *b)
{
	mr_spam_features_free(b->f);
	mr_psl_free(b->psl);
	mr_arena_free(b->arena);
}

static int bench_init(struct bench *b, const struct mr_belief *belief)
{
	*b = (struct bench){ .arena = mr_arena_new(ARENA_MAX), .psl = mr_psl_new(NULL) };
	b->f = mr_spam_features_new(b->psl);
	if (b->arena == NULL || b->psl == NULL || b->f == NULL)
		return MR_ENOMEM;
	b->f->belief = belief;
	return 0;
}

static int look(struct bench *b, const char *raw, enum mr_spam_where where)
{
	mr_arena_reset(b->arena);
	return mr_spam_extract_raw(mr_span_str(raw), where, MR_SPAN("X-Other-Score"), b->arena,
				   b->f, &b->view);
}

/* False: it failed, and there is nothing to look at. */
static bool looked(struct mr_t *t, struct bench *b, const char *raw, enum mr_spam_where where)
{
	int err = look(b, raw, where);

	MR_CHECK_INT(t, 0, err);
	return err == 0;
}

/* "text " of each answer; the points of an upstream scorer have none. */
static void list(const struct mr_spam_features *f, struct mr_buf *out)
{
	const struct mr_spam_list *l = &f->family[MR_SPAM_ANSWER];

	for (uint32_t k = 0; k < l->count; k++) {
		mr_buf_add(out, l->origin[k].text);
		mr_buf_addc(out, ' ');
	}
}

static void check_list(struct mr_t *t, struct bench *b, const char *raw, enum mr_spam_where where,
		       const char *want)
{
	MR_AUTO_BUF got = MR_BUF(10000);

	if (!looked(t, b, raw, where))
		return;
	list(b->f, &got);
	MR_CHECK_SPAN(t, want, mr_buf_span(&got));
}

/* On their arrival: the MTA's own Received is not there. */
MR_TEST(spam_answer_features)
{
	static const struct {
		const char *fields, *want;
	} rows[] = {
		{ "", "" },
		{ AR("none"), "" },
		{ AR("spf=softfail smtp.mailfrom=x@evil.example"), "spf-softfail " },
		{ AR("spf=pass smtp.mailfrom=x@evil.example"), "spf-pass spf-apart evil.example " },
		{ AR("spf=pass smtp.mailfrom=x@bounce.Bank.co.uk"),
		  "spf-pass spf-aligned bank.co.uk " },
		{ AR("SPF=PASS smtp.helo=mx.bank.co.uk"), "spf-pass spf-aligned bank.co.uk " },
		{ AR("dkim=pass header.d=bank.co.uk; dkim=pass header.d=lists.example"),
		  "dkim-pass dkim-aligned bank.co.uk dkim-apart lists.example " },
		{ AR("dkim=fail reason=\"bad\" header.d=bank.co.uk"), "dkim-fail " },
		{ AR("dkim=pass"), "dkim-pass " },
		{ AR("dmarc=pass header.from=news.bank.co.uk"), "dmarc-pass bank.co.uk " },
		{ AR("dmarc=fail (p=reject) header.from=bank.co.uk policy.dmarc=Reject"),
		  "dmarc-fail dmarc-policy-dmarc-reject " },
		{ AR("arc=pass; iprev=fail policy.iprev=192.0.2.1"), "arc-pass iprev-fail " },
		{ AR("iprev=pass policy.iprev=\"2001:db8::1\""), "iprev-pass " },
		/* a host in a domain is of the domain; a public suffix, and what has none, is itself */
		{ AR("dkim=pass header.d=co.uk"), "dkim-pass dkim-apart co.uk " },
		/* unknown methods and versions, and what would be different in each message */
		{ AR("x-foo=pass; dkim/2=pass header.d=bank.co.uk; auth=pass smtp.auth=ann"), "" },
		{ AR("spf=none policy.id=123456789012345678901234567890123"), "spf-none " },
		/* two filters, and one field that cannot be read */
		{ AR("spf=pass (") AR("dkim=none") AR("dmarc=none"), "dkim-none dmarc-none " },
		{ "X-Millrace-RBL: none\n", "none " },
		{ "X-Millrace-RBL: client:zen.example=127.0.0.2/4\n", "zen.example 127.0.0.2 4 " },
		{ "X-Millrace-RBL: client:Zen.example=127.0.0.2/4,\n\turl:uri.example=127.0.0.14,\n"
		  "\trelay:white.example=127.0.1.1/-6\n",
		  "zen.example 127.0.0.2 uri.example 127.0.0.14 white.example 127.0.1.1 -2 " },
		{ "X-Millrace-RBL: client:a.example=127.0.0.2/999\n", "a.example 127.0.0.2 20 " },
		{ "X-Millrace-RBL: client:a.example=127.0.0.2/1, url:b.example=127.0.0.2/-1\n",
		  "a.example 127.0.0.2 b.example 127.0.0.2 " },
		/* malformed: not one hit of it */
		{ "X-Millrace-RBL: client:a.example=127.0.0.2,\n", "" },
		{ "X-Millrace-RBL: client:a.example=127.0.0.2 b.example\n", "" },
		{ "X-Millrace-RBL: client:a.example\n", "" },
		{ "X-Millrace-RBL: a.example=127.0.0.2\n", "" },
		{ "X-Millrace-RBL: client:=127.0.0.2\n", "" },
		{ "X-Millrace-RBL: client:a.example=127.0.0.2/\n", "" },
		{ "X-Millrace-RBL: client:a.example=127.0.0.2/1000\n", "" },
		{ "X-Millrace-RBL: client:a.example=x\n", "" },
		{ "X-Millrace-RBL: none, client:a.example=127.0.0.2\n", "" },
		{ "X-Millrace-RBL:\n", "" },
		{ "X-Virus-Status: Clean\n", "clean " },
		{ "X-Virus-Status: Infected (Eicar-Test-Signature)\n", "infected " },
		{ "X-Virus-Status: abcdefghijklmnopqrstuvwxyz\n", "" },
		{ "X-Millrace-TLS: TLSv1.3 TLS_AES_256_GCM_SHA384\n", "tlsv1.3 " },
		{ "X-Millrace-TLS: none\n", "none " },
		{ "X-Encryption: SSL encrypted\n", "ssl " },
		{ "X-Encryption:\n", "" },
		{ "X-Other-Score: 7\n", " " }, /* the upstream scorer */
	};
	struct bench b;

	if (bench_init(&b, &all) == 0) {
		for (size_t i = 0; i < MR_COUNT(rows); i++) {
			MR_AUTO_BUF raw = MR_BUF(10000);

			t->row = (long)i;
			mr_buf_printf(&raw, "%s" FROM MAIL, rows[i].fields);
			check_list(t, &b, mr_buf_str(&raw), MR_SPAM_ARRIVING, rows[i].want);
		}
	}
	bench_done(&b);
}

/* From: names nobody, or two: then nothing can be aligned with it. */
MR_TEST(spam_answer_without_from)
{
	static const char *const rows[] = { "\n", "From: a@bank.co.uk, b@bank.co.uk\n\n",
					    "From: a@bank.co.uk\nFrom: b@bank.co.uk\n\n" };
	struct bench b;

	if (bench_init(&b, &all) == 0) {
		for (size_t i = 0; i < MR_COUNT(rows); i++) {
			MR_AUTO_BUF raw = MR_BUF(10000);

			t->row = (long)i;
			mr_buf_printf(&raw, AR("dkim=pass header.d=bank.co.uk") "%s", rows[i]);
			check_list(t, &b, mr_buf_str(&raw), MR_SPAM_ARRIVING,
				   "dkim-pass bank.co.uk ");
		}
	}
	bench_done(&b);
}

#define FIELDS                                                                                     \
	AR("dmarc=pass header.from=news.bank.co.uk")                                               \
	"X-Millrace-RBL: client:zen.example=127.0.0.2\nX-Millrace-TLS: TLSv1.2 x\n"                \
	"X-Encryption: SSL encrypted\nX-Virus-Status: Clean\n"

/* With each set of writers; what the settings leave out counts for nothing, wherever it stands. */
MR_TEST(spam_answer_writers)
{
	struct mr_belief belief = all;
	struct bench b;

	if (bench_init(&b, &belief) == 0) {
		for (unsigned w = 0; w <= all.writers; w++) {
			MR_AUTO_BUF want = MR_BUF(1000);

			t->row = (long)w;
			belief.writers = w;
			mr_buf_adds(&want, w & MR_WRITER_AUTH ? "dmarc-pass bank.co.uk " : "");
			mr_buf_adds(&want, w & MR_WRITER_RBL ? "zen.example 127.0.0.2 " : "");
			mr_buf_adds(&want, w & MR_WRITER_TLS ? "tlsv1.2 ssl " : "");
			mr_buf_adds(&want, w & MR_WRITER_VIRUS ? "clean " : "");
			check_list(t, &b, FIELDS FROM MAIL, MR_SPAM_ARRIVING, mr_buf_str(&want));
			check_list(t, &b, OURS FIELDS MTA FROM MAIL, MR_SPAM_STORED,
				   mr_buf_str(&want));
			/* forged: below what came from outside */
			check_list(t, &b, FROM FIELDS MAIL, MR_SPAM_ARRIVING, "");
			check_list(t, &b, OURS MTA FROM FIELDS MAIL, MR_SPAM_STORED, "");
		}
		t->row = -1;
		b.f->belief = NULL; /* nobody said */
		check_list(t, &b, FIELDS FROM MAIL, MR_SPAM_ARRIVING, "");
		belief = (struct mr_belief){ MR_SPAN("mx.example.com"), all.writers, false };
		b.f->belief = &belief; /* we have another name */
		check_list(t, &b, AR("dmarc=pass") FROM MAIL, MR_SPAM_ARRIVING, "");
	}
	bench_done(&b);
}

static void check_same(struct mr_t *t, const struct mr_spam_features *a,
		       const struct mr_spam_features *b)
{
	for (unsigned k = 0; k < MR_SPAM_FAMILIES; k++) {
		const struct mr_spam_list *x = &a->family[k], *y = &b->family[k];

		MR_CHECK_INT(t, x->count, y->count);
		MR_CHECK(t, x->count != y->count ||
				    memcmp(x->key, y->key, x->count * sizeof(*x->key)) == 0);
	}
}

/* Each as the first, to the last key, and under the digest of the message without any answer. */
MR_TEST(spam_answer_arrived_and_stored)
{
	static const struct {
		const char *raw;
		enum mr_spam_where where;
	} rows[] = {
		{ FIELDS FROM MAIL, MR_SPAM_ARRIVING },
		/* rule 1: in a mailbox, below our fields; some filters insert below the MTA's own
		 * Received */
		{ OURS FIELDS MTA FROM MAIL, MR_SPAM_STORED },
		{ TO LMTP OURS FIELDS MTA FROM MAIL, MR_SPAM_STORED },
		{ OURS MTA FIELDS FROM MAIL, MR_SPAM_STORED },
		{ "X-Millrace-RBL: client:later.example=1\n" OURS FIELDS MTA FROM MAIL,
		  MR_SPAM_STORED },
		/* rule 2: mail of the time before our milter */
		{ TO FIELDS MTA FROM MAIL, MR_SPAM_STORED },
		{ TO LMTP FIELDS MTA FROM MAIL, MR_SPAM_STORED },
		/* forged ones change nothing */
		{ FIELDS FROM AR("spf=pass") MAIL, MR_SPAM_ARRIVING },
		{ OURS FIELDS MTA FROM AR("spf=pass") MAIL, MR_SPAM_STORED },
	};
	uint8_t want[MR_SPAM_DIGEST_SIZE], got[MR_SPAM_DIGEST_SIZE];
	struct bench a = { .arena = NULL }, b = { .arena = NULL };

	if (bench_init(&a, &all) == 0 && bench_init(&b, &all) == 0 &&
	    looked(t, &a, FROM MAIL, MR_SPAM_ARRIVING)) {
		mr_spam_view_digest(&a.view, want);
		if (looked(t, &a, rows[0].raw, MR_SPAM_ARRIVING))
			MR_CHECK_INT(t, 7, a.f->family[MR_SPAM_ANSWER].count);
		for (size_t i = 0; i < MR_COUNT(rows); i++) {
			t->row = (long)i;
			if (!looked(t, &b, rows[i].raw, rows[i].where))
				continue;
			mr_spam_view_digest(&b.view, got);
			MR_CHECK(t, memcmp(want, got, sizeof(want)) == 0);
			check_same(t, a.f, b.f);
		}
		t->row = -1;
		/* A file from elsewhere: whoever wrote these, it was no filter of ours. */
		check_list(t, &b, FIELDS FROM MAIL, MR_SPAM_STORED, "");
		/* no field at all */
		check_list(t, &b, "", MR_SPAM_ARRIVING, "");
		check_list(t, &b, "\nbody", MR_SPAM_STORED, "");
		/* A message straight from its writer: no Received but the MTA's own. */
		check_list(t, &b, AR("spf=none") MAIL, MR_SPAM_ARRIVING, "spf-none ");
		check_list(t, &b, OURS AR("spf=none") MTA MAIL, MR_SPAM_STORED, "spf-none ");
	}
	bench_done(&a);
	bench_done(&b);
}

MR_TEST(spam_answer_is_bounded)
{
	MR_AUTO_BUF raw = MR_BUF((size_t)4 << 20);
	struct bench b;

	if (bench_init(&b, &all) == 0) {
		for (unsigned i = 0; i < 3000; i++)
			mr_buf_printf(&raw,
				      "Authentication-Results: mx.example.org; dkim=pass "
				      "header.d=d%u.example\n",
				      i);
		mr_buf_adds(&raw, "X-Millrace-RBL: client:a.example=127.0.0.2");
		for (unsigned i = 0; i < MR_SPAM_RBL_HITS_MAX; i++)
			mr_buf_adds(&raw, ", client:a.example=127.0.0.2");
		mr_buf_adds(&raw, "\n" FROM MAIL);
		if (looked(t, &b, mr_buf_str(&raw), MR_SPAM_ARRIVING))
			MR_CHECK_INT(t, MR_SPAM_ANSWER_MAX, b.f->family[MR_SPAM_ANSWER].count);
	}
	bench_done(&b);
}

MR_TEST(spam_answer_in_words)
{
	static const char *const want[] = {
		"its sender's domain passed DMARC (dmarc-pass)",
		"it comes from bank.co.uk, as was checked",
		"its sender's address is on the list zen.example",
		"the list zen.example answered 127.0.0.2",
		"lists gave it 4 points in all",
		"how it was encrypted on its way to us: tlsv1.3",
		"the virus scanner said \"clean\"",
	};
	struct bench b;

	if (bench_init(&b, &all) == 0 &&
	    looked(t, &b,
		   AR("dmarc=pass header.from=bank.co.uk") "X-Millrace-RBL: "
							   "client:zen.example=127.0.0.2/4\n"
							   "X-Millrace-TLS: TLSv1.3 "
							   "x\nX-Virus-Status: Clean\n" FROM MAIL,
		   MR_SPAM_ARRIVING)) {
		const struct mr_spam_list *l = &b.f->family[MR_SPAM_ANSWER];

		MR_CHECK_INT(t, MR_COUNT(want), l->count);
		for (size_t i = 0; i < MR_COUNT(want) && i < l->count; i++) {
			struct mr_spam_reason r = { MR_SPAM_ANSWER, 1.0, &l->origin[i] };
			MR_AUTO_BUF text = MR_BUF(1000);

			t->row = (long)i;
			mr_spam_reason_text(&r, &text);
			MR_CHECK_SPAN(t, want[i], mr_buf_span(&text));
		}
	}
	bench_done(&b);
}

/* -- learning ---------------------------------------------------------------------------------- */

#define BITS 14

static const int16_t zero[2 << BITS];
static const struct mr_spam_model nothing = { .weight = { zero, zero + (1 << BITS) },
					      .bits = { BITS, BITS },
					      .threshold = 5.0 };

/* What answers say of mail number i; most good mail is signed, most spam is listed, some not. */
static const char *answers(unsigned i, bool spam)
{
	if (i % 10 == 0)
		return ""; /* none came */
	if (spam != (i % 10 == 1)) /* one of ten says the contrary */
		return AR("spf=softfail smtp.mailfrom=a@x.example; dmarc=fail "
			  "header.from=x.example") "X-Millrace-RBL: "
						   "client:zen.example=127.0.0.2/4\n";
	return AR("spf=pass smtp.mailfrom=a@x.example; dmarc=pass header.from=x.example") "X-"
											  "Millrace"
											  "-RBL: "
											  "none\n";
}

/* A few words of sixteen, that say nothing about the class; the number makes it another message, and
 * a number is a number. */
static void make_mail(struct mr_buf *out, unsigned i, const char *fields)
{
	struct mr_rng rng;

	mr_rng_init(&rng, i);
	mr_buf_reset(out);
	mr_buf_printf(out, "%s" FROM "From: a@x.example\nSubject: mail\n\n%u ", fields, i);
	for (unsigned k = 0; k < 6; k++)
		mr_buf_printf(out, "word%c ", 'a' + (int)(mr_rng_next(&rng) % 16));
}

/* Train on 100 messages of each class; with answers, or without one. */
static int train(struct mr_t *t, struct bench *b, bool with, struct mr_buf *model)
{
	MR_AUTO(mr_spam_trainer) *trainer = mr_spam_trainer_new(8 << 20);
	MR_AUTO_BUF raw = MR_BUF(10000);
	MR_AUTO_BUF lesson = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	int err = trainer == NULL ? MR_ENOMEM : 0;

	for (unsigned i = 0; i < (t->oom ? 8 : 200) && err == 0; i++) {
		bool spam = i % 2 == 1;

		make_mail(&raw, i, with ? answers(i / 2, spam) : "");
		mr_buf_reset(&lesson);
		if ((err = look(b, mr_buf_str(&raw), MR_SPAM_ARRIVING)) < 0 ||
		    (err = mr_spam_lesson_encode(b->f, &lesson)) < 0)
			break;
		mr_spam_view_digest(&b->view, digest);
		err = mr_spam_trainer_add(trainer, digest, MR_SPAN(""), spam, mr_buf_span(&lesson));
	}
	return err < 0 ? err : mr_spam_trainer_run(trainer, &nothing, 0.001, NULL, NULL, model);
}

static double points(struct bench *b, const struct mr_spam_model *m, unsigned i, const char *fields)
{
	MR_AUTO_BUF raw = MR_BUF(10000);
	struct mr_spam_score score = { .points = 0 };

	make_mail(&raw, i, fields);
	if (look(b, mr_buf_str(&raw), MR_SPAM_ARRIVING) == 0)
		mr_spam_score(m, b->f, &score);
	return score.points;
}

/* Where nothing else tells the classes apart, answers do, and mail that was never seen is judged by
 * them. Without answers nothing does. */
MR_TEST(spam_answer_is_learned)
{
	MR_AUTO_BUF bytes = MR_BUF(MODEL_MAX);
	struct mr_spam_model m;
	struct bench b;

	if (bench_init(&b, &all) == 0 && train(t, &b, true, &bytes) == 0 &&
	    mr_spam_model_read(mr_buf_span(&bytes), &m, NULL) == 0) {
		for (unsigned i = 1001; i < 1021; i++) {
			double good = points(&b, &m, i, answers(2, false));
			double bad = points(&b, &m, i, answers(2, true));
			double none = points(&b, &m, i, "");

			t->row = (long)i;
			MR_CHECK(t, bad - good > 3);
			MR_CHECK(t, good < none && none < bad);
		}
	}
	bench_done(&b);
}

/* Without answers, to whom they would be believed makes no difference: the same bytes are learned, and
 * a model that was learned so has the same score for a message, whoever is active. */
MR_TEST(spam_answer_absent)
{
	MR_AUTO_BUF before = MR_BUF(MODEL_MAX);
	MR_AUTO_BUF after = MR_BUF(MODEL_MAX);
	struct mr_spam_model m;
	struct bench a = { .arena = NULL }, b = { .arena = NULL };

	if (bench_init(&a, NULL) == 0 && bench_init(&b, &all) == 0 &&
	    train(t, &a, false, &before) == 0 && train(t, &b, false, &after) == 0 &&
	    mr_spam_model_read(mr_buf_span(&before), &m, NULL) == 0) {
		MR_CHECK(t, mr_span_eq(mr_buf_span(&before), mr_buf_span(&after)));
		for (unsigned i = 0; i < 50; i++) {
			double was = points(&a, &m, i, ""), is = points(&b, &m, i, "");

			t->row = (long)i;
			MR_CHECK(t, memcmp(&was, &is, sizeof(was)) == 0);
			/* what is not believed changes nothing either */
			is = points(&a, &m, i, answers(2, true));
			MR_CHECK(t, memcmp(&was, &is, sizeof(was)) == 0);
		}
	}
	bench_done(&a);
	bench_done(&b);
}

/* Without answers a lesson is what it was before there were any: six families. */
MR_TEST(spam_answer_in_lessons)
{
	struct bench b;

	if (bench_init(&b, &all) == 0) {
		MR_AUTO_BUF without = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
		MR_AUTO_BUF with = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);

		int err = look(&b, FROM MAIL, MR_SPAM_ARRIVING);

		if (err == 0 && (err = mr_spam_lesson_encode(b.f, &without)) == 0 &&
		    (err = look(&b, FIELDS FROM MAIL, MR_SPAM_ARRIVING)) == 0 &&
		    (err = mr_spam_lesson_encode(b.f, &with)) == 0) {
			MR_CHECK_INT(t, 6, without.p[1]);
			MR_CHECK_INT(t, 7, with.p[1]);
			MR_CHECK(t, memcmp(with.p + 2, without.p + 2, without.len - 2) == 0);
			MR_CHECK_INT(t, 0, mr_spam_lesson_decode(mr_buf_span(&with), b.f));
			MR_CHECK_INT(t, 7, b.f->family[MR_SPAM_ANSWER].count);
			MR_CHECK_INT(t, 0, mr_spam_lesson_decode(mr_buf_span(&without), b.f));
			MR_CHECK_INT(t, 0, b.f->family[MR_SPAM_ANSWER].count);
		}
		MR_CHECK_INT(t, 0, err);
	}
	bench_done(&b);
}

static bool holds(const struct mr_buf *b, const char *text)
{
	return mr_span_search(mr_buf_span(b), mr_span_str(text)) < b->len;
}

MR_TEST(spam_answer_in_status)
{
	MR_AUTO_BUF bytes = MR_BUF(MODEL_MAX);
	MR_AUTO_BUF raw = MR_BUF(10000);
	MR_AUTO_BUF status = MR_BUF(MR_SPAM_STATUS_MAX);
	struct mr_spam_score score;
	struct mr_spam_model m;
	struct bench b;

	if (bench_init(&b, &all) == 0 && train(t, &b, true, &bytes) == 0 &&
	    mr_spam_model_read(mr_buf_span(&bytes), &m, NULL) == 0) {
		make_mail(&raw, 1001, answers(2, true));
		if (looked(t, &b, mr_buf_str(&raw), MR_SPAM_ARRIVING)) {
			mr_spam_score(&m, b.f, &score);
			MR_CHECK_INT(t, 0,
				     mr_spam_status_text(&m, b.f, &score, MR_SPAM_UPSTREAM_NONE,
							 &status));
			MR_CHECK(t, holds(&status, "answers +"));
			MR_CHECK(t, holds(&status, "zen.example"));
		}
	}
	bench_done(&b);
}
