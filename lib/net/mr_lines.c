#include "lib/net/mr_lines.h"

#include "lib/base/mr_err.h"

/* An idle connection keeps no more than this. */
#define KEEP_MAX 1024

void mr_lines_init(struct mr_lines *lines, size_t line_max, size_t pending_max)
{
	*lines = (struct mr_lines){ .line_max = line_max };
	mr_buf_init(&lines->buf, pending_max);
}

void mr_lines_done(struct mr_lines *lines)
{
	mr_buf_done(&lines->buf);
	lines->at = lines->searched = 0;
}

int mr_lines_push(struct mr_lines *lines, struct mr_span in)
{
	int err;

	/* Bounded by pending_max, and most often nothing is left to move. */
	mr_buf_drop(&lines->buf, lines->at);
	lines->searched -= lines->at;
	lines->at = 0;
	err = mr_buf_add(&lines->buf, in);
	lines->buf.err = 0; /* told here, once */
	return err;
}

int mr_lines_next(struct mr_lines *lines, struct mr_span *line_out)
{
	struct mr_span all = mr_buf_span(&lines->buf);
	size_t lf =
		lines->searched + mr_span_find(mr_span_sub(all, lines->searched, all.len), '\n');
	struct mr_span line = mr_span_sub(all, lines->at, lf - lines->at);

	lines->searched = lf;
	if (lf == all.len) /* its CR may be here already */
		return line.len > lines->line_max + 1 ? MR_ELIMIT : 0;
	if (line.len == 0 || line.p[line.len - 1] != '\r')
		return MR_ESYNTAX;
	line.len--;
	if (line.len > lines->line_max)
		return MR_ELIMIT;
	lines->at = lines->searched = lf + 1;
	*line_out = line;
	return 1;
}

struct mr_span mr_lines_rest(const struct mr_lines *lines)
{
	struct mr_span all = mr_buf_span(&lines->buf);

	return mr_span_sub(all, lines->at, all.len);
}

void mr_lines_take(struct mr_lines *lines, size_t n)
{
	MR_ASSERT(n <= lines->buf.len - lines->at);
	lines->at += n;
	if (lines->searched < lines->at)
		lines->searched = lines->at;
	if (lines->at == lines->buf.len && lines->buf.room > KEEP_MAX)
		mr_lines_done(lines);
}
