/*
 * correction: what a user, or a domain, changes in the model: a sparse set of changes of weights, of
 * the biases and of the threshold, made from the owner's own lessons on top of the model that all
 * share. It is applied where the recipient is known, in the LDA and on the command line; the milter
 * scores for all recipients at once, by the model alone.
 *
 * As bytes, in the store's group spam under the owner's name ("local@domain" or "@domain"):
 *
 *	correction = version model-version tables spam ham threshold *bits *bias
 *		     *( count *( distance change ) )
 *
 * all of them LEB128 numbers (leb.h), threshold, bias and change signed and in MR_SPAM_UNIT,
 * distances between slots, which rise. What does not read is an error, and the caller scores without
 * it: a correction may always be lost, since it can be made again from the lessons.
 *
 * A struct mr_spam_correction does not change once it was read: any thread.
 */
#ifndef MR_SPAM_CORRECTION_H
#define MR_SPAM_CORRECTION_H

#include "lib/base/mr_arena.h"
#include "lib/mail/mr_name.h"
#include "milters/spam/score.h"

#define MR_SPAM_CORRECTION_VERSION 1
/* Weights that one owner may change; the strongest are kept. */
#define MR_SPAM_CORRECTION_MAX 16384
/* Of the bytes: 4 for a distance, 3 for a change. Read, it takes twice as much of an arena. */
#define MR_SPAM_CORRECTION_SIZE_MAX ((size_t)7 * MR_SPAM_CORRECTION_MAX + 256)
#define MR_SPAM_CORRECTION_ROOM     ((size_t)256 << 10) /* of an arena, for one, bytes and all */
#define MR_SPAM_CORRECTION_BY_MAX   (1 << 17) /* of a change: 128 of log-odds */
#define MR_SPAM_CORRECTION_INDEX    1024 /* parts of a table */

struct mr_spam_change {
	uint32_t slot;
	int32_t by; /* in MR_SPAM_UNIT, not 0 */
};

struct mr_spam_correction {
	uint32_t spam_count, ham_count; /* lessons it was made of */
	double threshold; /* added to the model's */
	uint32_t bits[MR_SPAM_TABLES]; /* of the model that it was made on */
	double bias[MR_SPAM_JUDGES];
	uint32_t count[MR_SPAM_TABLES];
	struct mr_spam_change *change[MR_SPAM_TABLES]; /* by rising slot */
	uint32_t *start[MR_SPAM_TABLES]; /* private: where each part of the table begins */
};

/* A name as lessons and corrections have it: "local@domain" or "@domain", spelled as mr_name.h spells
 * both. MR_EINVAL, MR_ELIMIT. */
#define MR_SPAM_OWNER_SIZE (MR_NAME_LOCAL_MAX + 1 + MR_NAME_DOMAIN_MAX + 1)
MR_MUST_USE int mr_spam_owner(struct mr_span address, char out[MR_SPAM_OWNER_SIZE]);

/*
 * Read the bytes of one; what comes out is in arena. MR_ECORRUPT: cut short, too large, or no
 * correction; MR_EINVAL: of another version; MR_ENOMEM.
 */
MR_MUST_USE int mr_spam_correction_read(struct mr_span bytes, struct mr_arena *arena,
					struct mr_spam_correction *correction_out);

/* Append the bytes of one to out; slots rise, of each table, and all are at most
 * MR_SPAM_CORRECTION_MAX. start is not looked at. MR_ELIMIT, MR_ENOMEM. */
MR_MUST_USE int mr_spam_correction_write(const struct mr_spam_correction *correction,
					 struct mr_buf *out);

/* The change of slot, or 0. */
int mr_spam_correction_at(const struct mr_spam_correction *correction, unsigned table,
			  uint32_t slot);

/*
 * The model as count corrections change it (at most MR_SPAM_CORRECTIONS_MAX: the domain's and the
 * user's): a view that lives as long as the model and they do, for mr_spam_score(), explain and
 * status; never to be closed. Those made on tables of another size are left out. The sum of weights
 * knows no order.
 */
struct mr_spam_model mr_spam_model_corrected(const struct mr_spam_model *model,
					     const struct mr_spam_correction *corrections,
					     unsigned count);

/* mr_spam_score() by that view. */
void mr_spam_score_corrected(const struct mr_spam_model *model,
			     const struct mr_spam_correction *corrections, unsigned count,
			     const struct mr_spam_features *f, struct mr_spam_score *score_out);

#endif
