#include "lib/mail/mr_html.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_html_names.h"

#define CODE_MAX 0x10FFFFu

/* 13.2.5.80: what 0x80 to 0x9F mean, as in windows-1252; 0: itself */
static const uint16_t c1[32] = {
	[0x00] = 0x20AC, [0x02] = 0x201A, [0x03] = 0x0192, [0x04] = 0x201E, [0x05] = 0x2026,
	[0x06] = 0x2020, [0x07] = 0x2021, [0x08] = 0x02C6, [0x09] = 0x2030, [0x0A] = 0x0160,
	[0x0B] = 0x2039, [0x0C] = 0x0152, [0x0E] = 0x017D, [0x11] = 0x2018, [0x12] = 0x2019,
	[0x13] = 0x201C, [0x14] = 0x201D, [0x15] = 0x2022, [0x16] = 0x2013, [0x17] = 0x2014,
	[0x18] = 0x02DC, [0x19] = 0x2122, [0x1A] = 0x0161, [0x1B] = 0x203A, [0x1C] = 0x0153,
	[0x1E] = 0x017E, [0x1F] = 0x0178,
};

/* The first of names[lo, hi) whose octet at depth is not below octet; all agree before depth. */
static size_t first_not_below(size_t lo, size_t hi, size_t depth, int octet)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((uint8_t)mr_html_names[mid].name[depth] < octet)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* 13.2.5.73: the longest name that s begins with, or NULL; its length in len_out */
static const struct mr_html_name *longest_name(struct mr_span s, size_t *len_out)
{
	const struct mr_html_name *best = NULL;
	size_t lo, hi;

	if (!mr_span_starts(s, MR_ALPHA))
		return NULL;
	lo = mr_html_names_from[(uint8_t)s.p[0]];
	hi = mr_html_names_from[(uint8_t)s.p[0] + 1];
	/* names[lo, hi) are those that begin with the first depth octets of s: a name that is all
	 * of them stands first. */
	for (size_t depth = 1; lo < hi; depth++) {
		if (mr_html_names[lo].name[depth] == '\0') {
			best = &mr_html_names[lo];
			*len_out = depth;
		}
		if (depth == s.len || (s.p[depth] != ';' && !mr_is(s.p[depth], MR_ALNUM)))
			break;
		lo = first_not_below(lo, hi, depth, (uint8_t)s.p[depth]);
		hi = first_not_below(lo, hi, depth, (uint8_t)s.p[depth] + 1);
	}
	return best;
}

/* 13.2.5.73: a named reference behind "&"; false: it is text, and c stays */
static bool take_named(struct mr_cur *c, bool in_attr, uint32_t code_out[2])
{
	size_t len = 0;
	const struct mr_html_name *name = longest_name(mr_cur_rest(c), &len);
	int next;

	if (!name)
		return false;
	next = mr_cur_peek(c, len);
	/* "for historical reasons": "?a=b&copy=1" is an address, not a sign */
	if (in_attr && name->name[len - 1] != ';' && next >= 0 &&
	    (next == '=' || mr_is((char)next, MR_ALNUM)))
		return false;
	mr_cur_skip(c, len);
	code_out[0] = name->code[0];
	code_out[1] = name->code[1];
	return true;
}

/* 13.2.5.80: what a number stands for */
static uint32_t code_of(uint32_t number)
{
	if (number >= 0x80 && number < 0xA0 && c1[number - 0x80])
		return c1[number - 0x80];
	if (number == 0 || number > CODE_MAX || (number >= 0xD800 && number < 0xE000))
		return MR_UTF8_REPLACEMENT;
	return number;
}

/* 13.2.5.75 to 13.2.5.80: a numeric reference behind "&"; false: it is text, and c stays */
static bool take_numeric(struct mr_cur *c, uint32_t code_out[2])
{
	struct mr_cur at = *c;
	uint32_t base = 10, number = 0;
	const char *start;

	if (!mr_cur_byte(&at, '#'))
		return false;
	if (mr_cur_text(&at, MR_SPAN("x")))
		base = 16;
	start = at.p;
	while (at.p < at.end && mr_is(*at.p, base == 16 ? MR_HEX : MR_DIGIT)) {
		/* It stays too large once it is; 16 * CODE_MAX fits. */
		if (number <= CODE_MAX)
			number = number * base + (uint32_t)mr_hex_value(*at.p);
		at.p++;
	}
	if (at.p == start)
		return false;
	mr_cur_byte(&at, ';');
	*c = at;
	code_out[0] = code_of(number);
	code_out[1] = 0;
	return true;
}

/* A reference behind "&"; false: there is none, and c stays */
static bool take_reference(struct mr_cur *c, bool in_attr, uint32_t code_out[2])
{
	return take_numeric(c, code_out) || take_named(c, in_attr, code_out);
}

/* Step to the "&" of the next reference, or to the end. */
static bool to_reference(struct mr_cur *c, bool in_attr)
{
	const char *amp;

	while (c->p < c->end && (amp = memchr(c->p, '&', mr_cur_left(c)))) {
		struct mr_cur at = { amp + 1, c->end };
		uint32_t code[2];

		if (take_reference(&at, in_attr, code)) {
			c->p = amp;
			return true;
		}
		c->p = amp + 1;
	}
	return false;
}

int mr_html_text(struct mr_span raw, bool in_attr, struct mr_arena *arena, struct mr_span *utf8_out)
{
	struct mr_cur c = mr_cur(raw);
	size_t room = 0, len;
	char *text;

	if (!to_reference(&c, in_attr)) {
		*utf8_out = raw;
		return 0;
	}
	if (__builtin_mul_overflow(raw.len / MR_HTML_GROWTH_DEN + 1, MR_HTML_GROWTH_NUM, &room))
		return MR_ENOMEM;
	text = mr_arena_text(arena, room);
	if (!text)
		return MR_ENOMEM;
	len = (size_t)(c.p - raw.p);
	memcpy(text, raw.p, len);
	while (c.p < c.end) {
		uint32_t code[2];

		text[len++] = *c.p++;
		if (c.p[-1] == '&' && take_reference(&c, in_attr, code)) {
			len--;
			len += mr_utf8_put(code[0], text + len);
			if (code[1])
				len += mr_utf8_put(code[1], text + len);
		}
	}
	MR_ASSERT(len <= room);
	*utf8_out = mr_span(text, len);
	return 0;
}
