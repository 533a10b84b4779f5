/*
 * html: an HTML text as features: its visible words, its tags and what is odd about them, its links.
 */
#ifndef MR_SPAM_HTML_H
#define MR_SPAM_HTML_H

#include "lib/base/mr_arena.h"
#include "milters/spam/text.h"

/* words: where the visible words go. MR_ENOMEM. */
MR_MUST_USE int mr_spam_html_add(struct mr_spam_words *words, struct mr_span html,
				 struct mr_arena *arena);

#endif
