#include "milters/spam/answer.h"

#include <stdio.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_align.h"
#include "lib/mail/mr_cfws.h"
#include "milters/spam/text.h"

#define SEED_ANSWER   0x6001u
#define SEED_UPSTREAM 0x2003u

#define POLICY_MAX 32 /* bytes of a policy's value: longer ones differ from message to message */
#define WORD_MAX   24 /* of a virus scanner's verdict, a version of TLS */

struct answer {
	const struct mr_spam_view *view;
	struct mr_arena *arena;
	struct mr_spam_features *f;
	struct mr_span from; /* the domain of From; empty: nobody knows */
};

/*
 * Add the feature that kind, what and text are; text is copied in lower case. label is for people and
 * may be worded anew; like what, it lives for ever or as long as the message.
 */
static int add(struct answer *a, const char *kind, struct mr_span what, struct mr_span text,
	       struct mr_span label)
{
	char *copy = mr_arena_text(a->arena, text.len);
	uint64_t hash = mr_spam_hash(SEED_ANSWER, mr_span_str(kind));

	if (copy == NULL)
		return MR_ENOMEM;
	for (size_t i = 0; i < text.len; i++)
		copy[i] = mr_lower(text.p[i]);
	text = mr_span(copy, text.len);
	mr_spam_feature_add(a->f, MR_SPAM_ANSWER, mr_spam_hash(mr_spam_hash(hash, what), text),
			    kind, label, text);
	return 0;
}

/* The same, text being parts with "-" between them; what is too long is no feature. */
static int add_joined(struct answer *a, const char *kind, const struct mr_span *part, size_t count,
		      struct mr_span label)
{
	char text[MR_SPAM_ANSWER_TEXT_MAX];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		if (part[i].len >= sizeof(text) - len)
			return 0;
		if (i > 0)
			text[len++] = '-';
		if (part[i].len > 0)
			memcpy(text + len, part[i].p, part[i].len);
		len += part[i].len;
	}
	return add(a, kind, MR_SPAN(""), mr_span(text, len), label);
}

/* -- Authentication-Results -------------------------------------------------------------------- */

/* The methods that are known, and what a result of one means. */
static const struct method {
	struct mr_span name;
	struct mr_span pass, fail, other;
	struct mr_span aligned, apart; /* a pass, and the domain is From's, or is not */
} methods[] = {
	{ MR_SPAN("spf"), MR_SPAN("its sender's host may send for its domain"),
	  MR_SPAN("its sender's host may not send for its domain"),
	  MR_SPAN("SPF says neither yes nor no"), MR_SPAN("From is of the domain that SPF passed"),
	  MR_SPAN("From is of another domain than SPF passed") },
	{ MR_SPAN("dkim"), MR_SPAN("a signature on it is good"),
	  MR_SPAN("a signature on it is bad"), MR_SPAN("DKIM says neither yes nor no"),
	  MR_SPAN("From is of a domain that signed it"),
	  MR_SPAN("From is of another domain than signed it") },
	{ MR_SPAN("dmarc"), MR_SPAN("its sender's domain passed DMARC"),
	  MR_SPAN("its sender's domain failed DMARC"), MR_SPAN("DMARC says neither yes nor no"),
	  MR_SPAN(""), MR_SPAN("") },
	{ MR_SPAN("arc"), MR_SPAN("what forwarders said of it holds"),
	  MR_SPAN("what forwarders said of it is broken"), MR_SPAN("ARC says neither yes nor no"),
	  MR_SPAN(""), MR_SPAN("") },
	{ MR_SPAN("iprev"), MR_SPAN("its sender's host has a name"),
	  MR_SPAN("its sender's host has no name, or another's"),
	  MR_SPAN("nobody knows whether its sender's host has a name"), MR_SPAN(""), MR_SPAN("") },
};

/* Whose message it is, by a result that passed. */
static int add_identity(struct answer *a, const struct method *m, const struct mr_authres *ar,
			const struct mr_authres_result *r)
{
	char buf[MR_DOMAIN_MAX];
	struct mr_span domain = mr_align_identity(ar, r, buf), registrable;
	bool aligned = mr_align(domain, a->from, a->f->psl);
	int err;

	if (domain.len == 0)
		return 0;
	if (m->aligned.len > 0 && a->from.len > 0) {
		const struct mr_span text[] = { m->name,
						aligned ? MR_SPAN("aligned") : MR_SPAN("apart") };

		err = add_joined(a, "auth", text, MR_COUNT(text), aligned ? m->aligned : m->apart);
		if (err < 0)
			return err;
	}
	registrable = a->f->psl != NULL ? mr_psl_registrable(a->f->psl, domain) : domain;
	return add(a, "auth-domain", MR_SPAN(""), registrable.len > 0 ? registrable : domain,
		   MR_SPAN(""));
}

/* What the writer of the field was told to look at: "policy.dmarc=reject". */
static int add_policies(struct answer *a, const struct method *m, const struct mr_authres *ar,
			const struct mr_authres_result *r)
{
	int err = 0;

	for (uint32_t i = 0; i < r->prop_count && err == 0; i++) {
		const struct mr_authres_prop *p = &ar->prop[r->prop_first + i];
		const struct mr_span text[] = { m->name, p->ptype, p->property, p->value.raw };

		/* RFC 8601 2.7.3: policy.iprev is an address. */
		if (mr_span_eq_nocase(p->ptype, MR_SPAN("policy")) &&
		    !mr_span_eq_nocase(p->property, MR_SPAN("iprev")) &&
		    p->value.raw.len <= POLICY_MAX)
			err = add_joined(a, "auth-policy", text, MR_COUNT(text), MR_SPAN(""));
	}
	return err;
}

static int add_result(struct answer *a, const struct mr_authres *ar,
		      const struct mr_authres_result *r)
{
	bool pass = mr_span_eq_nocase(r->result, MR_SPAN("pass"));
	bool fail = mr_span_eq_nocase(r->result, MR_SPAN("fail"));
	const struct method *m = methods;
	int err;

	while (m < methods + MR_COUNT(methods) && !mr_span_eq_nocase(r->method, m->name))
		m++;
	/* RFC 8601 2.7.6: what is not known is ignored. */
	if (m == methods + MR_COUNT(methods) || r->version != 1)
		return 0;
	err = add_joined(a, "auth", (const struct mr_span[]){ m->name, r->result }, 2,
			 pass   ? m->pass
			 : fail ? m->fail
				: m->other);
	if (err == 0 && pass)
		err = add_identity(a, m, ar, r);
	return err < 0 ? err : add_policies(a, m, ar, r);
}

static int add_authres(struct answer *a)
{
	const struct mr_field *field = a->view->msg->field + a->view->answer_first;
	uint32_t at = 0;
	struct mr_authres ar;
	int err = 0;

	while (err == 0 &&
	       mr_belief_authres(a->f->belief, field, a->view->answer_count, &at, &ar)) {
		for (uint32_t i = 0; i < ar.result_count && err == 0; i++)
			err = add_result(a, &ar, &ar.result[i]);
	}
	return err;
}

/* -- X-Millrace-RBL ---------------------------------------------------------------------------- */

struct hit {
	struct mr_span what, zone, code;
	int points;
};

/* [ "-" ] 1*3DIGIT */
static bool take_points(struct mr_cur *c, int *points_out)
{
	bool minus = mr_cur_byte(c, '-');
	uint64_t points;

	if (mr_span_u64(mr_cur_take(c, MR_DIGIT), 999, &points) < 0)
		return false;
	*points_out = minus ? -(int)points : (int)points;
	return true;
}

/* hit = what ":" zone "=" code [ "/" points ] */
static bool take_hit(struct mr_cur *c, struct hit *hit_out)
{
	struct hit hit = { .points = 0 };

	hit.what = mr_cur_take(mr_cur_fws(c), MR_ALNUM | MR_HYPHEN);
	if (hit.what.len == 0 || hit.what.len > WORD_MAX || !mr_cur_byte(c, ':'))
		return false;
	hit.zone = mr_cur_take(c, MR_ALNUM | MR_HYPHEN | MR_DOT | MR_UNDERSCORE);
	if (hit.zone.len == 0 || hit.zone.len > MR_DOMAIN_MAX || !mr_cur_byte(c, '='))
		return false;
	hit.code = mr_cur_take(c, MR_DIGIT | MR_DOT);
	if (hit.code.len == 0 || hit.code.len > WORD_MAX)
		return false;
	if (mr_cur_byte(c, '/') && !take_points(c, &hit.points))
		return false;
	*hit_out = hit;
	return true;
}

/* "none" / hit *( "," FWS hit ). Returns the number of hits, or -1: it is malformed, or too long. */
static int read_hits(struct mr_span value, struct hit hit[MR_SPAM_RBL_HITS_MAX])
{
	struct mr_cur c = mr_cur(value);
	int count = 0;

	if (mr_span_eq_nocase(mr_span_trim(value), MR_SPAN("none")))
		return 0;
	do {
		if (count == MR_SPAM_RBL_HITS_MAX || !take_hit(&c, &hit[count]))
			return -1;
		count++;
		mr_cur_fws(&c);
	} while (mr_cur_byte(&c, ','));
	return c.p == c.end ? count : -1;
}

static struct mr_span listed(struct mr_span what)
{
	static const struct {
		struct mr_span what, text;
	} rows[] = {
		{ MR_SPAN("client"), MR_SPAN("its sender's address") },
		{ MR_SPAN("relay"), MR_SPAN("a host that passed it on") },
		{ MR_SPAN("url"), MR_SPAN("where a link in it leads") },
		{ MR_SPAN("from"), MR_SPAN("its sender's domain") },
		{ MR_SPAN("dkim"), MR_SPAN("a domain that signed it") },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		if (mr_span_eq_nocase(what, rows[i].what))
			return rows[i].text;
	}
	return MR_SPAN("something in it");
}

static int add_rbl(struct answer *a, struct mr_span value)
{
	struct hit hit[MR_SPAM_RBL_HITS_MAX];
	int count = read_hits(value, hit), points = 0, err = 0;
	char text[16];

	if (count < 0)
		return 0;
	if (count == 0)
		return add(a, "rbl-none", MR_SPAN(""), MR_SPAN("none"), MR_SPAN(""));
	for (int i = 0; i < count && err == 0; i++) {
		points += hit[i].points;
		if ((err = add(a, "rbl", hit[i].what, hit[i].zone, listed(hit[i].what))) == 0)
			err = add(a, "rbl-code", hit[i].zone, hit[i].code, hit[i].zone);
	}
	if (err < 0 || points == 0)
		return err;
	points = points > MR_SPAM_RBL_POINTS_MAX    ? MR_SPAM_RBL_POINTS_MAX
		 : points < -MR_SPAM_RBL_POINTS_MAX ? -MR_SPAM_RBL_POINTS_MAX
						    : points;
	snprintf(text, sizeof(text), "%d", points);
	return add(a, "rbl-points", MR_SPAN(""), mr_span_str(text), MR_SPAN(""));
}

/* -- the rest ---------------------------------------------------------------------------------- */

/* A field whose first word says it: "Clean", "TLSv1.3", "SSL". */
static int add_word(struct answer *a, const char *kind, struct mr_span value)
{
	struct mr_cur c = mr_cur(value);
	struct mr_span word =
		mr_cur_take(mr_cfws(&c), MR_ALNUM | MR_DOT | MR_HYPHEN | MR_UNDERSCORE);

	return word.len == 0 || word.len > WORD_MAX ? 0
						    : add(a, kind, MR_SPAN(""), word, MR_SPAN(""));
}

static int add_field(struct answer *a, const struct mr_field *field)
{
	if (mr_span_eq_nocase(field->name, MR_SPAN("X-Millrace-RBL")))
		return add_rbl(a, field->value);
	if (mr_span_eq_nocase(field->name, MR_SPAN("X-Virus-Status")))
		return add_word(a, "virus", field->value);
	if (mr_span_eq_nocase(field->name, MR_SPAN("X-Millrace-TLS")) ||
	    mr_span_eq_nocase(field->name, MR_SPAN("X-Encryption")))
		return add_word(a, "tls", field->value);
	return 0;
}

int mr_spam_answer_add(const struct mr_spam_view *view, struct mr_arena *arena,
		       struct mr_spam_features *f)
{
	struct answer a = { view, arena, f, MR_SPAN("") };
	char from[MR_DOMAIN_MAX];
	int err;

	if (view->upstream != MR_SPAM_UPSTREAM_NONE)
		mr_spam_feature_add(f, MR_SPAM_ANSWER,
				    mr_spam_mix(SEED_UPSTREAM + (uint64_t)(uint32_t)view->upstream),
				    "upstream", MR_SPAN(""), MR_SPAN(""));
	if (f->belief == NULL || f->belief->writers == 0 || view->answer_count == 0)
		return 0;
	if ((err = mr_align_from(view->msg, arena, from, &a.from)) < 0 && err != MR_ENOENT)
		return err;
	if ((err = add_authres(&a)) < 0)
		return err;
	for (uint32_t i = 0; i < view->answer_count; i++) {
		const struct mr_field *field = view->msg->field + view->answer_first + i;

		if (mr_belief_field(f->belief, field) && (err = add_field(&a, field)) < 0)
			return err;
	}
	return 0;
}
