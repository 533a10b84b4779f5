#include "lib/base/mr_random.h"

#include <errno.h>
#include <sys/random.h>

void mr_random(void *out, size_t size)
{
	uint8_t *p = out;

	while (size > 0) {
		ssize_t got = getrandom(p, size, 0);

		MR_ASSERT(got > 0 || errno == EINTR);
		if (got > 0) {
			p += got;
			size -= (size_t)got;
		}
	}
}

void mr_random_id(char out[MR_ID_SIZE])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t bytes[MR_ID_SIZE - 1];

	mr_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		out[i] = digits[bytes[i] & 31];
	out[MR_ID_SIZE - 1] = '\0';
}

void mr_rng_init(struct mr_rng *rng, uint64_t seed)
{
	rng->state = seed;
}

/* SplitMix64 (Steele, Lea, Flood 2014): a counter through a mixing function. */
uint64_t mr_rng_next(struct mr_rng *rng)
{
	uint64_t z = rng->state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

uint64_t mr_rng_below(struct mr_rng *rng, uint64_t below)
{
	uint64_t limit = UINT64_MAX - UINT64_MAX % below, r;

	do { /* what lies above limit would favour the small numbers */
		r = mr_rng_next(rng);
	} while (r >= limit);
	return r % below;
}
