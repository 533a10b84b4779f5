/*
 * hash: the 64-bit hash that names a feature, the same on every host for ever: model files and
 * lessons hold what it returned. Not for tables that an attacker could flood: a collision costs a
 * feature its own weight and nothing else.
 */
#ifndef MR_SPAM_HASH_H
#define MR_SPAM_HASH_H

#include <endian.h>
#include <string.h>

#include "lib/base/mr_span.h"

/* Every bit of x moves every bit of the result (two rounds of multiply and shift). */
static inline uint64_t mr_spam_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xD6E8FEB86659FD93u;
	x ^= x >> 32;
	x *= 0xD6E8FEB86659FD93u;
	return x ^ x >> 32;
}

/* Up to 8 bytes as a little-endian number. */
static inline uint64_t mr_spam_load(const char *p, size_t len)
{
	uint64_t v = 0;

	memcpy(&v, p, len < sizeof(v) ? len : sizeof(v));
	return le64toh(v);
}

/* The hash of s under seed: a family, a field, a kind. */
static inline uint64_t mr_spam_hash(uint64_t seed, struct mr_span s)
{
	uint64_t h = seed ^ s.len * 0x9E3779B97F4A7C15u;
	const char *p = s.p;
	size_t left = s.len;

	for (; left >= 8; p += 8, left -= 8) {
		h = (h ^ mr_spam_load(p, 8)) * 0x9E3779B97F4A7C15u;
		h ^= h >> 29;
	}
	if (left > 0)
		h = (h ^ mr_spam_load(p, left)) * 0x9E3779B97F4A7C15u;
	return mr_spam_mix(h);
}

#endif
