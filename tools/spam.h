/*
 * spam: what the verbs of `millrace spam` share: options, the model, its corrections, and the features
 * of one message.
 */
#ifndef SPAM_H
#define SPAM_H

#include "lib/run/mr_ours.h"
#include "milters/spam/correct.h"
#include "milters/spam/extract.h"
#include "milters/spam/rebuild.h"
#include "milters/spam/source.h"
#include "tools/owner.h"
#include "tools/progress.h"

enum spam_tag { SPAM_TAG_NONE, SPAM_TAG_HAM, SPAM_TAG_SPAM };

struct spam {
	struct cli *cli;
	const char *model_path; /* where the model is read and written */
	bool model_named; /* by --model: its lessons are kept beside it */
	bool empty; /* --model empty: begin with a model that knows nothing */
	char owner
		[MR_SPAM_OWNER_SIZE]; /* --user: who teaches, or whose mail it is; "": the operator */
	bool arriving; /* --arriving: the files are mail as a milter gets it */
	struct mr_spam_source *source;
	struct mr_store *directory; /* once somebody asked; NULL: not yet, or there is none */
	struct mr_arena *arena; /* of the message at hand */
	struct mr_psl *psl;
	struct mr_ours ours; /* whose answers are believed */
	struct mr_spam_features *f;
	struct progress progress;
	size_t failed; /* messages that could not be read */
};

/* --user in its parts; both empty: nobody was named. */
struct owner spam_owner(const struct spam *s);

/* CLI_OK: there is such a user or domain, or nobody was named. A model of its own (--model) has users of
 * its own, and nobody is asked. what: "cannot learn for". */
int spam_owner_known(struct spam *s, const char *what);
/* mr_spam_known_fn, of a struct spam: asks the directory. */
int spam_is_known(void *s, struct mr_span owner);

/* The model to score with: --model, the one that spam_model names, or the built-in one. Says what is
 * wrong, and returns an exit code. */
int spam_model_load(struct spam *s, struct mr_spam_model *model_out);
/* The lessons that belong to the model. NULL: said why. */
struct mr_store *spam_store(struct spam *s, enum mr_store_access access);
/* The same to read; NULL where nothing was ever taught. An exit code; complains. */
int spam_store_if_any(struct spam *s, struct mr_store **store_out);
/* Features of the message at hand, into s->f; complains, and counts in s->failed. False: leave it. */
bool spam_read(struct spam *s, const struct mr_spam_item *item, struct mr_spam_view *view_out);

/* What training starts from: with --model empty nothing, and the file says so from then on; else what
 * the file says that it was trained on, and for a new one the built-in model. */
MR_MUST_USE int spam_base_load(struct spam *s, struct mr_spam_model *base_out);
/*
 * Be the only command that makes this model, until fd is closed; waits, and says so. Held from before
 * the lessons are read until the model is in place: else who read them earlier and is slower puts his
 * model over one that knows more. An exit code; complains.
 */
int spam_lock(struct spam *s, int *fd_out);
/* Rebuild the model and all corrections, and have the milter take it; complains. An exit code. */
int spam_rebuild_all(struct spam *s, struct mr_store *store, struct mr_spam_rebuilt *done_out);
/* Say how many lessons were left out, if any. */
void spam_tell_skipped(const struct mr_spam_skipped *skipped);
/* A milter that runs takes the new model at once; one that does not run takes it when it starts. */
void spam_tell_milter(struct spam *s);

int spam_learn(struct spam *s);
int spam_unlearn(struct spam *s);
int spam_rebuild(struct spam *s);
int spam_model(struct spam *s);
int spam_lessons(struct spam *s);
int spam_score(struct spam *s);
int spam_explain(struct spam *s);
int spam_expire(struct spam *s);

#endif
