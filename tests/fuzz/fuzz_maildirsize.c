/*
 * mr_maildirsize promises: what it accepts is not below 0 and has a line; a last line that is being
 * written changes nothing; what it refuses it leaves alone; a difference of nothing adds a line alone.
 */
#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_maildirsize.h"

#define TEXT_MAX (1u << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct mr_maildirsize *a, const struct mr_maildirsize *b)
{
	return a->limit.octets == b->limit.octets && a->limit.messages == b->limit.messages &&
	       a->used.octets == b->used.octets && a->used.messages == b->used.messages;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_span in = size ? mr_span_bytes(data, size) : MR_SPAN("");
	struct mr_maildirsize s = { .lines = 42 }, again = s;
	MR_AUTO_BUF text = MR_BUF(TEXT_MAX);
	int err = mr_maildirsize_parse(in, &s);

	MR_ASSERT(err == 0 || err == MR_ESYNTAX);
	if (err < 0) {
		MR_ASSERT(s.lines == 42 && same(&s, &again));
		return 0;
	}
	MR_ASSERT(s.used.octets >= 0 && s.used.messages >= 0 && s.lines > 0);
	MR_ASSERT(s.limit.octets >= 0 && s.limit.messages >= 0);
	in.len = mr_span_rfind(in, '\n') + 1;
	MR_ASSERT(mr_buf_add(&text, in) == 0 && mr_buf_adds(&text, "0 0\n12 ") == 0);
	MR_ASSERT(mr_maildirsize_parse(mr_buf_span(&text), &again) == 0);
	MR_ASSERT(same(&s, &again) && again.lines == s.lines + 1);
	return 0;
}
