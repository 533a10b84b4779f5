#include "lib/mail/mr_body.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_base64.h"
#include "lib/mail/mr_charset.h"
#include "lib/mail/mr_qp.h"

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

int mr_body_decode(const struct mr_part *part, size_t size_max, struct mr_arena *arena,
		   struct mr_span *bytes_out)
{
	struct mr_span in = part->body;
	size_t size;
	char *out;

	if (part->encoding != MR_ENC_BASE64 && part->encoding != MR_ENC_QP) {
		*bytes_out = mr_span_sub(in, 0, size_max);
		return 0;
	}
	size = part->encoding == MR_ENC_BASE64 ? in.len / 4 * 3 + 2 : in.len;
	size = min_size(size, size_max);
	out = mr_arena_text(arena, size);
	if (!out)
		return MR_ENOMEM;
	*bytes_out = mr_span(out, part->encoding == MR_ENC_BASE64 ? mr_base64_decode(in, out, size)
								  : mr_qp_decode(in, out, size));
	return 0;
}

size_t mr_body_decoded_len(const struct mr_part *part)
{
	switch (part->encoding) {
	case MR_ENC_BASE64:
		return mr_base64_len(part->body);
	case MR_ENC_QP:
		return mr_qp_len(part->body);
	default:
		return part->body.len;
	}
}

int mr_body_text(const struct mr_part *part, size_t size_max, struct mr_arena *arena,
		 struct mr_span *utf8_out)
{
	struct mr_span bytes;
	/* No charset makes less than one octet of UTF-8 of four of its own. */
	size_t bytes_max = size_max > SIZE_MAX / 4 ? SIZE_MAX : size_max * 4;
	int err = mr_body_decode(part, bytes_max, arena, &bytes);

	if (err < 0)
		return err;
	return mr_charset_to_utf8(part->charset, bytes, size_max, arena, utf8_out);
}
