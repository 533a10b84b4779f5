/*
 * answer: what filters before ours found out about a message, as features: Authentication-Results,
 * X-Millrace-RBL, X-Virus-Status, X-Millrace-TLS, X-Encryption (docs/HEADERS.md), and the points of an
 * upstream scorer. No answer has a score of its own: what it is worth is learned, like a word's weight.
 *
 * Only what f->belief says is ours counts (lib/mail/mr_belief.h), and only where it stands on arrival:
 * above the topmost Received that came with the message. It is the same in a stored message, where the
 * MTA's own Received and our fields have come above or among them. A file from elsewhere, and a
 * message that no answer came to, has no features of this family, and scores as if there were none.
 *
 * They are no part of the digest: a message is the same message with them and without.
 */
#ifndef MR_SPAM_ANSWER_H
#define MR_SPAM_ANSWER_H

#include "milters/spam/feature.h"
#include "milters/spam/view.h"

#define MR_SPAM_ANSWER_TEXT_MAX 300 /* bytes of what an answer is remembered by */
#define MR_SPAM_RBL_HITS_MAX    32 /* of one X-Millrace-RBL; a longer one is not read */
#define MR_SPAM_RBL_POINTS_MAX  20 /* points of all lists together, from minus that to that */

/* MR_ENOMEM. */
MR_MUST_USE int mr_spam_answer_add(const struct mr_spam_view *view, struct mr_arena *arena,
				   struct mr_spam_features *f);

#endif
