/*
 * mr_name: domains and local parts as we keep and compare them. The directory, the LDA and the
 * command line agree on one spelling through these two functions.
 */
#ifndef MR_NAME_H
#define MR_NAME_H

#include "lib/base/mr_span.h"

#define MR_NAME_DOMAIN_MAX 255 /* octets (RFC 1035 2.3.4) */
#define MR_NAME_LABEL_MAX  63 /* octets of an ASCII label; of a UTF-8 one, a bound of ours too */
#define MR_NAME_LOCAL_MAX  64 /* octets (RFC 5321 4.5.3.1.1) */

/*
 * Write domain to out, in ASCII lower case and ending in NUL. Letters, digits, hyphens inside a label, and
 * UTF-8 above ASCII (U-labels, RFC 6531 3.3); one dot at the end is dropped. Returns its length, or
 * MR_EINVAL: none of that; MR_ELIMIT: too long. out is then the empty string.
 */
MR_MUST_USE int mr_name_domain(struct mr_span domain, char out[MR_NAME_DOMAIN_MAX + 1]);

/*
 * Write a local part of our own users to out, ending in NUL: what an atom or dot-atom may hold (RFC 5321 4.1.2,
 * RFC 6531 3.3), without "/", since it becomes a folder; nothing that begins or ends in a dot.
 *
 * How it is spelled is RFC 8265 3.3, the profile UsernameCaseMapped: full-width and half-width characters become the
 * usual ones, letters lower case, all of it NFC; then it must be of the IdentifierClass (RFC 8264 4.2), and of one
 * direction of writing (RFC 5893 2). So whoever is written in one way or another is one user. ASCII needs nothing of
 * that but lower case. Returns its length, or MR_EINVAL, MR_ELIMIT as above; MR_ELIMIT also: no memory.
 */
MR_MUST_USE int mr_name_local(struct mr_span local, char out[MR_NAME_LOCAL_MAX + 1]);

/* local@domain at the last @, which a quoted local part may hold too. MR_EINVAL: no @, or nothing on
 * one of its sides. */
MR_MUST_USE int mr_name_split(struct mr_span address, struct mr_span *local_out,
			      struct mr_span *domain_out);

#endif
