#include "milters/spam/stage.h"

#include <pthread.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_ours.h"
#include "milters/spam/auth.h"
#include "milters/spam/consent.h"
#include "milters/spam/current.h"
#include "milters/spam/extract.h"
#include "milters/spam/status.h"

#define SPARE_MAX  8 /* feature sets that are kept for the next message */
#define FORGED_MAX 10000 /* fields from outside that are removed */
_Static_assert(FORGED_MAX + 3 <= MR_ACTIONS_MAX, "ours always come, where theirs go");

struct state {
	struct mr_spam_current *model;
	struct mr_psl *psl; /* NULL: there is none here; domains are then no features */
	struct mr_ours ours; /* whose answers are believed */
	struct mr_consent *consent;
	char *store; /* the setting */
	pthread_mutex_t lock; /* of what follows */
	struct mr_spam_features *spare[SPARE_MAX];
	size_t spare_count;
};

enum metric {
	M_SPAM,
	M_HAM,
	M_UNSCORED,
	M_REJECTED,
	M_SPARED,
	M_BLOCKED,
	M_DROPPED,
	M_AUTH_PASSED,
	M_AUTH_SPAM,
	M_AUTH_UNSCORED,
	M_SECONDS,
};
static const struct mr_metric metrics[] = {
	[M_SPAM] = { MR_METRIC_COUNTER, "millrace_spam_messages_total", "verdict=\"spam\"",
		     "Messages by what was found." },
	[M_HAM] = { MR_METRIC_COUNTER, "millrace_spam_messages_total", "verdict=\"ham\"",
		    "Messages by what was found." },
	[M_UNSCORED] = { MR_METRIC_COUNTER, "millrace_spam_messages_total", "verdict=\"unscored\"",
			 "Messages by what was found." },
	[M_REJECTED] = { MR_METRIC_COUNTER, "millrace_spam_rejected_total", "",
			 "Messages refused for their score." },
	[M_SPARED] = { MR_METRIC_COUNTER, "millrace_spam_spared_total", "",
		       "Messages that a recipient's friend or setting kept from that." },
	[M_BLOCKED] = { MR_METRIC_COUNTER, "millrace_spam_blocked_total", "action=\"reject\"",
			"Messages of senders whom all recipients block." },
	[M_DROPPED] = { MR_METRIC_COUNTER, "millrace_spam_blocked_total", "action=\"drop\"",
			"Messages of senders whom all recipients block." },
	[M_AUTH_PASSED] = { MR_METRIC_COUNTER, "millrace_spam_auth_messages_total",
			    "result=\"passed\"", "Messages of clients that have logged in." },
	[M_AUTH_SPAM] = { MR_METRIC_COUNTER, "millrace_spam_auth_messages_total", "result=\"spam\"",
			  "Messages of clients that have logged in." },
	[M_AUTH_UNSCORED] = { MR_METRIC_COUNTER, "millrace_spam_auth_messages_total",
			      "result=\"unscored\"", "Messages of clients that have logged in." },
	[M_SECONDS] = { MR_METRIC_SECONDS, "millrace_spam_score_seconds", "",
			"Time to score a message." },
};

/* -- state ------------------------------------------------------------------------------------ */

static int spam_check(const struct mr_settings *set, struct mr_buf *error)
{
	enum mr_spam_auth policy;

	return mr_spam_auth_policy(set, &policy, error);
}

static void state_free(struct state *state)
{
	mr_consent_free(state->consent);
	mr_psl_free(state->psl);
	mr_spam_current_close(state->model);
	mr_free(state->store);
	mr_free(state);
}

/*
 * A model that does not read must not stop mail. Before any was in use the built-in one takes its
 * place; at a reload the error makes the runner keep the state that it has, the old model in it.
 */
static int spam_open(const struct mr_settings *set, void **state_out)
{
	static bool opened; /* open() is called on one thread at a time */
	struct state *state = mr_calloc(1, sizeof(*state));
	int err;

	if (state == NULL)
		return MR_ENOMEM;
	if ((err = mr_spam_current_open(set->spam_model, !opened, &state->model)) < 0) {
		mr_free(state);
		return err;
	}
	state->psl = mr_psl_new(NULL);
	mr_ours_init(&state->ours, set);
	if ((state->store = mr_strdup(set->store)) == NULL ||
	    (state->consent = mr_consent_new(state->store, &state->ours, state->psl)) == NULL) {
		state_free(state);
		return MR_ENOMEM;
	}
	MR_ASSERT(pthread_mutex_init(&state->lock, NULL) == 0);
	opened = true;
	*state_out = state;
	return 0;
}

static void spam_close(void *arg)
{
	struct state *state = arg;

	while (state->spare_count > 0)
		mr_spam_features_free(state->spare[--state->spare_count]);
	pthread_mutex_destroy(&state->lock);
	state_free(state);
}

static struct mr_spam_features *features_get(struct state *state)
{
	struct mr_spam_features *f = NULL;

	pthread_mutex_lock(&state->lock);
	if (state->spare_count > 0)
		f = state->spare[--state->spare_count];
	pthread_mutex_unlock(&state->lock);
	if (f == NULL && (f = mr_spam_features_new(state->psl)) != NULL)
		f->belief = &state->ours.belief;
	return f;
}

static void features_put(struct state *state, struct mr_spam_features *f)
{
	pthread_mutex_lock(&state->lock);
	if (f != NULL && state->spare_count < SPARE_MAX)
		state->spare[state->spare_count++] = MR_TAKE(f);
	pthread_mutex_unlock(&state->lock);
	mr_spam_features_free(f);
}

/* -- one message ------------------------------------------------------------------------------ */

/*
 * What came from outside, under our names and under that of the filter before us, goes. MR_ELIMIT: there
 * are more than FORGED_MAX.
 */
static int remove_foreign(struct mr_ctx *ctx, const struct mr_mail *mail, struct mr_actions *acts)
{
	const char *upstream = ctx->set->upstream_scorer;
	static const char *const ours[] = { "X-Spam-Flag", "X-Spam-Score", "X-Spam-Status",
					    "X-Spam-Tag", "X-Millrace-Delivery" };
	bool known = upstream[0] == '\0';
	size_t before = acts->count;
	int err = 0;

	for (size_t i = 0; i < MR_COUNT(ours) && err == 0; i++) {
		known = known || mr_span_eq_nocase(mr_span_str(upstream), mr_span_str(ours[i]));
		err = mr_act_delete_all(acts, mail->msg, ours[i]);
	}
	if (err == 0 && !known)
		err = mr_act_delete_all(acts, mail->msg, upstream);
	return err == 0 && acts->count - before > FORGED_MAX ? MR_ELIMIT : err;
}

/* Inserted at the top, the last one uppermost: Flag, Score, Status from above. */
static int add_fields(const struct mr_spam_score *score, const char *status,
		      struct mr_actions *acts)
{
	char points[32];
	int err;

	snprintf(points, sizeof(points), "%.3f", score->points); /* 8 bytes at most */
	if ((err = mr_act_insert(acts, 0, "X-Spam-Status", status)) < 0 ||
	    (err = mr_act_insert(acts, 0, "X-Spam-Score", points)) < 0)
		return err;
	return mr_act_insert(acts, 0, "X-Spam-Flag", score->spam ? "YES" : "NO");
}

/* 1: the score is high enough to refuse the message, and everybody lets it be refused; 0: not, and
 * *spared_out, unless it is NULL, says what kept it. */
static int is_refused(struct mr_ctx *ctx, const struct mr_mail *mail, double points,
		      const char **spared_out)
{
	struct state *state = ctx->state;
	int64_t reject = ctx->set->spam_reject_score;
	int err;

	*spared_out = NULL;
	if (reject <= 0 || points < (double)reject)
		return 0;
	err = mr_consent_refuse(state->consent, ctx, mail, spared_out);
	if (err == 0)
		mr_metrics_add(ctx->metrics, M_SPARED, 1);
	return err;
}

static int act(struct mr_ctx *ctx, const struct mr_mail *mail, const struct mr_spam_score *score,
	       const char *status, struct mr_actions *acts)
{
	const char *spared;
	int err = is_refused(ctx, mail, score->points, &spared);

	if (err < 0)
		return err;
	mr_metrics_add(ctx->metrics, score->spam ? M_SPAM : M_HAM, 1);
	if (err > 0) {
		mr_metrics_add(ctx->metrics, M_REJECTED, 1);
		if ((err = mr_act_note(acts, "score=%.3f", score->points)) < 0)
			return err;
		return mr_act_reject(acts, "5.7.1", "Message refused as spam");
	}
	if ((err = remove_foreign(ctx, mail, acts)) < 0 ||
	    (err = mr_act_note(acts, "score=%.3f%s%s", score->points, spared ? " spared=" : "",
			       spared ? spared : "")) < 0)
		return err;
	return add_fields(score, status, acts);
}

/* Mail of our users leaves with no field of ours, and none that claims to be. */
static int act_auth(struct mr_ctx *ctx, const struct mr_mail *mail,
		    const struct mr_spam_score *score, struct mr_actions *acts)
{
	int reached = mr_spam_auth_act(ctx, mail, score, acts);

	if (reached < 0)
		return reached;
	mr_metrics_add(ctx->metrics, reached ? M_AUTH_SPAM : M_AUTH_PASSED, 1);
	return remove_foreign(ctx, mail, acts);
}

static bool has_logged_in(const struct mr_mail *mail)
{
	return mail->env->auth_user.len > 0;
}

/* Such mail is nobody's business here. */
static bool is_exempt(const struct mr_ctx *ctx, const struct mr_mail *mail)
{
	enum mr_spam_auth policy;

	return has_logged_in(mail) && mr_spam_auth_policy(ctx->set, &policy, NULL) == 0 &&
	       policy == MR_SPAM_AUTH_OFF;
}

static int score_and_act(struct mr_ctx *ctx, const struct mr_mail *mail,
			 const struct mr_spam_model *model, struct mr_spam_features *f,
			 struct mr_actions *acts)
{
	struct mr_spam_score score;
	struct mr_spam_view view;
	MR_AUTO_BUF status = MR_BUF(MR_SPAM_STATUS_MAX);
	int err;

	if ((err = mr_spam_view_init(&view, mail->msg, MR_SPAM_ARRIVING,
				     mr_span_str(ctx->set->upstream_scorer), ctx->arena)) < 0 ||
	    (err = mr_spam_extract(&view, ctx->arena, f)) < 0)
		return err;
	mr_spam_score(model, f, &score);
	if (has_logged_in(mail))
		return act_auth(ctx, mail, &score, acts);
	if ((err = mr_spam_status_text(model, f, &score, view.upstream, &status)) < 0)
		return err;
	return act(ctx, mail, &score, mr_buf_str(&status), acts);
}

/* 1: all recipients block the sender, and the verdict says so. RFC 3463 3.8: delivery not authorized. */
static int act_blocked(struct mr_ctx *ctx, const struct mr_mail *mail, struct mr_actions *acts)
{
	struct state *state = ctx->state;
	struct mr_sender_says says = { .action = MR_SENDER_NONE };
	int err = mr_consent_blocked(state->consent, ctx, mail, &says);

	if (err <= 0)
		return err;
	if ((err = mr_act_note(acts, "blocked=%s list=%s", says.entry,
			       says.of_user ? "user" : "domain")) < 0)
		return err;
	if (says.action == MR_SENDER_DROP) {
		mr_metrics_add(ctx->metrics, M_DROPPED, 1);
		mr_act_discard(acts);
		return 1;
	}
	mr_metrics_add(ctx->metrics, M_BLOCKED, 1);
	err = mr_act_reject(acts, "5.7.1", "Sender is blocked by the recipient");
	return err < 0 ? err : 1;
}

static int spam_message(struct mr_ctx *ctx, const struct mr_mail *mail, struct mr_actions *acts)
{
	int64_t from_ms = ctx->clock.now_ms(ctx->clock.arg);
	struct state *state = ctx->state;
	const struct mr_spam_model *model;
	struct mr_spam_features *f;
	int err;

	if (is_exempt(ctx, mail))
		return remove_foreign(ctx, mail, acts);
	if (!has_logged_in(mail) && (err = act_blocked(ctx, mail, acts)) != 0)
		return err < 0 ? err : 0;
	f = features_get(state);
	if (f == NULL)
		return MR_ENOMEM;
	model = mr_spam_current_get(state->model, from_ms);
	err = score_and_act(ctx, mail, model, f, acts);
	mr_spam_current_put(state->model, model);
	features_put(state, f);
	mr_metrics_observe_us(ctx->metrics, M_SECONDS,
			      (ctx->clock.now_ms(ctx->clock.arg) - from_ms) * 1000);
	return err;
}

/* For the sender, who reads it in a bounce. */
#define FORGERIES "This message has more header fields named X-Spam than can be removed"

static const char *why_unscored(int err)
{
	return err == MR_ELIMIT ? "too large" : mr_err_text(err);
}

/*
 * Mail flows, and says that nobody looked at it; mail of our own users does not, but the log tells whose
 * it was: else a stolen password could send what it likes, if only it is large. But what claims
 * our verdict more often than an MTA can be told to take away would claim it still behind us, and
 * waiting would not change that (RFC 3463 3.7: 5.6.0). A header that nobody could look at may hold
 * such a claim: that mail waits.
 */
static int spam_failed(struct mr_ctx *ctx, const struct mr_mail *mail, int why,
		       struct mr_actions *acts)
{
	char status[100];
	int err;

	mr_metrics_add(ctx->metrics, M_UNSCORED, 1);
	if (mail->msg == NULL)
		return why;
	err = remove_foreign(ctx, mail, acts);
	if (err == MR_ELIMIT)
		return mr_act_reject(acts, "5.6.0", FORGERIES);
	if (err < 0)
		return err;
	if (has_logged_in(mail)) {
		if (is_exempt(ctx, mail))
			return 0;
		mr_metrics_add(ctx->metrics, M_AUTH_UNSCORED, 1);
		mr_spam_auth_unscored(mail, why_unscored(why));
		return 0;
	}
	snprintf(status, sizeof(status), "Unknown, unscored: %s " MR_SPAM_MARK,
		 why_unscored(why)); /* short texts of ours */
	return mr_act_insert(acts, 0, "X-Spam-Status", status);
}

const struct mr_stage mr_spam_stage = {
	.name = "spam",
	.needs = MR_NEED_BODY,
	.may = MR_MAY_FIELDS | MR_MAY_REJECT | MR_MAY_DISCARD,
	.sandbox = MR_SANDBOX_STORE,
	.metrics = metrics,
	.metric_count = MR_COUNT(metrics),
	.check = spam_check,
	.open = spam_open,
	.close = spam_close,
	.message = spam_message,
	.failed = spam_failed,
};
