/*
 * sorting: from what the milter said about a message to where the copy of one recipient goes, and what
 * that copy says: his threshold, what he and his domain have taught, and whether spam goes into a
 * folder, gets a word before its subject, or lies among the rest (lib/store/mr_user_settings.h).
 *
 * The fields of our milter in his copy then tell the truth for him (docs/HEADERS.md). None of this
 * changes what the message teaches when it is learned from the mailbox: milters/spam/view.h.
 */
#ifndef SORTING_H
#define SORTING_H

#include "lda/lmtpd/content.h"
#include "lib/store/mr_store_senders.h"
#include "lib/store/mr_user_settings.h"

#define MR_POINTS_NONE INT32_MIN

/* What has decided whether his copy is spam. */
enum mr_reason {
	MR_REASON_UNSCORED, /* nobody scored it: it is none */
	MR_REASON_FLAG, /* the flag of another filter than ours */
	MR_REASON_SCORE, /* its score for all, against the filter's own threshold */
	MR_REASON_THRESHOLD, /* ... against his: with the filter's own it would be otherwise */
	MR_REASON_LESSONS, /* what he and his domain have taught: without it, it would be otherwise */
	MR_REASON_FRIEND,
	MR_REASON_BLOCK,
};
/* "score". */
const char *mr_reason_name(enum mr_reason reason);

/* Points are thousandths, as the fields show them. */
struct mr_sorting {
	bool spam, tagged;
	bool filed; /* into the Spam folder */
	enum mr_reason reason;
	bool scored; /* our milter's fields are there, and may be written anew */
	int score, shared; /* his; the milter's. MR_POINTS_NONE: none */
	int threshold;
};

/*
 * Decide. judge: NULL: there is none. His copy is spam where the milter says so, or, where it scored
 * the message, where his score reaches his threshold; but a friend's is not, and a blocked sender's is.
 * Spam goes where he wants it; a blocked sender's never among the rest, untold.
 */
void mr_sort(struct mr_lmtp_mail *mail, const struct mr_user_settings *settings,
	     struct mr_span local, struct mr_span domain, struct mr_judge *judge,
	     enum mr_sender_action says, struct mr_sorting *sorting_out);

/* Append the content of the mail, as it is in his copy, to file. MR_ETEMP, MR_EFULL, MR_ENOMEM. */
MR_MUST_USE int mr_sort_copy(const struct mr_lmtp_mail *mail,
			     const struct mr_user_settings *settings,
			     const struct mr_sorting *sorting, struct mr_maildir_file *file);

#endif
