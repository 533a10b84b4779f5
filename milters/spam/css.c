#include "milters/spam/css.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"

#define NEAR       24 /* of 255 in each of red, green, blue */
#define FAR_PX     400 /* a text so far outside of the window is not meant to be seen */
#define FONT_MIN   2 /* px or pt: nobody reads letters of that size */
#define OPAQUE_MIN 0.1

static const struct {
	struct mr_span name;
	uint32_t color;
} names[] = {
	{ MR_SPAN("white"), 0xFFFFFF },       { MR_SPAN("black"), 0x000000 },
	{ MR_SPAN("red"), 0xFF0000 },         { MR_SPAN("green"), 0x008000 },
	{ MR_SPAN("blue"), 0x0000FF },        { MR_SPAN("yellow"), 0xFFFF00 },
	{ MR_SPAN("gray"), 0x808080 },        { MR_SPAN("grey"), 0x808080 },
	{ MR_SPAN("silver"), 0xC0C0C0 },      { MR_SPAN("maroon"), 0x800000 },
	{ MR_SPAN("purple"), 0x800080 },      { MR_SPAN("fuchsia"), 0xFF00FF },
	{ MR_SPAN("lime"), 0x00FF00 },        { MR_SPAN("olive"), 0x808000 },
	{ MR_SPAN("navy"), 0x000080 },        { MR_SPAN("teal"), 0x008080 },
	{ MR_SPAN("aqua"), 0x00FFFF },        { MR_SPAN("orange"), 0xFFA500 },
	{ MR_SPAN("snow"), 0xFFFAFA },        { MR_SPAN("ivory"), 0xFFFFF0 },
	{ MR_SPAN("ghostwhite"), 0xF8F8FF },  { MR_SPAN("whitesmoke"), 0xF5F5F5 },
	{ MR_SPAN("floralwhite"), 0xFFFAF0 },
};

void mr_spam_style_init(struct mr_spam_style *style)
{
	*style = (struct mr_spam_style){ .color = MR_SPAM_COLOR_UNSAID,
					 .background = MR_SPAM_COLOR_UNSAID };
}

/* -- values ----------------------------------------------------------------------------------- */

/* A decimal number; its unit stays. False: none. */
static bool take_number(struct mr_cur *c, double *number_out)
{
	struct mr_cur at = *c;
	bool minus = mr_cur_byte(&at, '-');
	double n = 0, unit = 1;
	int digits = 0;

	if (!minus)
		mr_cur_byte(&at, '+');
	for (; at.p < at.end && mr_is(*at.p, MR_DIGIT); at.p++, digits++)
		n = n < 1e9 ? n * 10 + (*at.p - '0') : n;
	if (mr_cur_byte(&at, '.')) {
		for (; at.p < at.end && mr_is(*at.p, MR_DIGIT); at.p++, digits++) {
			unit /= 10;
			n += unit * (*at.p - '0');
		}
	}
	if (digits == 0)
		return false;
	*c = at;
	*number_out = minus ? -n : n;
	return true;
}

/* A length in pixels, or as good as that; false: none, or one that depends on others. */
static bool length_px(struct mr_span value, double *px_out)
{
	struct mr_cur c = mr_cur(value);
	double n;

	if (!take_number(&c, &n))
		return false;
	if (mr_cur_text(&c, MR_SPAN("em")) || mr_cur_text(&c, MR_SPAN("rem")))
		n *= 16;
	else if (mr_cur_byte(&c, '%')) /* of a font, of a box */
		n /= 6.25;
	else if (mr_cur_text(&c, MR_SPAN("vw")) || mr_cur_text(&c, MR_SPAN("vh")))
		n *= 8;
	*px_out = n;
	return true;
}

static uint32_t color_hex(struct mr_span hex)
{
	uint32_t v = 0;

	if (hex.len == 8 || hex.len == 4) { /* the last is how opaque it is */
		bool clear = mr_span_only(mr_span_sub(hex, hex.len / 4 * 3, 2), MR_DIGIT) &&
			     hex.p[hex.len - 1] == '0' && hex.p[hex.len / 4 * 3] == '0';

		if (clear)
			return MR_SPAM_COLOR_CLEAR;
		hex.len = hex.len / 4 * 3;
	}
	if ((hex.len != 3 && hex.len != 6) || !mr_span_only(hex, MR_HEX))
		return MR_SPAM_COLOR_UNKNOWN;
	for (size_t i = 0; i < hex.len; i++) {
		uint32_t digit = (uint32_t)mr_hex_value(hex.p[i]);

		v = hex.len == 3 ? v << 8 | digit * 17 : v << 4 | digit;
	}
	return v;
}

/* What stands in the brackets of rgb() and rgba(). */
static uint32_t color_rgb(struct mr_cur c)
{
	double n[4] = { 0, 0, 0, 1 };
	int count = 0;
	uint32_t v = 0;

	while (count < 4 && take_number(mr_cur_fws(&c), &n[count])) {
		if (mr_cur_byte(&c, '%') && count < 3)
			n[count] *= 2.55;
		count++;
		mr_cur_fws(&c);
		if (!mr_cur_byte(&c, ','))
			mr_cur_byte(&c, '/');
	}
	if (count < 3)
		return MR_SPAM_COLOR_UNKNOWN;
	if (n[3] < OPAQUE_MIN)
		return MR_SPAM_COLOR_CLEAR;
	for (int i = 0; i < 3; i++)
		v = v << 8 | (uint32_t)(n[i] < 0 ? 0 : n[i] > 255 ? 255 : n[i] + 0.5);
	return v;
}

uint32_t mr_spam_color(struct mr_span value)
{
	struct mr_cur c = mr_cur(mr_span_trim(value));
	struct mr_span word;

	if (mr_cur_byte(&c, '#'))
		return color_hex(mr_cur_take(&c, MR_HEX));
	if (mr_cur_text(&c, MR_SPAN("rgba(")) || mr_cur_text(&c, MR_SPAN("rgb(")))
		return color_rgb(c);
	word = mr_cur_take(&c, MR_ALNUM);
	if (mr_span_eq_nocase(word, MR_SPAN("transparent")))
		return MR_SPAM_COLOR_CLEAR;
	if (mr_span_eq_nocase(word, MR_SPAN("inherit")))
		return MR_SPAM_COLOR_UNSAID;
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		if (mr_span_eq_nocase(word, names[i].name))
			return names[i].color;
	}
	return word.len == 6 ? color_hex(word) : MR_SPAM_COLOR_UNKNOWN;
}

bool mr_spam_color_near(uint32_t a, uint32_t b)
{
	if (a > 0xFFFFFF || b > 0xFFFFFF)
		return false;
	for (int shift = 0; shift < 24; shift += 8) {
		int d = (int)(a >> shift & 0xFF) - (int)(b >> shift & 0xFF);

		if (d > NEAR || d < -NEAR)
			return false;
	}
	return true;
}

/* -- declarations ----------------------------------------------------------------------------- */

typedef void property_fn(struct mr_span value, struct mr_spam_style *style);

static uint8_t said(bool yes)
{
	return yes ? MR_SPAM_SAID_YES : MR_SPAM_SAID_NO;
}

static bool begins(struct mr_span value, const char *word)
{
	return mr_span_has_prefix_nocase(value, mr_span_str(word));
}

static void on_color(struct mr_span value, struct mr_spam_style *style)
{
	style->color = mr_spam_color(value);
}

/* "background: #fff url(x) no-repeat": a picture may be anything. */
static void on_background(struct mr_span value, struct mr_spam_style *style)
{
	uint32_t color;

	if (mr_span_find(value, '(') < value.len && !begins(value, "rgb"))
		color = MR_SPAM_COLOR_UNKNOWN;
	else
		color = begins(value, "none") ? MR_SPAM_COLOR_CLEAR : mr_spam_color(value);
	if (color != MR_SPAM_COLOR_CLEAR)
		style->background = color;
}

static void on_display(struct mr_span value, struct mr_spam_style *style)
{
	style->unshown = said(begins(value, "none"));
}

static void on_visibility(struct mr_span value, struct mr_spam_style *style)
{
	style->unseen = said(begins(value, "hidden") || begins(value, "collapse"));
}

static void on_opacity(struct mr_span value, struct mr_spam_style *style)
{
	struct mr_cur c = mr_cur(value);
	double n;

	if (take_number(&c, &n))
		style->clear = said(n < (mr_cur_byte(&c, '%') ? 100 * OPAQUE_MIN : OPAQUE_MIN));
}

static void on_font_size(struct mr_span value, struct mr_spam_style *style)
{
	double px;

	if (length_px(value, &px))
		style->sizeless = said(px <= FONT_MIN);
	else if (value.len > 0 && !begins(value, "inherit"))
		style->sizeless = MR_SPAM_SAID_NO; /* small, larger */
}

/* "font: italic bold 0px/0 Arial": the size is the word that begins with a digit. */
static void on_font(struct mr_span value, struct mr_spam_style *style)
{
	struct mr_span word, rest = value;

	while (rest.len > 0) {
		mr_span_split(rest, ' ', &word, &rest);
		/* "700" is how bold it is */
		if (mr_span_starts(word, MR_DIGIT | MR_DOT) &&
		    !(word.len == 3 && mr_span_only(word, MR_DIGIT))) {
			on_font_size(word, style);
			return;
		}
	}
}

static void on_extent(struct mr_span value, struct mr_spam_style *style)
{
	double px;

	if (length_px(value, &px) && px <= 1)
		style->flat = MR_SPAM_SAID_YES;
}

static void on_overflow(struct mr_span value, struct mr_spam_style *style)
{
	style->cut = said(begins(value, "hidden") || begins(value, "clip"));
}

static void on_place(struct mr_span value, struct mr_spam_style *style)
{
	double px;

	if (length_px(value, &px) && px <= -FAR_PX)
		style->away = MR_SPAM_SAID_YES;
}

static void on_clip(struct mr_span value, struct mr_spam_style *style)
{
	style->away = said(begins(value, "rect(0") || begins(value, "inset(100%") ||
			   begins(value, "inset(50%"));
}

static void on_transform(struct mr_span value, struct mr_spam_style *style)
{
	if (begins(value, "scale(0)"))
		style->flat = style->cut = MR_SPAM_SAID_YES;
}

static const struct {
	struct mr_span name;
	property_fn *run;
} properties[] = {
	{ MR_SPAN("color"), on_color },
	{ MR_SPAN("background"), on_background },
	{ MR_SPAN("background-color"), on_background },
	{ MR_SPAN("background-image"), on_background },
	{ MR_SPAN("display"), on_display },
	{ MR_SPAN("visibility"), on_visibility },
	{ MR_SPAN("opacity"), on_opacity },
	{ MR_SPAN("font-size"), on_font_size },
	{ MR_SPAN("font"), on_font },
	{ MR_SPAN("height"), on_extent },
	{ MR_SPAN("max-height"), on_extent },
	{ MR_SPAN("width"), on_extent },
	{ MR_SPAN("max-width"), on_extent },
	{ MR_SPAN("overflow"), on_overflow },
	{ MR_SPAN("left"), on_place },
	{ MR_SPAN("top"), on_place },
	{ MR_SPAN("right"), on_place },
	{ MR_SPAN("margin-left"), on_place },
	{ MR_SPAN("margin-top"), on_place },
	{ MR_SPAN("text-indent"), on_place },
	{ MR_SPAN("clip"), on_clip },
	{ MR_SPAN("clip-path"), on_clip },
	{ MR_SPAN("transform"), on_transform },
};

static void read_one(struct mr_span name, struct mr_span value, struct mr_spam_style *style)
{
	for (size_t i = 0; i < MR_COUNT(properties); i++) {
		if (name.len == properties[i].name.len &&
		    mr_lower(name.p[0]) == properties[i].name.p[0] &&
		    mr_span_eq_nocase(name, properties[i].name)) {
			properties[i].run(value, style);
			return;
		}
	}
}

void mr_spam_style_read(struct mr_span declarations, struct mr_spam_style *style_inout)
{
	struct mr_span one, name, value, rest = mr_span_sub(declarations, 0, MR_SPAM_CSS_SIZE_MAX);

	while (rest.len > 0) {
		mr_span_split(rest, ';', &one, &rest);
		if (mr_span_split(one, ':', &name, &value))
			read_one(mr_span_trim(name), mr_span_trim(value), style_inout);
	}
}
