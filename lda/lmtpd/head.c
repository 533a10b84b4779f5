#include "lda/lmtpd/head.h"

#include "lib/base/mr_cur.h"

/* One field, its folds in its value; false at the end of the header. */
static bool field_next(struct mr_cur *c, struct mr_span *name_out, struct mr_span *value_out)
{
	const char *start = c->p;
	struct mr_span line;

	if (!mr_cur_line(c, &line) || line.len == 0)
		return false;
	while (mr_cur_peek(c, 0) == ' ' || mr_cur_peek(c, 0) == '\t')
		(void)mr_cur_line(c, &line);
	/* RFC 5322 2.2; a line without a colon has no name, and nobody asks for it */
	if (!mr_span_split(mr_span(start, (size_t)(c->p - start)), ':', name_out, value_out))
		*name_out = *value_out;
	*name_out = mr_span_rtrim(*name_out); /* RFC 5322 4.5: blanks before the colon */
	*value_out = mr_span_trim(*value_out);
	return true;
}

void mr_head_read(struct mr_span content, struct mr_head *head_out)
{
	struct mr_cur c = mr_cur(content);
	struct mr_span name, value;
	bool received = false, flagged = false, spam = false;

	head_out->delivered_count = 0;
	while (field_next(&c, &name, &value)) {
		if (mr_span_eq_nocase(name, MR_SPAN("Received"))) {
			received = true;
		} else if (!received && !flagged &&
			   mr_span_eq_nocase(name, MR_SPAN("X-Spam-Flag"))) {
			flagged = true;
			spam = mr_span_eq_nocase(value, MR_SPAN("YES"));
		} else if (head_out->delivered_count < MR_HEAD_DELIVERED_MAX &&
			   mr_span_eq_nocase(name, MR_SPAN("Delivered-To"))) {
			head_out->delivered[head_out->delivered_count++] = value;
		}
	}
	head_out->spam = spam && received;
}
