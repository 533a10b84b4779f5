/* The engine of map.h on the store, as protocols.h wants it. */
#include <stdatomic.h>

#include "lda/mapd/map.h"
#include "lda/mapd/policing.h"
#include "lda/mapd/policy.h"
#include "lda/mapd/protocols.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_srs_ask.h"

struct opened {
	struct mr_run *run;
	struct mr_store *store;
	struct mr_resolve_table store_table; /* the store's own */
	struct mr_map map; /* the same, and what is said when the store goes away */
	struct mr_policing *policing; /* NULL: it could not be opened */
	atomic_bool away; /* and the log has said so */
};

/* The store does not answer, or does again: a line when it changes, not for each question. */
static int told(struct opened *o, int err)
{
	bool away = err < 0 && err != MR_ENOENT && err != MR_EINVAL && err != MR_ELIMIT;

	/* That is ours, and says nothing of the store. */
	if (err == MR_ENOMEM)
		return err;
	if (atomic_exchange(&o->away, away) == away)
		return err;
	if (away)
		mr_log(MR_LOG_ERROR, "store is away: answers are temporary", MR_KV_ERR(err),
		       MR_KV("why", mr_store_why()));
	else
		mr_log(MR_LOG_INFO, "store is back");
	return err;
}

static int find_domain(void *arg, struct mr_span domain)
{
	struct opened *o = arg;

	return told(o, o->store_table.domain(o->store_table.arg, domain));
}

static int find_user(void *arg, struct mr_span local, struct mr_span domain, struct mr_arena *arena,
		     struct mr_user *user_out)
{
	struct opened *o = arg;

	return told(o, o->store_table.user(o->store_table.arg, local, domain, arena, user_out));
}

static int find_alias(void *arg, struct mr_span local, struct mr_span domain,
		      struct mr_arena *arena, struct mr_alias *alias_out)
{
	struct opened *o = arg;

	return told(o, o->store_table.alias(o->store_table.arg, local, domain, arena, alias_out));
}

static int find_address(void *arg, struct mr_span local, struct mr_span domain,
			struct mr_arena *arena, struct mr_address *address_out)
{
	struct opened *o = arg;

	return told(o,
		    o->store_table.address(o->store_table.arg, local, domain, arena, address_out));
}

static int find_transport(void *arg, struct mr_span domain, struct mr_arena *arena,
			  struct mr_span *name_out)
{
	struct opened *o = arg;

	return told(o, mr_store_setting_get(o->store, MR_SPAN(""), domain, MR_SPAN("transport"),
					    arena, name_out));
}

/* For sendmail. Postfix, which never asks for this map, needs no group of limits. */
static int find_policy(void *arg, const struct mr_settings *set, struct mr_span key,
		       struct mr_arena *arena, struct mr_buf *data)
{
	struct opened *o = arg;
	struct mr_limit_verdict verdict;
	int err;

	if (!o->policing)
		return MR_ETEMP;
	err = mr_policy_key(mr_policing_table(o->policing), set, key, arena, &verdict);
	if (err < 0) {
		mr_log(MR_LOG_WARN, "policy: a key that is none", MR_KV_SPAN("key", key));
		return MR_ETEMP;
	}
	/* Of the key, what is behind its words: the account, but for rcpt and null, which concern none. */
	mr_policing_note(o->policing, set, mr_span_sub(key, mr_span_rfind(key, ':') + 1, key.len),
			 &verdict);
	return verdict.code == 0 ? MR_ENOENT : mr_policy_data(&verdict, data);
}

/* *state is the connection's arena, so that its memory is not asked for anew each time. */
static int answer(void *arg, void **state, struct mr_span request, struct mr_buf *reply)
{
	struct opened *o = arg;
	const struct mr_settings *set = mr_run_settings_hold(o->run);
	int err = MR_ENOMEM;

	if (!*state)
		*state = mr_arena_new(MR_MAP_ARENA_MAX);
	if (*state) {
		err = mr_map_answer(&o->map, set, request, *state, reply);
		mr_arena_reset(*state);
	}
	mr_run_settings_release(o->run, set);
	return err;
}

static void forget(void *arg MR_UNUSED, void *state)
{
	mr_arena_free(state);
}

int mr_map_check(const struct mr_settings *set, struct mr_buf *error)
{
	if (mr_map_transports_valid(set->map_transports))
		return mr_srs_ask_check(set, error);
	return mr_run_refuse(error, "map_transports", "", "an item is not NAME=VALUE");
}

int mr_map_open(struct mr_run *run, const struct mr_settings *set, struct mr_ask *ask_out)
{
	struct opened *o = mr_calloc(1, sizeof(*o));
	int err;

	if (!o)
		return MR_ENOMEM;
	*ask_out = (struct mr_ask){
		.word = "map",
		.request_max = MR_MAP_REQUEST_MAX,
		.frame = mr_map_frame,
		.answer = answer,
		.forget = forget,
		.arg = o,
	};
	o->run = run;
	/* A PostgreSQL server is asked in start(), as the user that we are by then. */
	err = mr_store_open(set->store, MR_GROUP_DIRECTORY, MR_STORE_READ, &o->store);
	if (err < 0) {
		mr_log(MR_LOG_ERROR, "cannot open the store; `millrace domain add` makes it",
		       MR_KV("name", mr_store_shown(set->store)), MR_KV_ERR(err));
		return err;
	}
	mr_resolve_store(o->store, &o->store_table);
	o->map.table =
		(struct mr_resolve_table){ find_domain, find_user, find_alias, find_address, o };
	o->map.transport = find_transport;
	o->map.policy = find_policy;
	o->map.arg = o;
	err = mr_policing_hold(run, set, &o->policing);
	return err == MR_ENOMEM ? err : 0;
}

void mr_map_start(void *arg)
{
	struct opened *o = arg;

	if (o->policing)
		mr_policing_start(o->policing);
	(void)told(o, mr_store_ping(o->store, MR_GROUP_DIRECTORY));
}

void mr_map_close(void *arg)
{
	struct opened *o = arg;

	if (!o)
		return;
	mr_policing_release(o->policing);
	mr_store_close(o->store);
	mr_free(o);
}
