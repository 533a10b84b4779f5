/*
 * train: from a set of lessons to a model. The model is a function of the set and of the model it
 * starts from, never of the order in which lessons came: they are taken in the order of their
 * digests, several times over, in whole numbers and plain arithmetic, so every host gets the same
 * bytes. Taking a lesson out of the set and training again is what unlearns it.
 *
 * A lesson moves weights only where the model is wrong by more than MR_SPAM_ERROR_MIN, so what it
 * knows already costs no more than a scoring. One thread at a time.
 */
#ifndef MR_SPAM_TRAIN_H
#define MR_SPAM_TRAIN_H

#include "milters/spam/model.h"
#include "milters/spam/view.h"

#define MR_SPAM_ERROR_MIN 0.05

struct mr_spam_trainer;

/* For at most lessons_size_max bytes of lessons. NULL: out of memory. */
MR_MUST_USE struct mr_spam_trainer *mr_spam_trainer_new(size_t lessons_size_max);
/* NULL is allowed. */
void mr_spam_trainer_free(struct mr_spam_trainer *t);
MR_AUTO_DECLARE(mr_spam_trainer, mr_spam_trainer_free)

/*
 * Add a lesson (lesson.h), copied. teacher: what tells two lessons of one message apart. Returns 0,
 * or MR_ESYNTAX, MR_EINVAL: no lesson, of another version; MR_ELIMIT: too many; MR_ENOMEM.
 */
MR_MUST_USE int mr_spam_trainer_add(struct mr_spam_trainer *t,
				    const uint8_t digest[MR_SPAM_DIGEST_SIZE],
				    struct mr_span teacher, bool spam, struct mr_span lesson);
/*
 * As mr_spam_trainer_add(), a lesson that was taken back: mr_spam_trainer_step() moves what it shows
 * towards what its base says of it. Not for mr_spam_trainer_run(), which takes the lessons that are
 * left.
 */
MR_MUST_USE int mr_spam_trainer_take_back(struct mr_spam_trainer *t,
					  const uint8_t digest[MR_SPAM_DIGEST_SIZE],
					  struct mr_span lesson);
/* Forget all lessons; the memory stays for the next ones. */
void mr_spam_trainer_clear(struct mr_spam_trainer *t);
size_t mr_spam_trainer_count(const struct mr_spam_trainer *t);

/* done of all steps are made. */
typedef void mr_spam_progress_fn(void *arg, size_t done, size_t all);

/* Who teaches so few expects to see each of them at work. Of more, some are wrong, or say the contrary
 * of others, and to insist would be to learn them by heart. */
#define MR_SPAM_FEW 100

/*
 * Train on all lessons, starting from base; the model file's bytes come in out. fp_max: the share of
 * good messages that may lie above the threshold. progress may be NULL. Up to MR_SPAM_FEW lessons are
 * insisted on, as in mr_spam_trainer_delta(). MR_ENOMEM, MR_ELIMIT (out's).
 */
MR_MUST_USE int mr_spam_trainer_run(struct mr_spam_trainer *t, const struct mr_spam_model *base,
				    double fp_max, mr_spam_progress_fn *progress, void *arg,
				    struct mr_buf *out);

/*
 * A step: the lessons at hand at once, on top of model, which knows others already; they are insisted
 * on, and the threshold moves with known good mail. It costs what a few lessons cost, and the file says that it was stepped:
 * unlike mr_spam_trainer_run() it depends on the order in which lessons come. base: what model was
 * once trained from. MR_ENOMEM, MR_ELIMIT (out's).
 */
MR_MUST_USE int mr_spam_trainer_step(struct mr_spam_trainer *t, const struct mr_spam_model *model,
				     const struct mr_spam_model *base, struct mr_buf *out);

/*
 * What the lessons at hand change in model (which may be seen through corrections): all weights, the
 * biases, the threshold. insist: they are moved on until each is on its side of the threshold by a
 * point, or MR_SPAM_INSIST_MAX times: who taught a message wants it to be where he said. The
 * changes live in t until its next call. MR_ENOMEM.
 */
#define MR_SPAM_INSIST_MAX 40
struct mr_spam_correction;
MR_MUST_USE int mr_spam_trainer_delta(struct mr_spam_trainer *t, const struct mr_spam_model *model,
				      bool insist, struct mr_spam_correction *delta_out);

#endif
