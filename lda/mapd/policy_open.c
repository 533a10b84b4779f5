/* The engine of policy.h on the store, as protocols.h wants it. */
#include "lda/mapd/policing.h"
#include "lda/mapd/policy.h"
#include "lda/mapd/protocols.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_name.h"
#include "lib/run/mr_own.h"

struct opened {
	struct mr_run *run;
	struct mr_policing *policing;
};

/* A connection's. */
struct client {
	struct mr_arena *arena;
	struct mr_policy_memory memory;
};

static void forget(void *arg MR_UNUSED, void *state)
{
	struct client *client = state;

	if (!client)
		return;
	mr_arena_free(client->arena);
	mr_free(client);
}

static struct client *client_new(void)
{
	struct client *client = mr_calloc(1, sizeof(*client));

	if (client && !(client->arena = mr_arena_new(MR_LIMIT_ARENA_MAX))) {
		mr_free(client);
		return NULL;
	}
	return client;
}

static int answer(void *arg, void **state, struct mr_span request, struct mr_buf *reply)
{
	struct opened *o = arg;
	struct client *client = *state ? *state : (*state = client_new());
	struct mr_policy_request r;
	struct mr_limit_verdict verdict;
	const struct mr_settings *set;
	int err = client ? mr_policy_parse(request, &r) : MR_ENOMEM;

	/* README: in case of trouble no reply; the MTA tries again. */
	if (err < 0) {
		mr_log(MR_LOG_WARN, "policy: a request that is none", MR_KV_ERR(err));
		return err;
	}
	set = mr_run_settings_hold(o->run);
	mr_policy_decide(mr_policing_table(o->policing), set, &r, &client->memory, client->arena,
			 &verdict);
	mr_policing_note(o->policing, set, r.account, &verdict);
	mr_run_settings_release(o->run, set);
	mr_arena_reset(client->arena);
	return mr_policy_reply(&verdict, reply);
}

int mr_policy_check(const struct mr_settings *set, struct mr_buf *error)
{
	struct mr_span local, domain;

	if (set->policy_tell[0]) {
		if (mr_name_split(mr_span_str(set->policy_tell), &local, &domain) < 0 ||
		    strpbrk(set->policy_tell, " <>\r\n\t"))
			return mr_run_refuse(error, "policy_tell", set->policy_tell,
					     "not an address");
		if (!set->reinject[0])
			return mr_run_refuse(error, "policy_tell", set->policy_tell,
					     "mail of our own needs reinject");
	}
	return mr_own_check(set->reinject, error);
}

int mr_policy_open(struct mr_run *run, const struct mr_settings *set, struct mr_ask *ask_out)
{
	struct opened *o = mr_calloc(1, sizeof(*o));

	if (!o)
		return MR_ENOMEM;
	*ask_out = (struct mr_ask){
		.word = "policy",
		.request_max = MR_POLICY_REQUEST_MAX,
		.frame = mr_policy_frame,
		.answer = answer,
		.forget = forget,
		.arg = o,
	};
	o->run = run;
	return mr_policing_hold(run, set, &o->policing);
}

void mr_policy_start(void *arg)
{
	mr_policing_start(((struct opened *)arg)->policing);
}

void mr_policy_close(void *arg)
{
	struct opened *o = arg;

	if (!o)
		return;
	mr_policing_release(o->policing);
	mr_free(o);
}
