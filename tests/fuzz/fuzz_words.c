/* mr_words: the input is a field's value. */
#include "lib/base/mr_arena.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_words.h"

#define UTF8_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(1024 * 1024);
	struct mr_span in = mr_span_bytes(data, size), utf8, cut;
	size_t len = mr_words_len(in);

	MR_ASSERT(arena);
	MR_ASSERT(mr_words_decode(in, UTF8_MAX, arena, &utf8) == 0);
	MR_ASSERT(utf8.len <= UTF8_MAX && mr_utf8_valid(utf8));
	MR_ASSERT(mr_span_eq(utf8, mr_span_trim(utf8)));
	MR_ASSERT(mr_words_decode(in, utf8.len / 2, arena, &cut) == 0);
	MR_ASSERT(cut.len <= utf8.len / 2 && mr_utf8_valid(cut));
	MR_ASSERT(len <= in.len && (len == 0 || in.p[len - 1] == '='));
	return 0;
}
