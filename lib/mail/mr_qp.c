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

size_t mr_qp_len(struct mr_span in)
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
