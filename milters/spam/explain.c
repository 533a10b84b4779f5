#include "milters/spam/explain.h"

#include <math.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_utf8.h"

#define TEXT_MAX 60 /* bytes of the message in one reason */

#define CUT_MIN 0.1 /* points that were cut: less is not worth a line */

/* %t: the text, %f: the field, %g: the tag. */
static const struct {
	const char *kind, *text;
} phrases[] = {
	{ "word", "the word \"%t\"" },
	{ "pair", "the words \"%f %t\"" },
	{ "header-word", "\"%t\" in %f" },
	{ "header-month", "the month in %f, \"%t\"" },
	{ "header-weekday", "the weekday in %f, \"%t\"" },
	{ "name-end", "a name that ends in \".%t\" in %f" },
	{ "header-name", "there is a field %t" },
	{ "upstream", "what the filter before this one said" },
	{ "tag", "the tag <%t>" },
	{ "attribute", "the attribute %t in the tag <%f>" },
	{ "value", "%f=\"%t\" in the tag <%g>" },
	{ "style", "the style \"%t\"" },
	{ "count", "the number of %t in the HTML: %f" },
	{ "part-type", "a part of type %t" },
	{ "part-subtype", "a part of type %f/%t" },
	{ "part-charset", "a part in charset \"%t\"" },
	{ "part-no-charset", "a part that names no charset" },
	{ "part-encoding", "a part encoded as %t" },
	{ "part-not-encoded", "a part sent without base64 or quoted-printable" },
	{ "host", "a link to the host %t" },
	{ "domain", "a link into the domain %t" },
	{ "top-level", "a link into \"%t\"" },
	{ "path", "\"%t\" in the path of a link" },
	{ "query", "\"%t\" behind the \"?\" of a link" },
	{ "link-pieces", "numbers and single letters in links" },
	{ "scheme", "a link of the kind %t:" },
	{ "link-trait", "a link with %t" },
	{ "trick", "%t" },
	{ "trick-count", "%t: %f" },
	{ "trick-bytes", "%t: %f bytes" },
	{ "auth", "%f (%t)" },
	{ "auth-domain", "it comes from %t, as was checked" },
	{ "auth-policy", "what the check was told to do (%t)" },
	{ "rbl", "%f is on the list %t" },
	{ "rbl-code", "the list %f answered %t" },
	{ "rbl-points", "lists gave it %t points in all" },
	{ "rbl-none", "it is on none of the lists that were asked" },
	{ "virus", "the virus scanner said \"%t\"" },
	{ "tls", "how it was encrypted on its way to us: %t" },
};

static const struct mr_spam_origin link_pieces = { .kind = "link-pieces" };

const char *mr_spam_family_text(enum mr_spam_family family)
{
	static const char *const text[MR_SPAM_FAMILIES] = {
		[MR_SPAM_WORD] = "words of the text",
		[MR_SPAM_HEAD] = "words of the header",
		[MR_SPAM_NAME] = "which header fields there are",
		[MR_SPAM_HTML] = "how the message is built",
		[MR_SPAM_URL] = "where links lead",
		[MR_SPAM_GRAM] = "the look of its first 3,000 bytes",
		[MR_SPAM_ANSWER] = "what other filters found",
	};

	return text[family];
}

static void keep(struct mr_spam_reason *list, size_t *count, size_t room,
		 const struct mr_spam_reason *r)
{
	size_t at = *count;

	while (at > 0 && fabs(list[at - 1].log_odds) < fabs(r->log_odds))
		at--;
	if (at == room || r->log_odds == 0)
		return;
	if (*count < room)
		(*count)++;
	memmove(list + at + 1, list + at, (*count - at - 1) * sizeof(*list));
	list[at] = *r;
}

static bool is_kind(const struct mr_spam_origin *o, const char *kind)
{
	return strcmp(o->kind, kind) == 0;
}

/* "24", "q" in a link: nobody can say what it means. */
static bool is_piece(const struct mr_spam_origin *o)
{
	return (is_kind(o, "path") || is_kind(o, "query")) &&
	       (o->text.len == 1 || mr_span_only(o->text, MR_DIGIT));
}

/* Feature k and the next one are type and subtype of one part: extract.c adds them in turn. */
static bool is_type(const struct mr_spam_list *l, uint32_t k)
{
	return is_kind(&l->origin[k], "part-type") && k + 1 < l->count &&
	       is_kind(&l->origin[k + 1], "part-subtype");
}

size_t mr_spam_explain(const struct mr_spam_model *model, const struct mr_spam_features *f,
		       const struct mr_spam_score *score, struct mr_spam_reason *reasons_out,
		       size_t room)
{
	struct mr_spam_reason pieces = { .family = MR_SPAM_URL, .origin = &link_pieces };
	size_t count = 0;

	MR_ASSERT(room > 0 && room <= MR_SPAM_REASONS_MAX);
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &f->family[i];
		double part = score->part[mr_spam_judge(i)];

		if (i == MR_SPAM_GRAM)
			continue;
		for (uint32_t k = 0; k < l->count; k++) {
			double weight = mr_spam_weight(model, i, l->key[k], l->count);
			struct mr_spam_reason r;

			if (is_type(l, k))
				weight += mr_spam_weight(model, i, l->key[++k], l->count);
			r = (struct mr_spam_reason){ i, weight * part, &l->origin[k] };
			if (is_piece(r.origin))
				pieces.log_odds += r.log_odds;
			else
				keep(reasons_out, &count, room, &r);
		}
	}
	keep(reasons_out, &count, room, &pieces);
	return count;
}

bool mr_spam_explain_cut(const struct mr_spam_score *score, double *said_out, double *counts_out)
{
	double said = 0, counts = 0;

	for (unsigned i = 0; i < MR_SPAM_JUDGES; i++) {
		if (score->judge[i] < -MR_SPAM_FAVOUR_MAX) {
			said += score->judge[i];
			counts += mr_spam_favour(score->judge[i]);
		}
	}
	*said_out = said;
	*counts_out = counts;
	return counts - said >= CUT_MIN;
}

static void put_text(struct mr_buf *out, struct mr_span text)
{
	(void)mr_utf8_show(out, mr_span_sub(mr_span_trim(text), 0, TEXT_MAX));
	if (text.len > TEXT_MAX)
		mr_buf_adds(out, "...");
}

static bool is_one_of(struct mr_span text, const char *names)
{
	for (; *names != '\0' && text.len == 3; names += 3) {
		if (mr_span_eq_nocase(text, mr_span(names, 3)))
			return true;
	}
	return false;
}

/* The origin's kind, or the narrower one that words are kept for. */
static const char *kind_of(const struct mr_spam_origin *o)
{
	if (is_kind(o, "part-charset") && o->text.len == 0)
		return "part-no-charset";
	if (is_kind(o, "part-encoding") && mr_span_eq(o->text, MR_SPAN("plain")))
		return "part-not-encoded";
	if (is_kind(o, "header-word") && (mr_span_eq_nocase(o->field, MR_SPAN("Date")) ||
					  mr_span_eq_nocase(o->field, MR_SPAN("Received")))) {
		if (is_one_of(o->text, "JanFebMarAprMayJunJulAugSepOctNovDec"))
			return "header-month";
		if (is_one_of(o->text, "MonTueWedThuFriSatSun"))
			return "header-weekday";
	}
	return o->kind;
}

void mr_spam_reason_text(const struct mr_spam_reason *reason, struct mr_buf *out)
{
	const struct mr_spam_origin *o = reason->origin;
	const char *p = NULL;

	if (o == NULL) {
		mr_buf_adds(out, mr_spam_family_text(reason->family));
		mr_buf_adds(out, ": many small signs, none of which means anything by itself");
		return;
	}
	for (size_t i = 0; i < MR_COUNT(phrases) && p == NULL; i++) {
		if (strcmp(phrases[i].kind, kind_of(o)) == 0)
			p = phrases[i].text;
	}
	MR_ASSERT(p != NULL);
	for (; *p != '\0'; p++) {
		if (p[0] == '%') {
			p++;
			put_text(out, *p == 'f' ? o->field : *p == 'g' ? o->tag : o->text);
		} else {
			mr_buf_addc(out, *p);
		}
	}
}
