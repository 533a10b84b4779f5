#include "milters/spam/sheet.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "milters/spam/text.h"

#define NAME_BYTES (MR_ALNUM | MR_HYPHEN | MR_UNDERSCORE | MR_HIGH)

#define SELECTOR_SIZE_MAX 200 /* bytes of one with comments or escapes */

/* -- reading ---------------------------------------------------------------------------------- */

/* White space, comments, and the signs that hid style sheets from browsers of 1996. */
static void skip_blank(struct mr_cur *c)
{
	size_t before;

	do {
		before = mr_cur_left(c);
		mr_cur_fws(c);
		if (mr_cur_text(c, MR_SPAN("/*"))) {
			size_t at = mr_span_search(mr_cur_rest(c), MR_SPAN("*/"));

			mr_cur_skip(c, at + 2);
		}
		if (!mr_cur_text(c, MR_SPAN("<!--")))
			(void)mr_cur_text(c, MR_SPAN("-->"));
	} while (mr_cur_left(c) < before);
}

/* A block that was opened, with what it holds. */
static void skip_block(struct mr_cur *c)
{
	size_t depth = 1;

	for (; depth > 0 && c->p < c->end; c->p++)
		depth += (*c->p == '{') - (size_t)(*c->p == '}');
}

/* "@media screen {": its rules count as if they stood outside, unless there is a condition. */
static void at_rule(struct mr_cur *c)
{
	struct mr_span prelude;
	const char *start = c->p;

	while (c->p < c->end && *c->p != '{' && *c->p != ';')
		c->p++;
	prelude = mr_span(start, (size_t)(c->p - start));
	if (!mr_cur_byte(c, '{')) {
		mr_cur_byte(c, ';');
		return;
	}
	if (!mr_span_has_prefix_nocase(prelude, MR_SPAN("@media")) ||
	    mr_span_find(prelude, '(') < prelude.len ||
	    mr_span_search(prelude, MR_SPAN("print")) < prelude.len)
		skip_block(c);
}

/* Two bits for one name: a set of some is told from others most of the time. */
static uint64_t mark_of(uint64_t hash)
{
	return (uint64_t)1 << (hash >> 40 & 63) | (uint64_t)1 << (hash >> 50 & 63);
}

static uint64_t tag_hash(struct mr_span name)
{
	char folded[MR_SPAM_TOKEN_MAX];

	return mr_spam_hash(0, mr_spam_lower(name, folded, sizeof(folded)));
}

/* "p.x#y": the last name finds the rule, the marks of all are wanted. False: none that we read. */
static bool take_compound(struct mr_cur *c, uint64_t *key_out, uint64_t *marks_out)
{
	uint64_t key = 0, marks = 0;
	struct mr_span name;
	bool any = mr_cur_byte(c, '*');

	name = mr_cur_take(c, NAME_BYTES);
	if (name.len > 0) {
		key = tag_hash(name);
		/* These two are there when nobody wrote them. */
		if (!mr_span_eq_nocase(name, MR_SPAN("html")) &&
		    !mr_span_eq_nocase(name, MR_SPAN("body")))
			marks = mark_of(key);
	}
	while (c->p < c->end && (*c->p == '.' || *c->p == '#')) {
		uint8_t sign = (uint8_t)*c->p++;

		if ((name = mr_cur_take(c, NAME_BYTES)).len == 0)
			return false;
		key = mr_spam_hash(sign, name);
		marks |= mark_of(key);
	}
	*key_out = key;
	*marks_out = marks;
	return key != 0 || any;
}

/* ".x", "p.x", "div .x", "table > tr.x"; a child counts as any descendant. */
static bool selector_of(struct mr_span text, struct mr_spam_rule *rule)
{
	char plain[SELECTOR_SIZE_MAX];
	struct mr_cur c;
	size_t before;

	text = mr_spam_css_plain(mr_span_trim(text), plain, sizeof(plain));
	c = mr_cur(mr_span_trim(text));
	rule->within = 0;
	while (take_compound(&c, &rule->selector, &rule->own)) {
		if (c.p == c.end)
			return rule->selector != 0;
		before = mr_cur_left(&c);
		if (mr_cur_byte(mr_cur_fws(&c), '>'))
			(void)mr_cur_fws(&c);
		if (mr_cur_left(&c) == before)
			return false;
		rule->within |= rule->own;
	}
	return false;
}

static bool says_nothing(const struct mr_spam_style *s)
{
	uint8_t any = 0;

	for (unsigned i = 0; i < MR_SPAM_TRAITS; i++)
		any |= s->says[i];
	return any == MR_SPAM_SAID_NOTHING && s->color == MR_SPAM_COLOR_UNSAID &&
	       s->background == MR_SPAM_COLOR_UNSAID && s->fill == MR_SPAM_COLOR_UNSAID;
}

static void add_rules(struct mr_spam_sheet *sheet, struct mr_span selectors,
		      const struct mr_spam_style *style)
{
	struct mr_span one, rest = selectors;

	while (rest.len > 0 && sheet->count < MR_SPAM_RULES_MAX) {
		struct mr_spam_rule *rule = &sheet->rule[sheet->count];

		mr_span_split(rest, ',', &one, &rest);
		if (selector_of(one, rule)) {
			rule->style = *style;
			sheet->count++;
		}
	}
}

/* Up to stop, if it stands in no comment. */
static struct mr_span take_until(struct mr_cur *c, char stop)
{
	const char *start = c->p;

	while (c->p < c->end && *c->p != stop) {
		if (mr_cur_text(c, MR_SPAN("/*")))
			mr_cur_skip(c, mr_span_search(mr_cur_rest(c), MR_SPAN("*/")) + 2);
		else
			c->p++;
	}
	return mr_span(start, (size_t)(c->p - start));
}

void mr_spam_sheet_read(struct mr_spam_sheet *sheet, struct mr_span css)
{
	struct mr_cur c = mr_cur(css);

	while (skip_blank(&c), c.p < c.end && sheet->count < MR_SPAM_RULES_MAX) {
		struct mr_spam_style style;
		struct mr_span selectors;

		if (*c.p == '@') {
			at_rule(&c);
			continue;
		}
		if (mr_cur_byte(&c, '}')) /* the end of an @media */
			continue;
		selectors = take_until(&c, '{');
		if (!mr_cur_byte(&c, '{'))
			return;
		mr_spam_style_init(&style);
		mr_spam_style_read(take_until(&c, '}'), &style);
		(void)mr_cur_byte(&c, '}');
		if (!says_nothing(&style))
			add_rules(sheet, selectors, &style);
	}
}

/* -- applying --------------------------------------------------------------------------------- */

static void merge_color(uint32_t said, uint32_t *own)
{
	if (said != MR_SPAM_COLOR_UNSAID)
		*own = said;
}

static void apply_one(const struct mr_spam_style *from, struct mr_spam_style *to)
{
	merge_color(from->color, &to->color);
	merge_color(from->background, &to->background);
	merge_color(from->fill, &to->fill);
	for (unsigned i = 0; i < MR_SPAM_TRAITS; i++) {
		if (from->says[i] != MR_SPAM_SAID_NOTHING)
			to->says[i] = from->says[i];
	}
}

struct names { /* of a tag, as rules find them */
	uint64_t hash[MR_SPAM_CLASSES_MAX + 2], own;
	size_t count;
};

static void add_name(struct names *n, uint64_t hash)
{
	n->hash[n->count++] = hash;
	n->own |= mark_of(hash);
}

void mr_spam_sheet_apply(const struct mr_spam_sheet *sheet, struct mr_span name,
			 struct mr_span classes, struct mr_span id, uint64_t within,
			 struct mr_spam_style *style_inout)
{
	struct mr_cur c = mr_cur(classes);
	struct names n = { .own = 0 };

	add_name(&n, mr_spam_hash(0, name));
	for (int i = 0; i < MR_SPAM_CLASSES_MAX && mr_cur_fws(&c)->p < c.end; i++) {
		const char *start = c.p;

		while (c.p < c.end && !mr_is(*c.p, MR_FWS))
			c.p++;
		add_name(&n, mr_spam_hash('.', mr_span(start, (size_t)(c.p - start))));
	}
	if (id.len > 0)
		add_name(&n, mr_spam_hash('#', mr_span_trim(id)));
	for (size_t k = 0; k < n.count; k++) {
		for (uint32_t i = 0; i < sheet->count; i++) {
			const struct mr_spam_rule *rule = &sheet->rule[i];

			if (rule->selector == n.hash[k] && (rule->own & ~n.own) == 0 &&
			    (rule->within & ~within) == 0)
				apply_one(&rule->style, style_inout);
		}
	}
	style_inout->marks = n.own;
}
