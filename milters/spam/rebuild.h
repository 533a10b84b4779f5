/*
 * rebuild: everything that lessons make, from the lessons alone: the model of the operator's lessons,
 * in full; on top of it what users of several domains agree on (consensus.h); the corrections of
 * domains, and of users. The same lessons and the same base make the same bytes on every host,
 * whatever was taught, taken back and stepped in between. For the command line; one thread.
 */
#ifndef MR_SPAM_REBUILD_H
#define MR_SPAM_REBUILD_H

#include "milters/spam/correct.h"

#define MR_SPAM_FP_MAX 0.00035 /* share of good mail that may be called spam */
#define MR_SPAM_OWNERS_SIZE_MAX                                                                    \
	((size_t)64 << 20) /* of their names and the list of them: some 500,000 */

/* Whether there is such a user or domain (as mr_spam_owner() writes it): 1 or 0, or an error, which ends it. */
typedef int mr_spam_known_fn(void *arg, struct mr_span owner);

struct mr_spam_rebuild {
	struct mr_store *store;
	const struct mr_spam_model *base; /* what training starts from */
	const char *path; /* of the model file */
	int64_t now_s; /* for lessons that expired */
	int64_t lessons_max; /* of the operator that count: the newest */
	mr_spam_progress_fn *progress; /* may be NULL */
	void *progress_arg;
	mr_spam_known_fn *known; /* who is not is no voice and gets no correction; NULL: all are */
	void *known_arg;
};

struct mr_spam_rebuilt {
	size_t lessons; /* of the operator, that the model is made of */
	size_t left_out; /* older than the newest lessons_max */
	size_t user_lessons; /* of users and domains */
	size_t strangers; /* who taught, and of whom the directory does not know */
	size_t owners; /* corrections made */
	size_t voices; /* domains whose users taught */
	size_t expired; /* removed */
	struct mr_spam_skipped skipped;
};

/*
 * Remove expired lessons, make the model and replace the file, make all corrections anew. MR_ELIMIT:
 * more owners than fit in MR_SPAM_OWNERS_SIZE_MAX; errors of mr_store.h, of train.h and of
 * mr_replace_file(). The model file is replaced whole or not at all.
 */
MR_MUST_USE int mr_spam_rebuild(const struct mr_spam_rebuild *what,
				struct mr_spam_rebuilt *rebuilt_out);

/* The correction of one domain ("@domain") alone, on top of model: of what, only store, now_s and known count.
 * Its users' are as they were until the next rebuild. */
MR_MUST_USE int mr_spam_rebuild_domain(const struct mr_spam_rebuild *what,
				       const struct mr_spam_model *model, struct mr_span domain);

#endif
