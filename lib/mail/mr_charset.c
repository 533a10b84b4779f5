#include "lib/mail/mr_charset.h"

#include <errno.h>
#include <iconv.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_charset_names.h"

#define PRELOAD_MAX 512
#define CHUNK_SIZE  2048 /* of UTF-8, on the stack between a converter and the buffer */

#define REPLACEMENT MR_SPAN("\xEF\xBF\xBD") /* U+FFFD */

/* Windows-1252, 128 to 159 (WHATWG index-windows-1252); five octets mean nothing. */
static const uint16_t w1252[32] = {
	0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
	0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
};

static uint32_t w1252_code(uint8_t octet)
{
	return octet >= 0x80 && octet < 0xA0 ? w1252[octet - 0x80] : octet;
}

/* ISO-8859-15: where it differs from ISO-8859-1. */
static uint32_t latin9_code(uint8_t octet)
{
	switch (octet) {
	case 0xA4:
		return 0x20AC;
	case 0xA6:
		return 0x0160;
	case 0xA8:
		return 0x0161;
	case 0xB4:
		return 0x017D;
	case 0xB8:
		return 0x017E;
	case 0xBC:
		return 0x0152;
	case 0xBD:
		return 0x0153;
	case 0xBE:
		return 0x0178;
	default:
		return octet;
	}
}

/* How many octets at the start are ASCII, eight at a time. */
static size_t ascii_len(struct mr_span s)
{
	size_t i = 0;

	for (uint64_t eight; s.len - i >= sizeof(eight); i += sizeof(eight)) {
		memcpy(&eight, s.p + i, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < s.len && (uint8_t)s.p[i] < 0x80)
		i++;
	return i;
}

static bool utf8_valid(struct mr_span s)
{
	struct mr_cur c = mr_cur(s);
	bool valid = true;

	do {
		mr_cur_skip(&c, ascii_len(mr_cur_rest(&c)));
	} while (mr_utf8_next(&c, &valid) >= 0 && valid);
	return valid;
}

/* The longest start of valid UTF-8 that is no longer than size_max and cuts no character. */
static struct mr_span utf8_cut(struct mr_span s, size_t size_max)
{
	if (s.len <= size_max)
		return s;
	while (size_max > 0 && ((uint8_t)s.p[size_max] & 0xC0) == 0x80)
		size_max--;
	return mr_span_sub(s, 0, size_max);
}

/* Append valid UTF-8: 0, MR_ELIMIT when not all of it fitted, MR_ENOMEM. */
static int put(struct mr_buf *out, struct mr_span utf8)
{
	struct mr_span fits = utf8_cut(utf8, mr_buf_left(out));
	int err = mr_buf_add(out, fits);

	return err == 0 && fits.len < utf8.len ? MR_ELIMIT : err;
}

static int add_utf8(struct mr_span in, struct mr_buf *out)
{
	struct mr_cur c = mr_cur(in);
	const char *from = c.p, *at;
	bool valid;
	int err;

	for (;;) {
		mr_cur_skip(&c, ascii_len(mr_cur_rest(&c)));
		at = c.p;
		if (mr_utf8_next(&c, &valid) < 0)
			return put(out, mr_span(from, (size_t)(at - from)));
		if (valid)
			continue;
		if ((err = put(out, mr_span(from, (size_t)(at - from)))) < 0 ||
		    (err = put(out, REPLACEMENT)) < 0)
			return err;
		from = c.p;
	}
}

/* A charset of single octets. */
static int add_octets(struct mr_span in, uint32_t (*code)(uint8_t octet), struct mr_buf *out)
{
	char chunk[CHUNK_SIZE];
	size_t len = 0;
	int err;

	for (size_t i = 0; i < in.len; i++) {
		if (len + MR_UTF8_MAX > sizeof(chunk)) {
			if ((err = put(out, mr_span(chunk, len))) < 0)
				return err;
			len = 0;
		}
		len += mr_utf8_put(code((uint8_t)in.p[i]), chunk + len);
	}
	return put(out, mr_span(chunk, len));
}

static int add_unknown(struct mr_span in, struct mr_buf *out)
{
	return utf8_valid(in) ? put(out, in) : add_octets(in, w1252_code, out);
}

/* What iconv could not convert at *in_inout: one octet of it becomes U+FFFD. */
static int skip_octet(char **in_inout, size_t *left_inout, struct mr_buf *out)
{
	if (*left_inout > 0) {
		(*in_inout)++;
		(*left_inout)--;
	}
	return put(out, REPLACEMENT);
}

/* Each turn takes an octet or fills a good part of the chunk, so the loop is linear: measured, 20 ns
 * for each octet of the worst input. */
static int add_by(iconv_t cd, struct mr_span in, struct mr_buf *out)
{
	char *p = (char *)(uintptr_t)in.p; /* iconv(3) does not write there */
	size_t left = in.len;
	bool flushed = false;
	int err = 0;

	while (err == 0 && !flushed) {
		char chunk[CHUNK_SIZE], *to = chunk;
		size_t room = sizeof(chunk), had = left, result;
		int why;

		/* At the end iconv is asked for what it still holds: a base letter that waits for
		 * its accent (CP1255, CP1258, TCVN, BIG5-HKSCS). */
		flushed = left == 0;
		result = iconv(cd, left > 0 ? &p : NULL, left > 0 ? &left : NULL, &to, &room);
		why = errno;
		err = put(out, mr_span(chunk, sizeof(chunk) - room));
		if (result != (size_t)-1 || err < 0)
			continue;
		if (why == E2BIG && (left < had || room < sizeof(chunk)))
			flushed = false;
		else if (!flushed) /* EILSEQ; EINVAL: the end is inside a character */
			err = skip_octet(&p, &left, out);
	}
	return err;
}

static int add_iconv(const char *name, struct mr_span in, struct mr_buf *out)
{
	iconv_t cd = iconv_open("UTF-8", name); /* 0.3 us once its tables are loaded */
	int err;

	if (cd == (iconv_t)-1)
		return errno == ENOMEM ? MR_ENOMEM : add_unknown(in, out);
	err = add_by(cd, in, out);
	iconv_close(cd);
	return err;
}

/* RFC 2781 3.2 and 4.3: the mark is no part of the text; without one it is big endian. */
static int add_utf16(struct mr_span in, struct mr_buf *out)
{
	if (mr_span_has_prefix(in, MR_SPAN("\xFF\xFE")))
		return add_iconv("UTF-16LE", mr_span_sub(in, 2, in.len), out);
	if (mr_span_has_prefix(in, MR_SPAN("\xFE\xFF")))
		in = mr_span_sub(in, 2, in.len);
	return add_iconv("UTF-16BE", in, out);
}

static int add_utf32(struct mr_span in, struct mr_buf *out)
{
	if (mr_span_has_prefix(in, MR_SPAN("\xFF\xFE\0\0")))
		return add_iconv("UTF-32LE", mr_span_sub(in, 4, in.len), out);
	if (mr_span_has_prefix(in, MR_SPAN("\0\0\xFE\xFF")))
		in = mr_span_sub(in, 4, in.len);
	return add_iconv("UTF-32BE", in, out);
}

/*
 * RFC 1843: "~{" begins GB 2312 with the high bits off, "~}" ends it, "~~" is a tilde, "~" and a
 * line ending is nothing; a line ends in ASCII. Rewritten as at most room octets of EUC-CN, which
 * GB18030 contains; never longer than in.
 */
static size_t hz_to_euc(struct mr_span in, char *euc, size_t room)
{
	bool gb = false;
	size_t len = 0;

	for (size_t i = 0; i < in.len && len < room; i++) {
		char c = in.p[i], next = i + 1 < in.len ? in.p[i + 1] : '\0';

		if (c == '~' && next == (gb ? '}' : '{')) {
			gb = !gb;
			i++;
		} else if (c == '~' && !gb && next == '\n') {
			i++;
		} else if (c == '~' && !gb && next == '~') {
			euc[len++] = '~';
			i++;
		} else if (c == '\n') {
			gb = false;
			euc[len++] = c;
		} else {
			euc[len++] = gb && c >= 0x21 && c <= 0x7E ? (char)(c | 0x80) : c;
		}
	}
	return len;
}

static int add_hz(struct mr_span in, struct mr_buf *out)
{
	/* GB18030 takes four octets at most for what is one or more in UTF-8. */
	size_t left = mr_buf_left(out), room = left < in.len / 8 ? left * 4 + 4 : in.len;
	char *euc;
	int err = MR_ENOMEM;

	euc = mr_malloc(room);
	if (euc)
		err = add_iconv("GB18030", mr_span(euc, hz_to_euc(in, euc, room)), out);
	mr_free(euc);
	return err;
}

int mr_charset_add(struct mr_span charset, struct mr_span in, struct mr_buf *out)
{
	const struct mr_charset *cs = mr_charset_find(charset);

	switch (cs ? cs->kind : MR_CHARSET_UNKNOWN) {
	case MR_CHARSET_UNKNOWN:
		return add_unknown(in, out);
	case MR_CHARSET_UTF8:
		return add_utf8(in, out);
	case MR_CHARSET_W1252:
		return add_octets(in, w1252_code, out);
	case MR_CHARSET_LATIN9:
		return add_octets(in, latin9_code, out);
	case MR_CHARSET_HZ:
		return add_hz(in, out);
	case MR_CHARSET_UTF16:
		return add_utf16(in, out);
	case MR_CHARSET_UTF32:
		return add_utf32(in, out);
	case MR_CHARSET_SUPERSET:
	case MR_CHARSET_STATEFUL:
		return add_iconv(cs->iconv, in, out);
	}
	return add_unknown(in, out);
}

/* in is its own UTF-8. */
static bool unchanged(const struct mr_charset *cs, struct mr_span in)
{
	switch (cs ? cs->kind : MR_CHARSET_UNKNOWN) {
	case MR_CHARSET_UNKNOWN:
	case MR_CHARSET_UTF8:
		return utf8_valid(in);
	case MR_CHARSET_W1252:
	case MR_CHARSET_LATIN9:
	case MR_CHARSET_SUPERSET:
		return ascii_len(in) == in.len;
	default:
		return false;
	}
}

int mr_charset_to_utf8(struct mr_span charset, struct mr_span in, size_t size_max,
		       struct mr_arena *arena, struct mr_span *utf8_out)
{
	MR_AUTO_BUF out = MR_BUF(size_max);
	int err;

	if (unchanged(mr_charset_find(charset), in)) {
		*utf8_out = utf8_cut(in, size_max);
		return 0;
	}
	err = mr_charset_add(charset, in, &out);
	if (err < 0 && err != MR_ELIMIT)
		return err;
	return mr_arena_dup(arena, mr_buf_span(&out), utf8_out);
}

void mr_charset_preload(void)
{
	static iconv_t kept[PRELOAD_MAX];

	MR_ASSERT(mr_charset_count <= PRELOAD_MAX);
	for (size_t i = 0; i < mr_charset_count; i++) {
		/* Never closed: that keeps the tables. What fails is unknown from then on. */
		if (mr_charsets[i].iconv && !kept[i])
			kept[i] = iconv_open("UTF-8", mr_charsets[i].iconv);
	}
}
