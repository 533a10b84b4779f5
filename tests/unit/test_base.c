#include <errno.h>
#include <sys/stat.h>

#include "lib/base/mr_arena.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "lib/base/mr_random.h"
#include "lib/base/mr_secret.h"
#include "lib/base/mr_time.h"
#include "lib/base/mr_utf8.h"
#include "tests/unit/mr_test.h"

/* What a terminal would obey, or would not show, is "?"; a name stays on its line. */
MR_TEST(utf8_show)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "a b-ü.eml", "a b-ü.eml" },
		{ "\x1b]0;title\x07x", "?]0;title?x" }, /* ECMA-48: ESC, BEL */
		{ "\xc2\x9b"
		  "31m",
		  "?31m" }, /* CSI as C1 */
		{ "\x9b"
		  "31m",
		  "?31m" }, /* the same octet alone is no UTF-8 */
		{ "a\tb\nc\rd\x7f", "a b c d?" },
		{ "\xe2\x80\xae"
		  "gpj.exe",
		  "?gpj.exe" }, /* U+202E: from right to left */
		{ "a\xe2\x80\x8b"
		  "b",
		  "a?b" }, /* U+200B */
		{ "", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO_BUF out = MR_BUF(100);

		if (mr_utf8_show(&out, mr_block_span(in)) == 0)
			MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&out));
	}
}

MR_TEST(span_basics)
{
	struct mr_span head, tail, s = MR_SPAN("key: value ");

	MR_CHECK_INT(t, 3, mr_span_find(s, ':'));
	MR_CHECK_INT(t, s.len, mr_span_find(s, 'z'));
	MR_CHECK(t, mr_span_split(s, ':', &head, &tail));
	MR_CHECK_SPAN(t, "key", head);
	MR_CHECK_SPAN(t, "value", mr_span_trim(tail));
	MR_CHECK(t, !mr_span_split(MR_SPAN("abc"), ':', &head, &tail));
	MR_CHECK_SPAN(t, "abc", head);
	MR_CHECK_SPAN(t, "", tail);
	MR_CHECK(t, mr_span_eq_nocase(MR_SPAN("X-Spam"), MR_SPAN("x-sPAM")));
	MR_CHECK(t, !mr_span_eq_nocase(MR_SPAN("X-Spam"), MR_SPAN("x-sPA")));
	MR_CHECK(t, !mr_span_eq_nocase(MR_SPAN("X-Spam"), MR_SPAN("x-sPAn")));
	MR_CHECK(t, mr_span_eq_nocase(mr_span(NULL, 0), MR_SPAN("")));
	MR_CHECK(t, mr_span_cmp(MR_SPAN("ab"), MR_SPAN("abc")) < 0);
	MR_CHECK(t, mr_span_cmp(MR_SPAN("b"), MR_SPAN("abc")) > 0);
	MR_CHECK_SPAN(t, "", mr_span_sub(MR_SPAN("abc"), 7, 2));
	MR_CHECK_SPAN(t, "bc", mr_span_sub(MR_SPAN("abc"), 1, 99));
	MR_CHECK(t, mr_span_within(mr_span_sub(s, s.len, 0), s));
	MR_CHECK(t, !mr_span_within(s, mr_span_sub(s, 0, s.len - 1)));
}

MR_TEST(span_among)
{
	static const struct mr_span list[] = { MR_SPAN("Date"), MR_SPAN("In-Reply-To") };
	static const struct {
		const char *in;
		bool want;
	} rows[] = {
		{ "date", true },  { "IN-REPLY-TO", true }, { "In-Reply-T", false },
		{ "Data", false }, { "Date ", false },      { "", false },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);

		MR_CHECK_INT(t, rows[i].want,
			     mr_span_among_nocase(mr_block_span(in), list, MR_COUNT(list)));
	}
	MR_CHECK(t, !mr_span_among_nocase(MR_SPAN("Date"), list, 0));
}

MR_TEST(span_numbers)
{
	static const struct {
		const char *in;
		uint64_t max;
		int want;
		uint64_t value;
	} rows[] = {
		{ "0", 9, 0, 0 },
		{ "0042", 100, 0, 42 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, MR_ELIMIT, 7 }, /* 2^64 */
		{ "99999999999999999999999", UINT64_MAX, MR_ELIMIT, 7 },
		{ "101", 100, MR_ELIMIT, 7 },
		{ "", 100, MR_ESYNTAX, 7 },
		{ "-1", 100, MR_ESYNTAX, 7 },
		{ "1 ", 100, MR_ESYNTAX, 7 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		uint64_t value = 7;

		MR_CHECK_INT(t, rows[i].want, mr_span_u64(mr_block_span(in), rows[i].max, &value));
		MR_CHECK(t, value == rows[i].value || t->oom);
	}
}

MR_TEST(span_copyz)
{
	char dst[4] = "zzz";

	MR_CHECK_INT(t, 0, mr_span_copyz(MR_SPAN("abc"), dst, sizeof(dst)));
	MR_CHECK_STR(t, "abc", dst);
	MR_CHECK_INT(t, MR_ELIMIT, mr_span_copyz(MR_SPAN("abcd"), dst, sizeof(dst)));
	MR_CHECK_STR(t, "", dst);
	MR_CHECK_INT(t, MR_EINVAL, mr_span_copyz(MR_SPAN("a\0b"), dst, sizeof(dst)));
}

/* The classes are checked against the lists in the RFCs, octet by octet. */
MR_TEST(ascii_classes)
{
	static const struct {
		unsigned class;
		const char *members;
	} rows[] = {
		{ MR_UPPER, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
		{ MR_LOWER, "abcdefghijklmnopqrstuvwxyz" },
		{ MR_DIGIT, "0123456789" },
		{ MR_HEX, "0123456789abcdefABCDEF" },
		{ MR_FWS, " \t\r\n" },
		{ MR_ATOM_PUNCT, "!#$%&'*+-/=?^_`{|}~" }, /* RFC 5322 3.2.3 */
		{ MR_TSPECIAL, "()<>@,;:\\\"/[]?=" }, /* RFC 2045 5.1 */
		{ MR_DOT, "." },
		{ MR_COLON, ":" },
		{ MR_HYPHEN, "-" },
		{ MR_UNDERSCORE, "_" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		for (int c = 1; c < 256; c++)
			MR_CHECK_INT(t, strchr(rows[i].members, c) != NULL,
				     mr_is((char)c, rows[i].class));
	}
	for (int c = 0; c < 256; c++) {
		MR_CHECK_INT(t, c >= 128, mr_is((char)c, MR_HIGH));
		MR_CHECK_INT(t, (c < 32 && c != 9 && c != 10 && c != 13) || c == 127,
			     mr_is((char)c, MR_CTL));
		MR_CHECK(t, mr_ascii_class[c] != 0); /* each octet is something */
	}
	MR_CHECK_INT(t, 11, mr_hex_value('b'));
	MR_CHECK_INT(t, 15, mr_hex_value('F'));
	MR_CHECK_INT(t, -1, mr_hex_value('g'));
}

MR_TEST(cur_lines)
{
	MR_AUTO(mr_block) *in = mr_test_exact(t, 0, "a\r\nb\n\r\nc\rd");
	struct mr_cur c = mr_cur(mr_block_span(in));
	struct mr_span line;

	MR_NEED(t, mr_cur_line(&c, &line));
	MR_CHECK_SPAN(t, "a", line);
	MR_NEED(t, mr_cur_line(&c, &line));
	MR_CHECK_SPAN(t, "b", line);
	MR_NEED(t, mr_cur_line(&c, &line));
	MR_CHECK_SPAN(t, "", line);
	MR_NEED(t, mr_cur_line(&c, &line));
	MR_CHECK_SPAN(t, "c\rd", line); /* a bare CR is no ending */
	MR_CHECK(t, !mr_cur_line(&c, &line));
}

MR_TEST(cur_stays_inside)
{
	MR_AUTO(mr_block) *in = mr_test_exact(t, 0, "ab  ");
	struct mr_cur c = mr_cur(mr_block_span(in));
	struct mr_span taken = MR_SPAN("untouched");

	MR_CHECK(t, !mr_cur_text(&c, MR_SPAN("abc")));
	MR_CHECK(t, !mr_cur_take_n(&c, 5, &taken));
	MR_CHECK_SPAN(t, "untouched", taken);
	MR_CHECK(t, mr_cur_text(&c, MR_SPAN("AB")));
	MR_CHECK_INT(t, -1, mr_cur_peek(&c, 2));
	MR_CHECK(t, mr_cur_blank(&c));
	MR_CHECK_INT(t, 0, mr_cur_left(&c));
	mr_cur_skip(&c, 3);
	MR_CHECK_INT(t, 0, mr_cur_left(&c));
	MR_CHECK_INT(t, 0, mr_cur_until(&c, 'x').len);
}

MR_TEST(arena_bound)
{
	MR_AUTO(mr_arena) *a = mr_arena_new(64 * 1024);
	char *p;

	MR_NEED(t, a);
	MR_CHECK(t, mr_arena_alloc(a, 64 * 1024) == NULL); /* its own head counts */
	p = mr_arena_alloc(a, 100);
	MR_NEED(t, p);
	MR_CHECK_INT(t, 0, (uintptr_t)p % _Alignof(max_align_t));
	for (int i = 0; i < 100; i++)
		MR_CHECK_INT(t, 0, p[i]);
	for (int i = 0; i < 100000; i++) {
		if (!mr_arena_alloc(a, 512))
			break;
	}
	MR_CHECK(t, mr_arena_used(a) <= 64 * 1024);
	MR_CHECK(t, mr_arena_alloc(a, 4096) == NULL);
	mr_arena_reset(a);
	MR_CHECK(t, mr_arena_alloc(a, 4096) != NULL || t->oom);
	MR_CHECK(t, mr_arena_array(a, SIZE_MAX / 2, 3) == NULL); /* the product does not fit */
}

MR_TEST(arena_grow_keeps)
{
	MR_AUTO(mr_arena) *a = mr_arena_new(1024 * 1024);
	int *numbers = NULL;
	size_t room = 0;

	MR_NEED(t, a);
	for (int i = 0; i < 1000; i++) {
		MR_NEED(t, mr_arena_grow(a, &numbers, &room, (size_t)i + 1, sizeof(int)) == 0);
		numbers[i] = i;
	}
	for (int i = 0; i < 1000; i++)
		MR_CHECK_INT(t, i, numbers[i]);
}

MR_TEST(buf_maximum)
{
	MR_AUTO_BUF b = MR_BUF(10);

	MR_CHECK_STR(t, "", mr_buf_str(&b));
	MR_CHECK_INT(t, 0, mr_buf_adds(&b, "12345"));
	MR_CHECK_INT(t, 0, mr_buf_printf(&b, "%d", 67890));
	MR_CHECK_INT(t, MR_ELIMIT, mr_buf_addc(&b, 'x'));
	MR_CHECK_SPAN(t, "1234567890", mr_buf_span(&b)); /* as it was */
	MR_CHECK_INT(t, MR_ELIMIT, mr_buf_err(&b));
	mr_buf_drop(&b, 8);
	MR_CHECK_STR(t, "90", mr_buf_str(&b));
	mr_buf_reset(&b);
	MR_CHECK_INT(t, 0, mr_buf_err(&b));
	MR_CHECK_INT(t, MR_ELIMIT, mr_buf_printf(&b, "%s", "12345678901"));
}

/* Dates by the calendar: days counted by hand, and leap years as the Gregorian rule has them. */
MR_TEST(time_dates)
{
	static const struct {
		int64_t s;
		const char *rfc5322, *rfc3339;
	} rows[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z" },
		{ -1, "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59Z" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00Z" },
		{ 1000000000, "Sun, 09 Sep 2001 01:46:40 +0000", "2001-09-09T01:46:40Z" },
		{ 2147483648, "Tue, 19 Jan 2038 03:14:08 +0000", "2038-01-19T03:14:08Z" },
		{ 4107542400, "Mon, 01 Mar 2100 00:00:00 +0000", "2100-03-01T00:00:00Z" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		char text[MR_DATE_SIZE];
		struct mr_date date;

		t->row = (long)i;
		mr_date_rfc5322(rows[i].s, text);
		MR_CHECK_STR(t, rows[i].rfc5322, text);
		mr_date_rfc3339(rows[i].s, text);
		MR_CHECK_STR(t, rows[i].rfc3339, text);
		mr_date_from_s(rows[i].s, &date);
		MR_CHECK_INT(t, rows[i].s, mr_date_to_s(&date));
	}
}

/* RFC 3629 3 and 10, and Unicode 3.9 table 3-8 for where the replacements stand. */
MR_TEST(utf8_sequences)
{
	static const struct {
		const char *in;
		bool valid;
		int count;
		int32_t first;
	} rows[] = {
		{ "", true, 0, -1 },
		{ "A\xE2\x89\xA2\xCE\x91.", true, 4, 'A' },
		{ "\xED\x95\x9C", true, 1, 0xD55C },
		{ "\xF0\xA3\x8E\xB4", true, 1, 0x233B4 },
		{ "\xF4\x8F\xBF\xBF", true, 1, 0x10FFFF },
		{ "\xF4\x90\x80\x80", false, 4, 0xFFFD }, /* above U+10FFFF */
		{ "\xC0\x80", false, 2, 0xFFFD }, /* overlong NUL */
		{ "\xED\xA0\x80", false, 3, 0xFFFD }, /* surrogate */
		{ "\xE2\x89", false, 1, 0xFFFD }, /* cut short: one maximal part */
		{ "\x80"
		  "A",
		  false, 2, 0xFFFD },
		{ "\xF1\x80\x80\xE1\x80\xC2"
		  "b",
		  false, 4, 0xFFFD },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_cur c = mr_cur(mr_block_span(in));
		int32_t code, first = -1;
		int count = 0;

		while ((code = mr_utf8_next(&c, NULL)) >= 0) {
			if (count++ == 0)
				first = code;
		}
		MR_CHECK_INT(t, rows[i].count, count);
		MR_CHECK_INT(t, rows[i].first, first);
		MR_CHECK_INT(t, rows[i].valid, mr_utf8_valid(mr_block_span(in)));
	}
}

MR_TEST(utf8_put)
{
	for (uint32_t code = 0; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 977) {
		char text[MR_UTF8_MAX];
		struct mr_cur c;
		bool surrogate = code >= 0xD800 && code <= 0xDFFF;

		c = mr_cur(mr_span(text, mr_utf8_put(code, text)));
		MR_CHECK_INT(t, surrogate ? 0xFFFD : code, mr_utf8_next(&c, NULL));
		MR_CHECK_INT(t, 0, mr_cur_left(&c));
	}
}

MR_TEST(log_one_line)
{
	char line[MR_LOG_LINE_MAX + 1];
	char big[3 * MR_LOG_LINE_MAX];
	const struct mr_kv kv[] = {
		MR_KV("id", "4bXyZ"),
		MR_KV_INT("size", -4711),
		MR_KV("from", "a b\"\\"),
		MR_KV("subject", "x\r\ny"),
		MR_KV_SPAN("empty", MR_SPAN("")),
		MR_KV("null", NULL),
	};
	struct mr_kv too_long;

	mr_log_format(line, "delivered", kv, MR_COUNT(kv));
	MR_CHECK_STR(t,
		     "delivered id=4bXyZ size=-4711 from=\"a b\\\"\\\\\" "
		     "subject=\"x\\x0d\\x0ay\" empty=\"\" null=-",
		     line);
	memset(big, 'x', sizeof(big));
	too_long = MR_KV_SPAN("big", mr_span(big, sizeof(big)));
	mr_log_format(line, "event", &too_long, 1);
	MR_CHECK_INT(t, MR_LOG_LINE_MAX, strlen(line));
	MR_CHECK_STR(t, "...", line + strlen(line) - 3);
}

MR_TEST(io_replace_and_read)
{
	MR_AUTO(mr_arena) *a = mr_arena_new(1024 * 1024);
	char path[MR_PATH_MAX];
	struct mr_span got;
	struct mr_map map;

	MR_NEED(t, a);
	MR_NEED(t, mr_path_join(mr_test_dir(t), "file", path) == 0);
	MR_CHECK_INT(t, MR_ENOENT, mr_read_file(path, 100, a, &got));
	MR_NEED(t, mr_replace_file(path, MR_SPAN("one"), 0600) == 0);
	MR_NEED(t, mr_replace_file(path, MR_SPAN("second"), 0600) == 0);
	MR_NEED(t, mr_read_file(path, 6, a, &got) == 0);
	MR_CHECK_SPAN(t, "second", got);
	MR_CHECK_INT(t, MR_ELIMIT, mr_read_file(path, 5, a, &got));
	MR_NEED(t, mr_map_file(path, &map) == 0);
	MR_CHECK_SPAN(t, "second", map.span);
	mr_map_done(&map);
	MR_CHECK_INT(t, MR_EPERM, mr_map_file(mr_test_dir(t), &map)); /* a folder is no file */
}

/* root with umask 077 teaches the filter, and the milter's user must be able to read the model. */
MR_TEST(io_replace_has_its_mode)
{
	char path[MR_PATH_MAX];
	struct stat st;
	mode_t old;

	MR_NEED(t, mr_path_join(mr_test_dir(t), "file", path) == 0);
	old = umask(077);
	MR_CHECK_INT(t, 0, mr_replace_file(path, MR_SPAN("x"), 0644));
	umask(old);
	MR_NEED(t, stat(path, &st) == 0);
	MR_CHECK_INT(t, 0644, st.st_mode & 0777);
}

/* SplitMix64 from seed 1234567: the first numbers of the reference implementation. */
MR_TEST(random_sequence)
{
	static const uint64_t want[] = { 6457827717110365317u, 3203168211198807973u,
					 9817491932198370423u, 4593380528125082431u };
	struct mr_rng rng;
	char a[MR_ID_SIZE], b[MR_ID_SIZE];

	mr_rng_init(&rng, 1234567);
	for (size_t i = 0; i < MR_COUNT(want); i++)
		MR_CHECK(t, mr_rng_next(&rng) == want[i]);
	for (int i = 0; i < 1000; i++)
		MR_CHECK(t, mr_rng_below(&rng, 7) < 7);
	mr_random_id(a);
	mr_random_id(b);
	MR_CHECK_INT(t, MR_ID_SIZE - 1, strlen(a));
	MR_CHECK(t, strcmp(a, b) != 0);
}

MR_TEST(secret_compare)
{
	struct mr_secret s;

	MR_NEED(t, mr_secret_init(&s, MR_SPAN("hunter2")) == 0);
	MR_CHECK(t, mr_secret_eq(mr_secret_span(&s), MR_SPAN("hunter2")));
	MR_CHECK(t, !mr_secret_eq(mr_secret_span(&s), MR_SPAN("hunter3")));
	MR_CHECK(t, !mr_secret_eq(mr_secret_span(&s), MR_SPAN("hunter")));
	mr_secret_done(&s);
	MR_CHECK(t, s.bytes == NULL);
}

MR_TEST(err_classes)
{
	MR_CHECK(t, mr_err_temporary(MR_ETEMP) && mr_err_temporary(MR_ENOMEM));
	MR_CHECK(t, mr_err_temporary(MR_EFULL));
	MR_CHECK_INT(t, MR_EFULL, mr_err_from_errno(ENOSPC));
	MR_CHECK_INT(t, MR_EFULL, mr_err_from_errno(EDQUOT));
	MR_CHECK(t, !mr_err_temporary(MR_ELIMIT) && !mr_err_temporary(0) && !mr_err_temporary(3));
	MR_CHECK_STR(t, "not found", mr_err_text(MR_ENOENT));
}
