/*
 * model: the file with what the filter has learned: two tables of weights, and four judges that have
 * theirs in them: each is a logistic model of its own, trained on its own errors, so that a message
 * that is plain to one still teaches the others.
 * Whole numbers throughout, so that it holds no NaN and is the same file on every host.
 *
 * Little-endian:
 *	 0  8  "\211MRSPAM\n"
 *	 8  4  version (MR_SPAM_MODEL_VERSION: also of the features and how they are summed)
 *	12  4  flags: 1 trained on top of the built-in model
 *	16  8  bits of each table's size: words and all else, then grams
 *	24 16  bias of each judge, in MR_SPAM_UNIT of log-odds
 *	40  4  threshold: the log-odds that are worth 5.0 points, in MR_SPAM_UNIT
 *	44  4  entries of the reference
 *	48  8  spam lessons, ham lessons of the operator that it was built from
 *	56  8  lessons of users, and voices (domains) that taught them
 *	64  4  lessons that it was stepped by since it was built: 0, and its bytes are a function of base
 *	       and lessons
 *	68 28  0
 *	96 32  BLAKE2b of all other bytes
 *     128     weights, int16_t in MR_SPAM_UNIT
 *	       the reference: for each entry 4 bytes slot and, from bit 30, judge; 4 bytes share, in
 *	       2^-24
 *
 * The reference is the average good message that the model was first trained on: how much each slot
 * counts in it, on the whole. When lessons are added, what they move in it is what they move in good
 * mail that nobody taught, and the threshold moves by as much (train.c).
 *
 * A struct mr_spam_model does not change once it is open: any thread.
 */
#ifndef MR_SPAM_MODEL_H
#define MR_SPAM_MODEL_H

#include "lib/base/mr_buf.h"
#include "milters/spam/feature.h"

#define MR_SPAM_MODEL_VERSION  2
#define MR_SPAM_TABLES         2
#define MR_SPAM_TABLE_BITS_MIN 10
#define MR_SPAM_TABLE_BITS_MAX 22 /* two of them: 16 MiB */
#define MR_SPAM_TABLE_BITS     20 /* of a new model: 4 MiB */
#define MR_SPAM_UNIT           (1.0 / 1024)
#define MR_SPAM_MODEL_HEAD     128
#define MR_SPAM_REFERENCE_MAX  32768 /* entries, of 8 bytes each */
#define MR_SPAM_MODEL_SIZE_MAX                                                                     \
	(MR_SPAM_MODEL_HEAD + ((size_t)4 << MR_SPAM_TABLE_BITS_MAX) + 8 * MR_SPAM_REFERENCE_MAX)

/* Who speaks of what: words of the text; the header; how it is built and where it leads; bytes. */
enum mr_spam_judge { MR_SPAM_TEXT, MR_SPAM_HEADER, MR_SPAM_SHAPE, MR_SPAM_BYTES };
#define MR_SPAM_JUDGES 4

/* A user's on a domain's; see correction.h. */
#define MR_SPAM_CORRECTIONS_MAX 2
struct mr_spam_correction;

struct mr_spam_model {
	const int16_t *weight[MR_SPAM_TABLES]; /* little-endian */
	uint32_t bits[MR_SPAM_TABLES];
	double bias[MR_SPAM_JUDGES];
	double threshold;
	uint32_t spam_count, ham_count; /* lessons of the operator it was built from */
	uint32_t user_count, voices; /* lessons of users, and the domains that taught them */
	uint32_t stepped; /* lessons since then */
	bool on_builtin;
	struct mr_span reference; /* its bytes */
	/* Lent, added to the weights; of an open file none: mr_spam_model_corrected(). */
	const struct mr_spam_correction *correction[MR_SPAM_CORRECTIONS_MAX];
	unsigned corrections;
	void *owned; /* private */
};

/*
 * Open the model in the file at path: it is read into memory, and one that zstd has compressed is
 * unpacked, so what happens to the file afterwards does not matter. Returns 0, or MR_ENOENT;
 * MR_ECORRUPT: no model, cut short, too large, damaged; MR_EINVAL: another version; MR_EPERM,
 * MR_ETEMP, MR_ENOMEM. error, if not NULL, says what is wrong with which file.
 */
MR_MUST_USE int mr_spam_model_open(const char *path, struct mr_spam_model *model_out,
				   struct mr_buf *error);
/* The same for bytes that outlive the model. */
MR_MUST_USE int mr_spam_model_read(struct mr_span bytes, struct mr_spam_model *model_out,
				   struct mr_buf *error);
/* The one that is part of the program, trained by `make model`. MR_ENOMEM. */
MR_MUST_USE int mr_spam_model_builtin(struct mr_spam_model *model_out);
/* One that knows nothing: every message scores 0. MR_ENOMEM. */
MR_MUST_USE int mr_spam_model_empty(struct mr_spam_model *model_out);
void mr_spam_model_done(struct mr_spam_model *model);

/* The table that a judge's weights are in. */
static inline unsigned mr_spam_judge_table(enum mr_spam_judge judge)
{
	return judge == MR_SPAM_BYTES ? 1 : 0;
}

/* Entry i of the reference. */
struct mr_spam_reference {
	enum mr_spam_judge judge;
	uint32_t slot;
	double share;
};
struct mr_spam_reference mr_spam_model_reference(const struct mr_spam_model *model, size_t i);
static inline size_t mr_spam_model_reference_count(const struct mr_spam_model *model)
{
	return model->reference.len / 8;
}
/* Append an entry to what will be model->reference. Errors show in mr_buf_err(). */
void mr_spam_reference_put(struct mr_buf *reference, enum mr_spam_judge judge, uint32_t slot,
			   double share);

/* The bytes of a model file, in out; weights are little-endian already. MR_ENOMEM, MR_ELIMIT. */
MR_MUST_USE int mr_spam_model_write(const struct mr_spam_model *model, struct mr_buf *out);

/* The judge that a family speaks through. */
static inline enum mr_spam_judge mr_spam_judge(enum mr_spam_family family)
{
	switch (family) {
	case MR_SPAM_WORD:
		return MR_SPAM_TEXT;
	case MR_SPAM_HEAD:
	case MR_SPAM_NAME:
	case MR_SPAM_ANSWER:
		return MR_SPAM_HEADER;
	case MR_SPAM_HTML:
	case MR_SPAM_URL:
		return MR_SPAM_SHAPE;
	case MR_SPAM_GRAM:
		break;
	}
	return MR_SPAM_BYTES;
}

/* The table that a family's weights are in. */
static inline unsigned mr_spam_table(enum mr_spam_family family)
{
	return mr_spam_judge_table(mr_spam_judge(family));
}

#endif
