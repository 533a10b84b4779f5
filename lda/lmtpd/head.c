#include "lda/lmtpd/head.h"

#include "lib/base/mr_cur.h"
#include "lib/mail/mr_cfws.h"

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

/* What stands before a blank, a comment, or the date. */
static struct mr_span token(struct mr_cur *c)
{
	const char *start = mr_cfws(c)->p;

	while (c->p < c->end && !mr_is(*c->p, MR_FWS) && *c->p != ';' && *c->p != '(')
		c->p++;
	return mr_span(start, (size_t)(c->p - start));
}

/* RFC 5321 4.4: ID = CFWS "id" FWS ( Atom / msg-id ). Each clause before the date is a word and its
 * value, so a client that calls itself "id" is a value. */
static struct mr_span queue_id_of(struct mr_span received)
{
	struct mr_cur c = mr_cur(received);
	struct mr_span name, value;

	do {
		name = token(&c);
		value = token(&c);
		if (mr_span_eq_nocase(name, MR_SPAN("id")) && value.len <= MR_HEAD_QUEUE_ID_MAX)
			return value;
	} while (value.len > 0);
	return MR_SPAN("");
}

void mr_head_read(struct mr_span content, struct mr_head *head_out)
{
	struct mr_cur c = mr_cur(content);
	struct mr_span name, value;
	bool received = false, flagged = false, spam = false;

	head_out->delivered_count = 0;
	head_out->queue_id = MR_SPAN("");
	while (field_next(&c, &name, &value)) {
		if (mr_span_eq_nocase(name, MR_SPAN("Received"))) {
			if (!received)
				head_out->queue_id = queue_id_of(value);
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
