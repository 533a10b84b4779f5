#include "milters/spam/hide.h"

#define WHITE 0xFFFFFFu
#define BLACK 0x000000u

/* What a tag does to others, beside what its style says. */
enum kind {
	INLINE = 0,
	BLOCK = 1 << 0, /* ends a word, and an open p */
	VOID = 1 << 1, /* has no end */
	CELL = 1 << 2, /* ends a cell before it */
	ROW = 1 << 3, /* ends a row before it */
	ITEM = 1 << 4, /* ends an item before it */
	PARA = 1 << 5, /* is ended by a block */
	SCOPE = 1 << 6, /* nothing within it ends what is outside, but by its own end */
	SILENT = 1 << 7, /* its text is not shown */
};

/* In the order of their bytes. What is not here is inline, as in a browser. */
static const struct {
	struct mr_span name;
	uint8_t kind;
} tags[] = {
	{ MR_SPAN("address"), BLOCK },
	{ MR_SPAN("article"), BLOCK },
	{ MR_SPAN("aside"), BLOCK },
	{ MR_SPAN("base"), VOID },
	{ MR_SPAN("blockquote"), BLOCK },
	{ MR_SPAN("body"), BLOCK },
	{ MR_SPAN("br"), BLOCK | VOID },
	{ MR_SPAN("button"), BLOCK },
	{ MR_SPAN("caption"), BLOCK },
	{ MR_SPAN("center"), BLOCK },
	{ MR_SPAN("col"), BLOCK | VOID },
	{ MR_SPAN("datalist"), BLOCK | SILENT },
	{ MR_SPAN("dd"), BLOCK | ITEM },
	{ MR_SPAN("dialog"), BLOCK },
	{ MR_SPAN("dir"), BLOCK | SCOPE },
	{ MR_SPAN("div"), BLOCK },
	{ MR_SPAN("dl"), BLOCK | SCOPE },
	{ MR_SPAN("dt"), BLOCK | ITEM },
	{ MR_SPAN("embed"), BLOCK | VOID },
	{ MR_SPAN("fieldset"), BLOCK },
	{ MR_SPAN("figure"), BLOCK },
	{ MR_SPAN("footer"), BLOCK },
	{ MR_SPAN("form"), BLOCK },
	{ MR_SPAN("frame"), BLOCK | VOID },
	{ MR_SPAN("frameset"), BLOCK },
	{ MR_SPAN("h1"), BLOCK },
	{ MR_SPAN("h2"), BLOCK },
	{ MR_SPAN("h3"), BLOCK },
	{ MR_SPAN("h4"), BLOCK },
	{ MR_SPAN("h5"), BLOCK },
	{ MR_SPAN("h6"), BLOCK },
	{ MR_SPAN("head"), BLOCK },
	{ MR_SPAN("header"), BLOCK },
	{ MR_SPAN("hr"), BLOCK | VOID },
	{ MR_SPAN("html"), BLOCK },
	{ MR_SPAN("iframe"), BLOCK | SILENT },
	{ MR_SPAN("img"), BLOCK | VOID },
	{ MR_SPAN("input"), BLOCK | VOID },
	{ MR_SPAN("li"), BLOCK | ITEM },
	{ MR_SPAN("link"), VOID },
	{ MR_SPAN("main"), BLOCK },
	{ MR_SPAN("marquee"), BLOCK },
	{ MR_SPAN("meta"), VOID },
	{ MR_SPAN("nav"), BLOCK },
	{ MR_SPAN("noembed"), BLOCK | SILENT },
	{ MR_SPAN("noframes"), BLOCK | SILENT },
	{ MR_SPAN("object"), BLOCK },
	{ MR_SPAN("ol"), BLOCK | SCOPE },
	{ MR_SPAN("option"), BLOCK },
	{ MR_SPAN("p"), BLOCK | PARA },
	{ MR_SPAN("param"), VOID },
	{ MR_SPAN("pre"), BLOCK },
	{ MR_SPAN("section"), BLOCK },
	{ MR_SPAN("select"), BLOCK },
	{ MR_SPAN("source"), VOID },
	{ MR_SPAN("table"), BLOCK | SCOPE },
	{ MR_SPAN("tbody"), BLOCK },
	{ MR_SPAN("td"), BLOCK | CELL },
	{ MR_SPAN("template"), BLOCK | SILENT },
	{ MR_SPAN("textarea"), BLOCK },
	{ MR_SPAN("tfoot"), BLOCK },
	{ MR_SPAN("th"), BLOCK | CELL },
	{ MR_SPAN("thead"), BLOCK },
	{ MR_SPAN("title"), BLOCK | SILENT },
	{ MR_SPAN("tr"), BLOCK | ROW },
	{ MR_SPAN("track"), VOID },
	{ MR_SPAN("ul"), BLOCK | SCOPE },
	{ MR_SPAN("wbr"), VOID },
};

static uint8_t kind_of(struct mr_span name)
{
	size_t lo = 0, hi = MR_COUNT(tags);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = mr_span_cmp(tags[mid].name, name);

		if (order == 0)
			return tags[mid].kind;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return INLINE;
}

static uint32_t hash_of(struct mr_span name)
{
	return (uint32_t)mr_spam_hash(0, name);
}

void mr_spam_hide_init(struct mr_spam_hide *h)
{
	h->depth = 1;
	h->beyond = 0;
	h->open[0] = (struct mr_spam_open){
		.look = { .color = BLACK, .background = WHITE, .fill = MR_SPAM_COLOR_UNSAID }
	};
}

/* End the nearest element of that kind with all in it, unless one of the kinds barrier is nearer. */
static void close_kind(struct mr_spam_hide *h, unsigned kind, unsigned barrier)
{
	for (uint32_t i = h->depth; i > 1; i--) {
		if (h->open[i - 1].kind & kind) {
			h->depth = i - 1;
			return;
		}
		if (h->open[i - 1].kind & barrier)
			return;
	}
}

/* HTML 13.1.2.4: ends that may be left out. */
static void close_implied(struct mr_spam_hide *h, unsigned kind)
{
	if (kind & BLOCK && !(kind & VOID))
		close_kind(h, PARA, BLOCK);
	if (kind & CELL)
		close_kind(h, CELL, SCOPE | ROW);
	if (kind & ROW)
		close_kind(h, ROW, SCOPE);
	if (kind & ITEM)
		close_kind(h, ITEM, SCOPE);
}

static void inherit_bool(uint8_t said, bool *own)
{
	if (said != MR_SPAM_SAID_NOTHING)
		*own = said == MR_SPAM_SAID_YES;
}

static void look_of(const struct mr_spam_style *s, struct mr_spam_look *l)
{
	if (s->color != MR_SPAM_COLOR_UNSAID)
		l->color = s->color;
	if (s->background != MR_SPAM_COLOR_UNSAID)
		l->background = s->background == MR_SPAM_COLOR_CURRENT ? l->color : s->background;
	if (s->fill != MR_SPAM_COLOR_UNSAID)
		l->fill = s->fill == MR_SPAM_COLOR_CURRENT ? MR_SPAM_COLOR_UNSAID : s->fill;
	if (mr_spam_says(s, MR_SPAM_LIT))
		l->fill = MR_SPAM_COLOR_UNKNOWN;
	inherit_bool(s->says[MR_SPAM_UNSEEN], &l->unseen);
	inherit_bool(s->says[MR_SPAM_SIZELESS], &l->sizeless);
	/* What follows no child can undo. */
	l->unshown = l->unshown || mr_spam_says(s, MR_SPAM_UNSHOWN);
	l->clear = l->clear || mr_spam_says(s, MR_SPAM_SEE_THROUGH);
	l->away = l->away || mr_spam_says(s, MR_SPAM_OUTSIDE) ||
		  (mr_spam_says(s, MR_SPAM_INDENT) && mr_spam_says(s, MR_SPAM_NOWRAP) &&
		   mr_spam_says(s, MR_SPAM_CUT));
	l->flat = l->flat || (mr_spam_says(s, MR_SPAM_FLAT) && mr_spam_says(s, MR_SPAM_CUT));
}

bool mr_spam_hide_start(struct mr_spam_hide *h, struct mr_span name,
			const struct mr_spam_style *style)
{
	uint8_t kind = kind_of(name);
	struct mr_spam_open *o;

	close_implied(h, kind);
	if (kind & VOID)
		return kind & BLOCK;
	if (h->depth == MR_SPAM_OPEN_MAX) {
		h->beyond++;
		return kind & BLOCK;
	}
	o = &h->open[h->depth];
	o->name = hash_of(name);
	o->kind = kind;
	o->look = h->open[h->depth - 1].look;
	o->marks = h->open[h->depth - 1].marks;
	h->depth++;
	if (style != NULL) {
		o->marks |= style->marks;
		look_of(style, &o->look);
	}
	if (kind & SILENT)
		o->look.unshown = true;
	return kind & BLOCK;
}

static void close_name(struct mr_spam_hide *h, uint32_t hash)
{
	for (uint32_t i = h->depth; i > 1; i--) {
		if (h->open[i - 1].name == hash) {
			h->depth = i - 1;
			return;
		}
		/* A stray </div> in a table ends nothing outside of it. */
		if (h->open[i - 1].kind & SCOPE)
			return;
	}
}

bool mr_spam_hide_end(struct mr_spam_hide *h, struct mr_span name)
{
	if (h->beyond > 0)
		h->beyond--;
	else
		close_name(h, hash_of(name));
	return kind_of(name) & BLOCK;
}

uint64_t mr_spam_hide_marks(const struct mr_spam_hide *h)
{
	return h->open[h->depth - 1].marks;
}

bool mr_spam_hidden(const struct mr_spam_hide *h, enum mr_spam_trick *why_out)
{
	const struct mr_spam_look *l = &h->open[h->depth - 1].look;
	uint32_t color = l->fill != MR_SPAM_COLOR_UNSAID ? l->fill : l->color;

	if (l->unshown || l->unseen)
		*why_out = MR_SPAM_NOT_SHOWN;
	else if (l->sizeless || l->flat)
		*why_out = MR_SPAM_NO_SIZE;
	else if (l->clear || color == MR_SPAM_COLOR_CLEAR ||
		 mr_spam_color_near(color, l->background))
		*why_out = MR_SPAM_NO_CONTRAST;
	else if (l->away)
		*why_out = MR_SPAM_AWAY;
	else
		return false;
	return true;
}
