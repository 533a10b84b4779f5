/*
 * sheet_group: whether rules that a style sheet has within "@media screen { }" or "@supports (...) { }"
 * count wherever mail is read in colour and on a screen. What one window, program or reader would decide
 * says no: to guess would let a rule that does not apply hide the spam from us. Linear; any thread.
 */
#ifndef MR_SPAM_SHEET_GROUP_H
#define MR_SPAM_SHEET_GROUP_H

#include "lib/base/mr_span.h"

#define MR_SPAM_PRELUDE_MAX 400 /* bytes between the name and the brace; a longer one says no */

/* prelude: from "@" up to the brace. */
bool mr_spam_sheet_group_counts(struct mr_span prelude);

#endif
