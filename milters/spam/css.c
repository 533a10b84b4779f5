#include "milters/spam/css.h"

#include "lib/base/mr_ascii.h"

#define FAR_PX   400 /* a text so far outside of the window is not meant to be seen */
#define FONT_MIN 2 /* px or pt: nobody reads letters of that size */

void mr_spam_style_init(struct mr_spam_style *style)
{
	*style = (struct mr_spam_style){ .color = MR_SPAM_COLOR_UNSAID,
					 .background = MR_SPAM_COLOR_UNSAID,
					 .fill = MR_SPAM_COLOR_UNSAID };
}

/* -- comments and escapes --------------------------------------------------------------------- */

/* CSS Syntax 4.3.7: what follows a backslash. */
static char take_escape(struct mr_cur *c)
{
	uint32_t code = 0;
	int digits = 0;

	for (; digits < 6 && c->p < c->end && mr_is(*c->p, MR_HEX); c->p++, digits++)
		code = code << 4 | (uint32_t)mr_hex_value(*c->p);
	if (c->p < c->end && (digits == 0 || mr_is(*c->p, MR_FWS))) {
		code = digits == 0 ? (uint8_t)*c->p : code;
		c->p++;
	}
	return code < 128 && mr_is((char)code, MR_ALNUM | MR_HYPHEN) ? (char)code : '_';
}

struct mr_span mr_spam_css_plain(struct mr_span css, char *out, size_t size)
{
	struct mr_cur c = mr_cur(css);
	size_t len = 0;

	if (mr_span_find(css, '\\') == css.len && mr_span_search(css, MR_SPAN("/*")) == css.len)
		return css;
	while (c.p < c.end && len < size) {
		if (mr_cur_text(&c, MR_SPAN("/*"))) {
			mr_cur_skip(&c, mr_span_search(mr_cur_rest(&c), MR_SPAN("*/")) + 2);
			out[len++] = ' ';
		} else if (mr_cur_byte(&c, '\\')) {
			out[len++] = take_escape(&c);
		} else {
			out[len++] = *c.p++;
		}
	}
	return mr_span(out, len);
}

/* -- lengths ------------------------------------------------------------------------------------- */

bool mr_spam_css_px(struct mr_span value, double *px_out)
{
	struct mr_cur c = mr_cur(value);
	double n;

	if (!mr_spam_css_number(&c, &n))
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
	uint32_t color = mr_spam_color(value);

	style->color = color == MR_SPAM_COLOR_CURRENT ? MR_SPAM_COLOR_UNSAID : color;
}

static void on_fill(struct mr_span value, struct mr_spam_style *style)
{
	style->fill = mr_spam_color(value);
}

static void on_background_clip(struct mr_span value, struct mr_spam_style *style)
{
	style->says[MR_SPAM_LIT] = said(begins(value, "text"));
}

/* "background: #fff url(x) no-repeat": a picture may be anything. */
static void on_background(struct mr_span value, struct mr_spam_style *style)
{
	uint32_t color;

	if (mr_span_find(value, '(') < value.len && !begins(value, "rgb") && !begins(value, "hsl"))
		color = MR_SPAM_COLOR_UNKNOWN;
	else
		color = begins(value, "none") ? MR_SPAM_COLOR_CLEAR : mr_spam_color(value);
	if (color != MR_SPAM_COLOR_CLEAR)
		style->background = color;
}

static void on_display(struct mr_span value, struct mr_spam_style *style)
{
	style->says[MR_SPAM_UNSHOWN] = said(begins(value, "none"));
}

static void on_visibility(struct mr_span value, struct mr_spam_style *style)
{
	style->says[MR_SPAM_UNSEEN] = said(begins(value, "hidden") || begins(value, "collapse"));
}

static void on_opacity(struct mr_span value, struct mr_spam_style *style)
{
	struct mr_cur c = mr_cur(value);
	double n;

	if (mr_spam_css_number(&c, &n))
		style->says[MR_SPAM_SEE_THROUGH] = said(
			n < (mr_cur_byte(&c, '%') ? 100 * MR_SPAM_OPAQUE_MIN : MR_SPAM_OPAQUE_MIN));
}

static void on_font_size(struct mr_span value, struct mr_spam_style *style)
{
	double px;

	if (mr_spam_css_px(value, &px))
		style->says[MR_SPAM_SIZELESS] = said(px <= FONT_MIN);
	else if (value.len > 0 && !begins(value, "inherit"))
		style->says[MR_SPAM_SIZELESS] = MR_SPAM_SAID_NO; /* small, larger */
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

	if (mr_spam_css_px(value, &px) && px <= 1)
		style->says[MR_SPAM_FLAT] = MR_SPAM_SAID_YES;
}

static void on_overflow(struct mr_span value, struct mr_spam_style *style)
{
	style->says[MR_SPAM_CUT] = said(begins(value, "hidden") || begins(value, "clip"));
}

static void on_place(struct mr_span value, struct mr_spam_style *style)
{
	double px;

	if (mr_spam_css_px(value, &px) && px <= -FAR_PX)
		style->says[MR_SPAM_OUTSIDE] = MR_SPAM_SAID_YES;
}

/* "100%", "9999px": as far as a box is wide. */
static void on_indent(struct mr_span value, struct mr_spam_style *style)
{
	double px;

	on_place(value, style);
	if (mr_spam_css_px(value, &px))
		style->says[MR_SPAM_INDENT] =
			said(px >= (mr_span_find(value, '%') < value.len ? 16 : FAR_PX));
}

static void on_white_space(struct mr_span value, struct mr_spam_style *style)
{
	style->says[MR_SPAM_NOWRAP] =
		said(begins(value, "nowrap") || mr_span_eq_nocase(value, MR_SPAN("pre")));
}

static void on_content(struct mr_span value, struct mr_spam_style *style)
{
	if (begins(value, "hidden"))
		style->says[MR_SPAM_UNSHOWN] = MR_SPAM_SAID_YES;
}

/* The next "name(args)" of a value. */
static bool take_call(struct mr_cur *c, struct mr_span *name_out, struct mr_span *args_out)
{
	*name_out = mr_span_trim(mr_cur_until(c, '('));
	if (!mr_cur_byte(c, '('))
		return false;
	*args_out = mr_span_trim(mr_cur_until(c, ')'));
	(void)mr_cur_byte(c, ')');
	return true;
}

/* "0", "4%": as a share of 1; false: no number, or one that is no share. */
static bool is_tiny(struct mr_span value)
{
	struct mr_cur c = mr_cur(value);
	double n;

	if (!mr_spam_css_number(&c, &n))
		return false;
	n = mr_cur_byte(&c, '%') ? n / 100 : n;
	return n < MR_SPAM_OPAQUE_MIN && n > -MR_SPAM_OPAQUE_MIN;
}

static bool is_far(struct mr_span value)
{
	double px;

	return mr_spam_css_px(value, &px) && (px >= FAR_PX || px <= -FAR_PX);
}

static bool no_shape(struct mr_span name, struct mr_span args)
{
	struct mr_cur c = mr_cur(args);
	double n;

	if (mr_span_eq_nocase(name, MR_SPAN("polygon"))) {
		for (size_t i = 0; i < args.len; i++) {
			if (args.p[i] >= '1' && args.p[i] <= '9')
				return false;
		}
		return args.len > 0;
	}
	if (!mr_spam_css_number(&c, &n))
		return false;
	if (mr_span_eq_nocase(name, MR_SPAN("inset")))
		return n >= (mr_cur_byte(&c, '%') ? 50 : FAR_PX);
	return (begins(name, "circle") || begins(name, "ellipse")) && n <= 1;
}

static void on_clip(struct mr_span value, struct mr_spam_style *style)
{
	struct mr_cur c = mr_cur(value);
	struct mr_span name, args;

	style->says[MR_SPAM_OUTSIDE] = said(begins(value, "rect(0") || begins(value, "rect(1px") ||
					    (take_call(&c, &name, &args) && no_shape(name, args)));
}

/* Of two numbers, the one for each direction; what a third says of depth moves nothing. */
static void on_transform(struct mr_span value, struct mr_spam_style *style)
{
	struct mr_span name, args, one, two, rest;
	struct mr_cur c = mr_cur(value);

	while (take_call(&c, &name, &args)) {
		mr_span_split(args, ',', &one, &rest);
		mr_span_split(rest, ',', &two, &rest);
		if (mr_lower(name.len > 0 ? name.p[name.len - 1] : ' ') == 'z')
			continue;
		two = mr_span_trim(two);
		if (begins(name, "scale") && (is_tiny(one) || is_tiny(two)))
			style->says[MR_SPAM_FLAT] = style->says[MR_SPAM_CUT] = MR_SPAM_SAID_YES;
		else if (begins(name, "translate") && (is_far(one) || is_far(two)))
			style->says[MR_SPAM_OUTSIDE] = MR_SPAM_SAID_YES;
	}
}

static void on_scale(struct mr_span value, struct mr_spam_style *style)
{
	if (is_tiny(value))
		style->says[MR_SPAM_FLAT] = style->says[MR_SPAM_CUT] = MR_SPAM_SAID_YES;
}

static void on_translate(struct mr_span value, struct mr_spam_style *style)
{
	if (is_far(value))
		style->says[MR_SPAM_OUTSIDE] = MR_SPAM_SAID_YES;
}

/* 0 is 1 to browsers. */
static void on_zoom(struct mr_span value, struct mr_spam_style *style)
{
	struct mr_cur c = mr_cur(value);
	double n;

	if (mr_spam_css_number(&c, &n) && n > 0)
		on_scale(value, style);
}

static void on_filter(struct mr_span value, struct mr_spam_style *style)
{
	struct mr_span name, args;
	struct mr_cur c = mr_cur(value);

	while (take_call(&c, &name, &args)) {
		if (begins(name, "opacity") && is_tiny(args))
			style->says[MR_SPAM_SEE_THROUGH] = MR_SPAM_SAID_YES;
	}
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
	{ MR_SPAN("overflow-x"), on_overflow },
	{ MR_SPAN("overflow-y"), on_overflow },
	{ MR_SPAN("left"), on_place },
	{ MR_SPAN("top"), on_place },
	{ MR_SPAN("right"), on_place },
	{ MR_SPAN("margin-left"), on_place },
	{ MR_SPAN("margin-top"), on_place },
	{ MR_SPAN("text-indent"), on_indent },
	{ MR_SPAN("white-space"), on_white_space },
	{ MR_SPAN("clip"), on_clip },
	{ MR_SPAN("clip-path"), on_clip },
	{ MR_SPAN("-webkit-clip-path"), on_clip },
	{ MR_SPAN("transform"), on_transform },
	{ MR_SPAN("-webkit-transform"), on_transform },
	{ MR_SPAN("scale"), on_scale },
	{ MR_SPAN("translate"), on_translate },
	{ MR_SPAN("zoom"), on_zoom },
	{ MR_SPAN("filter"), on_filter },
	{ MR_SPAN("-webkit-filter"), on_filter },
	{ MR_SPAN("content-visibility"), on_content },
	{ MR_SPAN("-webkit-text-fill-color"), on_fill },
	{ MR_SPAN("background-clip"), on_background_clip },
	{ MR_SPAN("-webkit-background-clip"), on_background_clip },
};

static void read_one(struct mr_span name, struct mr_span value, struct mr_spam_style *style)
{
	for (size_t i = 0; i < MR_COUNT(properties); i++) {
		if (mr_span_eq_nocase(name, properties[i].name)) {
			properties[i].run(value, style);
			return;
		}
	}
}

void mr_spam_style_read(struct mr_span declarations, struct mr_spam_style *style_inout)
{
	char plain[MR_SPAM_CSS_SIZE_MAX];
	struct mr_span one, name, value, rest = mr_span_sub(declarations, 0, MR_SPAM_CSS_SIZE_MAX);

	rest = mr_spam_css_plain(rest, plain, sizeof(plain));
	while (rest.len > 0) {
		mr_span_split(rest, ';', &one, &rest);
		if (mr_span_split(one, ':', &name, &value))
			read_one(mr_span_trim(name), mr_span_trim(value), style_inout);
	}
}
