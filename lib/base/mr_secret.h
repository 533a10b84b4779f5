/*
 * mr_secret: a password, token or key: locked in memory, left out of core files, wiped when done.
 * Never formatted, never logged.
 */
#ifndef MR_SECRET_H
#define MR_SECRET_H

#include "lib/base/mr_span.h"

#define MR_SECRET_MAX 1024 /* bytes of one secret */

struct mr_secret {
	uint8_t *bytes; /* private: sodium_malloc */
	size_t size;
};

/* Copy s. MR_ELIMIT: longer than MR_SECRET_MAX; MR_ENOMEM, also when no more may be locked. */
MR_MUST_USE int mr_secret_init(struct mr_secret *secret, struct mr_span s);
void mr_secret_done(struct mr_secret *secret);
struct mr_span mr_secret_span(const struct mr_secret *secret);
/* In time that depends on the lengths alone. */
bool mr_secret_eq(struct mr_span a, struct mr_span b);
/* Wipe memory in a way that the compiler keeps. */
void mr_secret_wipe(void *p, size_t size);

#endif
