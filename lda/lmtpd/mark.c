#include "lda/lmtpd/mark.h"

#include "lib/base/mr_ascii.h"

#define TOKEN_MAX 900 /* octets of one value: a line has 998 (RFC 5322 2.1.1) */

/* What is no visible ASCII, and ";" and "%", as "%" and two digits. */
static void put_token(const char *text, struct mr_buf *out)
{
	size_t end = out->len + TOKEN_MAX;

	for (; *text && out->len < end; text++) {
		if (*text > ' ' && *text < 127 && *text != ';' && *text != '%')
			(void)mr_buf_addc(out, *text);
		else
			(void)mr_buf_printf(out, "%%%02X", (uint8_t)*text);
	}
}

void mr_mark_put(const struct mr_sorting *s, const struct mr_sender_says *says, const char *folder,
		 struct mr_buf *out)
{
	(void)mr_buf_adds(out, "X-Millrace-Delivery: folder=");
	put_token(folder, out);
	(void)mr_buf_printf(out, "; reason=%s", mr_reason_name(s->reason));
	if (s->scored)
		(void)mr_buf_printf(out, "; score=%.3f; threshold=%.3f", s->score / 1000.0,
				    s->threshold / 1000.0);
	if (s->scored && s->score != s->shared)
		(void)mr_buf_printf(out, "; shared=%.3f", s->shared / 1000.0);
	if (says->action != MR_SENDER_NONE) {
		(void)mr_buf_printf(out, ";\n\tlist=%s; entry=", says->of_user ? "user" : "domain");
		put_token(says->entry, out);
	}
	(void)mr_buf_adds(out, "\n");
}

void mr_mark_tell(struct mr_arena *arena, const struct mr_sorting *s,
		  const struct mr_sender_says *says, struct mr_lmtp_rcpt *rcpt)
{
	rcpt->reason = mr_reason_name(s->reason);
	if (says->action != MR_SENDER_NONE)
		rcpt->entry = mr_arena_printf(arena, "%s", says->entry);
	if (!s->scored)
		return;
	rcpt->score = mr_arena_printf(arena, "%.3f", s->score / 1000.0);
	rcpt->threshold = mr_arena_printf(arena, "%.3f", s->threshold / 1000.0);
	if (s->score != s->shared)
		rcpt->shared = mr_arena_printf(arena, "%.3f", s->shared / 1000.0);
}
