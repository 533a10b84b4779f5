/*
 * mr_body promises: the length counted is the length decoded, a bound on the result cuts it and
 * changes nothing else, and text is valid UTF-8 within its bound. The first octet chooses encoding
 * and charset, the second the bound.
 */
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_body.h"

#define FUZZ_ARENA_MAX (1u << 26)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_span charsets[] = { { "", 0 },
						   { "iso-2022-jp", 11 },
						   { "utf-8", 5 } };
	static const enum mr_encoding encodings[] = { MR_ENC_BASE64, MR_ENC_QP, MR_ENC_8BIT };
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_part part = { .type = MR_SPAN("text"), .subtype = MR_SPAN("plain") };
	struct mr_span all, some, text;
	size_t size_max;

	MR_ASSERT(arena);
	if (size < 2)
		return 0;
	part.encoding = encodings[data[0] % MR_COUNT(encodings)];
	part.charset = charsets[data[0] / MR_COUNT(encodings) % MR_COUNT(charsets)];
	size_max = data[1];
	part.body = mr_span_bytes(data + 2, size - 2);
	MR_ASSERT(mr_body_decode(&part, SIZE_MAX, arena, &all) == 0);
	MR_ASSERT(mr_body_decoded_len(&part) == all.len);
	MR_ASSERT(mr_body_decode(&part, size_max, arena, &some) == 0);
	MR_ASSERT(mr_span_eq(some, mr_span_sub(all, 0, size_max)));
	MR_ASSERT(mr_body_text(&part, size_max, arena, &text) == 0);
	MR_ASSERT(text.len <= size_max && mr_utf8_valid(text));
	return 0;
}
