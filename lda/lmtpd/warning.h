/*
 * warning: the letter to somebody whose mailbox is nearly full, or, where it is the shared quota, to the
 * domain's postmaster. Its text is plain, and the operator may write his own (setting quota_warning):
 * the first line is the subject, after an empty line comes the text; in both
 *
 *	%{address} %{percent} %{used} %{limit} %{messages} %{messages_limit}
 *
 * stand for what is so now; a limit that is none is "-". It goes by reinject (lib/run/mr_own.h), without
 * a sender (RFC 3834), so nobody answers it, and a full mailbox takes it (lib/store/mr_quota.h).
 */
#ifndef WARNING_H
#define WARNING_H

#include "lda/lmtpd/settle.h"
#include "lib/run/mr_own.h"

#define MR_WARNING_TEMPLATE_MAX 16384 /* octets */

/* What is used where the operator has none. */
extern const char mr_warning_user[], mr_warning_domain[];

/* MR_EINVAL: no template: no subject, a name in %{} that is none, no UTF-8, too long. */
MR_MUST_USE int mr_warning_check(struct mr_span text);

/* Write the letter; text: a template. host: ours. Errors of out. */
MR_MUST_USE int mr_warning_put(struct mr_buf *out, struct mr_span text,
			       const struct mr_quota_warning *warning, const char *host,
			       int64_t date_s);

/* Write and send it; an empty text: our own. As mr_own_send(). */
MR_MUST_USE int mr_warning_send(struct mr_own *own, struct mr_span text,
				const struct mr_quota_warning *warning, int64_t date_s);

#endif
