/*
 * mr_slots: the connections of one program to one group; private to lib/store. A thread takes one,
 * runs its transaction, and gives it back; they are opened as threads need them, up to what the
 * engine allows.
 *
 * A server that went away is asked by one thread at a time, and again a second after it did not
 * answer; the others are told at once. So a hundred deliveries do not each wait for a time-out.
 */
#ifndef MR_SLOTS_H
#define MR_SLOTS_H

#include <pthread.h>

#include "lib/store/mr_db.h"

struct mr_slots {
	const struct mr_engine *engine; /* NULL: not opened */
	const char *rest, *group;
	enum mr_store_access access;
	/* private */
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct mr_db *idle[MR_DB_CONNECTIONS_MAX];
	size_t idle_count, open_count;
	bool away; /* the last one that was given back had no answer */
	int64_t ask_ms; /* while away: nobody asks before */
};

/* rest and group must outlive it. */
void mr_slots_init(struct mr_slots *slots, const struct mr_engine *engine, const char *rest,
		   const char *group, enum mr_store_access access);
/* All were given back. Nothing if it was not initialised. */
void mr_slots_done(struct mr_slots *slots);

/* Wait for one that is free. MR_ETEMP: the server is away; or what the engine's open says. */
MR_MUST_USE int mr_slots_take(struct mr_slots *slots, struct mr_db **db_out);
void mr_slots_give(struct mr_slots *slots, struct mr_db *db);

#endif
