/*
 * mr_stage_step: the hooks of a stage one by one, with the rules that all runners share: what an
 * error becomes, and what a stage may do. mr_stage_run() (mr_milter.h) is all of them in a row; the
 * libmilter runner takes each step when the MTA does. For lib/run alone. All steps of one message
 * use one acts; after a step whose verdict is not to accept there is no further one.
 */
#ifndef MR_STAGE_STEP_H
#define MR_STAGE_STEP_H

#include "lib/run/mr_stage.h"

/* An error stays in acts->err: where the stage has failed(), mr_step_message() hands it on; else it
 * has become a tempfail. */
void mr_step_connect(const struct mr_stage *stage, struct mr_ctx *ctx,
		     const struct mr_envelope *env, struct mr_actions *acts);
void mr_step_rcpt(const struct mr_stage *stage, struct mr_ctx *ctx, const struct mr_envelope *env,
		  struct mr_span rcpt, struct mr_actions *acts);

/* Parse raw and finish. err: 0, or why raw is not all of the message; MR_ELIMIT when it is longer
 * than message_size_max. */
void mr_step_message(const struct mr_stage *stage, struct mr_ctx *ctx,
		     const struct mr_envelope *env, struct mr_span raw, int err,
		     struct mr_actions *acts);

/* Empty acts and make it "451 4.7.1": what the runner answers when nothing else can. */
void mr_step_tempfail(struct mr_actions *acts);

/* The header of raw, with the empty line if there is one. */
struct mr_span mr_step_header(struct mr_span raw);

#endif
