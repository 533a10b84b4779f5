/*
 * current: the model in force in a program that runs. When the file is replaced (millrace spam learn,
 * or whatever writes it whole and renames it), the next message is scored by the new one: the file is
 * looked at once a second at most, by stat(2), and read by the thread that finds it changed, while
 * others go on with the model they have. A file that does not read is logged once, and the model in
 * use stays. Any thread.
 */
#ifndef MR_SPAM_CURRENT_H
#define MR_SPAM_CURRENT_H

#include "milters/spam/model.h"

#define MR_SPAM_CURRENT_LOOK_MS 1000

struct mr_spam_current;

/*
 * Open the model at path; where there is none, or path is empty, the built-in one counts. Errors of
 * mr_spam_model_open(), logged; never MR_ENOENT. builtin: a file that does not read is replaced by the
 * built-in model, which a log line says, and only MR_ENOMEM is an error.
 */
MR_MUST_USE int mr_spam_current_open(const char *path, bool builtin,
				     struct mr_spam_current **current_out);
/* Nobody holds a model of it any more. NULL is allowed. */
void mr_spam_current_close(struct mr_spam_current *current);
MR_AUTO_DECLARE(mr_spam_current, mr_spam_current_close)

/* The model in force, which lives until it is given back. */
const struct mr_spam_model *mr_spam_current_get(struct mr_spam_current *current, int64_t now_ms);
void mr_spam_current_put(struct mr_spam_current *current, const struct mr_spam_model *model);

#endif
