/*
 * mr_random: random numbers for ids, tokens and keys, from the kernel. Logic that a test must repeat
 * takes a struct mr_rng instead.
 */
#ifndef MR_RANDOM_H
#define MR_RANDOM_H

#include "lib/base/mr_def.h"

/* Fill size bytes, fit for keys. Cannot fail: the process ends where the kernel has none. */
void mr_random(void *out, size_t size);

/* An id of 128 random bits as 26 letters and digits (Crockford's base 32, lower case) and a NUL. */
#define MR_ID_SIZE 27
void mr_random_id(char out[MR_ID_SIZE]);

/* A sequence that its seed decides: for shuffling, jitter and tests, never for secrets. */
struct mr_rng {
	uint64_t state; /* private */
};
void mr_rng_init(struct mr_rng *rng, uint64_t seed);
uint64_t mr_rng_next(struct mr_rng *rng);
/* 0 to below - 1, below > 0. */
uint64_t mr_rng_below(struct mr_rng *rng, uint64_t below);

#endif
