/*
 * mr_qp: quoted-printable (RFC 2045 6.7) as mail has it: "=" before what is no two hexadecimal
 * digits and no line ending stands for itself; lower-case digits are read; blanks at the end of a
 * line are dropped (6.7 rule 3); line endings stay as they are. Time is linear.
 */
#ifndef MR_QP_H
#define MR_QP_H

#include "lib/base/mr_span.h"

/* Decode into out, of size octets: what does not fit is left. Returns the octets written; never more
 * than in.len. */
size_t mr_qp_decode(struct mr_span in, char *out, size_t size);
/* How many octets all of it decodes to. */
size_t mr_qp_len(struct mr_span in);

#endif
