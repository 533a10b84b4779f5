/*
 * mr_align: whether what was authenticated is what people see: the domain of From (RFC 7489 3.1,
 * "relaxed": both have the same registrable domain). For the spam filter, and for delivery, where
 * only an aligned pass proves a friend.
 *
 * Domains are compared as they are written, ASCII case and a dot at the end aside: one in UTF-8 is
 * not the same as its xn-- form, which is the safe side. Linear. Any thread.
 */
#ifndef MR_ALIGN_H
#define MR_ALIGN_H

#include "lib/mail/mr_authres.h"
#include "lib/mail/mr_msg.h"
#include "lib/mail/mr_psl.h"

/*
 * The domain of From, in lower case in buf. Returns 0; MR_ENOENT: it cannot be said whose message this
 * is: there is no From, or several fields of that name (RFC 5322 3.6), or not exactly one address in it
 * (RFC 7489 6.6.1), or what is behind the "@" is no domain; MR_ENOMEM: of arena.
 */
MR_MUST_USE int mr_align_from(const struct mr_msg *msg, struct mr_arena *arena,
			      char buf[MR_DOMAIN_MAX], struct mr_span *domain_out);

/*
 * The domain that a result speaks of, in lower case in buf: dkim: header.d, else that of header.i;
 * spf: of smtp.mailfrom, or of smtp.helo where that is empty or absent (RFC 7208 2.4); dmarc: of
 * header.from. Empty: it names none, or it is another method, or a version of it other than 1.
 */
struct mr_span mr_align_identity(const struct mr_authres *ar,
				 const struct mr_authres_result *result, char buf[MR_DOMAIN_MAX]);

/* a and b, domains as above, are in one registrable domain, by psl; where it is NULL, or knows none
 * for them, they are equal. Empty ones never are. */
bool mr_align(struct mr_span a, struct mr_span b, const struct mr_psl *psl);

/* A dkim or spf result of ar is a pass, and aligned with domain; or dmarc, which looks at just that, is
 * a pass for domain itself. Whether ar is to be believed is for the caller to know (mr_belief.h). */
bool mr_align_pass(const struct mr_authres *ar, struct mr_span domain, const struct mr_psl *psl);

#endif
