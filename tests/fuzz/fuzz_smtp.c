/*
 * mr_smtp and mr_lines promise: pieces of any size mean the same; content stuffed is content again;
 * a path that was taken holds no control character and is taken again, unchanged, from what we
 * write; any sender is taken, and becomes such a path or one that MAIL takes; spans lie where they should.
 */
#include "lib/base/mr_err.h"
#include "lib/net/mr_lines.h"
#include "lib/net/mr_smtp.h"

#define FUZZ_ARENA_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The content of in, which comes in pieces of step octets; returns what was used of it. */
static size_t data_of(struct mr_span in, size_t step, struct mr_buf *out)
{
	struct mr_smtp_data data = { .state = 0 };
	size_t used = 0;

	while (used < in.len && !mr_smtp_data_ended(&data)) {
		struct mr_span content, piece = mr_span_sub(in, used, step);
		size_t n = mr_smtp_data_next(&data, piece, &content);

		MR_ASSERT(n <= piece.len && (n > 0 || content.len > 0));
		MR_ASSERT(content.len <= n || content.len == 1);
		MR_ASSERT(mr_buf_add(out, content) == 0);
		used += n;
	}
	return used;
}

static void check_data(struct mr_span in)
{
	struct mr_smtp_stuff stuff = { .inside = false };
	struct mr_smtp_lf lf = { .cr = false };
	MR_AUTO_BUF whole = MR_BUF(0);
	MR_AUTO_BUF bytes = MR_BUF(0);
	MR_AUTO_BUF stuffed = MR_BUF(0);
	MR_AUTO_BUF plain = MR_BUF(0);

	mr_buf_init(&whole, in.len + 1);
	mr_buf_init(&bytes, in.len + 1);
	MR_ASSERT(data_of(in, in.len, &whole) == data_of(in, 1, &bytes));
	MR_ASSERT(mr_span_eq(mr_buf_span(&whole), mr_buf_span(&bytes)));

	mr_buf_init(&stuffed, 3 * in.len + 8);
	MR_ASSERT(mr_smtp_stuff_add(&stuff, in, &stuffed) == 0);
	MR_ASSERT(mr_smtp_stuff_end(&stuff, &stuffed) == 0);
	mr_buf_reset(&bytes);
	mr_buf_done(&bytes);
	mr_buf_init(&bytes, 3 * in.len + 8);
	MR_ASSERT(data_of(mr_buf_span(&stuffed), 7, &bytes) ==
		  stuffed.len); /* and nothing behind */
	mr_buf_init(&plain, 3 * in.len + 8);
	MR_ASSERT(mr_smtp_lf_add(&lf, mr_buf_span(&bytes), &plain) == 0);
	MR_ASSERT(mr_smtp_lf_end(&lf, &plain) == 0);
	/* The same text, but for line endings and the last one. */
	if (mr_span_find(in, '\r') == in.len) {
		size_t len = in.len + (in.len > 0 && in.p[in.len - 1] != '\n');

		MR_ASSERT(plain.len == len);
		MR_ASSERT(mr_span_eq(in, mr_span_sub(mr_buf_span(&plain), 0, in.len)));
	}
}

static void check_path(const struct mr_smtp_path *path, struct mr_arena *arena)
{
	struct mr_smtp_path again;
	struct mr_cur c;
	MR_AUTO_BUF text = MR_BUF(0);

	for (size_t i = 0; i < path->text.len; i++)
		MR_ASSERT((uint8_t)path->text.p[i] >= ' ' && path->text.p[i] != 127);
	mr_buf_init(&text, 2 * path->text.len + 10);
	if (path->text.len == 0)
		return;
	(void)mr_buf_addc(&text, '<');
	mr_smtp_path_put(&text, path->local, path->domain);
	(void)mr_buf_addc(&text, '>');
	MR_ASSERT(mr_buf_err(&text) == 0);
	c = mr_cur(mr_buf_span(&text));
	MR_ASSERT(mr_smtp_path(&c, arena, &again) == 0 && c.p == c.end);
	MR_ASSERT(mr_span_eq(path->local, again.local) && mr_span_eq(path->domain, again.domain));
	MR_ASSERT(path->utf8 == again.utf8);
}

/* A sender that was taken is taken again, unchanged, from what we send on and write into fields. */
static void check_sender(const struct mr_smtp_path *path, struct mr_arena *arena)
{
	struct mr_smtp_mail again;
	MR_AUTO_BUF text = MR_BUF(0);

	for (size_t i = 0; i < path->text.len; i++)
		MR_ASSERT((uint8_t)path->text.p[i] >= ' ' && path->text.p[i] != 127);
	mr_buf_init(&text, path->text.len + 10);
	(void)mr_buf_adds(&text, "FROM:<");
	(void)mr_buf_add(&text, path->text);
	(void)mr_buf_addc(&text, '>');
	MR_ASSERT(mr_buf_err(&text) == 0);
	MR_ASSERT(mr_smtp_mail(mr_buf_span(&text), arena, &again) == 0);
	MR_ASSERT(mr_span_eq(path->text, again.from.text));
	MR_ASSERT(mr_span_eq(path->local, again.from.local));
	MR_ASSERT(mr_span_eq(path->domain, again.from.domain));
	MR_ASSERT(path->utf8 == again.from.utf8);
}

static void check_lines(struct mr_span in)
{
	struct mr_lines lines;
	struct mr_span line;
	size_t taken = 0;
	int got;

	mr_lines_init(&lines, 80, in.len);
	MR_ASSERT(mr_lines_push(&lines, in) == 0);
	while ((got = mr_lines_next(&lines, &line)) > 0) {
		MR_ASSERT(line.len <= 80 && mr_span_find(line, '\n') == line.len);
		taken += line.len + 2;
	}
	MR_ASSERT(got == 0 || got == MR_ELIMIT || got == MR_ESYNTAX);
	MR_ASSERT(mr_lines_rest(&lines).len == in.len - taken);
	mr_lines_done(&lines);
}

/* What was xtext once is the same written again. */
static void check_xtext(struct mr_span in, struct mr_span text, struct mr_arena *arena)
{
	MR_AUTO_BUF again = MR_BUF(3 * 65536);
	struct mr_span back;

	MR_ASSERT(text.len <= in.len);
	mr_smtp_xtext_put(&again, text);
	MR_ASSERT(mr_smtp_xtext(mr_buf_span(&again), arena, &back) == 0);
	MR_ASSERT(mr_span_eq(back, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_span in = mr_span_bytes(data, size), out;
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_smtp_mail mail;
	struct mr_smtp_path path;
	struct mr_smtp_reply reply;

	if (size > 65536)
		return 0;
	check_data(in);
	check_lines(in);
	if (mr_smtp_mail(in, arena, &mail) == 0)
		check_sender(&mail.from, arena);
	if (mr_smtp_rcpt(in, arena, &path) == 0)
		check_path(&path, arena);
	if (mr_smtp_path_from_arg(in, arena, &path) == 0)
		check_path(&path, arena);
	MR_ASSERT(mr_smtp_sender_from_arg(in, arena, &path) == 0);
	check_sender(&path, arena);
	if (mr_smtp_xtext(in, arena, &out) == 0)
		check_xtext(in, out, arena);
	if (mr_smtp_reply(in, &reply) == 0)
		MR_ASSERT(reply.code >= 200 && reply.code <= 599 && mr_span_within(reply.text, in));
	return 0;
}
