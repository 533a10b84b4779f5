#include "milters/spam/sheet.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "milters/spam/sheet_group.h"
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

/* "@media screen {": its rules count as if they stood outside. */
static void at_rule(struct mr_cur *c)
{
	const char *start = c->p;
	size_t len;

	while (c->p < c->end && *c->p != '{' && *c->p != ';') {
		if (mr_cur_text(c, MR_SPAN("/*")))
			mr_cur_skip(c, mr_span_search(mr_cur_rest(c), MR_SPAN("*/")) + 2);
		else
			c->p++;
	}
	len = (size_t)(c->p - start);
	if (!mr_cur_byte(c, '{'))
		(void)mr_cur_byte(c, ';');
	else if (!mr_spam_sheet_group_counts(mr_span(start, len)))
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

/* A rule that says more of the same selector is no rule more. */
static int add_rule(struct mr_spam_sheet *sheet, const struct mr_spam_rule *rule,
		    struct mr_arena *arena)
{
	uint16_t *link = &sheet->first[rule->selector % MR_SPAM_PLACES];
	uint32_t of_place = 0;
	int err;

	for (; *link != 0; of_place++) {
		struct mr_spam_rule *r = &sheet->rule[*link - 1];

		if (r->selector == rule->selector && r->own == rule->own &&
		    r->within == rule->within) {
			apply_one(&rule->style, &r->style);
			return 0;
		}
		link = &r->next;
	}
	if (of_place == MR_SPAM_PLACE_MAX || sheet->count == MR_SPAM_RULES_MAX)
		return 0;
	/* Growing moves what link may point into. */
	*link = (uint16_t)(sheet->count + 1);
	if ((err = mr_arena_grow(arena, &sheet->rule, &sheet->room, sheet->count + 1,
				 sizeof(*rule))) < 0) {
		*link = 0;
		return err;
	}
	sheet->rule[sheet->count] = *rule;
	sheet->rule[sheet->count++].next = 0;
	return 0;
}

static int add_rules(struct mr_spam_sheet *sheet, struct mr_span selectors,
		     const struct mr_spam_style *style, struct mr_arena *arena)
{
	struct mr_span one, rest = selectors;
	int err = 0;

	while (rest.len > 0 && err == 0) {
		struct mr_spam_rule rule = { .style = *style };

		mr_span_split(rest, ',', &one, &rest);
		if (selector_of(one, &rule))
			err = add_rule(sheet, &rule, arena);
	}
	return err;
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

int mr_spam_sheet_read(struct mr_spam_sheet *sheet, struct mr_span css, struct mr_arena *arena)
{
	struct mr_cur c = mr_cur(mr_span_sub(css, 0, MR_SPAM_SHEET_SIZE_MAX - sheet->size));
	int err = 0;

	sheet->size += mr_cur_left(&c);
	while (skip_blank(&c), err == 0 && c.p < c.end) {
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
			return 0;
		mr_spam_style_init(&style);
		mr_spam_style_read(take_until(&c, '}'), &style);
		(void)mr_cur_byte(&c, '}');
		if (!says_nothing(&style))
			err = add_rules(sheet, selectors, &style, arena);
	}
	return err;
}

/* -- applying --------------------------------------------------------------------------------- */

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
		uint16_t at = sheet->first[n.hash[k] % MR_SPAM_PLACES];

		for (const struct mr_spam_rule *rule; at != 0; at = rule->next) {
			rule = &sheet->rule[at - 1];
			if (rule->selector == n.hash[k] && (rule->own & ~n.own) == 0 &&
			    (rule->within & ~within) == 0)
				apply_one(&rule->style, style_inout);
		}
	}
	style_inout->marks = n.own;
}
