#include "lib/net/mr_pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"

struct queue {
	struct mr_pool_item *first, **last;
};

struct mr_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct queue waiting, finished; /* under lock, as is ending */
	bool ending;
	int fd;
	unsigned count;
	pthread_t thread[];
};

static void queue_put(struct queue *q, struct mr_pool_item *item)
{
	item->next = NULL;
	*q->last = item;
	q->last = &item->next;
}

static struct mr_pool_item *queue_take(struct queue *q)
{
	struct mr_pool_item *item = q->first;

	if (item) {
		q->first = item->next;
		if (!q->first)
			q->last = &q->first;
	}
	return item;
}

static void *thread_main(void *arg)
{
	struct mr_pool *pool = arg;
	struct mr_pool_item *item;
	bool first;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->ending && !pool->waiting.first)
			pthread_cond_wait(&pool->wake, &pool->lock);
		if (pool->ending)
			break;
		item = queue_take(&pool->waiting);
		pthread_mutex_unlock(&pool->lock);
		item->work(item);
		pthread_mutex_lock(&pool->lock);
		first = !pool->finished.first;
		queue_put(&pool->finished, item);
		if (!first)
			continue;
		/* One write for many: the reader takes all there are. Without the lock, or who wakes up
		 * has to wait for it: that were two switches more for each item. */
		pthread_mutex_unlock(&pool->lock);
		(void)eventfd_write(pool->fd, 1);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

struct mr_pool *mr_pool_new(unsigned threads)
{
	struct mr_pool *pool = mr_calloc(1, sizeof(*pool) + threads * sizeof(pool->thread[0]));
	sigset_t all, before;

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	pool->waiting.last = &pool->waiting.first;
	pool->finished.last = &pool->finished.first;
	pool->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (pool->fd >= 0 && pool->count < threads &&
	       pthread_create(&pool->thread[pool->count], NULL, thread_main, pool) == 0)
		pool->count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pool->count < threads || pool->fd < 0) {
		mr_pool_free(pool);
		return NULL;
	}
	return pool;
}

void mr_pool_free(struct mr_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->count; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	if (pool->fd >= 0)
		close(pool->fd);
	mr_free(pool);
}

void mr_pool_put(struct mr_pool *pool, struct mr_pool_item *item)
{
	pthread_mutex_lock(&pool->lock);
	queue_put(&pool->waiting, item);
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_signal(&pool->wake);
}

int mr_pool_fd(const struct mr_pool *pool)
{
	return pool->fd;
}

void mr_pool_reap(struct mr_pool *pool)
{
	struct mr_pool_item *item;
	eventfd_t ignored;

	(void)eventfd_read(pool->fd, &ignored);
	for (;;) {
		pthread_mutex_lock(&pool->lock);
		item = queue_take(&pool->finished);
		pthread_mutex_unlock(&pool->lock);
		if (!item)
			return;
		item->done(item);
	}
}
