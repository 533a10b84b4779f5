/*
 * mr_base64: RFC 2045 6.8 and RFC 4648 4, as mail needs it: octets outside the alphabet are skipped;
 * "=" ends a group of four, and what follows is decoded on, since some senders join what was encoded
 * in pieces. A group that ends early gives the octets it has bits for. Time is linear.
 */
#ifndef MR_BASE64_H
#define MR_BASE64_H

#include "lib/base/mr_span.h"

/* Decode into out, of size octets: what does not fit is left. Returns the octets written; never more
 * than in.len / 4 * 3 + 2. */
size_t mr_base64_decode(struct mr_span in, char *out, size_t size);
/* How many octets all of it decodes to. */
size_t mr_base64_len(struct mr_span in);

#endif
