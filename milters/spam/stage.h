/*
 * stage: the spam milter: X-Spam-Flag, X-Spam-Score and X-Spam-Status, and a rejection from
 * spam_reject_score on, or of a sender whom all recipients block, as far as they agree: consent.h. Fields of these names that came from outside are removed; a message with more of
 * them than an MTA can be told to remove is rejected. What goes wrong inside leaves the message
 * unscored and lets it pass. Mail of a client that has logged in gets no fields: auth.h.
 */
#ifndef MR_SPAM_STAGE_H
#define MR_SPAM_STAGE_H

#include "lib/run/mr_stage.h"

extern const struct mr_stage mr_spam_stage;

#endif
