#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_cfws.h"
#include "lib/mail/mr_maildate.h"
#include "tests/unit/mr_test.h"

/* Seconds by date(1). */
static const struct {
	const char *in;
	int64_t time_s;
	int zone_min;
} good[] = {
	/* RFC 5322 appendix A.1.1, A.1.2, A.5, A.6.2, A.6.3 */
	{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360 },
	{ "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120 },
	{ "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
	  "               -0330 (Newfoundland Time)",
	  -27723480, -210 },
	{ "21 Nov 97 09:55:06 GMT", 880106106, 0 },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360 },
	/* RFC 5322 4.3: named zones */
	{ "21 Nov 1997 09:55:06 UT", 880106106, 0 },
	{ "21 Nov 1997 09:55:06 CST", 880127706, -360 },
	{ "21 Nov 1997 04:55:06 EST", 880106106, -300 },
	{ "21 Nov 1997 05:55:06 EDT", 880106106, -240 },
	{ "21 Nov 1997 04:55:06 CDT", 880106106, -300 },
	{ "21 Nov 1997 02:55:06 MST", 880106106, -420 },
	{ "21 Nov 1997 03:55:06 MDT", 880106106, -360 },
	{ "21 Nov 1997 01:55:06 PST", 880106106, -480 },
	{ "21 Nov 1997 02:55:06 pdt", 880106106, -420 },
	{ "21 Nov 1997 09:55:06 A", 880106106, 0 }, /* military: -0000 */
	{ "21 Nov 1997 09:55:06 CEST", 880106106, 0 }, /* any other: -0000 */
	{ "21 Nov 1997 09:55:06 -0000", 880106106, 0 },
	/* 4.3: years of two and three digits */
	{ "1 Jan 49 00:00 +0000", 2493072000, 0 },
	{ "1 Jan 50 00:00 +0000", -631152000, 0 },
	{ "29 Feb 100 00:00 +0000", 951782400, 0 }, /* 2000, a leap year */
	/* bounds */
	{ "1 Jan 1900 00:00 +0000", -2208988800, 0 },
	{ "31 Dec 9999 23:59:59 +0000", 253402300799, 0 },
	{ "31 Dec 2016 23:59:60 +0000", 1483228800, 0 }, /* the leap second */
	{ "1 Jan 1970 00:00 +9959", -359940, 5999 }, /* 99 h 59 min */
	{ "1 Jan 1970 00:00 -9959", 359940, -5999 },
	/* let through */
	{ "Sun, 21 Nov 1997 09:55:06 -0600", 880127706, -360 }, /* it was a Friday */
	{ "Fri 21 Nov 1997 9:55:06 -0600", 880127706, -360 },
	{ "fri, 21 NOV 1997 09:55:06 -0600", 880127706, -360 },
	{ "21 Nov 1997 09:55:06", 880106106, 0 },
	{ "(a (b) \\) c) 21 Nov 1997 09:55:06 -0600 ((CST))\r\n", 880127706, -360 },
};

MR_TEST(maildate_good)
{
	for (size_t i = 0; i < MR_COUNT(good); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, good[i].in);
		int64_t time_s = 1;
		int zone_min = 1;

		MR_NEED(t, in);
		MR_CHECK_INT(t, 0, mr_maildate_parse(mr_block_span(in), &time_s, &zone_min));
		MR_CHECK_INT(t, good[i].time_s, time_s);
		MR_CHECK_INT(t, good[i].zone_min, zone_min);
	}
}

MR_TEST(maildate_bad)
{
	static const char *const bad[] = {
		"",
		"Fri,",
		"yesterday",
		"31 Feb 2000 00:00 +0000",
		"30 Feb 2000 00:00 +0000",
		"29 Feb 1900 00:00 +0000", /* no leap year */
		"29 Feb 2023 00:00 +0000",
		"31 Apr 2023 00:00 +0000",
		"0 Jan 2023 00:00 +0000",
		"32 Jan 2023 00:00 +0000",
		"021 Nov 1997 09:55:06 -0600", /* day = 1*2DIGIT */
		"1 Foo 2023 00:00 +0000",
		"1 January 2023 00:00 +0000",
		"1 Jan 1899 00:00 +0000",
		"1 Jan 0050 00:00 +0000",
		"1 Jan 10000 00:00 +0000",
		"1 Jan 5 00:00 +0000",
		"1 Jan 2023 24:00 +0000",
		"1 Jan 2023 00:60 +0000",
		"1 Jan 2023 00:00:61 +0000",
		"1 Jan 2023 00 +0000",
		"1 Jan 2023 00:00: +0000",
		"1 Jan 2023 00:00 +000",
		"1 Jan 2023 00:00 +00000",
		"1 Jan 2023 00:00 +0060",
		"1 Jan 2023 00:00 +",
		"1 Jan 2023 00:00 +0000 x",
		"1 Jan 2023 00:00 +0000 (",
		"1 Jan 2023 -1:00 +0000",
		"1 Jan 2023 00:00 +99999999999999999999",
		"1 Jan 99999999999999999999 00:00 +0000",
		"((((((((((((",
	};

	for (size_t i = 0; i < MR_COUNT(bad); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, bad[i]);
		int64_t time_s = 7;
		int zone_min = 7;

		MR_NEED(t, in);
		MR_CHECK_INT(t, MR_ESYNTAX,
			     mr_maildate_parse(mr_block_span(in), &time_s, &zone_min));
		MR_CHECK(t, time_s == 7 && zone_min == 7);
	}
}

/* What we write ourselves reads back, every month of 200 years. */
MR_TEST(maildate_round_trip)
{
	char text[MR_DATE_SIZE];

	for (int64_t s = -2208988800; s < 4102444800; s += 30 * 86400 + 12345) {
		int64_t time_s = 0;
		int zone_min = 1;

		mr_date_rfc5322(s, text);
		MR_NEED(t, mr_maildate_parse(mr_span_str(text), &time_s, &zone_min) == 0);
		MR_CHECK_INT(t, s, time_s);
		MR_CHECK_INT(t, 0, zone_min);
	}
}

MR_TEST(cfws_comments)
{
	static const struct {
		const char *in, *content, *rest;
	} rows[] = {
		{ "(a)b", "a", "b" },     { "()", "", "" },       { "(a(b)c)(d)", "a(b)c", "(d)" },
		{ "(\\))x", "\\)", "x" }, { "(a", "none", "(a" }, { "(a\\)", "none", "(a\\)" },
		{ "(\\", "none", "(\\" }, { "a", "none", "a" },   { "", "none", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_cur c = mr_cur(mr_block_span(in));
		struct mr_span content = MR_SPAN("none");

		MR_NEED(t, in);
		MR_CHECK_INT(t, strcmp(rows[i].content, "none") != 0,
			     mr_cfws_comment(&c, &content));
		MR_CHECK_SPAN(t, rows[i].content, content);
		MR_CHECK_SPAN(t, rows[i].rest, mr_cur_rest(&c));
	}
}
