#include "milters/spam/html.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_html.h"
#include "milters/spam/url.h"

#define SEED_TAG   0x4711u
#define SEED_ATTR  0x4712u
#define SEED_VALUE 0x4713u
#define SEED_STYLE 0x4714u
#define SEED_COUNT 0x4715u

#define ATTRS_MAX      20 /* attributes of one tag that are read */
#define VALUE_SIZE_MAX 24 /* bytes of a value that is a feature itself */

struct state {
	struct mr_spam_words *words;
	struct mr_arena *arena;
	struct mr_span raw; /* the element that is open whose text nobody sees: script, style */
	uint32_t links, images, comments, tags, text_size;
};

static void add(struct state *s, uint64_t hash, const char *kind, struct mr_span field,
		struct mr_span text)
{
	mr_spam_feature_add(s->words->f, MR_SPAM_HTML, hash, kind, field, text);
}

static bool is_link(struct mr_span name)
{
	static const struct mr_span links[] = { MR_SPAN("href"), MR_SPAN("src"), MR_SPAN("action"),
						MR_SPAN("background") };

	for (size_t i = 0; i < MR_COUNT(links); i++) {
		if (mr_span_eq_nocase(name, links[i]))
			return true;
	}
	return false;
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
		return mr_spam_url_add(s->words->f, url, s->arena);
	} else if (mr_span_eq_nocase(attr->name, MR_SPAN("style"))) {
		add_style(s, attr->value);
	} else if (mr_span_eq_nocase(attr->name, MR_SPAN("alt")) ||
		   mr_span_eq_nocase(attr->name, MR_SPAN("title"))) {
		mr_spam_words_add(s->words, attr->value); /* shown where the image is not */
	} else if (attr->value.len <= VALUE_SIZE_MAX) {
		add(s,
		    mr_spam_hash(hash ^ SEED_VALUE,
				 mr_spam_lower(attr->value, folded, sizeof(folded))),
		    "value", attr->name, attr->value);
	}
	return 0;
}

static int add_start(struct state *s, const struct mr_html_token *tok)
{
	char folded[16];
	uint64_t hash = mr_spam_hash(SEED_TAG, mr_spam_lower(tok->name, folded, sizeof(folded)));
	struct mr_span attrs = tok->attrs;
	struct mr_html_attr attr;
	int err;

	s->tags++;
	if (mr_span_eq_nocase(tok->name, MR_SPAN("img")))
		s->images++;
	if (mr_span_eq_nocase(tok->name, MR_SPAN("script")) ||
	    mr_span_eq_nocase(tok->name, MR_SPAN("style")))
		s->raw = tok->name;
	add(s, hash, "tag", MR_SPAN(""), tok->name);
	for (int i = 0; i < ATTRS_MAX && mr_html_attr_next(&attrs, &attr); i++) {
		if ((err = add_attr(s, hash, tok->name, &attr)) < 0)
			return err;
	}
	return 0;
}

static int add_text(struct state *s, const struct mr_html_token *tok)
{
	struct mr_span text = tok->text;
	int err;

	if (tok->raw && s->raw.len > 0)
		return 0;
	if (tok->refs && mr_span_find(text, '&') < text.len &&
	    (err = mr_html_text(tok->text, false, s->arena, &text)) < 0)
		return err;
	s->text_size += (uint32_t)text.len;
	mr_spam_words_add(s->words, text);
	return mr_spam_url_find(s->words->f, text, s->arena);
}

/* A number as its magnitude: 0, 1, 2 to 3, 4 to 7 ... */
static void add_count(struct state *s, const char *what, uint32_t n)
{
	struct mr_span text = mr_span_str(what);
	uint64_t magnitude = n == 0 ? 0 : 32 - (uint64_t)__builtin_clz(n);

	add(s, mr_spam_hash(SEED_COUNT + (magnitude << 32), text), "count", MR_SPAN(""), text);
}

int mr_spam_html_add(struct mr_spam_words *words, struct mr_span html, struct mr_arena *arena)
{
	struct state s = { .words = words, .arena = arena };
	struct mr_html_token tok;
	struct mr_html h;
	int err = 0;

	mr_html_init(&h, html);
	while (err == 0 && mr_html_next(&h, &tok)) {
		switch (tok.kind) {
		case MR_HTML_TEXT:
			err = add_text(&s, &tok);
			break;
		case MR_HTML_START:
			err = add_start(&s, &tok);
			break;
		case MR_HTML_END:
			s.raw = mr_span("", 0);
			break;
		case MR_HTML_COMMENT:
			s.comments++;
			break;
		case MR_HTML_DOCTYPE:
			add(&s, mr_spam_hash(SEED_TAG, MR_SPAN("!doctype")), "tag", MR_SPAN(""),
			    MR_SPAN("!doctype"));
			break;
		}
	}
	if (err < 0)
		return err;
	add_count(&s, "links", s.links);
	add_count(&s, "images", s.images);
	add_count(&s, "comments", s.comments);
	add_count(&s, "tags", s.tags);
	add_count(&s, "bytes of visible text", s.text_size);
	return 0;
}
