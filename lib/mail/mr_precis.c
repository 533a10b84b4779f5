#include "lib/mail/mr_precis.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"

#define CODES_MAX (4 * MR_NAME_LOCAL_MAX) /* what mapping may make of a name on the way */

struct codes {
	uint32_t code[CODES_MAX];
	size_t count;
};

static int read_codes(struct mr_span name, struct codes *out)
{
	struct mr_cur c = mr_cur(name);
	bool valid = true;
	int32_t code;

	out->count = 0;
	while ((code = mr_utf8_next(&c, &valid)) >= 0) {
		if (!valid || out->count == MR_NAME_LOCAL_MAX)
			return MR_EINVAL;
		out->code[out->count++] = (uint32_t)code;
	}
	return 0;
}

/* RFC 8265 3.3.1 1: full-width and half-width characters become what they decompose to. */
static void map_width(struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
		int tag = 0, count = uc_decomposition(codes->code[i], &tag, parts);

		if (count == 1 && (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
			codes->code[i] = parts[0];
	}
}

/* The library writes where there is room, else to memory of its own. */
static int taken(struct codes *codes, struct codes *next, uint32_t *result, size_t count)
{
	if (result && result != next->code) {
		free(result);
		return MR_ELIMIT;
	}
	if (!result)
		return MR_ELIMIT;
	next->count = count;
	*codes = *next;
	return 0;
}

/* RFC 8265 3.3.1 3: toLowerCase(), of no language. */
static int map_case(struct codes *codes)
{
	struct codes next;
	size_t count = CODES_MAX;
	uint32_t *result = u32_tolower(codes->code, codes->count, "", NULL, next.code, &count);

	return taken(codes, &next, result, count);
}

/* RFC 8265 3.3.1 4. */
static int normalize(struct codes *codes)
{
	struct codes next;
	size_t count = CODES_MAX;
	uint32_t *result = u32_normalize(UNINORM_NFC, codes->code, codes->count, next.code, &count);

	return taken(codes, &next, result, count);
}

/* RFC 8264 9.17: it has another form that is compatible with it. */
static bool has_compat(uint32_t code)
{
	uint32_t room[32], *result;
	size_t count = MR_COUNT(room);
	bool same;

	result = u32_normalize(UNINORM_NFKC, &code, 1, room, &count);
	same = result && count == 1 && result[0] == code;
	if (result != room)
		free(result);
	return !same;
}

static bool is_in(uint32_t code, const uint32_t (*ranges)[2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (code >= ranges[i][0] && code <= ranges[i][1])
			return true;
	}
	return false;
}

/*
 * RFC 8264 8, for the IdentifierClass. What is valid in some neighbourhoods alone (CONTEXTJ, CONTEXTO) is
 * not, but for the Arabic digits, whose rule the bidi rule has, too.
 */
static bool is_identifier(uint32_t code)
{
	static const uint32_t valid[][2] = { { 0xDF, 0xDF },   { 0x3C2, 0x3C2 },   { 0x6FD, 0x6FE },
					     { 0xF0B, 0xF0B }, { 0x3007, 0x3007 }, { 0x660, 0x669 },
					     { 0x6F0, 0x6F9 } };
	static const uint32_t invalid[][2] = {
		{ 0xB7, 0xB7 },     { 0x375, 0x375 },   { 0x5F3, 0x5F4 },   { 0x30FB, 0x30FB },
		{ 0x640, 0x640 },   { 0x7FA, 0x7FA },   { 0x302E, 0x302F }, { 0x3031, 0x3035 },
		{ 0x303B, 0x303B }, { 0x200C, 0x200D }, { 0x1100, 0x11FF }, { 0xA960, 0xA97F },
		{ 0xD7B0, 0xD7FF },
	};

	if (is_in(code, valid, MR_COUNT(valid)))
		return true;
	if (is_in(code, invalid, MR_COUNT(invalid)) ||
	    uc_is_property_default_ignorable_code_point(code) ||
	    uc_is_property_not_a_character(code) || has_compat(code))
		return false;
	return uc_is_general_category(
		code, uc_general_category_or(
			      UC_CATEGORY_L,
			      uc_general_category_or(
				      UC_CATEGORY_Nd,
				      uc_general_category_or(UC_CATEGORY_Mn, UC_CATEGORY_Mc))));
}

static bool right_to_left(int bidi)
{
	return bidi == UC_BIDI_R || bidi == UC_BIDI_AL || bidi == UC_BIDI_AN;
}

/* RFC 8265 3.3.1 5, RFC 5893 2: 1 to 4, for names that have anything written from the right. */
static bool is_of_one_direction(const struct codes *codes)
{
	bool any = false, european = false, arabic = false;
	size_t last = codes->count;
	int bidi;

	for (size_t i = 0; i < codes->count; i++)
		any = any || right_to_left(uc_bidi_category(codes->code[i]));
	if (!any)
		return true;
	bidi = uc_bidi_category(codes->code[0]);
	if (bidi != UC_BIDI_R && bidi != UC_BIDI_AL)
		return false;
	for (size_t i = 0; i < codes->count; i++) {
		bidi = uc_bidi_category(codes->code[i]);
		if (bidi == UC_BIDI_L || bidi == UC_BIDI_B || bidi == UC_BIDI_S ||
		    bidi == UC_BIDI_WS)
			return false;
		european = european || bidi == UC_BIDI_EN;
		arabic = arabic || bidi == UC_BIDI_AN;
	}
	while (last > 0 && uc_bidi_category(codes->code[last - 1]) == UC_BIDI_NSM)
		last--;
	bidi = uc_bidi_category(codes->code[last - 1]);
	return (right_to_left(bidi) || bidi == UC_BIDI_EN) && !(european && arabic);
}

static int put(const struct codes *codes, char room[MR_NAME_LOCAL_MAX], struct mr_span *out)
{
	size_t len = 0;

	for (size_t i = 0; i < codes->count; i++) {
		char octets[MR_UTF8_MAX];
		size_t n = mr_utf8_put(codes->code[i], octets);

		if (len + n > MR_NAME_LOCAL_MAX)
			return MR_ELIMIT;
		memcpy(room + len, octets, n);
		len += n;
	}
	*out = mr_span(room, len);
	return 0;
}

int mr_precis_username(struct mr_span name, char room[MR_NAME_LOCAL_MAX],
		       struct mr_span *mapped_out)
{
	struct codes codes;
	int err = read_codes(name, &codes);

	if (err < 0)
		return err;
	map_width(&codes);
	if ((err = map_case(&codes)) < 0 || (err = normalize(&codes)) < 0)
		return err;
	for (size_t i = 0; i < codes.count; i++) {
		if (codes.code[i] > 0x7F && !is_identifier(codes.code[i]))
			return MR_EINVAL;
	}
	if (!is_of_one_direction(&codes))
		return MR_EINVAL;
	return put(&codes, room, mapped_out);
}
