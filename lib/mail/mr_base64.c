#include "lib/mail/mr_base64.h"

#define NONE 0xff /* octet outside the alphabet; its high bits tell it from the values 0 to 63 */
#define X8   NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE

/* RFC 4648 4, table 1 */
/* clang-format off */
static const uint8_t values[256] = {
	X8, X8, X8, X8, X8,
	NONE, NONE, NONE, 62, NONE, NONE, NONE, 63, /* "+" and "/" */
	52, 53, 54, 55, 56, 57, 58, 59, /* "0" to "9" */
	60, 61, NONE, NONE, NONE, NONE, NONE, NONE,
	NONE, 0, 1, 2, 3, 4, 5, 6, /* "A" to "Z" */
	7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22,
	23, 24, 25, NONE, NONE, NONE, NONE, NONE,
	NONE, 26, 27, 28, 29, 30, 31, 32, /* "a" to "z" */
	33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48,
	49, 50, 51, NONE, NONE, NONE, NONE, NONE,
	X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8,
};
/* clang-format on */

static uint8_t value_of(char c)
{
	return values[(uint8_t)c];
}

/* Groups of four without anything between them, which is nearly all of a body. */
static const char *whole_groups(const char *p, const char *end, char **out, const char *out_end)
{
	while (end - p >= 4 && out_end - *out >= 3) {
		uint32_t a = value_of(p[0]), b = value_of(p[1]);
		uint32_t c = value_of(p[2]), d = value_of(p[3]);
		uint32_t bits = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) > 63)
			break;
		(*out)[0] = (char)(bits >> 16);
		(*out)[1] = (char)(bits >> 8);
		(*out)[2] = (char)bits;
		*out += 3;
		p += 4;
	}
	return p;
}

/* The octets that the digits of a group (0 to 4) are good for. */
static size_t group_put(uint32_t bits, unsigned digits, char *out, size_t size)
{
	size_t len = digits > 1 ? digits - 1u : 0;

	bits <<= 6 * (4 - digits);
	if (len > size)
		len = size;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(bits >> (16 - 8 * i));
	return len;
}

size_t mr_base64_decode(struct mr_span in, char *out, size_t size)
{
	const char *p = in.p, *end = mr_span_end(in), *out_end = out + size;
	char *start = out;
	uint32_t bits = 0;
	unsigned digits = 0;

	while (p < end && out < out_end) {
		uint8_t value;

		if (digits == 0)
			p = whole_groups(p, end, &out, out_end);
		if (p == end)
			break;
		value = value_of(*p);
		if (value != NONE) {
			bits = bits << 6 | value;
			digits++;
		}
		if (digits == 4 || *p == '=') {
			out += group_put(bits, digits, out, (size_t)(out_end - out));
			bits = 0;
			digits = 0;
		}
		p++;
	}
	out += group_put(bits, digits, out, (size_t)(out_end - out));
	return (size_t)(out - start);
}

/* Digits of the alphabet in p to end. Blocks of a fixed size, and no branch: compilers make vector
 * instructions of the inner loop. */
static size_t digits_count(const char *p, const char *end)
{
	enum { BLOCK = 64 };
	size_t count = 0;

	for (; end - p >= BLOCK; p += BLOCK) {
		uint8_t block = 0;

		for (int i = 0; i < BLOCK; i++) {
			uint8_t c = (uint8_t)p[i];

			block = (uint8_t)(block + ((uint8_t)((c | 0x20) - 'a') < 26) +
					  ((uint8_t)(c - '0') < 10) + (c == '+') + (c == '/'));
		}
		count += block;
	}
	for (; p < end; p++)
		count += value_of(*p) != NONE;
	return count;
}

size_t mr_base64_len(struct mr_span in)
{
	const char *p = in.p, *end = mr_span_end(in);
	size_t len = 0;

	while (p < end) {
		const char *pad = memchr(p, '=', (size_t)(end - p));
		size_t digits = digits_count(p, pad ? pad : end);

		len += digits / 4 * 3 + (digits % 4 ? digits % 4 - 1 : 0);
		p = pad ? pad + 1 : end;
	}
	return len;
}
