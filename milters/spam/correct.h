/*
 * correct: from the lessons of an owner to the correction that they are (correction.h), in the store.
 * For the command line; one thread.
 */
#ifndef MR_SPAM_CORRECT_H
#define MR_SPAM_CORRECT_H

#include "lib/store/mr_store.h"
#include "milters/spam/correction.h"
#include "milters/spam/train.h"

/* Lessons of one user, or of one domain as such, that are kept and that count: the newest. */
#define MR_SPAM_OWNER_LESSONS_MAX      1000
#define MR_SPAM_OWNER_LESSONS_SIZE_MAX (MR_SPAM_OWNER_LESSONS_MAX * ((size_t)64 << 10))

/* Lessons that can't be used. */
struct mr_spam_skipped {
	size_t versions; /* of another version */
	size_t damaged;
};

/* Add the newest count_max lessons of teacher to trainer; those that can't be used are counted. Errors of
 * mr_store.h and train.h. */
MR_MUST_USE int mr_spam_correct_gather(struct mr_store *store, struct mr_spam_trainer *trainer,
				       struct mr_span teacher, int64_t count_max,
				       struct mr_spam_skipped *skipped_inout);

/*
 * What teacher's lessons change in model, all of it; *delta_out lives in trainer until its next call.
 * insist: as mr_spam_trainer_delta() has it.
 * Returns the number of lessons, or an error of mr_store.h or train.h.
 */
MR_MUST_USE int mr_spam_correct_delta(struct mr_store *store, struct mr_spam_trainer *trainer,
				      const struct mr_spam_model *model, struct mr_span teacher,
				      bool insist, struct mr_spam_skipped *skipped_inout,
				      struct mr_spam_correction *delta_out);

/*
 * The strongest MR_SPAM_CORRECTION_MAX changes of delta as bytes. level: the threshold moves by what
 * those move in known good mail; else it is delta's. MR_ENOMEM, MR_ELIMIT (out's).
 */
MR_MUST_USE int mr_spam_correct_bytes(const struct mr_spam_model *model,
				      const struct mr_spam_correction *delta, bool level,
				      struct mr_buf *out);
/* The same of the sum of two, whose thresholds are added. */
MR_MUST_USE int mr_spam_correct_sum(const struct mr_spam_model *model,
				    const struct mr_spam_correction *a,
				    const struct mr_spam_correction *b, struct mr_buf *out);

/* By how much a correction, read or not, moves the average good message, in log-odds. */
double mr_spam_correct_drift(const struct mr_spam_model *model,
			     const struct mr_spam_correction *delta);

/*
 * Take out of delta what it says of good mail as a whole: afterwards it moves the average good message
 * by nothing, but for rounding, nor biases or the threshold. What is left is what it says of some mail
 * as against other. Changes may become 0.
 */
void mr_spam_correct_level(const struct mr_spam_model *model, struct mr_spam_correction *delta);

/* Put a correction into the store, unless it is there already: then nothing is written, and whoever
 * keeps what he has read need not read again. Errors of mr_store.h. */
MR_MUST_USE int mr_spam_correct_put(struct mr_store *store, struct mr_span owner, int64_t now_s,
				    struct mr_span bytes);

/*
 * Make a user's correction on top of model and of his domain's correction, and put it into the
 * store; without lessons it is removed. user: as mr_spam_owner() writes it. Returns the number of
 * lessons, or an error.
 */
MR_MUST_USE int mr_spam_correct(struct mr_store *store, struct mr_spam_trainer *trainer,
				const struct mr_spam_model *model, struct mr_span user,
				int64_t now_s, struct mr_spam_skipped *skipped_inout);

/*
 * The corrections of a recipient that the store has, his domain's and his own: at most
 * MR_SPAM_CORRECTIONS_MAX, in arena, which needs MR_SPAM_CORRECTION_ROOM for each. One that does not
 * read is left out and counted in *bad_out, which may be NULL. address as mr_spam_owner() writes it: a
 * user or a domain. Returns how many there are, or MR_ETEMP, MR_ENOMEM and what else mr_store.h names.
 */
MR_MUST_USE int mr_spam_corrections_get(struct mr_store *store, struct mr_span address,
					struct mr_arena *arena,
					struct mr_spam_correction corrections_out[], int *bad_out);

#endif
