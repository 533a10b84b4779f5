/*
 * Linear on hostile input: four times the bytes may cost no more than eight times the CPU (linear:
 * four; quadratic: sixteen). Only ratios of CPU time of this thread count, the best of several
 * runs, so a busy machine does not fail the test. tests/data/gen_hostile_html.py has the rows of HTML.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/mail/mr_edit.h"
#include "lib/mail/mr_html.h"
#include "lib/mail/mr_url.h"
#include "tests/unit/mr_test.h"

#define HTML_SIZE (256u << 10) /* TIMES as much: 1 MB */
#define URL_SIZE  (64u << 10) /* slower: a domain is looked up for each */
#define EDIT_SIZE (MR_MSG_FIELDS_MAX / TIMES * 5) /* TIMES as much: all fields that are seen */
#define TIMES     4u
#define RATIO_MAX 8.0
#define RUNS      3
#define TRIES     6
#define NOISE_NS  200000.0 /* less than this is not measured */

struct row {
	const char *start, *unit;
};

static const struct row html_rows[] = {
	{ "", "<div>" },
	{ "", "<b>" },
	{ "", "<table>" },
	{ "", "<table><td>" },
	{ "", "<a href=x>" },
	{ "", "</p>" },
	{ "", "<!--" },
	{ "<!--", "-" },
	{ "<!--", "--!" },
	{ "", "<a \"" },
	{ "", "<a b='" },
	{ "<a", " b" },
	{ "<a", "/" },
	{ "<a ", "= " },
	{ "<a", " b=c" },
	{ "", "&" },
	{ "", "&CounterClockwiseContourIntegra" },
	{ "&#", "9" },
	{ "", "&lt" },
	{ "", "&nGt;" },
	{ "", "<script>" },
	{ "<script>", "</script" },
	{ "<script>", "<!--<script " },
	{ "<title>", "</titl" },
	{ "", "<![CDATA[" },
	{ "", "</" },
	{ "", "<" },
	{ "", "<!doctype" },
	{ "", "<!doctype a public \"" },
	{ "", "<?" },
	{ "", "<!" },
	{ "<", "a" },
};

static const struct row url_rows[] = {
	{ "", "a://:" },
	{ "", "a://(" },
	{ "", "a://a:x@" },
	{ "a://(", "http:\\\\(" },
	{ "http://", "/" },
	{ "http://", "@" },
	{ "http://", "." },
	{ "", "http://a.com," },
	{ "", "http://a.com " },
	{ "http://a.com/", "(" },
	{ "http://a.com/", ")" },
	{ "http://a.com/", "." },
	{ "", "www.a:b," },
	{ "", "www." },
	{ "", "\xE7\x9C\x8Bwww." },
	{ "", "www.a.b@" },
	{ "", "a.com:1?" },
	{ "", "a.com:1" },
	{ "", "a.com/" },
	{ "", "a.b/" },
	{ "", "a." },
	{ "", "a@" },
	{ "", "[" },
	{ "", "http://[::1]" },
	{ "", "http://[" },
	{ "", "\x80" },
};

static double cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

typedef size_t read_fn(struct mr_span in, struct mr_arena *arena);

/* All that a caller would do with it. Returns the number of tokens, attributes and octets. */
static size_t read_html(struct mr_span in, struct mr_arena *arena)
{
	struct mr_html_token tok;
	size_t count = 0;
	struct mr_html h;

	mr_html_init(&h, in);
	while (mr_html_next(&h, &tok)) {
		struct mr_html_attr attr;
		struct mr_span text;

		count++;
		mr_arena_reset(arena);
		if (tok.refs && mr_html_text(tok.text, false, arena, &text) == 0)
			count += text.len;
		while (mr_html_attr_next(&tok.attrs, &attr)) {
			count++;
			if (mr_html_text(attr.value, true, arena, &text) == 0)
				count += text.len;
		}
	}
	return count;
}

static size_t read_urls(struct mr_span in, struct mr_arena *arena)
{
	static struct mr_psl *psl; /* read once: what it costs is not ours */
	struct mr_cur text = mr_cur(in);
	struct mr_url_host host;
	struct mr_url url;
	size_t count = 0;

	if (!psl && !(psl = mr_psl_new(NULL)))
		return 0;
	while (mr_url_next(&text, psl, &url)) {
		mr_arena_reset(arena);
		count += mr_url_host(url.host, psl, arena, &host) == 0;
	}
	mr_arena_reset(arena);
	return count + (mr_url_parse(in, arena, &url) == 0);
}

/* Each field "A: b" deleted, by one edit each: from the last one up, or the first one every time. */
static size_t delete_all(struct mr_span in, struct mr_arena *arena, bool first)
{
	struct mr_edit *edits;
	struct mr_span edited;
	struct mr_msg msg;
	uint32_t count;

	mr_arena_reset(arena);
	if (mr_msg_parse(in, &mr_msg_limits_default, arena, &msg) < 0)
		return 0;
	count = msg.part[0].field_count;
	if (!(edits = mr_arena_array(arena, count, sizeof(*edits))))
		return 0;
	for (uint32_t i = 0; i < count; i++)
		edits[i] = (struct mr_edit){ .kind = MR_EDIT_DELETE,
					     .index = first ? 1 : count - i,
					     .name = MR_SPAN("a") };
	return mr_edit_apply(&msg, edits, count, arena, &edited) == 0 ? count : 0;
}

static size_t delete_from_last(struct mr_span in, struct mr_arena *arena)
{
	return delete_all(in, arena, false);
}

static size_t delete_first(struct mr_span in, struct mr_arena *arena)
{
	return delete_all(in, arena, true);
}

static double best_ns(read_fn *read, struct mr_span in, struct mr_arena *arena)
{
	static volatile size_t sink;
	double best = 0;

	for (int i = 0; i < RUNS; i++) {
		double start = cpu_ns(), took;

		sink = read(in, arena);
		took = cpu_ns() - start;
		best = i == 0 || took < best ? took : best;
	}
	(void)sink;
	return best;
}

static void fill(char *text, size_t size, const char *start, const char *unit)
{
	size_t len = strlen(start), unit_len = strlen(unit);

	memcpy(text, start, len);
	for (size_t i = len; i < size; i++)
		text[i] = unit[(i - len) % unit_len];
}

static void check_linear(struct mr_t *t, read_fn *read, size_t size, const struct row *rows,
			 size_t count)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(8u << 20);
	MR_AUTO(mr_block) *block = mr_malloc(sizeof(*block) + size * TIMES);

	MR_NEED(t, arena && block);
	block->size = size * TIMES;
	for (size_t i = 0; i < count; i++) {
		struct mr_span all = mr_block_span(block);
		double ratio = RATIO_MAX + 1, small = 0;

		if (t->oom)
			continue;
		t->row = (long)i;
		fill(block->bytes, block->size, rows[i].start, rows[i].unit);
		for (int try = 0; try < TRIES && ratio > RATIO_MAX; try++) {
			small = best_ns(read, mr_span_sub(all, 0, size), arena);
			ratio = best_ns(read, all, arena) / (small < NOISE_NS ? NOISE_NS : small);
		}
		if (getenv("MR_TEST_SHOW"))
			fprintf(stderr, "%8s%-32s %6.2f ns a byte, ratio %.2f\n", rows[i].start,
				rows[i].unit, small / (double)size, ratio);
		MR_CHECK(t, ratio <= RATIO_MAX);
	}
}

MR_TEST(html_linear)
{
	check_linear(t, read_html, HTML_SIZE, html_rows, MR_COUNT(html_rows));
}

MR_TEST(url_linear)
{
	check_linear(t, read_urls, URL_SIZE, url_rows, MR_COUNT(url_rows));
}

MR_TEST(edit_linear)
{
	static const struct row rows[] = { { "", "A: b\n" } };

	check_linear(t, delete_from_last, EDIT_SIZE, rows, MR_COUNT(rows));
	check_linear(t, delete_first, EDIT_SIZE, rows, MR_COUNT(rows));
}
