/*
 * auth: what the spam milter does about mail of a client that has logged in (the macro {auth_authen},
 * which Postfix and sendmail both have). It is mail of our own users, so it is not sorted: no
 * X-Spam-Flag of ours goes out into the world, where somebody might believe it. But a stolen password
 * sends spam until the whole server is on every list: so it has a threshold of its own.
 *
 * NEEDSWORK: hold, a fourth policy, comes with our quarantine.
 */
#ifndef MR_SPAM_AUTH_H
#define MR_SPAM_AUTH_H

#include "lib/run/mr_stage.h"
#include "milters/spam/score.h"

enum mr_spam_auth {
	MR_SPAM_AUTH_OFF, /* not scored */
	MR_SPAM_AUTH_LOG, /* from spam_auth_reject_score a line in the log, at level warn */
	MR_SPAM_AUTH_REJECT, /* and refused */
};

/* What the setting spam_auth_policy says. MR_EINVAL: another word, and error, unless it is NULL, says
 * so. */
MR_MUST_USE int mr_spam_auth_policy(const struct mr_settings *set, enum mr_spam_auth *policy_out,
				    struct mr_buf *error);

/*
 * Act by the policy on a message that was scored: a note for the log, a line of its own and a verdict
 * where the threshold is reached. Returns 1: it was reached, 0: not; MR_ENOMEM.
 */
MR_MUST_USE int mr_spam_auth_act(struct mr_ctx *ctx, const struct mr_mail *mail,
				 const struct mr_spam_score *score, struct mr_actions *acts);

/* A line in the log about a message that passes though nobody could score it; why: a short text. */
void mr_spam_auth_unscored(const struct mr_mail *mail, const char *why);

#endif
