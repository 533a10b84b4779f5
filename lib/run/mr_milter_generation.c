#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/run/mr_milter_priv.h"

static void generation_free(struct mr_generation *gen)
{
	const struct mr_stage *stage = mr_daemon.milter->stage;

	if (stage->close && gen->state)
		stage->close(gen->state);
	if (gen->held)
		mr_run_settings_release(mr_daemon.run, gen->set);
	mr_free(gen);
}

/* With the lock. What must be freed, by the caller without the lock, or NULL. */
static struct mr_generation *unref(struct mr_generation *gen)
{
	MR_ASSERT(gen->refs > 0);
	return --gen->refs == 0 ? gen : NULL;
}

/*
 * mr_main calls reload before it puts the new settings in force, so they cannot be held then. They
 * are held when they are certainly in force and not yet about to be replaced: at the next reload, or
 * at the first message after. Until then nobody can take them away. With the lock.
 */
static void hold_settings(struct mr_generation *gen)
{
	const struct mr_settings *set;

	if (gen->held)
		return;
	set = mr_run_settings_hold(mr_daemon.run);
	if (set == gen->set)
		gen->held = true;
	else
		mr_run_settings_release(mr_daemon.run, set);
}

int mr_generation_next(const struct mr_settings *set)
{
	const struct mr_stage *stage = mr_daemon.milter->stage;
	struct mr_generation *gen = mr_calloc(1, sizeof(*gen)), *old;
	int err;

	if (!gen)
		return MR_ENOMEM;
	*gen = (struct mr_generation){ .set = set, .refs = 1 };
	err = stage->open ? stage->open(set, &gen->state) : 0;
	if (err < 0) {
		mr_free(gen);
		return err;
	}
	pthread_mutex_lock(&mr_daemon.lock);
	old = mr_daemon.current;
	mr_daemon.current = gen;
	if (old) {
		hold_settings(old);
		old = unref(old);
	}
	pthread_mutex_unlock(&mr_daemon.lock);
	if (old)
		generation_free(old);
	return 0;
}

struct mr_generation *mr_generation_hold(void)
{
	struct mr_generation *gen;

	pthread_mutex_lock(&mr_daemon.lock);
	gen = mr_daemon.current;
	hold_settings(gen);
	gen->refs++;
	pthread_mutex_unlock(&mr_daemon.lock);
	return gen;
}

void mr_generation_release(struct mr_generation *gen)
{
	pthread_mutex_lock(&mr_daemon.lock);
	gen = unref(gen);
	pthread_mutex_unlock(&mr_daemon.lock);
	if (gen)
		generation_free(gen);
}

void mr_generation_close(void)
{
	struct mr_generation *gen;

	pthread_mutex_lock(&mr_daemon.lock);
	gen = mr_daemon.current;
	mr_daemon.current = NULL;
	if (gen)
		gen = unref(gen);
	pthread_mutex_unlock(&mr_daemon.lock);
	if (gen)
		generation_free(gen);
}

bool mr_daemon_enter(void)
{
	bool go;

	pthread_mutex_lock(&mr_daemon.lock);
	go = !mr_daemon.stopping;
	if (go)
		mr_daemon.busy++;
	pthread_mutex_unlock(&mr_daemon.lock);
	return go;
}

void mr_daemon_leave(void)
{
	pthread_mutex_lock(&mr_daemon.lock);
	mr_daemon.busy--;
	pthread_cond_broadcast(&mr_daemon.changed);
	pthread_mutex_unlock(&mr_daemon.lock);
}
