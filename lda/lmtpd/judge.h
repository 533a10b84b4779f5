/*
 * judge: the score of a message for one recipient: that of the model which all share, as what he and
 * his domain have taught changes it (milters/spam/correction.h). The milter cannot know it, since it
 * scores once for all recipients.
 *
 * Nothing is read of the message, nor a model opened, until a recipient comes who has taught
 * something. Then its features are taken once, and each further score costs some 0.1 ms. Corrections
 * that were read are kept, MR_JUDGE_KEPT_MAX of them; the store is asked for each recipient whether
 * they are still the ones, so a lesson acts at once.
 *
 * What goes wrong is logged here, once, and means: the milter's word counts. Any thread.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_time.h"
#include "lib/run/mr_settings.h"

#define MR_JUDGE_KEPT_MAX 256 /* corrections in memory: 64 MiB at the very most, mostly 1 or 2 */
/* One that was made a moment ago may be replaced within the same second: it is read again. */
#define MR_JUDGE_FRESH_S 10
/* A store or a model that could not be opened is tried again after this. */
#define MR_JUDGE_RETRY_MS 1000

struct mr_judge;

/* store, model: the settings store and spam_model. NULL: out of memory. */
MR_MUST_USE struct mr_judge *mr_judge_new(const char *store, const char *model,
					  struct mr_clock clock);
/* NULL is allowed. */
void mr_judge_free(struct mr_judge *judge);
MR_AUTO_DECLARE(mr_judge, mr_judge_free)

/* What is kept of one message, from its first recipient to mr_judge_forget(). Begins as zeros, but
 * for id; the other fields are private. One thread at a time. */
struct mr_spam_features;
struct mr_spam_model;
struct mr_judge_message {
	const struct mr_spam_model *model;
	struct mr_spam_features *features;
	int err; /* they could not be had: not tried again */
	struct mr_span id; /* queue id, for the log; the caller's */
};

/* Hands out the whole message, with the fields of our milter at its top. */
typedef int mr_judge_content_fn(void *arg, struct mr_span *content_out);

/*
 * Judge the message for local@domain, spelled as mr_name.h spells them. Returns 1 with its score in
 * thousandths of a point; 0: neither he nor his domain taught anything that counts; an error, which was
 * logged.
 */
MR_MUST_USE int mr_judge_score(struct mr_judge *judge, const struct mr_settings *set,
			       struct mr_judge_message *m, struct mr_span local,
			       struct mr_span domain, mr_judge_content_fn *content, void *arg,
			       int *points_out);
void mr_judge_forget(struct mr_judge *judge, struct mr_judge_message *m);

#endif
