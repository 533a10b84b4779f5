#include "milters/spam/auth.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"

/* Read by a person in a mail program: what happened, and what to do in either case. */
#define REFUSAL                                                                                    \
	"This message looks like spam sent with your account and was not accepted.\n"              \
	"If it is not yours, somebody knows your password: change it now.\n"                       \
	"If it is, ask your postmaster, or write it differently."

int mr_spam_auth_policy(const struct mr_settings *set, enum mr_spam_auth *policy_out,
			struct mr_buf *error)
{
	static const char *const words[] = {
		[MR_SPAM_AUTH_OFF] = "off",
		[MR_SPAM_AUTH_LOG] = "log",
		[MR_SPAM_AUTH_REJECT] = "reject",
	};

	for (size_t i = 0; i < MR_COUNT(words); i++) {
		if (strcmp(set->spam_auth_policy, words[i]) == 0) {
			*policy_out = (enum mr_spam_auth)i;
			return 0;
		}
	}
	if (error == NULL)
		return MR_EINVAL;
	return mr_run_refuse(error, "spam_auth_policy", set->spam_auth_policy,
			     "none of off, log, reject");
}

static void complain(struct mr_ctx *ctx, const struct mr_mail *mail, const char *points,
		     bool refused)
{
	mr_log(MR_LOG_WARN, "spam of an account", MR_KV_SPAN("id", mail->env->queue_id),
	       MR_KV_SPAN("account", mail->env->auth_user),
	       MR_KV_SPAN("from", mail->env->mail_from),
	       MR_KV_SPAN("client", mail->env->client_addr),
	       MR_KV_INT("recipients", (int64_t)mail->env->rcpt_count), MR_KV("score", points),
	       MR_KV_INT("limit", ctx->set->spam_auth_reject_score),
	       MR_KV("result", refused ? "refused" : "passed"));
}

int mr_spam_auth_act(struct mr_ctx *ctx, const struct mr_mail *mail,
		     const struct mr_spam_score *score, struct mr_actions *acts)
{
	struct mr_span account = mail->env->auth_user;
	enum mr_spam_auth policy;
	char points[32];
	int err = mr_spam_auth_policy(ctx->set, &policy, NULL);

	/* Settings were checked at the start; whoever made them otherwise gets the milder one. */
	if (err < 0)
		policy = MR_SPAM_AUTH_LOG;
	snprintf(points, sizeof(points), "%.3f", score->points); /* 8 bytes at most */
	if ((err = mr_act_note(acts, "score=%s account=%.*s", points, (int)account.len,
			       account.p)) < 0)
		return err;
	if (score->points < (double)ctx->set->spam_auth_reject_score)
		return 0;
	if (policy == MR_SPAM_AUTH_REJECT && (err = mr_act_reject(acts, "5.7.1", REFUSAL)) < 0)
		return err;
	complain(ctx, mail, points, policy == MR_SPAM_AUTH_REJECT);
	return 1;
}

void mr_spam_auth_unscored(const struct mr_mail *mail, const char *why)
{
	mr_log(MR_LOG_WARN, "unscored mail of an account", MR_KV_SPAN("id", mail->env->queue_id),
	       MR_KV_SPAN("account", mail->env->auth_user),
	       MR_KV_SPAN("from", mail->env->mail_from),
	       MR_KV_SPAN("client", mail->env->client_addr),
	       MR_KV_INT("recipients", (int64_t)mail->env->rcpt_count), MR_KV("why", why),
	       MR_KV("result", "unscored"));
}
