/*
 * mr_scan: the two searches that a mail parser spends its time in, 16 octets at a step where the
 * machine has SSE2 (all of amd64), else by memchr(3).
 */
#ifndef MR_SCAN_H
#define MR_SCAN_H

#include "lib/base/mr_def.h"

#include <string.h>

#if defined(__SSE2__) && !defined(MR_SCAN_PORTABLE) /* which a test defines */
#define MR_SCAN_SSE2
#include <emmintrin.h>
#endif

/* The first octet of p to end that is a or b; end when there is none. */
static inline const char *mr_scan_either(const char *p, const char *end, char a, char b)
{
#ifdef MR_SCAN_SSE2
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

/* The first octet of p to end that no name of a field can hold (RFC 5322 2.2: it holds printable
 * US-ASCII but colon); end when there is none. */
static inline const char *mr_scan_not_ftext(const char *p, const char *end)
{
#ifdef MR_SCAN_SSE2
	const __m128i low = _mm_set1_epi8(' '), high = _mm_set1_epi8(0x7f);

	for (; end - p >= 16; p += 16) { /* signed: what is above 0x7f is below 0 */
		__m128i in = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i ok = _mm_and_si128(_mm_cmpgt_epi8(in, low), _mm_cmplt_epi8(in, high));
		int hits = _mm_movemask_epi8(
			_mm_andnot_si128(_mm_cmpeq_epi8(in, _mm_set1_epi8(':')), ok));

		if (hits != 0xffff)
			return p + __builtin_ctz(~(unsigned)hits);
	}
#endif
	while (p<end && * p> ' ' && *p <= '~' && *p != ':')
		p++;
	return p;
}

/* The start of the first line after the one p is in that begins with "--"; NULL: there is none. */
static inline const char *mr_scan_dashes(const char *p, const char *end)
{
#ifdef MR_SCAN_SSE2
	const __m128i dash = _mm_set1_epi8('-');

	/* Two dashes are rare enough to look for them first. A step needs two octets beyond it. */
	for (; end - p >= 34; p += 32) {
		const __m128i *at = (const __m128i *)(const void *)(p + 1);
		const __m128i *next = (const __m128i *)(const void *)(p + 2);
		__m128i a = _mm_and_si128(_mm_cmpeq_epi8(_mm_loadu_si128(at), dash),
					  _mm_cmpeq_epi8(_mm_loadu_si128(next), dash));
		__m128i b = _mm_and_si128(_mm_cmpeq_epi8(_mm_loadu_si128(at + 1), dash),
					  _mm_cmpeq_epi8(_mm_loadu_si128(next + 1), dash));
		unsigned hits;

		if (!_mm_movemask_epi8(_mm_or_si128(a, b)))
			continue;
		hits = (unsigned)_mm_movemask_epi8(a) | (unsigned)_mm_movemask_epi8(b) << 16;
		for (; hits; hits &= hits - 1) {
			const char *lf = p + __builtin_ctz(hits);

			if (*lf == '\n')
				return lf + 1;
		}
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
