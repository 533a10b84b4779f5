/*
 * mr_scan: the two searches that a mail parser spends its time in, 16 octets at a step where the
 * machine has SSE2 (all of amd64), else by memchr(3).
 */
#ifndef MR_SCAN_H
#define MR_SCAN_H

#include "lib/base/mr_def.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first octet of p to end that is a or b; end when there is none. */
static inline const char *mr_scan_either(const char *p, const char *end, char a, char b)
{
#ifdef __SSE2__
	const __m128i as = _mm_set1_epi8(a), bs = _mm_set1_epi8(b);

	for (; end - p >= 16; p += 16) {
		__m128i in = _mm_loadu_si128((const __m128i *)(const void *)p);
		int hits = _mm_movemask_epi8(
			_mm_or_si128(_mm_cmpeq_epi8(in, as), _mm_cmpeq_epi8(in, bs)));

		if (hits)
			return p + __builtin_ctz((unsigned)hits);
	}
#endif
	while (p < end && *p != a && *p != b)
		p++;
	return p;
}

/* The start of the first line after the one p is in that begins with "--"; NULL: there is none. */
static inline const char *mr_scan_dashes(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i lf = _mm_set1_epi8('\n'), dash = _mm_set1_epi8('-');

	for (; end - p >= 18; p += 16) {
		__m128i first = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i second = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
		__m128i third = _mm_loadu_si128((const __m128i *)(const void *)(p + 2));
		int hits = _mm_movemask_epi8(_mm_and_si128(
			_mm_cmpeq_epi8(first, lf),
			_mm_and_si128(_mm_cmpeq_epi8(second, dash), _mm_cmpeq_epi8(third, dash))));

		if (hits)
			return p + __builtin_ctz((unsigned)hits) + 1;
	}
#endif
	while ((p = end - p >= 3 ? memchr(p, '\n', (size_t)(end - p) - 2) : NULL)) {
		p++;
		if (p[0] == '-' && p[1] == '-')
			return p;
	}
	return NULL;
}

#endif
