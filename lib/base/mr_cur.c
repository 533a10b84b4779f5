#include "lib/base/mr_cur.h"

struct mr_span mr_cur_take(struct mr_cur *c, unsigned classes)
{
	const char *start = c->p;

	while (c->p < c->end && mr_is(*c->p, classes))
		c->p++;
	return mr_span(start, (size_t)(c->p - start));
}

struct mr_span mr_cur_until(struct mr_cur *c, char byte)
{
	struct mr_span rest = mr_cur_rest(c);
	size_t at = mr_span_find(rest, byte);

	mr_cur_skip(c, at);
	return mr_span_sub(rest, 0, at);
}

bool mr_cur_take_n(struct mr_cur *c, size_t n, struct mr_span *taken_out)
{
	if (mr_cur_left(c) < n)
		return false;
	*taken_out = mr_span(c->p, n);
	c->p += n;
	return true;
}

bool mr_cur_text(struct mr_cur *c, struct mr_span text)
{
	if (!mr_span_has_prefix_nocase(mr_cur_rest(c), text))
		return false;
	c->p += text.len;
	return true;
}

struct mr_cur *mr_cur_fws(struct mr_cur *c)
{
	while (c->p < c->end && mr_is(*c->p, MR_FWS))
		c->p++;
	return c;
}

bool mr_cur_blank(struct mr_cur *c)
{
	struct mr_cur ahead = *c;

	mr_cur_fws(&ahead);
	if (ahead.p != ahead.end)
		return false;
	*c = ahead;
	return true;
}

bool mr_cur_line(struct mr_cur *c, struct mr_span *line_out)
{
	struct mr_span line;

	if (c->p == c->end)
		return false;
	line = mr_cur_until(c, '\n');
	if (mr_cur_byte(c, '\n') && line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	*line_out = line;
	return true;
}
