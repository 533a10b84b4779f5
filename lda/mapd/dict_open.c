/* The engine of dict.h on the store, as protocols.h wants it. */
#include <stdatomic.h>

#include "lda/mapd/dict.h"
#include "lda/mapd/protocols.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_name.h"
#include "lib/store/mr_user_settings.h"

struct opened {
	struct mr_dict dict;
	struct mr_store *store, *usage; /* users and settings, to read; quota, to write */
	struct mr_quota_sums *sums;
	atomic_bool away; /* and the log has said so */
};

static int told(struct opened *o, int err)
{
	bool away = err < 0 && err != MR_ENOENT && err != MR_EINVAL && err != MR_ELIMIT;

	if (atomic_exchange(&o->away, away) == away)
		return err;
	if (away)
		mr_log(MR_LOG_ERROR, "store is away: Dovecot is told so", MR_KV_ERR(err),
		       MR_KV("why", mr_store_why()));
	else
		mr_log(MR_LOG_INFO, "store is back");
	return err;
}

static int is_user(void *arg, struct mr_span local, struct mr_span domain)
{
	struct opened *o = arg;
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_DICT_ARENA_MAX);
	struct mr_user user;

	return arena ? told(o, mr_store_user_find(o->store, local, domain, arena, &user))
		     : MR_ENOMEM;
}

static int usage_of(void *arg, struct mr_span local, struct mr_span domain,
		    struct mr_usage *usage_out)
{
	struct opened *o = arg;

	if (local.len == 0)
		return told(o, mr_quota_sums_get(o->sums, domain, usage_out));
	return told(o, mr_store_usage_get(o->usage, local, domain, usage_out));
}

static int limits_of(void *arg, struct mr_span local, struct mr_span domain,
		     struct mr_limit *user_out, struct mr_limit *domain_out)
{
	struct opened *o = arg;
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_DICT_ARENA_MAX);
	struct mr_user_settings set;
	int err;

	if (!arena)
		return MR_ENOMEM;
	err = told(o, mr_user_settings_get(o->store, local, domain, arena, &set));
	if (err == 0) {
		*user_out = set.quota;
		*domain_out = set.domain_quota;
	}
	return err;
}

static int add(void *arg, struct mr_span local, struct mr_span domain, struct mr_usage change)
{
	struct opened *o = arg;

	mr_quota_sums_add(o->sums, domain, change);
	return told(o, mr_store_usage_add(o->usage, local, domain, change));
}

static int set(void *arg, struct mr_span local, struct mr_span domain, struct mr_usage now)
{
	struct opened *o = arg;

	return told(o, mr_store_usage_set(o->usage, local, domain, now));
}

static int touch(void *arg, struct mr_span local, struct mr_span domain)
{
	struct opened *o = arg;
	struct mr_usage_row row = { .settled = false };

	if (mr_name_local(local, row.local) < 0 || mr_name_domain(domain, row.domain) < 0)
		return MR_EINVAL;
	return told(o, mr_store_usage_touch(o->usage, &row, 1));
}

int mr_dict_open(struct mr_run *run, const struct mr_settings *settings, struct mr_ask *ask_out)
{
	struct opened *o = mr_calloc(1, sizeof(*o));
	int err;

	if (!o)
		return MR_ENOMEM;
	o->dict = (struct mr_dict){ is_user, usage_of, limits_of, add, set, touch, o };
	*ask_out = (struct mr_ask){ "dict",         MR_DICT_REQUEST_MAX, mr_dict_frame,
				    mr_dict_answer, mr_dict_forget,      &o->dict };
	err = mr_store_open(settings->store, MR_GROUP_DIRECTORY, MR_STORE_READ, &o->store);
	/* A file of its own, which an older installation does not have yet. */
	if (err == 0)
		err = mr_store_open(settings->store, MR_GROUP_QUOTA,
				    mr_store_is_remote(settings->store) ? MR_STORE_WRITE
									: MR_STORE_CREATE,
				    &o->usage);
	if (err < 0) {
		mr_log(MR_LOG_ERROR, "cannot open the store; `millrace domain add` makes it",
		       MR_KV("name", mr_store_shown(settings->store)), MR_KV_ERR(err));
		return err;
	}
	o->sums = mr_quota_sums_new(o->usage, *mr_run_clock(run));
	return o->sums ? 0 : MR_ENOMEM;
}

void mr_dict_close(void *arg)
{
	/* The engine is the first member. */
	struct opened *o = arg;

	if (!o)
		return;
	mr_quota_sums_free(o->sums);
	mr_store_close(o->usage);
	mr_store_close(o->store);
	mr_free(o);
}
