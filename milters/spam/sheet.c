#include "milters/spam/sheet.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "milters/spam/hash.h"

#define NAME_BYTES (MR_ALNUM | MR_HYPHEN | MR_UNDERSCORE | MR_HIGH)

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

/* The hash of ".name", "#name" or "name"; "p.name" is ".name". 0: no selector that we read. */
static uint64_t selector_of(struct mr_span text)
{
	struct mr_cur c = mr_cur(mr_span_trim(text));
	struct mr_span tag, name;
	const char *sign;

	(void)mr_cur_byte(&c, '*');
	tag = mr_cur_take(&c, NAME_BYTES);
	if (c.p == c.end)
		return tag.len > 0 ? mr_spam_hash(0, tag) : 0;
	sign = c.p;
	if (!mr_cur_byte(&c, '.') && !mr_cur_byte(&c, '#'))
		return 0;
	name = mr_cur_take(&c, NAME_BYTES);
	return name.len > 0 && c.p == c.end ? mr_spam_hash((uint8_t)*sign, name) : 0;
}

static bool says_nothing(const struct mr_spam_style *s)
{
	return s->color == MR_SPAM_COLOR_UNSAID && s->background == MR_SPAM_COLOR_UNSAID &&
	       (s->unshown | s->unseen | s->sizeless | s->clear | s->flat | s->cut | s->away) ==
		       MR_SPAM_SAID_NOTHING;
}

static void add_rules(struct mr_spam_sheet *sheet, struct mr_span selectors,
		      const struct mr_spam_style *style)
{
	struct mr_span one, rest = selectors;

	while (rest.len > 0 && sheet->count < MR_SPAM_RULES_MAX) {
		uint64_t selector;

		mr_span_split(rest, ',', &one, &rest);
		if ((selector = selector_of(one)) != 0)
			sheet->rule[sheet->count++] = (struct mr_spam_rule){ selector, *style };
	}
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
		selectors = mr_cur_until(&c, '{');
		if (!mr_cur_byte(&c, '{'))
			return;
		mr_spam_style_init(&style);
		mr_spam_style_read(mr_cur_until(&c, '}'), &style);
		(void)mr_cur_byte(&c, '}');
		if (!says_nothing(&style))
			add_rules(sheet, selectors, &style);
	}
}

/* -- applying --------------------------------------------------------------------------------- */

static void merge(uint8_t said, uint8_t *own)
{
	if (said != MR_SPAM_SAID_NOTHING)
		*own = said;
}

static void apply_one(const struct mr_spam_style *from, struct mr_spam_style *to)
{
	if (from->color != MR_SPAM_COLOR_UNSAID)
		to->color = from->color;
	if (from->background != MR_SPAM_COLOR_UNSAID)
		to->background = from->background;
	merge(from->unshown, &to->unshown);
	merge(from->unseen, &to->unseen);
	merge(from->sizeless, &to->sizeless);
	merge(from->clear, &to->clear);
	merge(from->flat, &to->flat);
	merge(from->cut, &to->cut);
	merge(from->away, &to->away);
}

static void apply_all(const struct mr_spam_sheet *sheet, uint64_t selector,
		      struct mr_spam_style *style)
{
	for (uint32_t i = 0; i < sheet->count; i++) {
		if (sheet->rule[i].selector == selector)
			apply_one(&sheet->rule[i].style, style);
	}
}

void mr_spam_sheet_apply(const struct mr_spam_sheet *sheet, struct mr_span name,
			 struct mr_span classes, struct mr_span id,
			 struct mr_spam_style *style_inout)
{
	struct mr_cur c = mr_cur(classes);

	if (sheet->count == 0)
		return;
	apply_all(sheet, mr_spam_hash(0, name), style_inout);
	for (int i = 0; i < MR_SPAM_CLASSES_MAX && mr_cur_fws(&c)->p < c.end; i++) {
		const char *start = c.p;

		while (c.p < c.end && !mr_is(*c.p, MR_FWS))
			c.p++;
		apply_all(sheet, mr_spam_hash('.', mr_span(start, (size_t)(c.p - start))),
			  style_inout);
	}
	if (id.len > 0)
		apply_all(sheet, mr_spam_hash('#', mr_span_trim(id)), style_inout);
}
