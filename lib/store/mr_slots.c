#include "lib/store/mr_slots.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"

#define ASK_MS    1000 /* between two questions to a server that is away */
#define ANSWER_MS 60000 /* for that answer; longer than any time-out of an engine */

void mr_slots_init(struct mr_slots *slots, const struct mr_engine *engine, const char *rest,
		   const char *group, enum mr_store_access access)
{
	*slots = (struct mr_slots){
		.engine = engine, .rest = rest, .group = group, .access = access
	};
	MR_ASSERT(engine->connections_max <= MR_DB_CONNECTIONS_MAX);
	MR_ASSERT(pthread_mutex_init(&slots->lock, NULL) == 0);
	MR_ASSERT(pthread_cond_init(&slots->freed, NULL) == 0);
}

void mr_slots_done(struct mr_slots *slots)
{
	if (!slots->engine)
		return;
	MR_ASSERT(slots->idle_count == slots->open_count);
	while (slots->idle_count > 0)
		slots->engine->close(slots->idle[--slots->idle_count]);
	pthread_cond_destroy(&slots->freed);
	pthread_mutex_destroy(&slots->lock);
	slots->engine = NULL;
}

/* With the lock. 1: one was taken; 0: one may be opened, and is counted already; or an error. */
static int take_locked(struct mr_slots *slots, struct mr_db **db_out)
{
	for (;;) {
		if (slots->away && mr_now_ms() < slots->ask_ms) {
			mr_db_why_set("the server did not answer a moment ago");
			return MR_ETEMP;
		}
		if (slots->idle_count > 0 || slots->open_count < slots->engine->connections_max)
			break;
		pthread_cond_wait(&slots->freed, &slots->lock);
	}
	if (slots->away) /* this thread asks */
		slots->ask_ms = mr_now_ms() + ANSWER_MS;
	if (slots->idle_count > 0) {
		*db_out = slots->idle[--slots->idle_count];
		return 1;
	}
	slots->open_count++;
	return 0;
}

int mr_slots_take(struct mr_slots *slots, struct mr_db **db_out)
{
	int err;

	pthread_mutex_lock(&slots->lock);
	err = take_locked(slots, db_out);
	pthread_mutex_unlock(&slots->lock);
	if (err != 0)
		return err < 0 ? err : 0;
	err = slots->engine->open(slots->rest, slots->group, slots->access, db_out);
	if (err < 0) {
		pthread_mutex_lock(&slots->lock);
		slots->open_count--;
		slots->ask_ms = 0; /* whoever is next may ask */
		pthread_cond_broadcast(&slots->freed);
		pthread_mutex_unlock(&slots->lock);
	}
	return err;
}

void mr_slots_give(struct mr_slots *slots, struct mr_db *db)
{
	pthread_mutex_lock(&slots->lock);
	slots->away = slots->engine->away && slots->engine->away(db);
	if (slots->away)
		slots->ask_ms = mr_now_ms() + ASK_MS;
	slots->idle[slots->idle_count++] = db;
	/* All: where the server is away, none of them need wait. */
	pthread_cond_broadcast(&slots->freed);
	pthread_mutex_unlock(&slots->lock);
}
