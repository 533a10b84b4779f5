/*
 * mr_alloc: the only way to the heap. Everything that we allocate passes here, so that check-oom can
 * make the Nth allocation fail, for every N. Any thread.
 */
#ifndef MR_ALLOC_H
#define MR_ALLOC_H

#include "lib/base/mr_def.h"

/* size may be 0: a pointer that can be freed. NULL: out of memory. Released by mr_free. */
MR_MUST_USE void *mr_malloc(size_t size);
/* count times size zeroed bytes; NULL also when the product does not fit. */
MR_MUST_USE void *mr_calloc(size_t count, size_t size);
/* As realloc(3): on NULL the old block is still there. size > 0. */
MR_MUST_USE void *mr_realloc(void *p, size_t size);
/* NULL is allowed. */
void mr_free(void *p);

/* A copy of s that ends in NUL; NULL: out of memory. */
MR_MUST_USE char *mr_strdup(const char *s);

/*
 * For tests: the allocation after the next `countdown` ones fails, and only that one; a negative
 * number: none does. Returns how many allocations were asked for since the last call.
 */
uint64_t mr_alloc_fail_after(int64_t countdown);

#endif
