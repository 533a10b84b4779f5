#include "lib/mail/mr_body.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_base64.h"
#include "lib/mail/mr_qp.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX (16u * 1024 * 1024)

struct row {
	const char *in, *want;
};

typedef size_t decode_fn(struct mr_span in, char *out, size_t size);
typedef size_t len_fn(struct mr_span in);

/* Decode into room of every size: the octets are those that fit, and the count of all is right. */
static void check_rows(struct mr_t *t, const struct row *rows, size_t count, decode_fn *decode,
		       len_fn *len)
{
	for (size_t i = 0; i < count; i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_span want = mr_span_str(rows[i].want);

		MR_NEED(t, in);
		MR_CHECK_INT(t, want.len, len(mr_block_span(in)));
		for (size_t size = 0; size <= want.len + 3; size++) {
			char *out = mr_malloc(size);
			size_t got;

			MR_NEED(t, out);
			got = decode(mr_block_span(in), out, size);
			MR_CHECK_SPANS(t, mr_span_sub(want, 0, size), mr_span(out, got));
			mr_free(out);
		}
	}
}

MR_TEST(base64)
{
	static const struct row rows[] = {
		/* RFC 4648 10 */
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" },
		{ "Zm9vYmFy", "foobar" },
		{ "Pz8/Pn4+", "?\?\?>~>" }, /* both of "+" and "/" */
		/* RFC 2045 6.8: line breaks, and all else that is not in the table, is ignored */
		{ "Zm9v\r\nYmFy\r\n", "foobar" },
		{ "Zm\n9vY\nmFy", "foobar" },
		{ "Z m 9 v", "foo" },
		{ "Z.m-9_v!", "foo" },
		{ "\xc3\xa4Zm9v\xff", "foo" },
		/* no padding, or too little, or too much */
		{ "Zg", "f" },
		{ "Zm8", "fo" },
		{ "Zg=", "f" },
		{ "Zg===", "f" },
		{ "Zm9v=", "foo" },
		{ "Z", "" }, /* six bits make no octet */
		{ "Z===", "" },
		{ "====", "" },
		{ "=A=\r\n=A=\r\n", "" },
		/* what was encoded in pieces and joined */
		{ "Zg==Zm8=Zm9v", "ffofoo" },
		{ "Zg==\r\nZg==\r\n", "ff" },
		{ "Zm8=Z", "fo" },
	};
	check_rows(t, rows, MR_COUNT(rows), mr_base64_decode, mr_base64_len);
}

/* 100 lines of 76 digits: past the blocks of the fast loops, with digits of all kinds. */
MR_TEST(base64_long)
{
	/* the 64 digits in order, which RFC 4648 table 1 numbers 0 to 63, make 48 octets */
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char in[100 * 66], out[100 * 48];
	size_t len = 0;

	for (int i = 0; i < 100; i++) {
		memcpy(in + len, digits, 64);
		memcpy(in + len + 64, "\r\n", 2);
		len += 66;
	}
	MR_CHECK_INT(t, 4800, mr_base64_len(mr_span(in, len)));
	MR_NEED(t, mr_base64_decode(mr_span(in, len), out, sizeof(out)) == sizeof(out));
	for (size_t i = 0; i < sizeof(out); i += 3) {
		uint32_t bits = (uint32_t)(uint8_t)out[i] << 16 | (uint8_t)out[i + 1] << 8 |
				(uint8_t)out[i + 2];
		uint32_t first = (uint32_t)(i % 48 / 3 * 4);

		t->row = (long)i;
		MR_CHECK_INT(t, first << 18 | (first + 1) << 12 | (first + 2) << 6 | (first + 3),
			     bits);
	}
}

MR_TEST(quoted_printable)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "plain text, as it is", "plain text, as it is" },
		/* RFC 2045 6.7, its example of soft line breaks */
		{ "Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
		  "Now's the time for all folk to come to the aid of their country." },
		{ "Now's the time =\nfor all=\n", "Now's the time for all" },
		{ "=3D=41=7e=7E", "=A~~" }, /* rule 1; lower case is let through */
		{ "=e4=F6\r\n=fc", "\xe4\xf6\r\n\xfc" },
		{ "a=0D=0Ab", "a\r\nb" },
		/* rule 3: blanks at the end of a line go, wherever the line ends */
		{ "a \t \r\nb", "a\r\nb" },
		{ "a \t \nb", "a\nb" },
		{ "  \n\t\r\n ", "\n\r\n" },
		{ "a  ", "a" },
		{ " a\n b", " a\n b" },
		{ "a=20\r\nb=09\n", "a \r\nb\t\n" }, /* encoded ones stay */
		{ "a =20\n", "a  \n" },
		{ "a=  \t\r\nb", "ab" }, /* blanks came behind a soft line break */
		{ "a=  \t\nb", "ab" },
		{ "a=", "a" }, /* the delimiter took the line ending */
		{ "a= \t", "a" },
		{ "a \r\n", "a\r\n" },
		/* broken: "=" stands for itself */
		{ "a=b", "a=b" },
		{ "=G1=1G", "=G1=1G" },
		{ "a==41", "a=A" },
		{ "==\r\n=", "=" },
		{ "=  b", "=  b" },
		{ "= =\nb", "= b" },
		{ "=4", "=4" },
		{ "=\rb", "=\rb" },
		{ "a\rb \r", "a\rb \r" }, /* CR alone ends no line */
		{ "\xc3\xa4\xff", "\xc3\xa4\xff" }, /* raw 8-bit is let through */
		/* longer than a step of the search */
		{ "0123456789abcdef0123456789abcdef0123=3D456789abcdef0123456789abcdef     \r\n"
		  "0123456789abcdef0123456789abcdef0123456789abcdef=\r\n"
		  "0123456789abcdef",
		  "0123456789abcdef0123456789abcdef0123=456789abcdef0123456789abcdef\r\n"
		  "0123456789abcdef0123456789abcdef0123456789abcdef"
		  "0123456789abcdef" },
	};
	check_rows(t, rows, MR_COUNT(rows), mr_qp_decode, mr_qp_len);
}

/* -- mr_body.h ----------------------------------------------------------------------------------- */

MR_TEST(body_text)
{
	static const struct {
		const char *header, *body;
		size_t size_max;
		const char *bytes, *text;
	} rows[] = {
		{ "", "caf\xc3\xa9", 99, "caf\xc3\xa9", "caf\xc3\xa9" }, /* no charset, UTF-8 */
		{ "", "caf\xe9 \x80", 99, "caf\xe9 \x80", "caf\xc3\xa9 \xe2\x82\xac" },
		{ "Content-Type: text/plain; charset=\"iso-8859-1\"\n", "\xe4", 99, "\xe4",
		  "\xc3\xa4" },
		{ "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n",
		  "w6Q=\r\n", 99, "\xc3\xa4", "\xc3\xa4" },
		{ "Content-Type: text/plain; charset=iso-8859-15\n"
		  "Content-Transfer-Encoding: quoted-printable\n",
		  "=A4=\r\n1", 99, "\xa4\x31", "\xe2\x82\xac\x31" },
		{ "Content-Transfer-Encoding: x-uuencode\n", "begin", 99, "begin", "begin" },
		{ "Content-Transfer-Encoding: 8bit\n", "w6Q=", 99, "w6Q=", "w6Q=" },
		{ "", "abc", 2, "ab", "ab" },
		{ "Content-Transfer-Encoding: base64\n", "Zm9vYmFy", 4, "foob", "foob" },
		{ "", "a\xc3\xa4", 2, "a\xc3", "a" }, /* no half characters */
		{ "", "", 9, "", "" },
		{ "Content-Transfer-Encoding: base64\n", "Zm9v", 0, "", "" },
	};
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = NULL;
		struct mr_span got;
		struct mr_msg msg;
		char raw[300];
		int len = snprintf(raw, sizeof(raw), "%s\n%s", rows[i].header, rows[i].body);

		t->row = (long)i;
		in = mr_test_block(t, mr_span(raw, (size_t)len));
		MR_NEED(t, in && arena);
		MR_NEED(t,
			mr_msg_parse(mr_block_span(in), &mr_msg_limits_default, arena, &msg) == 0);
		MR_NEED(t, mr_body_decode(&msg.part[0], rows[i].size_max, arena, &got) == 0);
		MR_CHECK_SPAN(t, rows[i].bytes, got);
		MR_NEED(t, mr_body_text(&msg.part[0], rows[i].size_max, arena, &got) == 0);
		MR_CHECK_SPAN(t, rows[i].text, got);
		MR_NEED(t, mr_body_decode(&msg.part[0], SIZE_MAX, arena, &got) == 0);
		MR_CHECK_INT(t, got.len, mr_body_decoded_len(&msg.part[0]));
	}
}
