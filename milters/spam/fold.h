/*
 * fold: text as a reader sees it: signs of no width gone, letters in ornamental forms (full width,
 * mathematical, circled) and with accents as plain ones, Unicode's spaces and punctuation as a blank. A
 * letter of another alphabet that looks like a Latin one becomes that where it stands in a word with
 * Latin letters, or where the text has no letter of another alphabet that looks like none: Russian and
 * Greek words stay as they are.
 *
 * Tables: fold_table.c, made by tools/dev/gen-fold.py. One pass or two, linear; any thread.
 */
#ifndef MR_SPAM_FOLD_H
#define MR_SPAM_FOLD_H

#include "lib/base/mr_arena.h"
#include "milters/spam/trick.h"

/* text, UTF-8 or what passes for it, folded: text itself where it is ASCII, else a shorter one in arena,
 * or one as long. What was undone is counted in tricks (may be NULL). MR_ENOMEM. */
MR_MUST_USE int mr_spam_fold(struct mr_span text, struct mr_arena *arena,
			     struct mr_spam_tricks *tricks, struct mr_span *folded_out);

/* Private: what the character looks like: the page's number by code / MR_SPAM_FOLD_PAGE, then a small
 * letter, a digit, ' or -; MR_SPAM_FOLD_DROP; a blank; 0: itself. */
#define MR_SPAM_FOLD_SIZE 0x20000
#define MR_SPAM_FOLD_PAGE 64
#define MR_SPAM_FOLD_DROP 1
extern const uint8_t mr_spam_fold_index[MR_SPAM_FOLD_SIZE / MR_SPAM_FOLD_PAGE];
extern const uint8_t mr_spam_fold_page[][MR_SPAM_FOLD_PAGE];

#endif
