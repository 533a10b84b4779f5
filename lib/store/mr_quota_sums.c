#include <pthread.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"
#include "lib/store/mr_quota.h"

#define KEPT_TIMES 10 /* what asking took */

struct sum {
	char domain[MR_NAME_DOMAIN_MAX + 1];
	struct mr_usage usage;
	int64_t until_ms, used_ms;
};

struct mr_quota_sums {
	pthread_mutex_t lock;
	struct mr_store *store;
	struct mr_clock clock;
	size_t count, room;
	struct sum *sum;
};

struct mr_quota_sums *mr_quota_sums_new(struct mr_store *store, struct mr_clock clock)
{
	struct mr_quota_sums *sums = mr_calloc(1, sizeof(*sums));

	if (!sums)
		return NULL;
	sums->store = store;
	sums->clock = clock;
	MR_ASSERT(pthread_mutex_init(&sums->lock, NULL) == 0);
	return sums;
}

void mr_quota_sums_free(struct mr_quota_sums *sums)
{
	if (!sums)
		return;
	pthread_mutex_destroy(&sums->lock);
	mr_free(sums->sum);
	mr_free(sums);
}

/* Locked. NULL: not there. */
static struct sum *find(struct mr_quota_sums *sums, const char *domain)
{
	for (size_t i = 0; i < sums->count; i++) {
		if (strcmp(sums->sum[i].domain, domain) == 0)
			return &sums->sum[i];
	}
	return NULL;
}

/* Locked. A place for one more: a new one, or that of the sum that nobody has asked for the longest.
 * NULL: out of memory. */
static struct sum *place(struct mr_quota_sums *sums)
{
	struct sum *oldest = sums->sum;

	if (sums->count == sums->room && sums->room < MR_QUOTA_SUMS_MAX) {
		size_t room = sums->room ? 2 * sums->room : 8;
		struct sum *more = mr_realloc(sums->sum, room * sizeof(*more));

		if (!more)
			return NULL;
		sums->sum = more;
		sums->room = room;
	}
	if (sums->count < sums->room)
		return &sums->sum[sums->count++];
	for (size_t i = 1; i < sums->count; i++) {
		if (sums->sum[i].used_ms < oldest->used_ms)
			oldest = &sums->sum[i];
	}
	return oldest;
}

/* Out of memory it is not kept, and asked for again the next time. */
static void keep(struct mr_quota_sums *sums, const char *domain, struct mr_usage usage,
		 int64_t began_ms)
{
	int64_t now_ms = sums->clock.now_ms(sums->clock.arg);
	int64_t kept_ms = (now_ms - began_ms) * KEPT_TIMES;
	struct sum *sum;

	pthread_mutex_lock(&sums->lock);
	sum = find(sums, domain);
	if (!sum && (sum = place(sums)) != NULL)
		memcpy(sum->domain, domain, sizeof(sum->domain));
	if (sum) {
		sum->usage = usage;
		sum->used_ms = now_ms;
		sum->until_ms =
			now_ms + (kept_ms < MR_QUOTA_SUM_KEPT_MS ? kept_ms : MR_QUOTA_SUM_KEPT_MS);
	}
	pthread_mutex_unlock(&sums->lock);
}

/* True: *usage_out is what is kept, and fresh is whether it is to be believed without asking. */
static bool kept(struct mr_quota_sums *sums, const char *domain, int64_t now_ms,
		 struct mr_usage *usage_out, bool *fresh_out)
{
	struct sum *sum;

	pthread_mutex_lock(&sums->lock);
	sum = find(sums, domain);
	if (sum) {
		*usage_out = sum->usage;
		*fresh_out = now_ms < sum->until_ms;
		sum->used_ms = now_ms;
	}
	pthread_mutex_unlock(&sums->lock);
	return sum != NULL;
}

int mr_quota_sums_get(struct mr_quota_sums *sums, struct mr_span domain, struct mr_usage *usage_out)
{
	int64_t began_ms = sums->clock.now_ms(sums->clock.arg);
	char name[MR_NAME_DOMAIN_MAX + 1] = "";
	struct mr_usage usage = { 0, 0 };
	bool fresh = false, known;
	int err = mr_name_domain(domain, name);

	if (err < 0)
		return err;
	known = kept(sums, name, began_ms, &usage, &fresh);
	err = fresh ? 0 : mr_store_usage_get(sums->store, MR_SPAN(""), mr_span_str(name), &usage);
	if (err < 0 && !known)
		return err;
	if (err == 0 && !fresh)
		keep(sums, name, usage, began_ms);
	*usage_out = usage;
	return 0;
}

void mr_quota_sums_add(struct mr_quota_sums *sums, struct mr_span domain, struct mr_usage change)
{
	char name[MR_NAME_DOMAIN_MAX + 1];
	struct sum *sum;

	if (mr_name_domain(domain, name) < 0)
		return;
	pthread_mutex_lock(&sums->lock);
	sum = find(sums, name);
	if (sum) {
		sum->usage.octets += change.octets;
		sum->usage.messages += change.messages;
	}
	pthread_mutex_unlock(&sums->lock);
}
