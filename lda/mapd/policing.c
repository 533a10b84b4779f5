#include "lda/mapd/policing.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lda/mapd/notice.h"
#include "lda/mapd/server.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/store/mr_resolve.h"

#define SWEEP_S       600
#define SWEEP_ROWS    1000
#define LOOKS         256 /* mailboxes */
#define LOOK_SOON_S   10 /* lmtpd has looked by then */
#define LOOK_LATEST_S 3600

/* A mailbox that was found full, and that lmtpd was asked to look at. */
struct look {
	char name[MR_LIMIT_OWNER_MAX + 1];
	int64_t since_s;
};

struct mr_policing {
	unsigned holders;
	struct mr_run *run;
	struct mr_store *directory, *limits, *quota; /* quota: NULL: there is none */
	struct mr_quota_sums *sums;
	struct mr_resolve_table resolve;
	struct mr_limit_table table;
	struct mr_notices *notices;
	atomic_bool away; /* and the log has said so */
	_Atomic int64_t sweep_s; /* when next */
	pthread_mutex_t lock;
	struct look look[LOOKS];
};

/* Opened and closed on the program's first thread, before and after all others. */
static struct mr_policing *shared;

/* -- the store -------------------------------------------------------------------------------- */

static int find_settings(void *arg, struct mr_span local, struct mr_span domain,
			 struct mr_arena *arena, struct mr_user_settings *settings_out)
{
	return mr_user_settings_get(((struct mr_policing *)arg)->directory, local, domain, arena,
				    settings_out);
}

static int take(void *arg, struct mr_send_limit *limit)
{
	return mr_store_limit_take(((struct mr_policing *)arg)->limits, limit);
}

static int peek(void *arg, struct mr_send_limit *limit)
{
	return mr_store_limit_peek(((struct mr_policing *)arg)->limits, limit);
}

static int tell(void *arg, struct mr_send_limit *limit)
{
	return mr_store_limit_tell(((struct mr_policing *)arg)->limits, limit);
}

static int find_mailbox(void *arg, struct mr_span local, struct mr_span domain,
			struct mr_arena *arena, struct mr_user *user_out)
{
	struct mr_policing *p = arg;
	const struct mr_settings *set;
	struct mr_resolved r;
	int err;

	if (!p->quota)
		return MR_ENOENT;
	set = mr_run_settings_hold(p->run);
	err = mr_resolve(&p->resolve, set->recipient_separator, local, domain, arena, &r);
	mr_run_settings_release(p->run, set);
	if (err < 0)
		return err;
	/* Of several each is asked at delivery, and whoever has room gets it. */
	if (r.mailbox_count != 1 || r.outside_count > 0)
		return MR_ENOENT;
	*user_out = r.mailbox[0].user;
	return 0;
}

static int find_usage(void *arg, struct mr_span local, struct mr_span domain,
		      struct mr_usage *usage_out)
{
	struct mr_policing *p = arg;

	if (local.len == 0)
		return mr_quota_sums_get(p->sums, domain, usage_out);
	return mr_store_usage_get(p->quota, local, domain, usage_out);
}

/* Since when we know that name is full; of what was not asked for long, since now. */
static int64_t looked(struct mr_policing *p, const char *name, int64_t now_s)
{
	struct look *oldest = &p->look[0];
	int64_t since_s = now_s;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < LOOKS; i++) {
		struct look *look = &p->look[i];

		if (strcmp(look->name, name) == 0 && now_s - look->since_s < LOOK_LATEST_S) {
			since_s = look->since_s;
			oldest = NULL;
			break;
		}
		if (look->since_s < oldest->since_s)
			oldest = look;
	}
	if (oldest) {
		snprintf(oldest->name, sizeof(oldest->name), "%s", name);
		oldest->since_s = now_s;
	}
	pthread_mutex_unlock(&p->lock);
	return since_s;
}

/*
 * What the store knows of a mailbox may be old: its owner emptied it with a program that reported nothing. So
 * lmtpd is asked to look, which it does within seconds, and until then nothing is refused for good.
 */
static int find_over(void *arg, struct mr_span local, struct mr_span domain, int64_t now_s,
		     int64_t *since_s_out)
{
	struct mr_policing *p = arg;
	struct mr_usage_row row = { .settled = false };
	char name[MR_LIMIT_OWNER_MAX + 1];
	struct mr_over user, whole;
	int64_t since_s;
	int err = mr_store_over_get(p->quota, local, domain, &user, &whole);

	if (err < 0)
		return err;
	since_s = local.len > 0 ? user.since_s : whole.since_s;
	if (since_s == 0 &&
	    (err = mr_store_over_begin(p->quota, local, domain, now_s, &since_s)) < 0)
		return err;
	snprintf(name, sizeof(name), "%.*s@%.*s", (int)local.len, local.p, (int)domain.len,
		 domain.p);
	if (now_s - looked(p, name, now_s) < LOOK_SOON_S)
		since_s = now_s;
	if (local.len > 0 && mr_span_copyz(local, row.local, sizeof(row.local)) == 0 &&
	    mr_span_copyz(domain, row.domain, sizeof(row.domain)) == 0)
		err = mr_store_usage_touch(p->quota, &row, 1);
	if (err == 0)
		*since_s_out = since_s;
	return err;
}

/* -- life ------------------------------------------------------------------------------------- */

/* Counts may be lost, so where there are none yet, on files, they begin here. */
static int limits_open(struct mr_policing *p, const char *url)
{
	int err = mr_store_open(url, MR_GROUP_LIMITS, MR_STORE_WRITE, &p->limits);

	if (err == MR_ENOENT)
		err = mr_store_open(url, MR_GROUP_LIMITS, MR_STORE_CREATE, &p->limits);
	return err;
}

static int stores_open(struct mr_policing *p, const struct mr_settings *set)
{
	const char *group = "limits";
	int err = limits_open(p, set->store);

	if (err == 0) {
		group = "directory";
		err = mr_store_open(set->store, MR_GROUP_DIRECTORY, MR_STORE_READ, &p->directory);
	}
	if (err < 0) {
		mr_log(MR_LOG_ERROR, "cannot open the store",
		       MR_KV("name", mr_store_shown(set->store)), MR_KV("group", group),
		       MR_KV_ERR(err));
		return err;
	}
	mr_resolve_store(p->directory, &p->resolve);
	/* Nobody has a quota where lmtpd has not made the group. */
	if (mr_store_open(set->store, MR_GROUP_QUOTA, MR_STORE_WRITE, &p->quota) < 0)
		return 0;
	p->sums = mr_quota_sums_new(p->quota, *mr_run_clock(p->run));
	return p->sums ? 0 : MR_ENOMEM;
}

static void policing_free(struct mr_policing *p)
{
	mr_notices_free(p->notices);
	mr_quota_sums_free(p->sums);
	mr_store_close(p->quota);
	mr_store_close(p->directory);
	mr_store_close(p->limits);
	pthread_mutex_destroy(&p->lock);
	mr_free(p);
}

int mr_policing_hold(struct mr_run *run, const struct mr_settings *set,
		     struct mr_policing **policing_out)
{
	struct mr_policing *p = shared;
	int err;

	if (!p) {
		p = mr_calloc(1, sizeof(*p));
		if (!p)
			return MR_ENOMEM;
		MR_ASSERT(pthread_mutex_init(&p->lock, NULL) == 0);
		p->run = run;
		p->table = (struct mr_limit_table){
			find_settings,      take, peek, tell, find_mailbox, find_usage, find_over,
			*mr_run_clock(run), p
		};
		err = stores_open(p, set);
		if (err == 0 && !(p->notices = mr_notices_new(set, *mr_run_clock(run))))
			err = MR_ENOMEM;
		if (err < 0) {
			policing_free(p);
			return err;
		}
		shared = p;
	}
	p->holders++;
	*policing_out = p;
	return 0;
}

void mr_policing_start(struct mr_policing *p)
{
	mr_notices_start(p->notices);
}

void mr_policing_release(struct mr_policing *p)
{
	if (!p || --p->holders > 0)
		return;
	policing_free(p);
	shared = NULL;
}

const struct mr_limit_table *mr_policing_table(const struct mr_policing *p)
{
	return &p->table;
}

/* -- what was said ---------------------------------------------------------------------------- */

static void sweep(struct mr_policing *p)
{
	const struct mr_clock *clock = mr_run_clock(p->run);
	int64_t now_s = clock->time_s(clock->arg), due_s = atomic_load(&p->sweep_s);
	int gone;

	/* Also where the clock was set back. One thread does it. */
	if ((now_s < due_s && due_s - now_s <= SWEEP_S) ||
	    !atomic_compare_exchange_strong(&p->sweep_s, &due_s, now_s + SWEEP_S))
		return;
	gone = mr_store_sent_expire(p->limits, now_s, SWEEP_ROWS);
	if (gone == SWEEP_ROWS)
		atomic_store(&p->sweep_s, now_s + 1);
}

/* A line when it changes, not for each question. */
static void away(struct mr_policing *p, int err)
{
	if (atomic_exchange(&p->away, err < 0) == (err < 0))
		return;
	if (err < 0)
		mr_log(MR_LOG_ERROR, "policy: store is away: whoever logs in must wait",
		       MR_KV_ERR(err), MR_KV("why", mr_store_why()));
	else
		mr_log(MR_LOG_INFO, "policy: store is back");
}

void mr_policing_note(struct mr_policing *p, const struct mr_settings *set, struct mr_span account,
		      const struct mr_limit_verdict *v)
{
	away(p, v->err);
	if (v->over) {
		mr_mapd_count_over(p->run);
		mr_log(MR_LOG_INFO, "over its send limit", MR_KV_SPAN("account", account),
		       MR_KV("limit_of", v->owner), MR_KV_INT("reply", v->code),
		       MR_KV("text", v->text));
	}
	if (v->tell) {
		mr_log(MR_LOG_WARN, "an account sends too much: a stolen password?",
		       MR_KV_SPAN("account", account), MR_KV("limit_of", v->owner),
		       MR_KV("text", v->text));
		mr_notices_put(p->notices, set, account, v);
	}
	if (v->err == 0)
		sweep(p);
}
