/*
 * vacation: automatic replies of users who are away (RFC 3834), by the settings vacation_*
 * (lib/store/mr_user_settings.h). The decision is pure; what it needs of the message is read once. After a
 * message was delivered, an answer goes to its envelope's sender by `reinject`, from the null sender; whom
 * a user has answered is in the group limits of the store. What goes wrong is logged, and nobody is
 * answered: the mail is delivered all the same.
 */
#ifndef VACATION_H
#define VACATION_H

#include "lda/lmtpd/recipient.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_addr.h"

#define MR_VACATION_ADDRS_MAX 200 /* of To, Cc and their like, that are looked at */
#define MR_VACATION_LOOKUPS_MAX                                                                    \
	20 /* of them that are looked up, whether they are an alias of his */
#define MR_VACATION_REFS_MAX 2000 /* octets of References in the answer */
#define MR_VACATION_RETRY_MS 1000 /* a store that could not be opened is tried again after this */

/* What the header says, in arena. */
struct mr_vacation_mail {
	bool automatic; /* Auto-Submitted, other than "no" */
	bool list; /* List-*, or another mark of a mailing list */
	bool bulk; /* Precedence: bulk, list, junk */
	struct mr_span message_id; /* "<a@b>"; empty: none, or none that is one */
	struct mr_span references; /* "<c@d> <e@f>", of References, else In-Reply-To */
	struct mr_span subject; /* as it was written */
	const struct mr_addr *addr; /* To, Cc, Bcc, and the same with Resent- */
	size_t addr_count;
};

/* Read the header that content begins with; LF ends its lines. MR_ENOMEM. */
MR_MUST_USE int mr_vacation_read(struct mr_span content, struct mr_arena *arena,
				 struct mr_vacation_mail *mail_out);

/* Why there is no answer. */
enum mr_vacation_why {
	MR_VACATION_ANSWER,
	MR_VACATION_OFF, /* not switched on, no text, or not this day */
	MR_VACATION_SPAM,
	MR_VACATION_NULL_SENDER, /* a bounce, or another answer */
	MR_VACATION_ROBOT, /* mailer-daemon, owner-, -request and their like */
	MR_VACATION_SELF,
	MR_VACATION_AUTOMATIC,
	MR_VACATION_LIST,
	MR_VACATION_BULK,
};

/* All but whether he is addressed, and whether the sender was answered already: they cost questions. from: the
 * envelope's sender; local, domain: the user, as mr_name.h spells them. */
enum mr_vacation_why mr_vacation_decide(const struct mr_user_settings *settings,
					const struct mr_vacation_mail *mail,
					const struct mr_smtp_path *from, struct mr_span local,
					struct mr_span domain, bool spam, int64_t now_s);

struct mr_vacation;

/* store: the setting. NULL: out of memory. */
MR_MUST_USE struct mr_vacation *mr_vacation_new(const char *store, struct mr_clock clock);
/* NULL is allowed. */
void mr_vacation_free(struct mr_vacation *v);

/* Answer, if it is to be, the sender of mail, which was delivered to target; spam: for him. */
void mr_vacation_answer(const struct mr_deliver *d, struct mr_lmtp_mail *mail,
			const struct mr_target *target, bool spam);

#endif
