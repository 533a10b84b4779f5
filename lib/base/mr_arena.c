#include "lib/base/mr_arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

#define BLOCK_MIN 4096 /* the first block; each next one is twice as large */
#define BLOCK_MAX (1024 * 1024) /* ... up to this, so that little is wasted at the end */
#define ALIGNMENT _Alignof(max_align_t)

struct block {
	struct block *older;
	size_t size, used; /* of data */
	_Alignas(max_align_t) char data[];
};

struct mr_arena {
	struct block *newest;
	size_t size_max, taken; /* bytes of all blocks, their heads included */
	size_t next_size;
};

struct mr_arena *mr_arena_new(size_t size_max)
{
	struct mr_arena *a = mr_calloc(1, sizeof(*a));

	if (a) {
		a->size_max = size_max;
		a->next_size = BLOCK_MIN;
	}
	return a;
}

static void blocks_free(struct mr_arena *a, struct block *b)
{
	while (b) {
		struct block *older = b->older;

		a->taken -= sizeof(*b) + b->size;
		mr_free(b);
		b = older;
	}
}

void mr_arena_free(struct mr_arena *a)
{
	if (!a)
		return;
	blocks_free(a, a->newest);
	mr_free(a);
}

void mr_arena_reset(struct mr_arena *a)
{
	struct block *keep = a->newest;

	a->next_size = BLOCK_MIN;
	if (!keep)
		return;
	if (keep->size > BLOCK_MAX) { /* one huge allocation should not stay for ever */
		a->newest = NULL;
		blocks_free(a, keep);
		return;
	}
	blocks_free(a, keep->older);
	keep->older = NULL;
	keep->used = 0;
}

static struct block *block_add(struct mr_arena *a, size_t size)
{
	size_t want = size > a->next_size ? size : a->next_size;
	size_t left = a->size_max - a->taken;
	struct block *b;

	if (left < sizeof(*b) || left - sizeof(*b) < size)
		return NULL;
	if (want > left - sizeof(*b))
		want = left - sizeof(*b);
	b = mr_malloc(sizeof(*b) + want);
	if (!b)
		return NULL;
	*b = (struct block){ .older = a->newest, .size = want };
	a->newest = b;
	a->taken += sizeof(*b) + want;
	if (a->next_size < BLOCK_MAX)
		a->next_size *= 2;
	return b;
}

static char *take(struct mr_arena *a, size_t size, size_t alignment)
{
	struct block *b = a->newest;
	size_t at = b ? (b->used + alignment - 1) & ~(alignment - 1) : 0;

	if (!b || at > b->size || b->size - at < size) {
		b = block_add(a, size);
		if (!b)
			return NULL;
		at = 0;
	}
	b->used = at + size;
	return b->data + at;
}

void *mr_arena_alloc(struct mr_arena *a, size_t size)
{
	char *p = take(a, size, ALIGNMENT);

	if (p)
		memset(p, 0, size);
	return p;
}

char *mr_arena_text(struct mr_arena *a, size_t size)
{
	return take(a, size, 1);
}

void *mr_arena_array(struct mr_arena *a, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return mr_arena_alloc(a, bytes);
}

int mr_arena_grow(struct mr_arena *a, void *array_inout, size_t *room_inout, size_t want,
		  size_t size)
{
	size_t room = *room_inout ? *room_inout : 8;
	void *old, *bigger;

	if (want <= *room_inout)
		return 0;
	while (room < want) {
		if (__builtin_mul_overflow(room, (size_t)2, &room))
			return MR_ENOMEM;
	}
	bigger = mr_arena_array(a, room, size);
	if (!bigger)
		return MR_ENOMEM;
	memcpy(&old, array_inout, sizeof(old)); /* any object pointer: they have one size */
	if (old)
		memcpy(bigger, old, *room_inout * size);
	memcpy(array_inout, &bigger, sizeof(bigger));
	*room_inout = room;
	return 0;
}

int mr_arena_dup(struct mr_arena *a, struct mr_span s, struct mr_span *copy_out)
{
	char *p = mr_arena_text(a, s.len);

	if (!p)
		return MR_ENOMEM;
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	*copy_out = mr_span(p, s.len);
	return 0;
}

char *mr_arena_strz(struct mr_arena *a, struct mr_span s)
{
	size_t size;
	char *p;

	if (__builtin_add_overflow(s.len, (size_t)1, &size))
		return NULL;
	p = mr_arena_text(a, size);
	if (p) {
		if (s.len > 0)
			memcpy(p, s.p, s.len);
		p[s.len] = '\0';
	}
	return p;
}

char *mr_arena_printf(struct mr_arena *a, const char *format, ...)
{
	va_list args, again;
	int len;
	char *p = NULL;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len >= 0)
		p = mr_arena_text(a, (size_t)len + 1);
	if (p)
		vsnprintf(p, (size_t)len + 1, format, again); /* len was measured above */
	va_end(again);
	va_end(args);
	return p;
}

size_t mr_arena_used(const struct mr_arena *a)
{
	return a->taken;
}
