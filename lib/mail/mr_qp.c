#include "lib/mail/mr_qp.h"

#include "lib/base/mr_cur.h"
#include "lib/mail/mr_scan.h"

/* What comes next: octets that stand for themselves, and one that was encoded, or -1. */
struct piece {
	struct mr_span literal;
	int octet;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* p is where a line may end: step over its ending. At the end of all, a delimiter took it away. */
static const char *line_ending(const char *p, const char *end)
{
	if (p == end)
		return p;
	if (*p == '\n')
		return p + 1;
	return *p == '\r' && end - p > 1 && p[1] == '\n' ? p + 2 : NULL;
}

/* From "=" on. Takes at least one octet. */
static const char *escape(const char *p, const char *end, struct piece *piece)
{
	const char *blank = p + 1, *next;
	int high, low;

	if (end - p >= 3) {
		high = mr_hex_value(p[1]);
		low = mr_hex_value(p[2]);
		if (high >= 0 && low >= 0) {
			piece->octet = high << 4 | low;
			return p + 3;
		}
	}
	/* A soft line break; blanks before the line ending came on the way (rule 3). They are looked
	 * at once more if it is none, as the start of the next piece. */
	while (blank < end && is_blank(*blank))
		blank++;
	next = line_ending(blank, end);
	if (next)
		return next;
	piece->octet = '=';
	return p + 1;
}

/* Take a piece; each takes at least one octet of what is left, which is not nothing. */
static void piece_next(struct mr_cur *c, struct piece *piece)
{
	const char *start = c->p, *p = mr_scan_either(start, c->end, '=', '\n'), *last = p;

	piece->octet = -1;
	if (p < c->end && *p == '=') {
		piece->literal = mr_span(start, (size_t)(p - start));
		c->p = escape(p, c->end, piece);
		return;
	}
	/* Rule 3: blanks at the end of a line are none of the sender's. */
	if (p < c->end && last > start && last[-1] == '\r')
		last--;
	if (last > start && is_blank(last[-1])) {
		const char *ending = last;

		while (last > start && is_blank(last[-1]))
			last--;
		piece->literal = mr_span(start, (size_t)(last - start));
		if (ending < p) { /* CR LF is the next piece */
			c->p = ending;
			return;
		}
		c->p = p;
		if (p < c->end) {
			piece->octet = '\n';
			c->p++;
		}
		return;
	}
	c->p = p < c->end ? p + 1 : p;
	piece->literal = mr_span(start, (size_t)(c->p - start));
}

size_t mr_qp_decode(struct mr_span in, char *out, size_t size)
{
	struct mr_cur c = mr_cur(in);
	size_t len = 0;
	struct piece piece;

	while (mr_cur_left(&c) > 0 && len < size) {
		size_t n;

		piece_next(&c, &piece);
		n = piece.literal.len < size - len ? piece.literal.len : size - len;
		if (n > 0)
			memcpy(out + len, piece.literal.p, n);
		len += n;
		if (piece.octet >= 0 && len < size)
			out[len++] = (char)piece.octet;
	}
	return len;
}

static size_t pieces_len(struct mr_span in)
{
	struct mr_cur c = mr_cur(in);
	size_t len = 0;
	struct piece piece;

	while (mr_cur_left(&c) > 0) {
		piece_next(&c, &piece);
		len += piece.literal.len + (piece.octet >= 0);
	}
	return len;
}

#ifdef __SSE2__
/*
 * Counting without decoding, 64 octets at a step: whole lines alone, so that nothing is cut in two.
 * What is lost is 2 octets for each =XX, soft line breaks, and blanks at the ends of lines. It says
 * what pieces_len() says; the fuzzer compares them.
 */
#define BLOCK   64
#define OVERLAP 2 /* octets behind a block that are looked at */

struct masks { /* bit i: octet i of the block is of that kind */
	uint64_t equals, lf, cr, blank;
};

static inline uint64_t bits_of(__m128i m0, __m128i m1, __m128i m2, __m128i m3)
{
	uint32_t low = (uint32_t)_mm_movemask_epi8(m0) | (uint32_t)_mm_movemask_epi8(m1) << 16;
	uint32_t high = (uint32_t)_mm_movemask_epi8(m2) | (uint32_t)_mm_movemask_epi8(m3) << 16;

	return low | (uint64_t)high << 32;
}

static __m128i is_byte(__m128i in, char c)
{
	return _mm_cmpeq_epi8(in, _mm_set1_epi8(c));
}

/* first <= octet <= last, unsigned */
static __m128i in_range(__m128i in, char first, char last)
{
	__m128i off = _mm_sub_epi8(in, _mm_set1_epi8(first));

	return _mm_cmpeq_epi8(_mm_min_epu8(off, _mm_set1_epi8((char)(last - first))), off);
}

static __m128i is_hex(__m128i in)
{
	return _mm_or_si128(in_range(in, '0', '9'),
			    in_range(_mm_or_si128(in, _mm_set1_epi8(0x20)), 'a', 'f'));
}

static __m128i is_blank_byte(__m128i in)
{
	return _mm_or_si128(is_byte(in, ' '), is_byte(in, '\t'));
}

struct block {
	__m128i a, b, c, d;
};

static inline struct block block_at(const char *p)
{
	const __m128i *v = (const __m128i *)(const void *)p;

	return (struct block){ _mm_loadu_si128(v), _mm_loadu_si128(v + 1), _mm_loadu_si128(v + 2),
			       _mm_loadu_si128(v + 3) };
}

__attribute__((always_inline)) static inline uint64_t bytes_mask(const struct block *v, char c)
{
	return bits_of(is_byte(v->a, c), is_byte(v->b, c), is_byte(v->c, c), is_byte(v->d, c));
}

__attribute__((always_inline)) static inline struct masks masks_of(const struct block *v)
{
	return (struct masks){
		.equals = bytes_mask(v, '='),
		.lf = bytes_mask(v, '\n'),
		.cr = bytes_mask(v, '\r'),
		.blank = bits_of(is_blank_byte(v->a), is_blank_byte(v->b), is_blank_byte(v->c),
				 is_blank_byte(v->d)),
	};
}

__attribute__((always_inline)) static inline uint64_t hex_mask(const struct block *v)
{
	return bits_of(is_hex(v->a), is_hex(v->b), is_hex(v->c), is_hex(v->d));
}

/* A mask moved so that bit i tells of the octet n behind; of those behind the block, next tells. */
static uint64_t ahead(uint64_t mask, unsigned n, uint64_t next)
{
	return mask >> n | next << (BLOCK - n);
}

/* Octets lost where blanks end a line: last is the last blank, ending the length of what follows. */
static size_t blanks_lost(const char *start, const char *last, size_t ending)
{
	const char *p = last;

	while (p > start && is_blank(p[-1]))
		p--;
	return (size_t)(last + 1 - p) + (p > start && p[-1] == '=' ? 1 + ending : 0);
}

static unsigned ones(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555u;
	bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (unsigned)(bits * 0x0101010101010101u >> 56);
}

/* The "=" that two hexadecimal digits follow. Without a branch, which here could not be foretold. */
static inline uint64_t escapes(const struct block *v, const char *p, uint64_t equals)
{
	uint64_t hex = hex_mask(v);
	uint64_t next = (uint64_t)mr_is(p[BLOCK], MR_HEX) | (uint64_t)mr_is(p[BLOCK + 1], MR_HEX)
								    << 1;

	return equals & ahead(hex, 1, next) & ahead(hex, 2, next);
}

/* Octets lost in a block at p, of which only the bits in valid count. */
static size_t block_lost(const char *start, const char *p, uint64_t valid)
{
	struct block v = block_at(p);
	struct masks m = masks_of(&v);
	uint64_t next_lf = (uint64_t)(p[BLOCK] == '\n') | (uint64_t)(p[BLOCK + 1] == '\n') << 1;
	uint64_t lf_soon = ahead(m.lf, 1, next_lf);
	uint64_t crlf_soon = ahead(m.cr, 1, p[BLOCK] == '\r') & ahead(m.lf, 2, next_lf);
	uint64_t blanks = m.blank & (lf_soon | crlf_soon) & valid;
	size_t lost = 0;

	m.equals &= valid;
	lost += 2u * ones(escapes(&v, p, m.equals) | (m.equals & lf_soon));
	if (m.equals & crlf_soon)
		lost += 3u * ones(m.equals & crlf_soon);
	for (; blanks; blanks &= blanks - 1) {
		const char *last = p + __builtin_ctzll(blanks);

		lost += blanks_lost(start, last, last[1] == '\r' ? 2 : 1);
	}
	return lost;
}

/* What the whole lines of in are counted to; the rest, which is a line and a block at most, or a line
 * that is longer, is left in *rest_out. */
static size_t lines_len(struct mr_span in, struct mr_span *rest_out)
{
	const char *p = in.p, *end;
	size_t len;

	*rest_out = in;
	if (in.len < BLOCK + OVERLAP)
		return 0;
	end = memrchr(in.p, '\n', in.len - BLOCK - OVERLAP);
	if (!end)
		return 0;
	end++;
	len = (size_t)(end - in.p);
	*rest_out = mr_span_sub(in, len, SIZE_MAX);
	for (; end - p >= BLOCK; p += BLOCK)
		len -= block_lost(in.p, p, UINT64_MAX);
	if (p < end)
		len -= block_lost(in.p, p, ((uint64_t)1 << (end - p)) - 1);
	return len;
}
#else
static size_t lines_len(struct mr_span in, struct mr_span *rest_out)
{
	*rest_out = in;
	return 0;
}
#endif

size_t mr_qp_len(struct mr_span in)
{
	struct mr_span rest;
	size_t len = lines_len(in, &rest);

	return len + pieces_len(rest);
}
