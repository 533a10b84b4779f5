#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_charset.h"
#include "lib/mail/mr_charset_names.h"
#include "tests/unit/mr_test.h"

#define MAX (1024 * 1024)

/* Expected values: Unicode code charts and the tables of WHATWG Encoding, by hand. */
static const struct {
	const char *charset, *in, *want;
} rows[] = {
	{ "us-ascii", "plain", "plain" },
	{ "utf-8", "\xC3\xA4", "\xC3\xA4" },
	{ "UTF8", "a\xC3", "a\xEF\xBF\xBD" }, /* the end is inside a character */
	{ "utf-8", "\xE2\x82x\xFF", "\xEF\xBF\xBDx\xEF\xBF\xBD" }, /* Unicode 3.9 */
	{ "utf-8", "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" }, /* a surrogate */
	{ "iso-8859-1", "\xE4\xF6", "\xC3\xA4\xC3\xB6" },
	{ "ISO_8859-1:1987", "\xE4", "\xC3\xA4" },
	{ "latin1", "don\x92t", "don\xE2\x80\x99t" }, /* U+2019, as in Windows-1252 */
	{ "Windows-1252", "\x80\x81\x9F\xFF", "\xE2\x82\xAC\xEF\xBF\xBD\xC5\xB8\xC3\xBF" },
	{ "cp1252", "\x80", "\xE2\x82\xAC" },
	{ "iso-8859-15", "\xA4\xA6\xA8\xB4\xB8\xBC\xBD\xBE\xA5",
	  "\xE2\x82\xAC\xC5\xA0\xC5\xA1\xC5\xBD\xC5\xBE\xC5\x92\xC5\x93\xC5\xB8\xC2\xA5" },
	{ "", "\xC3\xA4", "\xC3\xA4" },
	{ "", "\xE4\x80", "\xC3\xA4\xE2\x82\xAC" }, /* no UTF-8: Windows-1252 */
	{ "x-unknown", "\xE4", "\xC3\xA4" },
	{ "us-ascii", "\xE4", "\xC3\xA4" },
	{ "us-ascii", "\xC3\xA4", "\xC3\xA4" },
	{ "koi8-r", "\xF0\xD2\xC9", "\xD0\x9F\xD1\x80\xD0\xB8" }, /* U+041F U+0440 U+0438 */
	{ "KOI8-R", "ascii only", "ascii only" },
	{ "windows-1251", "\xCF\xF0\xE8", "\xD0\x9F\xD1\x80\xD0\xB8" },
	{ "windows-1251",
	  "a\x98"
	  "b",
	  "a\xEF\xBF\xBD"
	  "b" }, /* 0x98 means nothing */
	{ "iso-8859-2", "\xB3", "\xC5\x82" }, /* U+0142 */
	{ "iso-8859-9", "\xF0", "\xC4\x9F" }, /* U+011F */
	{ "windows-1255",
	  "\xF9"
	  "a",
	  "\xD7\xA9"
	  "a" }, /* shin waits for a dot */
	{ "windows-1255", "\xF9", "\xD7\xA9" }, /* flushed at the end */
	{ "iso-2022-jp", "\x1B$B$3\x1B(B!", "\xE3\x81\x93!" }, /* U+3053 */
	{ "iso-2022-jp", "\x1B$B$3", "\xE3\x81\x93" },
	{ "shift_jis", "\x82\xB1", "\xE3\x81\x93" },
	{ "x-sjis", "\x82\xB1\\", "\xE3\x81\x93\\" }, /* CP932: a backslash, no yen sign */
	{ "euc-jp", "\xA4\xB3", "\xE3\x81\x93" },
	{ "gb2312", "\xC4\xE3\xBA\xC3", "\xE4\xBD\xA0\xE5\xA5\xBD" }, /* U+4F60 U+597D */
	{ "gb2312", "\x80\xE9", "\xEF\xBF\xBD\xEF\xBF\xBD" }, /* neither is one */
	{ "hz-gb-2312", "a~{Dc:C~}~~b", "a\xE4\xBD\xA0\xE5\xA5\xBD~b" }, /* RFC 1843 */
	{ "hz-gb-2312", "~\n~{Dc\nDc", "\xE4\xBD\xA0\nDc" }, /* a line ends in ASCII */
	{ "big5", "\xA7\x41\xA6\x6E", "\xE4\xBD\xA0\xE5\xA5\xBD" },
	{ "ks_c_5601-1987", "\xB0\xA1", "\xEA\xB0\x80" }, /* U+AC00 */
	{ "euc-kr", "\x81\x41", "\xEA\xB0\x82" }, /* U+AC02, in UHC alone */
	{ "utf-7", "Hi Mom -+Jjo--!", "Hi Mom -\xE2\x98\xBA-!" }, /* RFC 2152, examples */
	{ "utf-7", "A+ImIDkQ.", "A\xE2\x89\xA2\xCE\x91." },
	{ "utf-7", "Item 3 is +AKM-1.",
	  "Item 3 is \xC2\xA3"
	  "1." },
};

MR_TEST(charset_rows)
{
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		struct mr_span utf8 = MR_SPAN("untouched");

		MR_NEED(t, in && arena);
		MR_CHECK_INT(t, 0,
			     mr_charset_to_utf8(mr_span_str(rows[i].charset), mr_block_span(in),
						MAX, arena, &utf8));
		MR_CHECK_SPAN(t, rows[i].want, utf8);
	}
}

/* RFC 2781 4.3, 5: the example of section 5, "*=Ra" with U+12345. */
MR_TEST(charset_utf16)
{
	static const struct {
		const char *charset;
		struct mr_span in;
	} wide[] = {
		{ "utf-16be", MR_SPAN("\xD8\x08\xDF\x45\x00=\x00R\x00"
				      "a") },
		{ "utf-16le", MR_SPAN("\x08\xD8\x45\xDF=\x00R\x00"
				      "a\x00") },
		{ "utf-16", MR_SPAN("\xFE\xFF\xD8\x08\xDF\x45\x00=\x00R\x00"
				    "a") },
		{ "utf-16", MR_SPAN("\xFF\xFE\x08\xD8\x45\xDF=\x00R\x00"
				    "a\x00") },
		{ "utf-16", MR_SPAN("\xD8\x08\xDF\x45\x00=\x00R\x00"
				    "a") },
		{ "utf-32", MR_SPAN("\x00\x01\x23\x45\0\0\0=\0\0\0R\0\0\0a") },
		{ "utf-32", MR_SPAN("\xFF\xFE\0\0\x45\x23\x01\0=\0\0\0R\0\0\0a\0\0\0") },
	};

	for (size_t i = 0; i < MR_COUNT(wide); i++) {
		MR_AUTO(mr_block) *in = mr_test_block(t, wide[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		struct mr_span utf8 = MR_SPAN("");

		t->row = (long)i;
		MR_NEED(t, in && arena);
		MR_CHECK_INT(t, 0,
			     mr_charset_to_utf8(mr_span_str(wide[i].charset), mr_block_span(in),
						MAX, arena, &utf8));
		MR_CHECK_SPAN(t, "\xF0\x92\x8D\x85=Ra", utf8);
	}
}

/* What is cut is cut between characters. */
MR_TEST(charset_size_max)
{
	static const struct {
		const char *charset, *in;
		size_t size_max;
		const char *want;
	} cuts[] = {
		{ "utf-8",
		  "a\xC3\xA4"
		  "b",
		  4,
		  "a\xC3\xA4"
		  "b" },
		{ "utf-8",
		  "a\xC3\xA4"
		  "b",
		  3, "a\xC3\xA4" },
		{ "utf-8",
		  "a\xC3\xA4"
		  "b",
		  2, "a" },
		{ "utf-8",
		  "a\xC3\xA4"
		  "b",
		  0, "" },
		{ "latin1",
		  "\xE4\xE4"
		  "b",
		  3, "\xC3\xA4" }, /* b would fit, after a hole */
		{ "utf-8",
		  "\xFF"
		  "b",
		  2, "" },
		{ "koi8-r",
		  "\xF0"
		  "bc",
		  3,
		  "\xD0\x9F"
		  "b" },
		{ "koi8-r",
		  "\xF0"
		  "bc",
		  1, "" },
		{ "hz", "~{Dc~}a", 3, "\xE4\xBD\xA0" },
	};

	for (size_t i = 0; i < MR_COUNT(cuts); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, cuts[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		struct mr_span utf8 = MR_SPAN("untouched");

		MR_NEED(t, in && arena);
		MR_CHECK_INT(t, 0,
			     mr_charset_to_utf8(mr_span_str(cuts[i].charset), mr_block_span(in),
						cuts[i].size_max, arena, &utf8));
		MR_CHECK_SPAN(t, cuts[i].want, utf8);
	}
}

MR_TEST(charset_add_says_full)
{
	MR_AUTO_BUF out = MR_BUF(3);

	MR_CHECK_INT(t, 0, mr_charset_add(MR_SPAN("latin1"), MR_SPAN("a"), &out));
	MR_CHECK_INT(t, 0, mr_charset_add(MR_SPAN("latin1"), MR_SPAN("\xE4"), &out));
	MR_CHECK_INT(t, MR_ELIMIT, mr_charset_add(MR_SPAN("latin1"), MR_SPAN("\xE4"), &out));
	MR_CHECK_SPAN(t, "a\xC3\xA4", mr_buf_span(&out));
}

/* The search halves the table: it must be in order. Each name that iconv is asked for exists. */
MR_TEST(charset_names_in_order)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);

	MR_NEED(t, arena);
	mr_charset_preload();
	for (size_t i = 0; i < mr_charset_count; i++) {
		struct mr_span name = mr_span_str(mr_charsets[i].name);

		t->row = (long)i;
		MR_CHECK(t, i == 0 || mr_span_cmp(mr_span_str(mr_charsets[i - 1].name), name) < 0);
		MR_CHECK(t, mr_charset_find(name) == &mr_charsets[i]);
		MR_CHECK(t, mr_span_only(name, MR_LOWER | MR_DIGIT));
	}
	MR_CHECK(t, mr_charset_find(MR_SPAN("")) == NULL);
	MR_CHECK(t, mr_charset_find(MR_SPAN("iso-8859-1//translit")) == NULL);
	MR_CHECK(t, mr_charset_find(MR_SPAN("ISO_8859-1 ")) != NULL);
}

/* A name that this machine's iconv lacks would be read as unknown: 0xFF would be U+00FF. */
MR_TEST(charset_names_are_known)
{
	for (size_t i = 0; i < mr_charset_count; i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		struct mr_span utf8 = MR_SPAN("");
		bool single = false;

		t->row = (long)i;
		MR_NEED(t, arena);
		if (mr_charsets[i].kind != MR_CHARSET_STATEFUL)
			continue;
		single = strncmp(mr_charsets[i].iconv, "VISCII", 6) == 0 ||
			 strncmp(mr_charsets[i].iconv, "TCVN", 4) == 0;
		MR_NEED(t, mr_charset_to_utf8(mr_span_str(mr_charsets[i].name), MR_SPAN("\xFF"),
					      MAX, arena, &utf8) == 0);
		MR_CHECK(t, single || mr_span_eq(utf8, MR_SPAN("\xEF\xBF\xBD")));
	}
}

/* Every charset, many pairs of octets, with and without a shift: valid UTF-8 comes out. */
MR_TEST(charset_always_valid)
{
	static const char *const shifts[] = {
		"", "\x1B$B", "\x1B$)A\x0E", "\x1B$)C\x0E", "+", "~{"
	};

	if (t->oom || getenv("MR_TEST_OOM"))
		return;
	for (size_t i = 0; i < mr_charset_count; i++) {
		for (unsigned n = 0; n < 65536 * MR_COUNT(shifts); n += 127) {
			MR_AUTO_BUF out = MR_BUF(64);
			char in[16];
			size_t len = strlen(shifts[n / 65536]);

			memcpy(in, shifts[n / 65536], len);
			in[len++] = (char)(n >> 8);
			in[len++] = (char)n;
			t->row = (long)i;
			MR_NEED(t, mr_charset_add(mr_span_str(mr_charsets[i].name),
						  mr_span(in, len), &out) == 0);
			MR_NEED(t, mr_utf8_valid(mr_buf_span(&out)));
		}
	}
}
