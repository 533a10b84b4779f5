/* mr_charset: the first line is the charset, the rest the text. */
#include "lib/base/mr_arena.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_charset.h"

#define UTF8_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(1024 * 1024);
	struct mr_span in = mr_span_bytes(data, size), charset, utf8, cut;
	MR_AUTO_BUF out = MR_BUF(UTF8_MAX);
	int err;

	mr_span_split(in, '\n', &charset, &in);
	MR_ASSERT(arena);
	MR_ASSERT(mr_charset_to_utf8(charset, in, UTF8_MAX, arena, &utf8) == 0);
	MR_ASSERT(utf8.len <= UTF8_MAX && mr_utf8_valid(utf8));
	/* Less room is a shorter start of the same. */
	MR_ASSERT(mr_charset_to_utf8(charset, in, utf8.len / 2, arena, &cut) == 0);
	MR_ASSERT(cut.len <= utf8.len / 2 && mr_utf8_valid(cut) && mr_span_has_prefix(utf8, cut));
	MR_ASSERT(cut.len + MR_UTF8_MAX > utf8.len / 2);
	/* Valid UTF-8 is its own. */
	MR_ASSERT(mr_charset_to_utf8(MR_SPAN("utf-8"), utf8, UTF8_MAX, arena, &cut) == 0);
	MR_ASSERT(cut.p == utf8.p && cut.len == utf8.len);
	err = mr_charset_add(charset, in, &out);
	MR_ASSERT((err == 0 || err == MR_ELIMIT) && mr_span_eq(mr_buf_span(&out), utf8));
	return 0;
}
