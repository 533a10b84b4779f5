#include "milters/spam/explain.h"

#include <math.h>

#include "lib/base/mr_utf8.h"

#define TEXT_MAX 60 /* bytes of the message in one reason */

/* %t: the text, %f: the field. */
static const struct {
	const char *kind, *text;
} phrases[] = {
	{ "word", "the word \"%t\"" },
	{ "pair", "the words \"%f %t\"" },
	{ "header-word", "\"%t\" in %f" },
	{ "header-name", "there is a field %t" },
	{ "upstream", "what the filter before this one said" },
	{ "tag", "the tag <%t>" },
	{ "attribute", "<%f> with %t" },
	{ "value", "%f=\"%t\" in a tag" },
	{ "style", "the style \"%t\"" },
	{ "count", "how many %t there are" },
	{ "part-type", "a part of type %t" },
	{ "part-subtype", "a part of subtype %t" },
	{ "part-charset", "a part in charset \"%t\"" },
	{ "part-encoding", "a part encoded as %t" },
	{ "host", "a link to the host %t" },
	{ "domain", "a link into the domain %t" },
	{ "top-level", "a link into \"%t\"" },
	{ "path", "\"%t\" in a link" },
	{ "scheme", "a link of the kind %t:" },
	{ "link-trait", "a link with %t" },
	{ "trick", "%t" },
	{ "trick-count", "how many %t" },
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

size_t mr_spam_explain(const struct mr_spam_model *model, const struct mr_spam_features *f,
		       const struct mr_spam_score *score, struct mr_spam_reason *reasons_out,
		       size_t room)
{
	struct mr_spam_reason r;
	size_t count = 0;

	MR_ASSERT(room > 0 && room <= MR_SPAM_REASONS_MAX);
	for (unsigned i = 0; i < MR_SPAM_FAMILIES; i++) {
		const struct mr_spam_list *l = &f->family[i];
		double part = score->part[mr_spam_judge(i)];

		if (i == MR_SPAM_GRAM) /* they are one, below */
			continue;
		for (uint32_t k = 0; k < l->count; k++) {
			double weight = mr_spam_weight(model, i, l->key[k], l->count);

			r = (struct mr_spam_reason){ i, weight * part, &l->origin[k] };
			keep(reasons_out, &count, room, &r);
		}
	}
	r = (struct mr_spam_reason){ MR_SPAM_GRAM, score->family[MR_SPAM_GRAM], NULL };
	keep(reasons_out, &count, room, &r);
	return count;
}

static void put_text(struct mr_buf *out, struct mr_span text)
{
	(void)mr_utf8_show(out, mr_span_sub(mr_span_trim(text), 0, TEXT_MAX));
	if (text.len > TEXT_MAX)
		mr_buf_adds(out, "...");
}

void mr_spam_reason_text(const struct mr_spam_reason *reason, struct mr_buf *out)
{
	const struct mr_spam_origin *o = reason->origin;
	const char *p = NULL;

	if (o == NULL) {
		mr_buf_adds(out, mr_spam_family_text(reason->family));
		return;
	}
	for (size_t i = 0; i < MR_COUNT(phrases) && p == NULL; i++) {
		if (strcmp(phrases[i].kind, o->kind) == 0)
			p = phrases[i].text;
	}
	MR_ASSERT(p != NULL);
	for (; *p != '\0'; p++) {
		if (p[0] == '%') {
			p++;
			put_text(out, *p == 'f' ? o->field : o->text);
		} else {
			mr_buf_addc(out, *p);
		}
	}
}
