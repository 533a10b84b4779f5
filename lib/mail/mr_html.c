#include "lib/mail/mr_html.h"

/*
 * A state of the standard that only differs from its neighbour in the parse errors it reports has
 * no counterpart here. Each function steps forward and never back, or looks ahead by a fixed
 * number of octets: that is what keeps the whole linear.
 */

/* 13.2.5: tab, LF, FF, space; CR is what preprocessing would have made an LF (13.2.3.5). */
static inline bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f';
}

/* What ends the name of a tag or of an attribute (13.2.5.8, 13.2.5.33). */
static inline bool ends_name(char c)
{
	return c == '>' || c == '/' || is_space(c);
}

static void skip_space(struct mr_cur *c)
{
	while (c->p < c->end && is_space(*c->p))
		c->p++;
}

/* 13.2.5.35 to 13.2.5.38: the value of an attribute, behind "=" */
static struct mr_span take_value(struct mr_cur *c)
{
	struct mr_span value;
	const char *start;

	skip_space(c);
	if (c->p < c->end && (*c->p == '"' || *c->p == '\'')) {
		char quote = *c->p++;

		value = mr_cur_until(c, quote);
		mr_cur_byte(c, quote);
		return value;
	}
	start = c->p;
	/* A slash belongs to the value. ">" in the first place means that there is none. */
	while (c->p < c->end && *c->p != '>' && !is_space(*c->p))
		c->p++;
	return mr_span(start, (size_t)(c->p - start));
}

/* 13.2.5.32 to 13.2.5.34: an attribute; false at ">" or at the end, and c then stands there */
static bool take_attr(struct mr_cur *c, struct mr_html_attr *attr_out)
{
	const char *start;

	while (c->p < c->end && (*c->p == '/' || is_space(*c->p)))
		c->p++;
	if (c->p == c->end || *c->p == '>')
		return false;
	start = c->p++; /* "=" in the first place belongs to the name */
	while (c->p < c->end && *c->p != '=' && !ends_name(*c->p))
		c->p++;
	attr_out->name = mr_span(start, (size_t)(c->p - start));
	attr_out->value = mr_span(c->p, 0);
	skip_space(c);
	if (mr_cur_byte(c, '='))
		attr_out->value = take_value(c);
	return true;
}

bool mr_html_attr_next(struct mr_span *attrs_inout, struct mr_html_attr *attr_out)
{
	struct mr_cur c = mr_cur(*attrs_inout);
	bool found = take_attr(&c, attr_out);

	*attrs_inout = found ? mr_cur_rest(&c) : mr_span(c.end, 0);
	return found;
}

/* Which text a start tag is followed by (13.2.6.2, 13.2.6.4.4, 13.2.6.4.7). */
static enum mr_html_state state_after(struct mr_span name)
{
	static const struct {
		struct mr_span name;
		enum mr_html_state state;
	} rows[] = {
		{ MR_SPAN("title"), MR_HTML_IN_RCDATA },
		{ MR_SPAN("textarea"), MR_HTML_IN_RCDATA },
		{ MR_SPAN("style"), MR_HTML_IN_RAWTEXT },
		{ MR_SPAN("xmp"), MR_HTML_IN_RAWTEXT },
		{ MR_SPAN("iframe"), MR_HTML_IN_RAWTEXT },
		{ MR_SPAN("noembed"), MR_HTML_IN_RAWTEXT },
		{ MR_SPAN("noframes"), MR_HTML_IN_RAWTEXT },
		{ MR_SPAN("script"), MR_HTML_IN_SCRIPT },
		{ MR_SPAN("plaintext"), MR_HTML_IN_PLAINTEXT },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++)
		if (mr_span_eq_nocase(rows[i].name, name))
			return rows[i].state;
	return MR_HTML_IN_DATA;
}

/* 13.2.5.8: a tag from its name on. False: the input ended within it, and it is dropped. */
static bool take_tag(struct mr_html *h, enum mr_html_kind kind, struct mr_html_token *tok)
{
	struct mr_cur *c = &h->in;
	struct mr_html_attr attr;
	const char *start = c->p, *last;

	while (c->p < c->end && !ends_name(*c->p))
		c->p++;
	tok->kind = kind;
	tok->name = mr_span(start, (size_t)(c->p - start));
	start = last = c->p;
	while (take_attr(c, &attr))
		last = c->p;
	if (c->p == c->end)
		return false;
	if (kind == MR_HTML_START) {
		tok->attrs = mr_span(start, (size_t)(c->p - start));
		/* 13.2.5.40; but a slash in an unquoted value is part of that. */
		tok->self_closing = c->p > last && c->p[-1] == '/';
		h->state = state_after(tok->name);
		h->raw_name = tok->name;
	}
	c->p++;
	return true;
}

/* 13.2.5.41: to ">", which goes too, or to the end */
static void take_bogus_comment(struct mr_cur *c, struct mr_html_token *tok)
{
	tok->kind = MR_HTML_COMMENT;
	tok->text = mr_cur_until(c, '>');
	mr_cur_byte(c, '>');
}

/* What the end of the input cuts off a comment's end: "-", "--", "--!" (13.2.5.50 to 52). */
static struct mr_span without_cut_end(struct mr_span text)
{
	static const struct mr_span ends[] = { MR_SPAN("--!"), MR_SPAN("--"), MR_SPAN("-") };

	for (size_t i = 0; i < MR_COUNT(ends); i++)
		if (mr_span_has_suffix_nocase(text, ends[i]))
			return mr_span_sub(text, 0, text.len - ends[i].len);
	return text;
}

/* 13.2.5.43 to 13.2.5.52: a comment behind "<!--" */
static void take_comment(struct mr_cur *c, struct mr_html_token *tok)
{
	const char *start = c->p, *dash;

	tok->kind = MR_HTML_COMMENT;
	tok->text = mr_span(start, 0);
	if (mr_cur_text(c, MR_SPAN(">")) || mr_cur_text(c, MR_SPAN("->")))
		return; /* 13.2.5.43, 44: "<!-->" and "<!--->" are whole */
	while (c->p < c->end && (dash = memchr(c->p, '-', mr_cur_left(c)))) {
		c->p = dash;
		if (mr_cur_text(c, MR_SPAN("-->")) || mr_cur_text(c, MR_SPAN("--!>"))) {
			tok->text = mr_span(start, (size_t)(dash - start));
			return;
		}
		c->p++;
	}
	c->p = c->end;
	tok->text = without_cut_end(mr_span(start, (size_t)(c->end - start)));
}

/* 13.2.5.53 to 13.2.5.68: all that the doctype's many states agree on is that ">" ends it */
static void take_doctype(struct mr_cur *c, struct mr_html_token *tok)
{
	const char *start;

	skip_space(c);
	start = c->p;
	while (c->p < c->end && *c->p != '>' && !is_space(*c->p))
		c->p++;
	tok->kind = MR_HTML_DOCTYPE;
	tok->text = mr_span(start, (size_t)(c->p - start));
	mr_cur_until(c, '>');
	mr_cur_byte(c, '>');
}

/* 13.2.5.42: behind "<!". CDATA sections are for foreign content, which takes a tree to know. */
static void take_declaration(struct mr_cur *c, struct mr_html_token *tok)
{
	if (mr_cur_text(c, MR_SPAN("--")))
		take_comment(c, tok);
	else if (mr_cur_text(c, MR_SPAN("doctype")))
		take_doctype(c, tok);
	else
		take_bogus_comment(c, tok);
}

/* 13.2.5.6, 13.2.5.7: the "<" under c begins something other than text */
static bool begins_markup(const struct mr_cur *c)
{
	int next = mr_cur_peek(c, 1);

	if (next == '/')
		return mr_cur_peek(c, 2) >= 0;
	return next == '!' || next == '?' || (next >= 0 && mr_is((char)next, MR_ALPHA));
}

/* Behind a "<" that begins_markup(). False: it makes no token. */
static bool take_markup(struct mr_html *h, struct mr_html_token *tok)
{
	struct mr_cur *c = &h->in;

	if (mr_cur_byte(c, '!')) {
		take_declaration(c, tok);
		return true;
	}
	if (mr_cur_byte(c, '/')) {
		if (mr_is(*c->p, MR_ALPHA))
			return take_tag(h, MR_HTML_END, tok);
		if (mr_cur_byte(c, '>'))
			return false; /* 13.2.5.7: "</>" is nothing */
		take_bogus_comment(c, tok);
		return true;
	}
	if (*c->p != '?')
		return take_tag(h, MR_HTML_START, tok);
	take_bogus_comment(c, tok);
	return true;
}

/* Step to the next "<", or to the end. */
static void to_less_than(struct mr_cur *c)
{
	const char *at = memchr(c->p, '<', mr_cur_left(c));

	c->p = at ? at : c->end;
}

/* 13.2.5.1: step over text; what stands under c at the start is known not to begin markup */
static void skip_data(struct mr_cur *c)
{
	do {
		c->p++;
		to_less_than(c);
	} while (c->p < c->end && !begins_markup(c));
}

/* 13.2.5.11 and its kin: an appropriate end tag stands under c */
static bool at_end_tag(const struct mr_cur *c, struct mr_span name)
{
	struct mr_cur at = *c;

	return mr_cur_text(&at, MR_SPAN("</")) && name.len > 0 && mr_cur_text(&at, name) &&
	       at.p < at.end && ends_name(*at.p);
}

/* Take text and the octet behind it if that ends a name. */
static bool take_script_tag(struct mr_cur *c, struct mr_span text)
{
	struct mr_cur at = *c;

	if (!mr_cur_text(&at, text) || at.p == at.end || !ends_name(*at.p))
		return false;
	c->p = at.p + 1;
	return true;
}

/* 13.2.5.4, 13.2.5.15 to 13.2.5.31: to the end tag of a script. Behind "<!--", up to "-->", a
 * "<script" hides one "</script": that is "double escaped". */
static void skip_script(struct mr_cur *c, struct mr_span name)
{
	enum { PLAIN, ESCAPED, DOUBLE_ESCAPED } mode = PLAIN;
	unsigned dashes = 0; /* just passed, when escaped; no more than two count */

	for (;;) {
		if (mode == PLAIN)
			to_less_than(c);
		if (c->p == c->end || (mode != DOUBLE_ESCAPED && at_end_tag(c, name)))
			return;
		if (mode == PLAIN && mr_cur_text(c, MR_SPAN("<!--"))) {
			mode = ESCAPED;
			dashes = 2; /* 13.2.5.17: "<!-->" is whole here, too */
		} else if (mode == ESCAPED && take_script_tag(c, MR_SPAN("<script"))) {
			mode = DOUBLE_ESCAPED;
			dashes = 0;
		} else if (mode == DOUBLE_ESCAPED && take_script_tag(c, MR_SPAN("</script"))) {
			mode = ESCAPED;
			dashes = 0;
		} else if (*c->p++ == '-') {
			dashes += dashes < 2;
		} else {
			if (c->p[-1] == '>' && dashes == 2)
				mode = PLAIN;
			dashes = 0;
		}
	}
}

/* Step over text that is no markup, to the end tag of its element, or to the end. */
static void skip_raw(struct mr_html *h)
{
	struct mr_cur *c = &h->in;

	if (h->state == MR_HTML_IN_PLAINTEXT) {
		c->p = c->end;
	} else if (h->state == MR_HTML_IN_SCRIPT) {
		skip_script(c, h->raw_name);
	} else {
		to_less_than(c);
		while (c->p < c->end && !at_end_tag(c, h->raw_name)) {
			c->p++;
			to_less_than(c);
		}
	}
}

void mr_html_init(struct mr_html *h, struct mr_span text)
{
	*h = (struct mr_html){ .in = mr_cur(text), .state = MR_HTML_IN_DATA };
}

bool mr_html_next(struct mr_html *h, struct mr_html_token *tok_out)
{
	struct mr_cur *c = &h->in;

	while (c->p < c->end) {
		struct mr_span none = mr_span(c->p, 0);
		struct mr_html_token tok = {
			.kind = MR_HTML_TEXT,
			.text = none,
			.name = none,
			.attrs = none,
			.raw = h->state != MR_HTML_IN_DATA,
			.refs = h->state <= MR_HTML_IN_RCDATA,
		};

		if (tok.raw) {
			skip_raw(h);
			h->state = MR_HTML_IN_DATA; /* what is left is its end tag */
		} else if (*c->p != '<' || !begins_markup(c)) {
			skip_data(c);
		} else {
			c->p++;
			tok.refs = false;
			if (!take_markup(h, &tok))
				continue;
			*tok_out = tok;
			return true;
		}
		tok.text.len = (size_t)(c->p - tok.text.p);
		if (tok.text.len > 0) {
			*tok_out = tok;
			return true;
		}
	}
	return false;
}
