#include "milters/spam/fold.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"

#define SOFT_HYPHEN 0xAD
#define MARK_FIRST  0x300 /* marks on letters: an accent apart from its letter */
#define MARK_LAST   0x36F

struct fold {
	struct mr_cur in;
	char *out; /* never longer than what was read */
	size_t len;
	size_t word; /* where in out the word begins that is being written */
	bool latin; /* it has a Latin letter */
	bool alike; /* it has letters that look like Latin ones; they stand there as they came */
	bool whole; /* a word was of such letters alone */
	bool foreign; /* the text has a letter of those alphabets that looks like no Latin one */
	struct mr_spam_tricks *tricks;
};

static uint8_t look_of(uint32_t code)
{
	if (code >= MR_SPAM_FOLD_SIZE)
		return code >= 0xE0000 && code < 0xE0200 ? MR_SPAM_FOLD_DROP : 0; /* tags */
	return mr_spam_fold_page[mr_spam_fold_index[code / MR_SPAM_FOLD_PAGE]]
				[code % MR_SPAM_FOLD_PAGE];
}

/* Greek, Cyrillic, Armenian, Cherokee: alphabets with letters that look like ours. */
static bool is_other_alphabet(uint32_t code)
{
	return (code >= 0x370 && code < 0x590) || (code >= 0x13A0 && code < 0x1400) ||
	       (code >= 0x1F00 && code < 0x2000);
}

static bool is_accented(uint32_t code)
{
	return code < 0x250 || (code >= 0x1E00 && code < 0x1F00);
}

/* out from the offset on with what looks like Latin letters as these. */
static void latinize(struct fold *f, size_t from)
{
	struct mr_cur c = mr_cur(mr_span(f->out + from, f->len - from));
	size_t len = from;

	while (c.p < c.end) {
		const char *start = c.p;
		uint32_t code = (uint32_t)mr_utf8_next(&c, NULL);
		uint8_t look = code < 0x80 ? 0 : look_of(code);

		if (look > ' ') {
			f->out[len++] = (char)look;
		} else {
			memmove(f->out + len, start, (size_t)(c.p - start));
			len += (size_t)(c.p - start);
		}
	}
	f->len = len;
}

static void word_end(struct fold *f)
{
	if (f->alike && f->latin) {
		latinize(f, f->word);
		mr_spam_trick(f->tricks, MR_SPAM_ALIKE, 1);
	} else if (f->alike) {
		f->whole = true;
	}
	f->latin = f->alike = false;
}

static void put(struct fold *f, const char *p, size_t len)
{
	memcpy(f->out + f->len, p, len);
	f->len += len;
}

/* ASCII up to the next byte that is none. */
static void take_ascii(struct fold *f)
{
	while (f->in.p < f->in.end && !mr_is(*f->in.p, MR_HIGH)) {
		char c = *f->in.p++;

		if (mr_is(c, MR_ALPHA)) {
			f->latin = true;
		} else if (!mr_is(c, MR_DIGIT)) {
			word_end(f);
			f->word = f->len + 1;
		}
		f->out[f->len++] = c;
	}
}

/* A sign of no width: a trick where letters are before and behind it. */
static void drop(struct fold *f, uint32_t code)
{
	if (f->len == 0 || !mr_is(f->out[f->len - 1], MR_ALPHA) || f->in.p == f->in.end ||
	    !mr_is(*f->in.p, MR_ALPHA | MR_HIGH))
		return;
	if (code == SOFT_HYPHEN)
		mr_spam_trick(f->tricks, MR_SPAM_SOFT_HYPHEN, 1);
	else if (code < MARK_FIRST || code > MARK_LAST)
		mr_spam_trick(f->tricks, MR_SPAM_INVISIBLE, 1);
}

static void take_other(struct fold *f)
{
	const char *start = f->in.p;
	uint32_t code = (uint32_t)mr_utf8_next(&f->in, NULL);
	uint8_t look = look_of(code);

	if (look == MR_SPAM_FOLD_DROP) {
		drop(f, code);
	} else if (look == ' ') {
		word_end(f);
		f->out[f->len++] = ' ';
		f->word = f->len;
	} else if (look != 0 && !is_other_alphabet(code)) {
		f->out[f->len++] = (char)look;
		f->latin = f->latin || mr_is((char)look, MR_ALPHA);
		if (!is_accented(code) && mr_is((char)look, MR_ALPHA))
			mr_spam_trick(f->tricks, MR_SPAM_STYLED, 1);
	} else {
		if (look != 0)
			f->alike = true;
		else if (is_other_alphabet(code))
			f->foreign = true;
		put(f, start, (size_t)(f->in.p - start));
	}
}

/* The first byte above 127. */
static size_t ascii_len(struct mr_span s)
{
	size_t i = 0;

	for (; i + 8 <= s.len; i += 8) {
		uint64_t v;

		memcpy(&v, s.p + i, sizeof(v));
		if (v & 0x8080808080808080u)
			break;
	}
	while (i < s.len && !mr_is(s.p[i], MR_HIGH))
		i++;
	return i;
}

int mr_spam_fold(struct mr_span text, struct mr_arena *arena, struct mr_spam_tricks *tricks,
		 struct mr_span *folded_out)
{
	struct fold f = { .in = mr_cur(text), .tricks = tricks };

	if (ascii_len(text) == text.len) {
		*folded_out = text;
		return 0;
	}
	if ((f.out = mr_arena_text(arena, text.len)) == NULL)
		return MR_ENOMEM;
	while (f.in.p < f.in.end) {
		take_ascii(&f);
		if (f.in.p < f.in.end)
			take_other(&f);
	}
	word_end(&f);
	if (f.whole && !f.foreign) {
		latinize(&f, 0);
		mr_spam_trick(tricks, MR_SPAM_ALIKE, 1);
	}
	*folded_out = mr_span(f.out, f.len);
	return 0;
}
