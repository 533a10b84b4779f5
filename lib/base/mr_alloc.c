#include "lib/base/mr_alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int64_t fail_after = -1;
static _Atomic uint64_t asked;

/* Relaxed: the counters order nothing else. In service fail_after stays negative. */
static bool refused(void)
{
	atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
	if (atomic_load_explicit(&fail_after, memory_order_relaxed) < 0)
		return false;
	return atomic_fetch_sub_explicit(&fail_after, 1, memory_order_relaxed) == 0;
}

void *mr_malloc(size_t size)
{
	return refused() ? NULL : malloc(size > 0 ? size : 1);
}

void *mr_calloc(size_t count, size_t size)
{
	if (refused())
		return NULL;
	return count > 0 && size > 0 ? calloc(count, size) : calloc(1, 1);
}

void *mr_realloc(void *p, size_t size)
{
	MR_ASSERT(size > 0);
	return refused() ? NULL : realloc(p, size);
}

void mr_free(void *p)
{
	free(p);
}

char *mr_strdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = mr_malloc(size);

	if (copy)
		memcpy(copy, s, size);
	return copy;
}

uint64_t mr_alloc_fail_after(int64_t countdown)
{
	atomic_store_explicit(&fail_after, countdown, memory_order_relaxed);
	return atomic_exchange_explicit(&asked, 0, memory_order_relaxed);
}
