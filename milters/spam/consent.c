#include "milters/spam/consent.h"

#include <pthread.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/store/mr_resolve.h"
#include "lib/store/mr_user_settings.h"

#define ARENA_SIZE ((size_t)16 << 20) /* of one question */

/* One group, opened at the first need: by then we are the user that may read it. */
struct group {
	enum mr_store_group bit;
	struct mr_store *store;
	int err; /* of the last try to open it */
	int64_t retry_ms;
};

struct mr_consent {
	const char *url;
	const struct mr_ours *ours;
	const struct mr_psl *psl;
	pthread_mutex_t lock; /* of what follows */
	struct group directory, senders;
	bool away; /* the last answer was an error */
	bool asking; /* somebody asks whether it still is */
};

struct mr_consent *mr_consent_new(const char *store, const struct mr_ours *ours,
				  const struct mr_psl *psl)
{
	struct mr_consent *c = mr_calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->url = store;
	c->ours = ours;
	c->psl = psl;
	c->directory.bit = MR_GROUP_DIRECTORY;
	c->senders.bit = MR_GROUP_SENDERS;
	MR_ASSERT(pthread_mutex_init(&c->lock, NULL) == 0);
	return c;
}

void mr_consent_free(struct mr_consent *c)
{
	if (!c)
		return;
	mr_store_close(c->directory.store);
	mr_store_close(c->senders.store);
	pthread_mutex_destroy(&c->lock);
	mr_free(c);
}

/* -- the store -------------------------------------------------------------------------------- */

/* MR_ENOENT: there is no such group, and it is looked for each time. */
static int group_open(struct mr_consent *c, struct group *g, int64_t now_ms,
		      struct mr_store **store_out)
{
	int err;

	pthread_mutex_lock(&c->lock);
	if (!g->store && (g->err == 0 || g->err == MR_ENOENT || now_ms >= g->retry_ms)) {
		g->retry_ms = now_ms + MR_CONSENT_RETRY_MS;
		g->err = mr_store_open(c->url, g->bit, MR_STORE_READ, &g->store);
	}
	err = g->store ? 0 : g->err;
	*store_out = g->store;
	pthread_mutex_unlock(&c->lock);
	return err;
}

/* False: the store is away, and another message asks it. */
static bool ask_begin(struct mr_consent *c)
{
	bool may;

	pthread_mutex_lock(&c->lock);
	may = !c->away || !c->asking;
	c->asking = c->asking || may;
	pthread_mutex_unlock(&c->lock);
	return may;
}

static void ask_end(struct mr_consent *c, int err)
{
	bool was, away = err < 0 && err != MR_ENOMEM;

	pthread_mutex_lock(&c->lock);
	was = c->away;
	c->away = away;
	c->asking = false;
	pthread_mutex_unlock(&c->lock);
	if (away && !was)
		mr_log(MR_LOG_WARN, "lists and settings cannot be read: nothing is refused",
		       MR_KV("store", mr_store_shown(c->url)), MR_KV_ERR(err),
		       MR_KV("why", mr_store_why()));
	else if (was && !away)
		mr_log(MR_LOG_INFO, "lists and settings can be read again");
}

/* -- the recipients --------------------------------------------------------------------------- */

/* What is asked about one message, and what it has come to. */
struct question {
	struct mr_consent *consent;
	const struct mr_ctx *ctx;
	const struct mr_mail *mail;
	struct mr_arena *arena;
	struct mr_store *directory, *senders; /* senders NULL: nobody has lists */
	struct mr_origin *origin; /* NULL: not asked yet, and not needed without lists */
	bool blocks; /* asked is who blocks; else who does not want it refused */
	size_t mailboxes;
	const char *no; /* why it ends: a word */
	struct mr_sender_says says; /* of blocks: the mildest so far */
};

static int origin_read(struct question *q)
{
	const struct mr_msg *msg = q->mail->msg;
	uint32_t end = mr_belief_arriving(msg->field, msg->part[0].field_count);

	if (!(q->origin = mr_arena_alloc(q->arena, sizeof(*q->origin))))
		return MR_ENOMEM;
	return mr_origin_read(msg, q->mail->env->mail_from, &q->consent->ours->belief, end,
			      q->consent->psl, q->arena, q->origin);
}

/* 1: go on; 0: q->no says why not. */
static int lists_agree(struct question *q, const struct mr_user *user, struct mr_span also)
{
	struct mr_sender_says says = { .action = MR_SENDER_NONE };
	int err = 0;

	if (q->senders)
		err = mr_sender_rule_ask(q->senders, user->local, user->domain, also, q->origin,
					 &says);
	if (err < 0)
		return err;
	if (!q->blocks && says.action == MR_SENDER_FRIEND)
		q->no = "friend";
	if (q->blocks && says.action != MR_SENDER_REJECT && says.action != MR_SENDER_DROP)
		q->no = "unblocked";
	if (q->says.action == MR_SENDER_NONE || says.action < q->says.action)
		q->says = says;
	return q->no == NULL;
}

static int setting_agrees(struct question *q, const struct mr_user *user)
{
	struct mr_user_settings settings;
	int err =
		mr_user_settings_get(q->directory, user->local, user->domain, q->arena, &settings);

	if (err < 0)
		return err;
	if (!settings.spam_reject)
		q->no = "setting";
	return q->no == NULL;
}

static int rcpt_agrees(struct question *q, struct mr_span rcpt)
{
	struct mr_span local, domain;
	struct mr_resolve_table table;
	struct mr_resolved to = { .alias = false };
	int err = mr_name_split(rcpt, &local, &domain);

	mr_resolve_store(q->directory, &table);
	if (err == 0)
		err = mr_resolve(&table, q->ctx->set->recipient_separator, local, domain, q->arena,
				 &to);
	/* Nobody of ours, or nobody at all. */
	if (err == MR_EINVAL || err == MR_EPERM || err == MR_ENOENT || err == MR_ELIMIT ||
	    (err == 0 && to.outside_count > 0)) {
		q->no = "outside";
		return 0;
	}
	if (err == 0 && (q->mailboxes += to.mailbox_count) > MR_CONSENT_MAILBOXES_MAX) {
		q->no = "many";
		return 0;
	}
	for (size_t i = 0; err >= 0 && i < to.mailbox_count && !q->no; i++) {
		err = lists_agree(q, &to.mailbox[i].user, domain);
		if (err > 0 && !q->blocks)
			err = setting_agrees(q, &to.mailbox[i].user);
	}
	return err < 0 ? err : q->no == NULL;
}

/* 1: all agree; 0: q->no says why not; an error: of the store. */
static int all_agree(struct question *q)
{
	const struct mr_envelope *env = q->mail->env;
	int64_t now_ms = q->ctx->clock.now_ms(q->ctx->clock.arg);
	int err = group_open(q->consent, &q->consent->directory, now_ms, &q->directory);

	if (err == MR_ENOENT && q->blocks)
		q->no = "unblocked";
	if (err == MR_ENOENT)
		return !q->blocks;
	if (err == 0)
		err = group_open(q->consent, &q->consent->senders, now_ms, &q->senders);
	if (err == MR_ENOENT && q->blocks) {
		q->no = "unblocked";
		return 0;
	}
	if ((err < 0 && err != MR_ENOENT) || (err = origin_read(q)) < 0)
		return err;
	if (env->rcpt_count == 0 || env->rcpt_count > MR_CONSENT_RCPTS_MAX)
		q->no = env->rcpt_count == 0 ? "unknown" : "many";
	for (size_t i = 0; err >= 0 && i < env->rcpt_count && !q->no; i++)
		err = rcpt_agrees(q, env->rcpt[i]);
	return err < 0 ? err : q->no == NULL;
}

static int ask(struct question *q)
{
	int err;

	q->no = NULL;
	if (!ask_begin(q->consent)) {
		q->no = "unknown";
		return 0;
	}
	q->arena = mr_arena_new(ARENA_SIZE);
	err = q->arena ? all_agree(q) : MR_ENOMEM;
	mr_arena_free(q->arena);
	ask_end(q->consent, err);
	if (err < 0 && err != MR_ENOMEM) {
		q->no = "unknown";
		return 0;
	}
	return err;
}

int mr_consent_blocked(struct mr_consent *consent, const struct mr_ctx *ctx,
		       const struct mr_mail *mail, struct mr_sender_says *says_out)
{
	struct question q = { .consent = consent, .ctx = ctx, .mail = mail, .blocks = true };
	int all = ask(&q);

	if (all > 0)
		*says_out = q.says;
	return all;
}

int mr_consent_refuse(struct mr_consent *consent, const struct mr_ctx *ctx,
		      const struct mr_mail *mail, const char **why_out)
{
	struct question q = { .consent = consent, .ctx = ctx, .mail = mail };
	int all = ask(&q);

	if (all == 0)
		*why_out = q.no;
	return all;
}
