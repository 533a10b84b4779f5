/*
 * mr_arena: the memory of one message or one request. Allocations are never freed one by one; all
 * go at once with the arena, or with a reset. It has a bound, so whatever a peer sends, a message
 * costs no more than that. One thread at a time.
 */
#ifndef MR_ARENA_H
#define MR_ARENA_H

#include "lib/base/mr_span.h"

struct mr_arena;

/* An arena of at most size_max bytes, taken from the heap as needed. NULL: out of memory. */
MR_MUST_USE struct mr_arena *mr_arena_new(size_t size_max);
/* NULL is allowed. */
void mr_arena_free(struct mr_arena *a);
MR_AUTO_DECLARE(mr_arena, mr_arena_free)

/* size bytes, zeroed, aligned for any type. NULL: out of memory, or the bound is reached. */
MR_MUST_USE void *mr_arena_alloc(struct mr_arena *a, size_t size);
/* The same, not zeroed and aligned for char alone: for text that is written at once. */
MR_MUST_USE char *mr_arena_text(struct mr_arena *a, size_t size);
/* count elements of size bytes, zeroed; NULL also when the product does not fit. */
MR_MUST_USE void *mr_arena_array(struct mr_arena *a, size_t count, size_t size);

/*
 * Grow an array that lives in the arena: *array has room for *room elements; afterwards it has room
 * for at least want, by doubling. The old block is not given back until the arena is. MR_ENOMEM.
 */
MR_MUST_USE int mr_arena_grow(struct mr_arena *a, void *array_inout, size_t *room_inout,
			      size_t want, size_t size);

/* Copies; the second ends in NUL. MR_ENOMEM, NULL. */
MR_MUST_USE int mr_arena_dup(struct mr_arena *a, struct mr_span s, struct mr_span *copy_out);
MR_MUST_USE char *mr_arena_strz(struct mr_arena *a, struct mr_span s);

/* A formatted string that ends in NUL; NULL: out of memory. */
MR_MUST_USE char *mr_arena_printf(struct mr_arena *a, const char *format, ...) MR_PRINTF(2, 3);

/* Forget all allocations, keep one block for the next message. */
void mr_arena_reset(struct mr_arena *a);
/* Bytes taken from the heap now. */
size_t mr_arena_used(const struct mr_arena *a);

#endif
