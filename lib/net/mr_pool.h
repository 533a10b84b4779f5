/*
 * mr_pool: threads for what blocks (fsync, SQL, a password hash), so that a loop never does. The loop
 * puts an item in, watches a descriptor, and gets the item back on its own thread. Items are the
 * caller's memory: putting one in cannot fail, and each holder of one bounds the queue.
 */
#ifndef MR_POOL_H
#define MR_POOL_H

#include "lib/base/mr_def.h"

struct mr_pool_item {
	void (*work)(struct mr_pool_item *item); /* on a thread of the pool */
	void (*done)(struct mr_pool_item *item); /* on the thread that calls mr_pool_reap() */
	struct mr_pool_item *next; /* private */
};

struct mr_pool;

/* With this many threads, all signals blocked. NULL: out of memory, or of threads. */
MR_MUST_USE struct mr_pool *mr_pool_new(unsigned threads);
/* Waits for what is being worked on; what waits is not begun, and done() is not called. */
void mr_pool_free(struct mr_pool *pool);

/* Any thread; first in, first out. The item is the pool's until its done() is called. */
void mr_pool_put(struct mr_pool *pool, struct mr_pool_item *item);
/* Readable when there is something to reap. */
int mr_pool_fd(const struct mr_pool *pool);
/* Call done() of what is done. */
void mr_pool_reap(struct mr_pool *pool);

#endif
