#include "milters/spam/html.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_html_names.h"
#include "milters/spam/disguise.h"
#include "milters/spam/fold.h"
#include "milters/spam/hide.h"
#include "milters/spam/sheet.h"
#include "milters/spam/url.h"

#define SEED_TAG   0x4711u
#define SEED_ATTR  0x4712u
#define SEED_VALUE 0x4713u
#define SEED_STYLE 0x4714u
#define SEED_COUNT 0x4715u

#define ATTRS_MAX      20 /* attributes of one tag that are read */
#define VALUE_SIZE_MAX 24 /* bytes of a value that is a feature itself */
#define NAME_SIZE_MAX  16 /* bytes of a tag's name that are read */

struct state {
	struct mr_spam_words *words;
	struct mr_arena *arena;
	struct mr_spam_hide hide;
	struct mr_spam_sheet sheet;
	struct mr_span raw; /* the element that is open whose text nobody sees: script, style */
	char *text; /* what a reader sees: words go on over tags that do not end them */
	size_t len, room;
	bool started; /* the token before was a start tag */
	bool gap; /* since the last text there was a comment or an empty element, and no block */
	uint32_t links, images, comments, tags, text_size;
};

static void add(struct state *s, uint64_t hash, const char *kind, struct mr_span field,
		struct mr_span text)
{
	mr_spam_feature_add(s->words->f, MR_SPAM_HTML, hash, kind, field, text);
}

/* Of the attribute's value; who asks for reasons is told in which tag it stood. */
static void add_value(struct state *s, uint64_t hash, struct mr_span tag,
		      const struct mr_html_attr *attr)
{
	struct mr_spam_list *l = &s->words->f->family[MR_SPAM_HTML];
	uint32_t had = l->count;

	add(s, hash, "value", attr->name, attr->value);
	if (l->count > had)
		l->origin[had].tag = tag;
}

/* Text that is seen. room has what the whole message may need, decoded. */
static void put(struct state *s, struct mr_span text)
{
	size_t len = text.len < s->room - s->len ? text.len : s->room - s->len;

	if (len > 0)
		memcpy(s->text + s->len, text.p, len);
	s->len += len;
}

static void word_ends(struct state *s)
{
	put(s, MR_SPAN("\n"));
	s->gap = false;
}

static bool is_link(struct mr_span name)
{
	static const struct mr_span links[] = { MR_SPAN("href"), MR_SPAN("src"), MR_SPAN("action"),
						MR_SPAN("background") };

	return mr_span_among_nocase(name, links, MR_COUNT(links));
}

/* "font-size:0; display:none": each declaration, blanks dropped, is a feature. */
static void add_style(struct state *s, struct mr_span style)
{
	struct mr_span one, rest = mr_span_sub(style, 0, 400);

	while (rest.len > 0) {
		char folded[VALUE_SIZE_MAX];
		size_t len = 0;

		mr_span_split(rest, ';', &one, &rest);
		for (size_t i = 0; i < one.len && len < sizeof(folded); i++) {
			if (!mr_is(one.p[i], MR_FWS))
				folded[len++] = mr_lower(one.p[i]);
		}
		if (len > 0)
			add(s, mr_spam_hash(SEED_STYLE, mr_span(folded, len)), "style", MR_SPAN(""),
			    mr_span_trim(one));
	}
}

/* What is shown where an image is not. */
static int add_shown(struct state *s, struct mr_span value)
{
	enum mr_spam_trick why;
	struct mr_span text;
	int err;

	if (mr_spam_hidden(&s->hide, &why))
		return 0;
	if ((err = mr_html_text(value, true, s->arena, &text)) < 0)
		return err;
	word_ends(s);
	put(s, text);
	word_ends(s);
	return 0;
}

static int add_attr(struct state *s, uint64_t tag_hash, struct mr_span tag,
		    const struct mr_html_attr *attr)
{
	char folded[VALUE_SIZE_MAX];
	uint64_t hash = mr_spam_hash(tag_hash ^ SEED_ATTR,
				     mr_spam_lower(attr->name, folded, sizeof(folded)));
	struct mr_span url;
	int err;

	add(s, hash, "attribute", tag, attr->name);
	if (is_link(attr->name)) {
		s->links++;
		if ((err = mr_html_text(mr_span_sub(attr->value, 0, MR_SPAM_LINK_SIZE_MAX), true,
					s->arena, &url)) < 0)
			return err;
		return mr_spam_url_add(s->words->f, url, s->words->tricks, s->arena);
	} else if (mr_span_eq_nocase(attr->name, MR_SPAN("style"))) {
		add_style(s, attr->value);
	} else if (mr_span_eq_nocase(attr->name, MR_SPAN("alt")) ||
		   mr_span_eq_nocase(attr->name, MR_SPAN("title"))) {
		return 0; /* text: see add_shown() */
	} else if (attr->value.len <= VALUE_SIZE_MAX) {
		struct mr_span value = mr_spam_lower(attr->value, folded, sizeof(folded));

		if (mr_spam_word_random(value))
			value = MR_SPAN("");
		add_value(s, mr_spam_hash(hash ^ SEED_VALUE, value), tag, attr);
	}
	return 0;
}

/* Attributes that decide how text looks; each may be empty. */
struct looks {
	struct mr_span style, classes, id, alt, title;
	bool tiny; /* an image of no size */
	bool open; /* a dialog that is */
};

/* "0", "1", "1px": as a width or height. */
static bool is_tiny(struct mr_span value)
{
	value = mr_span_trim(value);
	return value.len > 0 && (value.p[0] == '0' || value.p[0] == '1') &&
	       (value.len == 1 || mr_is(value.p[1], MR_ALPHA));
}

static void look_of(const struct mr_html_attr *attr, struct mr_spam_style *style, struct looks *l)
{
	if (mr_span_eq_nocase(attr->name, MR_SPAN("style")))
		l->style = attr->value;
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("class")))
		l->classes = attr->value;
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("id")))
		l->id = attr->value;
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("bgcolor")))
		style->background = mr_spam_color(attr->value);
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("background")))
		style->background = MR_SPAM_COLOR_UNKNOWN;
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("color")) ||
		 mr_span_eq_nocase(attr->name, MR_SPAN("text")))
		style->color = mr_spam_color(attr->value);
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("hidden")))
		style->says[MR_SPAM_UNSHOWN] = MR_SPAM_SAID_YES;
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("alt")))
		l->alt = attr->value;
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("title")))
		l->title = attr->value;
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("width")) ||
		 mr_span_eq_nocase(attr->name, MR_SPAN("height")))
		l->tiny = l->tiny || is_tiny(attr->value);
	else if (mr_span_eq_nocase(attr->name, MR_SPAN("open")))
		l->open = true;
}

/* What style sheets and the attribute style say, the latter with its references undone. */
static int add_looks(struct state *s, struct mr_span name, const struct looks *l,
		     struct mr_spam_style *style)
{
	struct mr_span own = l->style;
	int err;

	if (mr_span_find(own, '&') < own.len &&
	    (err = mr_html_text(mr_span_sub(own, 0, 2 * MR_SPAM_CSS_SIZE_MAX), true, s->arena,
				&own)) < 0)
		return err;
	if (mr_span_eq(name, MR_SPAN("dialog")) && !l->open)
		style->says[MR_SPAM_UNSHOWN] = MR_SPAM_SAID_YES;
	mr_spam_sheet_apply(&s->sheet, name, l->classes, l->id, mr_spam_hide_marks(&s->hide),
			    style);
	mr_spam_style_read(own, style);
	return 0;
}

/* The texts of a tag itself, which its own style may hide. */
static int add_own_texts(struct state *s, const struct looks *l, const struct mr_spam_style *style)
{
	int err;

	if (mr_spam_says(style, MR_SPAM_UNSHOWN) || mr_spam_says(style, MR_SPAM_UNSEEN) ||
	    mr_spam_says(style, MR_SPAM_SIZELESS) || mr_spam_says(style, MR_SPAM_SEE_THROUGH) ||
	    mr_spam_says(style, MR_SPAM_OUTSIDE))
		return 0;
	if (l->alt.len > 0 && !l->tiny && !mr_spam_says(style, MR_SPAM_FLAT) &&
	    (err = add_shown(s, l->alt)) < 0)
		return err;
	return l->title.len > 0 ? add_shown(s, l->title) : 0;
}

static int add_start(struct state *s, const struct mr_html_token *tok)
{
	char folded[NAME_SIZE_MAX];
	struct mr_span name = mr_spam_lower(tok->name, folded, sizeof(folded));
	struct looks looks = { .style = MR_SPAN(""), .classes = MR_SPAN(""), .id = MR_SPAN("") };
	struct mr_span attrs = tok->attrs;
	uint64_t hash = mr_spam_hash(SEED_TAG, name);
	struct mr_spam_style style;
	struct mr_html_attr attr;
	int err;

	s->tags++;
	if (mr_span_eq(name, MR_SPAN("img")))
		s->images++;
	if (mr_span_eq(name, MR_SPAN("script")) || mr_span_eq(name, MR_SPAN("style")))
		s->raw = tok->name;
	add(s, hash, "tag", MR_SPAN(""), tok->name);
	mr_spam_style_init(&style);
	for (int i = 0; i < ATTRS_MAX && mr_html_attr_next(&attrs, &attr); i++) {
		look_of(&attr, &style, &looks);
		if ((err = add_attr(s, hash, tok->name, &attr)) < 0)
			return err;
	}
	if ((err = add_looks(s, name, &looks, &style)) < 0 ||
	    (err = add_own_texts(s, &looks, &style)) < 0)
		return err;
	if (mr_spam_hide_start(&s->hide, name, &style))
		word_ends(s);
	s->started = true;
	return 0;
}

static void add_end(struct state *s, const struct mr_html_token *tok)
{
	char folded[NAME_SIZE_MAX];

	s->raw = mr_span("", 0);
	s->gap = s->gap || s->started; /* <b></b> */
	if (mr_spam_hide_end(&s->hide, mr_spam_lower(tok->name, folded, sizeof(folded))))
		word_ends(s);
}

/* ASCII letters and digits that are written as numbers: there is no honest reason. */
static void count_numbers(struct state *s, struct mr_span text)
{
	for (size_t at; (at = mr_span_search(text, MR_SPAN("&#"))) < text.len;) {
		struct mr_cur c;
		uint32_t code = 0, base = 10;

		text = mr_span_sub(text, at + 2, text.len);
		c = mr_cur(text);
		if (mr_cur_text(&c, MR_SPAN("x")))
			base = 16;
		for (; code < 128 && c.p < c.end && mr_is(*c.p, base == 16 ? MR_HEX : MR_DIGIT);
		     c.p++)
			code = code * base + (uint32_t)mr_hex_value(*c.p);
		if (code < 128 && mr_is((char)code, MR_ALNUM))
			mr_spam_trick(s->words->tricks, MR_SPAM_NUMBERED, 1);
	}
}

static int add_text(struct state *s, const struct mr_html_token *tok)
{
	struct mr_span text = tok->text;
	enum mr_spam_trick why;
	int err;

	if (tok->raw && s->raw.len > 0) {
		return mr_span_eq_nocase(s->raw, MR_SPAN("style"))
			       ? mr_spam_sheet_read(&s->sheet, text, s->arena)
			       : 0;
	}
	if (mr_spam_hidden(&s->hide, &why)) {
		mr_spam_trick(s->words->tricks, why, mr_span_trim(text).len);
		return 0;
	}
	if (tok->refs && mr_span_find(text, '&') < text.len) {
		count_numbers(s, text);
		if ((err = mr_html_text(tok->text, false, s->arena, &text)) < 0)
			return err;
	}
	s->text_size += (uint32_t)text.len;
	if (s->gap && s->len > 0 && mr_is(s->text[s->len - 1], MR_ALPHA) &&
	    mr_span_starts(text, MR_ALPHA))
		mr_spam_trick(s->words->tricks, MR_SPAM_JOINED, 1);
	s->gap = false;
	put(s, text);
	return 0;
}

/* A number as its magnitude: 0, 1, 2 to 3, 4 to 7 ... */
static void add_count(struct state *s, const char *what, uint32_t n)
{
	struct mr_span text = mr_span_str(what);
	uint64_t magnitude = n == 0 ? 0 : 32 - (uint64_t)__builtin_clz(n);

	add(s, mr_spam_hash(SEED_COUNT + (magnitude << 32), text), "count",
	    mr_spam_range((unsigned)magnitude), text);
}

static int add_token(struct state *s, const struct mr_html_token *tok)
{
	bool started = s->started;

	s->started = false;
	switch (tok->kind) {
	case MR_HTML_TEXT:
		return add_text(s, tok);
	case MR_HTML_START:
		return add_start(s, tok);
	case MR_HTML_END:
		s->started = started;
		add_end(s, tok);
		break;
	case MR_HTML_COMMENT:
		s->comments++;
		s->gap = true;
		break;
	case MR_HTML_DOCTYPE:
		add(s, mr_spam_hash(SEED_TAG, MR_SPAN("!doctype")), "tag", MR_SPAN(""),
		    MR_SPAN("!doctype"));
		break;
	}
	return 0;
}

int mr_spam_html_add(struct mr_spam_words *words, struct mr_span html, struct mr_arena *arena)
{
	struct state s = { .words = words, .arena = arena };
	struct mr_html_token tok;
	struct mr_span text;
	struct mr_html h;
	int err = 0;

	/* Each block tag has more bytes than the line it ends. */
	s.room = html.len / MR_HTML_GROWTH_DEN * MR_HTML_GROWTH_NUM + 2 * MR_HTML_GROWTH_NUM;
	if ((s.text = mr_arena_text(arena, s.room)) == NULL)
		return MR_ENOMEM;
	mr_spam_hide_init(&s.hide);
	mr_html_init(&h, html);
	while (err == 0 && mr_html_next(&h, &tok))
		err = add_token(&s, &tok);
	if (err < 0)
		return err;
	add_count(&s, "links", s.links);
	add_count(&s, "images", s.images);
	add_count(&s, "comments", s.comments);
	add_count(&s, "tags", s.tags);
	add_count(&s, "bytes of visible text", s.text_size);
	if ((err = mr_spam_fold(mr_span(s.text, s.len), arena, words->tricks, &text)) < 0)
		return err;
	mr_spam_words_add(words, text);
	return mr_spam_url_find(words->f, text, words->tricks, arena);
}
