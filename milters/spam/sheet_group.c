#include "milters/spam/sheet_group.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "milters/spam/css.h"
#include "milters/spam/text.h"

#define NAME_BYTES (MR_ALNUM | MR_HYPHEN | MR_UNDERSCORE | MR_HIGH)

/* No window in which mail is read is narrower, lower, or larger. */
#define WINDOW_MIN_PX 200
#define WINDOW_MAX_PX 3000

static bool take_word(struct mr_cur *c, struct mr_span word)
{
	struct mr_cur at = *c;

	if (!mr_span_eq(mr_cur_take(mr_cur_fws(&at), NAME_BYTES), word))
		return false;
	*c = at;
	return true;
}

/* "(name: value)" */
static bool take_condition(struct mr_cur *c, struct mr_span *name_out, struct mr_span *value_out)
{
	struct mr_span inside;

	if (!mr_cur_byte(mr_cur_fws(c), '('))
		return false;
	inside = mr_cur_until(c, ')');
	if (!mr_cur_byte(c, ')') || !mr_span_split(inside, ':', name_out, value_out))
		return false;
	*name_out = mr_span_trim(*name_out);
	*value_out = mr_span_trim(*value_out);
	return true;
}

/* Media Queries 4, 4: true of every window. */
static bool any_window(struct mr_span name, struct mr_span value)
{
	static const struct mr_span least[] = { MR_SPAN("min-width"), MR_SPAN("min-height"),
						MR_SPAN("min-device-width"),
						MR_SPAN("min-device-height") };
	static const struct mr_span most[] = { MR_SPAN("max-width"), MR_SPAN("max-height"),
					       MR_SPAN("max-device-width"),
					       MR_SPAN("max-device-height") };
	double px;

	if (!mr_spam_css_px(value, &px))
		return false;
	if (mr_span_among_nocase(name, least, MR_COUNT(least)))
		return px <= WINDOW_MIN_PX;
	return mr_span_among_nocase(name, most, MR_COUNT(most)) && px >= WINDOW_MAX_PX;
}

/* What every program that reads style sheets knows. */
static bool any_program(struct mr_span name, struct mr_span value)
{
	static const struct mr_span displays[] = { MR_SPAN("none"),         MR_SPAN("block"),
						   MR_SPAN("inline"),       MR_SPAN("flex"),
						   MR_SPAN("inline-block"), MR_SPAN("grid"),
						   MR_SPAN("table"),        MR_SPAN("table-cell") };
	struct mr_cur c = mr_cur(value);
	double n;

	if (mr_span_eq(name, MR_SPAN("display")))
		return mr_span_among_nocase(value, displays, MR_COUNT(displays));
	if (mr_span_eq(name, MR_SPAN("color")) || mr_span_eq(name, MR_SPAN("background-color")))
		return mr_spam_color(value) <= 0xFFFFFF;
	return mr_span_eq(name, MR_SPAN("opacity")) && mr_spam_css_number(&c, &n) && c.p == c.end;
}

/* Conditions with "and" between them, up to the end. */
static bool all_hold(struct mr_cur *c, bool (*holds)(struct mr_span name, struct mr_span value))
{
	struct mr_span name, value;

	do {
		if (!take_condition(c, &name, &value) || !holds(name, value))
			return false;
	} while (take_word(c, MR_SPAN("and")));
	return mr_cur_fws(c)->p == c->end;
}

/* Media Queries 4, 3: "screen", "only screen and (...)", "(...)", "not print". */
static bool query_counts(struct mr_span query)
{
	struct mr_cur c = mr_cur(query);
	bool screen;

	if (take_word(&c, MR_SPAN("not"))) {
		screen = take_word(&c, MR_SPAN("screen")) || take_word(&c, MR_SPAN("all"));
		/* "not (...)", "not print and (...)": of conditions that do not hold we know none. */
		return !screen && mr_cur_take(mr_cur_fws(&c), NAME_BYTES).len > 0 &&
		       mr_cur_fws(&c)->p == c.end;
	}
	(void)take_word(&c, MR_SPAN("only"));
	screen = take_word(&c, MR_SPAN("screen")) || take_word(&c, MR_SPAN("all"));
	if (screen && mr_cur_fws(&c)->p == c.end)
		return true;
	if (screen && !take_word(&c, MR_SPAN("and")))
		return false;
	return all_hold(&c, any_window);
}

/* Any of the queries; none at all is all (Media Queries 4, 2.1). */
static bool media_counts(struct mr_span queries)
{
	struct mr_span one, rest = mr_span_trim(queries);

	if (rest.len == 0)
		return true;
	while (rest.len > 0) {
		mr_span_split(rest, ',', &one, &rest);
		if (query_counts(one))
			return true;
	}
	return false;
}

bool mr_spam_sheet_group_counts(struct mr_span prelude)
{
	char plain[MR_SPAM_PRELUDE_MAX], small[MR_SPAM_PRELUDE_MAX];
	struct mr_cur c;

	if (prelude.len > MR_SPAM_PRELUDE_MAX)
		return false;
	prelude = mr_spam_css_plain(prelude, plain, sizeof(plain));
	c = mr_cur(mr_spam_lower(prelude, small, sizeof(small)));
	if (!mr_cur_byte(&c, '@'))
		return false;
	if (take_word(&c, MR_SPAN("media")))
		return media_counts(mr_cur_rest(&c));
	return take_word(&c, MR_SPAN("supports")) && all_hold(&c, any_program);
}
