#include "lda/lmtpd/kept.h"

#include <pthread.h>
#include <stdio.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"

struct mr_kept {
	pthread_mutex_t lock;
	struct mr_kept_one *first; /* the one used last */
	size_t count, count_max;
};

struct mr_kept *mr_kept_new(size_t count_max)
{
	struct mr_kept *kept = mr_calloc(1, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->count_max = count_max;
	MR_ASSERT(pthread_mutex_init(&kept->lock, NULL) == 0);
	return kept;
}

static void one_free(struct mr_kept_one *one)
{
	mr_arena_free(one->arena);
	mr_free(one);
}

/* The list is one of the users. */
static void release(struct mr_kept_one *one)
{
	if (one && --one->users == 0)
		one_free(one);
}

void mr_kept_free(struct mr_kept *kept)
{
	if (!kept)
		return;
	while (kept->first) {
		struct mr_kept_one *one = kept->first;

		kept->first = one->next;
		MR_ASSERT(one->users == 1);
		one_free(one);
	}
	pthread_mutex_destroy(&kept->lock);
	mr_free(kept);
}

/* Take owner's out of the list; NULL: it is not there. A few hundred names are compared in no time. */
static struct mr_kept_one *unlink_owner(struct mr_kept *kept, const char *owner)
{
	for (struct mr_kept_one **at = &kept->first; *at; at = &(*at)->next) {
		struct mr_kept_one *one = *at;

		if (strcmp(one->owner, owner) != 0)
			continue;
		*at = one->next;
		kept->count--;
		return one;
	}
	return NULL;
}

static void push(struct mr_kept *kept, struct mr_kept_one *one)
{
	one->next = kept->first;
	kept->first = one;
	kept->count++;
}

/* The one that was not used for the longest time goes; who still uses it gives it back later. */
static void drop_last(struct mr_kept *kept)
{
	struct mr_kept_one **at = &kept->first;
	struct mr_kept_one *last;

	while ((*at)->next)
		at = &(*at)->next;
	last = *at;
	*at = NULL;
	kept->count--;
	release(last);
}

struct mr_kept_one *mr_kept_get(struct mr_kept *kept, const char *owner, int64_t made_s,
				int64_t fresh_s)
{
	struct mr_kept_one *one;

	pthread_mutex_lock(&kept->lock);
	one = unlink_owner(kept, owner);
	if (one && (one->made_s != made_s || one->read_s < made_s + fresh_s)) {
		release(one);
		one = NULL;
	}
	if (one) {
		push(kept, one);
		one->users++;
	}
	pthread_mutex_unlock(&kept->lock);
	return one;
}

int mr_kept_add(struct mr_kept *kept, const char *owner, int64_t made_s, int64_t read_s,
		struct mr_span bytes, struct mr_arena *arena, struct mr_kept_one **one_out)
{
	struct mr_kept_one *one = mr_calloc(1, sizeof(*one));

	if (!one) {
		mr_arena_free(arena);
		return MR_ENOMEM;
	}
	snprintf(one->owner, sizeof(one->owner), "%s", owner); /* fits, as mr_name.h says */
	one->made_s = made_s;
	one->read_s = read_s;
	one->arena = arena;
	one->users = 2; /* the list, and the caller */
	one->err = mr_spam_correction_read(bytes, arena, &one->correction);
	if (one->err == MR_ENOMEM) { /* says nothing about it */
		one_free(one);
		return MR_ENOMEM;
	}
	pthread_mutex_lock(&kept->lock);
	release(unlink_owner(kept, owner));
	push(kept, one);
	if (kept->count > kept->count_max)
		drop_last(kept);
	pthread_mutex_unlock(&kept->lock);
	*one_out = one;
	return 0;
}

void mr_kept_put(struct mr_kept *kept, struct mr_kept_one *one)
{
	pthread_mutex_lock(&kept->lock);
	release(one);
	pthread_mutex_unlock(&kept->lock);
}
