/*
 * The searches of mr_scan, both as this machine has them and as one without SSE2: what they look for, at
 * each place of a block of each length around their steps of 16 and 32 octets, in a heap block of exactly
 * that length, so that a step too far is seen.
 */
#include "lib/mail/mr_scan.h"

#include "lib/base/mr_alloc.h"
#include "tests/unit/mr_scan_portable.h"
#include "tests/unit/mr_test.h"

#define LEN_MAX 70

/* Where the search from p to end finds something; -1: NULL. */
typedef long search_fn(const char *p, const char *end, bool portable);

static long place(const char *p, const char *found)
{
	return found ? found - p : -1;
}

static long either(const char *p, const char *end, bool portable)
{
	return place(p, portable ? mr_portable_either(p, end, '=', '\n')
				 : mr_scan_either(p, end, '=', '\n'));
}

static long not_ftext(const char *p, const char *end, bool portable)
{
	return place(p, portable ? mr_portable_not_ftext(p, end) : mr_scan_not_ftext(p, end));
}

static long dashes(const char *p, const char *end, bool portable)
{
	return place(p, portable ? mr_portable_dashes(p, end) : mr_scan_dashes(p, end));
}

/* hit is put into a block full of c, at each place where it fits. found: how far behind that place the
 * answer is; -1: it is no hit. null: without a hit the answer is NULL, else the end. */
struct row {
	search_fn *search;
	const char *hit;
	char c;
	int found;
	bool null;
};

static const struct row rows[] = {
	{ either, "=", 'x', 0, false },
	{ either, "\n", '<', 0, false },
	{ either, "\n=", '\xBD', 0, false },
	{ either, "\x8A", 'x', -1, false }, /* as LF, but for its highest bit */
	/* RFC 5322 2.2: ftext is 33 to 57 and 59 to 126 */
	{ not_ftext, ":", '9', 0, false },
	{ not_ftext, " ", '!', 0, false },
	{ not_ftext, "\x7F", '~', 0, false },
	{ not_ftext, "\x80", ';', 0, false },
	{ not_ftext, "\xFF", 'a', 0, false },
	{ not_ftext, "\t", 'a', 0, false },
	{ not_ftext, "~!;9", 'a', -1, false },
	{ dashes, "\n--", 'x', 1, true },
	{ dashes, "\n--", '\n', 1, true },
	{ dashes, "\n--", '-', 1, true },
	{ dashes, "--\n--", 'x', 3, true },
	{ dashes, "\n-\n--", 'x', 3, true },
	{ dashes, "---\n--", 'x', 4, true },
	{ dashes, "\n-", 'x', -1, true },
	{ dashes, "--", 'x', -1, true },
	{ dashes, "\r--", 'x', -1, true },
	{ dashes, "\n\xAD\xAD", 'x', -1, true }, /* as dashes, but for the highest bit */
};

static void check_length(struct mr_t *t, const struct row *row, size_t len)
{
	size_t hit_len = strlen(row->hit);
	char *block = mr_malloc(len);

	MR_NEED(t, block);
	for (size_t at = 0; at + hit_len <= len; at++) {
		long want = row->found >= 0 ? (long)at + row->found : row->null ? -1 : (long)len;

		memset(block, row->c, len);
		memcpy(block + at, row->hit, hit_len);
		MR_CHECK_INT(t, want, row->search(block, block + len, false));
		MR_CHECK_INT(t, want, row->search(block, block + len, true));
	}
	memset(block, row->c == '-' ? '+' : row->c, len);
	MR_CHECK_INT(t, row->null ? -1 : (long)len, row->search(block, block + len, false));
	MR_CHECK_INT(t, row->null ? -1 : (long)len, row->search(block, block + len, true));
	mr_free(block);
}

MR_TEST(scan_rows)
{
	for (size_t i = 0; i < MR_COUNT(rows) && !t->oom; i++) {
		t->row = (long)i;
		for (size_t len = 1; len <= LEN_MAX; len++)
			check_length(t, &rows[i], len);
	}
}

/* The first one counts, wherever the next one is. */
MR_TEST(scan_first_of_two)
{
	char text[LEN_MAX + 1];

	for (int first = 0; first < LEN_MAX - 6; first++) {
		memset(text, 'x', LEN_MAX);
		memcpy(text + first, "\n--", 3);
		memcpy(text + LEN_MAX - 3, "\n--", 3);
		for (int portable = 0; portable < 2; portable++) {
			MR_CHECK_INT(t, first + 1, dashes(text, text + LEN_MAX, portable));
			MR_CHECK_INT(t, first, either(text, text + LEN_MAX, portable));
			MR_CHECK_INT(t, first, not_ftext(text, text + LEN_MAX, portable));
		}
	}
}
