#include "milters/spam/color.h"

#include "lib/base/mr_ascii.h"

#define NEAR 24 /* of 255 in each of red, green, blue */

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

bool mr_spam_css_number(struct mr_cur *c, double *number_out)
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

/* One of red, green, blue, which are those of step 0, 8, 4: CSS Color 7.1. */
static double hsl_part(const double n[3], int step)
{
	double s = n[1] / 100, l = n[2] / 100, turns = n[0] / 360, k, m;

	turns -= (double)(int64_t)turns;
	k = step + 12 * (turns < 0 ? turns + 1 : turns);
	k = k >= 12 ? k - 12 : k;
	m = k - 3 < 9 - k ? k - 3 : 9 - k;
	m = m > 1 ? 1 : m < -1 ? -1 : m;
	return 255 * (l - s * (l < 0.5 ? l : 1 - l) * m);
}

/* What stands in the brackets of rgb() and hsl(). */
static uint32_t color_of_numbers(struct mr_cur c, bool hsl)
{
	double n[4] = { 0, 0, 0, 1 };
	int count = 0;
	uint32_t v = 0;

	while (count < 4 && mr_spam_css_number(mr_cur_fws(&c), &n[count])) {
		if (count == 0)
			(void)mr_cur_text(&c, MR_SPAN("deg"));
		if (mr_cur_byte(&c, '%'))
			n[count] *= count == 3 ? 0.01 : hsl ? 1 : 2.55;
		count++;
		mr_cur_fws(&c);
		if (!mr_cur_byte(&c, ','))
			mr_cur_byte(&c, '/');
	}
	if (count < 3)
		return MR_SPAM_COLOR_UNKNOWN;
	if (n[3] < MR_SPAM_OPAQUE_MIN)
		return MR_SPAM_COLOR_CLEAR;
	if (hsl) {
		double parts[3] = { hsl_part(n, 0), hsl_part(n, 8), hsl_part(n, 4) };

		memcpy(n, parts, sizeof(parts));
	}
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
		return color_of_numbers(c, false);
	if (mr_cur_text(&c, MR_SPAN("hsla(")) || mr_cur_text(&c, MR_SPAN("hsl(")))
		return color_of_numbers(c, true);
	word = mr_cur_take(&c, MR_ALNUM);
	if (mr_span_eq_nocase(word, MR_SPAN("transparent")))
		return MR_SPAM_COLOR_CLEAR;
	if (mr_span_eq_nocase(word, MR_SPAN("inherit")))
		return MR_SPAM_COLOR_UNSAID;
	if (mr_span_eq_nocase(word, MR_SPAN("currentcolor")))
		return MR_SPAM_COLOR_CURRENT;
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
