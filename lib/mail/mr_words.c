#include "lib/mail/mr_words.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_charset.h"

/* An encoded word makes less UTF-8 than it has octets of charset where those are wide (UTF-32) or
 * shift (ISO-2022): so many times the room that is left are kept before the charset is undone. */
#define RAW_FACTOR 8
#define RAW_MIN    64

struct word { /* RFC 2047 2: "=?" charset "?" encoding "?" encoded-text "?=" */
	struct mr_span charset;
	char encoding; /* 'b', 'q' */
	struct mr_span text;
};

/*
 * The text made so far, and what is not yet UTF-8: octets of adjacent words in one charset, since a
 * sender may have cut a character in two (RFC 2047 5 forbids it, many do), or a run of raw text.
 */
struct decoder {
	struct mr_buf raw;
	struct mr_span charset; /* of raw; empty for text */
	struct mr_buf utf8;
};

/* RFC 2047 2: token; a dot, which it must not hold, is let through (DEVIATIONS). */
static bool is_token(char c)
{
	return mr_is(c, MR_ALNUM | MR_ATOM_PUNCT | MR_DOT) && c != '?' && c != '=' && c != '/';
}

/* RFC 2047 2: any printable octet but "?" and space; 8-bit is let through. */
static bool is_encoded_text(char c)
{
	return !mr_is(c, MR_FWS | MR_CTL) && c != '?';
}

static struct mr_span take_while(struct mr_cur *c, bool (*is)(char c))
{
	const char *from = c->p;

	while (c->p < c->end && is(*c->p))
		c->p++;
	return mr_span(from, (size_t)(c->p - from));
}

/* RFC 2231 5: a language may follow the charset, after "*". */
static struct mr_span without_language(struct mr_span charset)
{
	return mr_span_sub(charset, 0, mr_span_find(charset, '*'));
}

/* RFC 2047 2: encoded-word; takes it or nothing. An empty encoded-text is let through. */
static bool take_word(struct mr_cur *c, struct word *word_out)
{
	struct mr_cur at = *c;
	struct mr_span charset, text, encoding;

	if (!mr_cur_text(&at, MR_SPAN("=?")))
		return false;
	charset = take_while(&at, is_token);
	if (charset.len == 0 || !mr_cur_byte(&at, '?') || !mr_cur_take_n(&at, 1, &encoding) ||
	    !mr_cur_byte(&at, '?'))
		return false;
	text = take_while(&at, is_encoded_text);
	*word_out = (struct word){ without_language(charset), mr_lower(encoding.p[0]), text };
	if ((word_out->encoding != 'b' && word_out->encoding != 'q') ||
	    !mr_cur_text(&at, MR_SPAN("?=")))
		return false;
	*c = at;
	return true;
}

size_t mr_words_len(struct mr_span s)
{
	struct mr_cur c = mr_cur(s);
	struct word word;

	return take_word(&c, &word) ? (size_t)(c.p - s.p) : 0;
}

/* RFC 2045 6.8; -1: not of the alphabet. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 2047 4.1. What is not of the alphabet is skipped, padding is not asked for. */
static int add_base64(struct mr_span text, struct mr_buf *raw)
{
	uint32_t bits = 0;
	unsigned have = 0;
	int err = 0;

	for (size_t i = 0; i < text.len && err == 0; i++) {
		int value = base64_value(text.p[i]);

		if (value < 0)
			continue;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			err = mr_buf_addc(raw, (char)(bits >> have));
		}
	}
	return err;
}

/* RFC 2047 4.2. A "=" without two hex digits stands for itself. */
static int add_quoted(struct mr_span text, struct mr_buf *raw)
{
	int err = 0;

	for (size_t i = 0; i < text.len && err == 0; i++) {
		int high = i + 2 < text.len ? mr_hex_value(text.p[i + 1]) : -1;
		int low = high >= 0 ? mr_hex_value(text.p[i + 2]) : -1;

		if (text.p[i] == '=' && high >= 0 && low >= 0) {
			err = mr_buf_addc(raw, (char)(high << 4 | low));
			i += 2;
		} else {
			err = mr_buf_addc(raw, text.p[i] == '_' ? ' ' : text.p[i]);
		}
	}
	return err;
}

/* Undo the charset of what has been gathered. MR_ELIMIT: the result is full. */
static int flush(struct decoder *d)
{
	int err = 0;

	if (d->raw.len > 0)
		err = mr_charset_add(d->charset, mr_buf_span(&d->raw), &d->utf8);
	mr_buf_reset(&d->raw);
	d->charset = mr_span("", 0);
	return err;
}

/* Too much for the room that is left: what was gathered fills it. */
static int overflow(struct decoder *d, int err)
{
	if (err != MR_ELIMIT)
		return err;
	err = flush(d);
	return err < 0 ? err : MR_ELIMIT;
}

static int on_word(struct decoder *d, const struct word *word)
{
	int err = 0;

	if (!mr_span_eq_nocase(d->charset, word->charset))
		err = flush(d);
	if (err < 0)
		return err;
	d->charset = word->charset;
	err = word->encoding == 'b' ? add_base64(word->text, &d->raw)
				    : add_quoted(word->text, &d->raw);
	return overflow(d, err);
}

/*
 * Text outside of words: RFC 5322 2.2.3, a fold is a line ending in front of a blank, and unfolding
 * removes the line ending alone. Each octet makes one or more, so what is beyond the room cannot
 * matter; but it is cut between characters, or the rest would no longer be UTF-8.
 */
static int on_text(struct decoder *d, struct mr_span text)
{
	struct mr_cur c = mr_cur(text);
	struct mr_span line;
	int err = text.len > 0 ? flush(d) : 0;
	bool full = false;

	while (err == 0 && !full && mr_cur_line(&c, &line)) {
		size_t room = mr_buf_left(&d->raw);

		full = line.len > room;
		while (full && room > 0 && ((uint8_t)line.p[room] & 0xC0) == 0x80)
			room--;
		err = mr_buf_add(&d->raw, mr_span_sub(line, 0, full ? room : line.len));
	}
	if (err == 0 && text.len > 0)
		err = flush(d);
	return err == 0 && full ? MR_ELIMIT : err;
}

static int decode(struct decoder *d, struct mr_span value)
{
	struct mr_cur c = mr_cur(value);
	const char *text = c.p; /* what has not been handed on */
	bool after_word = false;
	struct word word;
	int err = 0;

	while (err == 0) {
		struct mr_span before;

		mr_cur_skip(&c, mr_span_search(mr_cur_rest(&c), MR_SPAN("=?")));
		before = mr_span(text, (size_t)(c.p - text));
		if (mr_cur_left(&c) == 0)
			return on_text(d, before);
		if (!take_word(&c, &word)) {
			mr_cur_skip(&c, 2);
			continue;
		}
		/* RFC 2047 6.2: white space between adjacent words is not shown. */
		if (!after_word || !mr_span_only(before, MR_FWS))
			err = on_text(d, before);
		if (err == 0)
			err = on_word(d, &word);
		after_word = true;
		text = c.p;
	}
	return err;
}

/* Most values: one line of ASCII without words. */
static bool is_plain(struct mr_span value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (mr_is(value.p[i], MR_HIGH | MR_CRLF) ||
		    (value.p[i] == '=' && i + 1 < value.len && value.p[i + 1] == '?'))
			return false;
	}
	return true;
}

int mr_words_decode(struct mr_span value, size_t size_max, struct mr_arena *arena,
		    struct mr_span *utf8_out)
{
	struct decoder d = { .charset = mr_span("", 0) };
	size_t raw_max;
	int err;

	value = mr_span_trim(value);
	if (is_plain(value))
		return mr_arena_dup(arena, mr_span_rtrim(mr_span_sub(value, 0, size_max)),
				    utf8_out);
	if (__builtin_mul_overflow(size_max, (size_t)RAW_FACTOR, &raw_max) ||
	    __builtin_add_overflow(raw_max, (size_t)RAW_MIN, &raw_max))
		raw_max = SIZE_MAX;
	mr_buf_init(&d.raw, raw_max);
	mr_buf_init(&d.utf8, size_max);
	err = decode(&d, value);
	if (err == 0)
		err = flush(&d);
	if (err == MR_ELIMIT)
		err = 0;
	if (err == 0)
		err = mr_arena_dup(arena, mr_span_trim(mr_buf_span(&d.utf8)), utf8_out);
	mr_buf_done(&d.raw);
	mr_buf_done(&d.utf8);
	return err;
}
