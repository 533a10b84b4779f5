#include "lib/mail/mr_boundary.h"

static size_t common_len(struct mr_span a, struct mr_span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	size_t i = 0;

	while (i < len && a.p[i] == b.p[i])
		i++;
	return i;
}

/* Number of entries that are not behind text in the order: equal ones count. */
static size_t upper_bound(const struct mr_boundaries *b, struct mr_span text)
{
	size_t low = 0, high = b->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mr_span_cmp(b->entry[middle].text, text) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int mr_boundaries_add(struct mr_boundaries *b, struct mr_arena *arena, struct mr_span text,
		      uint32_t level)
{
	size_t at = upper_bound(b, text);
	int err = mr_arena_grow(arena, &b->entry, &b->room, b->count + 1, sizeof(*b->entry));
	struct mr_boundary *e;

	if (err < 0)
		return err;
	e = &b->entry[at];
	memmove(e + 1, e, (b->count - at) * sizeof(*e));
	*e = (struct mr_boundary){ .text = text, .level = level };
	e->common = at > 0 ? common_len(e[-1].text, text) : 0;
	if (at < b->count)
		e[1].common = common_len(text, e[1].text);
	b->count++;
	b->top = level;
	return 0;
}

void mr_boundaries_drop(struct mr_boundaries *b, uint32_t level)
{
	size_t kept = 0, common = SIZE_MAX;

	if (b->count == 0 || b->top < level)
		return;
	b->top = 0;
	for (size_t i = 0; i < b->count; i++) {
		struct mr_boundary e = b->entry[i];

		/* What two share is the least that any two neighbours between them share. */
		if (e.common < common)
			common = e.common;
		if (e.level >= level)
			continue;
		e.common = common;
		common = SIZE_MAX;
		if (e.level > b->top)
			b->top = e.level;
		b->entry[kept++] = e;
	}
	b->count = kept;
}

const struct mr_boundary *mr_boundaries_match(const struct mr_boundaries *b, struct mr_span line)
{
	size_t at, common;

	if (b->count == 1) /* nearly all mail */
		return mr_span_has_prefix(line, b->entry[0].text) ? &b->entry[0] : NULL;
	at = upper_bound(b, line);
	if (at == 0)
		return NULL;
	/* Each boundary that line begins with stands before line in the order; the longest is the
	 * last of them. What stands between begins with it too, so what is shared never grows on
	 * the way back, and an entry no longer than that is a prefix of line. */
	common = common_len(b->entry[at - 1].text, line);
	while (at-- > 0 && common > 0) {
		const struct mr_boundary *e = &b->entry[at];

		if (e->text.len <= common)
			return e;
		if (e->common < common)
			common = e->common;
	}
	return NULL;
}
