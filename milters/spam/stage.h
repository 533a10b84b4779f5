/*
 * stage: the spam milter: X-Spam-Flag, X-Spam-Score and X-Spam-Status, and a rejection above
 * spam_reject_score. Fields of these names that came from outside are removed. What goes wrong inside
 * leaves the message unscored and lets it pass.
 */
#ifndef MR_SPAM_STAGE_H
#define MR_SPAM_STAGE_H

#include "lib/run/mr_stage.h"

extern const struct mr_stage mr_spam_stage;

#endif
