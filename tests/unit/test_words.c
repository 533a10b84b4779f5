#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_words.h"
#include "tests/unit/mr_test.h"

#define MAX (1024 * 1024)

static const struct {
	const char *in, *want;
} rows[] = {
	{ "", "" },
	{ "  plain \r\n", "plain" },
	{ "two\r\n folded\r\n\tlines", "two folded\tlines" }, /* RFC 5322 2.2.3 */
	{ "two\n folded", "two folded" },
	/* RFC 2047 8: the table of what is displayed, without the comments' parentheses */
	{ "(=?ISO-8859-1?Q?a?=)", "(a)" },
	{ "(=?ISO-8859-1?Q?a?= b)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a?=\r\n   =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a_b?=)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)" },
	/* RFC 2047 8: the header fields */
	{ "=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>" },
	{ "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>",
	  "Keld J\xC3\xB8rn Simonsen <keld@dkuug.dk>" },
	{ "=?ISO-8859-1?Q?Andr=E9?= Pirard <PIRARD@vm1.ulg.ac.be>",
	  "Andr\xC3\xA9 Pirard <PIRARD@vm1.ulg.ac.be>" },
	{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
	  "    =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	  "If you can read this you understand the example." },
	{ "=?ISO-8859-1?Q?Olle_J=E4rnefors?= <ojarnef@admin.kth.se>",
	  "Olle J\xC3\xA4rnefors <ojarnef@admin.kth.se>" },
	{ "Nathaniel Borenstein <nsb@thumper.bellcore.com>\r\n"
	  "    (=?iso-8859-8?b?7eXs+SDv4SDs6Oj08A==?=)",
	  "Nathaniel Borenstein <nsb@thumper.bellcore.com>    (\xD7\x9D\xD7\x95\xD7\x9C\xD7\xA9 "
	  "\xD7\x9F\xD7\x91 \xD7\x9C\xD7\x98\xD7\x98\xD7\xA4\xD7\xA0)" },
	/* RFC 2231 5 */
	{ "=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore" },
	/* a character in two words, in base64 and in both encodings */
	{ "=?utf-8?B?w4?= =?utf-8?B?pA?=", "\xC3\xA4" },
	{ "=?utf-8?Q?=C3?=\r\n =?UTF-8?B?pA==?=", "\xC3\xA4" },
	{ "=?iso-2022-jp?B?GyRC?= =?iso-2022-jp?B?JDMbKEI=?=", "\xE3\x81\x93" },
	/* not joined: text between, or another charset */
	{ "=?utf-8?Q?=C3?= x =?utf-8?Q?=A4?=", "\xEF\xBF\xBD x \xEF\xBF\xBD" },
	{ "a =?utf-8?Q?b?= c", "a b c" },
	{ "=?utf-8?Q?a?==?utf-8?Q?b?=", "ab" },
	{ "x=?utf-8?Q?a?=y", "xay" }, /* DEVIATIONS: without the blanks of RFC 2047 5 */
	/* Q: RFC 2047 4.2 */
	{ "=?utf-8?q?=3D=3f=5F?=", "=?_" },
	{ "=?utf-8?q?=e4=b8=ad?=", "\xE4\xB8\xAD" }, /* lower-case digits */
	{ "=?utf-8?Q?=4?=", "=4" },
	{ "=?utf-8?Q?=zz=?=", "=zz=" },
	/* B: what is not of the alphabet is skipped */
	{ "=?utf-8?B?YQ?=", "a" },
	{ "=?utf-8?B?Y=W#Jj?=", "abc" },
	{ "=?utf-8?B??"
	  "=",
	  "" },
	{ "=?utf-8?Q?_a_?=", "a" }, /* no white space at the ends */
	{ "=?ANSI_X3.4-1968?Q?a=3F?=", "a?" }, /* DEVIATIONS: IANA names have dots, a token none */
	/* broken words stand */
	{ "=?utf-8?Q?a b?=", "=?utf-8?Q?a b?=" },
	{ "=?utf-8?X?a?=", "=?utf-8?X?a?=" },
	{ "=?utf-8?Q?a", "=?utf-8?Q?a" },
	{ "=?utf-8?Q?a?", "=?utf-8?Q?a?" },
	{ "=?utf-8?Q", "=?utf-8?Q" },
	{ "=??Q?a?=", "=??Q?a?=" },
	{ "=?utf-8??a?=", "=?utf-8??a?=" },
	{ "=?utf-8?Q?a?b?=", "=?utf-8?Q?a?b?=" },
	{ "=?=?utf-8?Q?a?=", "=?a" },
	{ "=?a?= =?utf-8?Q?b?=", "=?a?= b" },
	{ "=?", "=?" },
	/* raw 8-bit */
	{ "\xC3\xA4", "\xC3\xA4" },
	{ "\xE4", "\xC3\xA4" },
	{ "\xE4 =?utf-8?Q?=C3=A4?= \x80", "\xC3\xA4 \xC3\xA4 \xE2\x82\xAC" },
	{ "=?utf-8?Q?\xC3\xA4?=", "\xC3\xA4" },
	{ "=?x-what?Q?=E4?=", "\xC3\xA4" }, /* an unknown charset */
};

MR_TEST(words_rows)
{
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		struct mr_span utf8 = MR_SPAN("untouched");

		MR_NEED(t, in && arena);
		MR_CHECK_INT(t, 0, mr_words_decode(mr_block_span(in), MAX, arena, &utf8));
		MR_CHECK_SPAN(t, rows[i].want, utf8);
	}
}

MR_TEST(words_size_max)
{
	static const struct {
		const char *in;
		size_t size_max;
		const char *want;
	} cuts[] = {
		{ "abc", 2, "ab" },
		{ "abc", 0, "" },
		{ "a\xC3\xA4"
		  "b",
		  2, "a" },
		{ "a\r\n b c", 3, "a b" },
		{ "=?utf-8?Q?a=C3=A4b?=", 2, "a" },
		{ "=?utf-8?Q?=C3=A4=C3=A4?= b", 3, "\xC3\xA4" }, /* nothing after the cut */
		{ "a =?utf-8?Q?b?= c", 3, "a b" },
	};

	for (size_t i = 0; i < MR_COUNT(cuts); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, cuts[i].in);
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		struct mr_span utf8 = MR_SPAN("untouched");

		MR_NEED(t, in && arena);
		MR_CHECK_INT(t, 0,
			     mr_words_decode(mr_block_span(in), cuts[i].size_max, arena, &utf8));
		MR_CHECK_SPAN(t, cuts[i].want, utf8);
	}
}

/* What is cut off says nothing about what stays: a long text of UTF-8 remains UTF-8, wherever the
 * cut falls. */
MR_TEST(words_long_text)
{
	for (size_t size_max = 0; size_max < 12; size_max++) {
		MR_AUTO_BUF in = MR_BUF(MAX);
		MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
		struct mr_span utf8 = MR_SPAN("");

		for (int i = 0; i < 1000; i++)
			mr_buf_adds(&in, "\xE2\x82\xAC");
		MR_NEED(t, arena && mr_buf_err(&in) == 0);
		MR_NEED(t, mr_words_decode(mr_buf_span(&in), size_max, arena, &utf8) == 0);
		MR_CHECK_INT(t, size_max / 3 * 3, utf8.len);
		MR_CHECK_SPANS(t, mr_span_sub(mr_buf_span(&in), 0, utf8.len), utf8);
	}
}

/* A subject of many words costs what it has of octets, and no more than its bound in memory. */
MR_TEST(words_many)
{
	MR_AUTO_BUF in = MR_BUF(64 * MAX);
	MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
	struct mr_span utf8 = MR_SPAN("");

	for (int i = 0; i < 100000; i++)
		mr_buf_adds(&in, i % 2 ? "=?utf-8?B?w6Q=?=\r\n " : "=?koi8-r?Q?=F0?=\r\n ");
	MR_NEED(t, arena && mr_buf_err(&in) == 0);
	MR_NEED(t, mr_words_decode(mr_buf_span(&in), MAX, arena, &utf8) == 0);
	MR_CHECK_INT(t, 200000, utf8.len);
	MR_CHECK_SPAN(t, "\xD0\x9F\xC3\xA4", mr_span_sub(utf8, 199996, 4));
}
