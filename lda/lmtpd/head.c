#include "lda/lmtpd/head.h"

#include "lib/base/mr_cur.h"
#include "lib/mail/mr_cfws.h"
#include "lib/mail/mr_scan.h"

/*
 * One field, its folds in its value; false at the end of the header, which is where mr_msg.h has it: at
 * an empty line, and at a line that is no field. RFC 5322 2.2; 4.5: blanks before the colon.
 */
static bool field_next(struct mr_cur *c, const char *base, struct mr_span *name_out,
		       struct mr_head_field *field_out)
{
	const char *start = c->p, *end = mr_scan_not_ftext(start, c->end);
	struct mr_span line, value;

	*name_out = mr_span(start, (size_t)(end - start));
	while (end < c->end && mr_is(*end, MR_WSP))
		end++;
	if (name_out->len == 0 || end == c->end || *end != ':')
		return false;
	(void)mr_cur_line(c, &line);
	while (mr_cur_peek(c, 0) == ' ' || mr_cur_peek(c, 0) == '\t')
		(void)mr_cur_line(c, &line);
	value = mr_span(end + 1, (size_t)(c->p - end) - 1);
	*field_out = (struct mr_head_field){
		.at = (size_t)(start - base),
		.size = (size_t)(c->p - start),
		.value_at = (size_t)(value.p - base),
		.blank = mr_span_starts(value, MR_FWS),
		.value = mr_span_trim(value),
	};
	return true;
}

bool mr_head_next(struct mr_cur *c, struct mr_span *name_out, struct mr_span *value_out)
{
	struct mr_head_field field;

	if (!field_next(c, c->p, name_out, &field))
		return false;
	*value_out = field.value;
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

/* Keep the first one. */
static void keep(struct mr_head_field *kept, const struct mr_head_field *field)
{
	if (kept->size == 0)
		*kept = *field;
}

/* What counts only above the topmost Received. */
static void believed(struct mr_span name, const struct mr_head_field *field, struct mr_head *head)
{
	if (mr_span_eq_nocase(name, MR_SPAN("X-Spam-Flag")))
		keep(&head->flag, field);
	else if (mr_span_eq_nocase(name, MR_SPAN("X-Spam-Score")))
		keep(&head->score, field);
	else if (mr_span_eq_nocase(name, MR_SPAN("X-Spam-Status")))
		keep(&head->status, field);
}

void mr_head_read(struct mr_span content, struct mr_head *head_out)
{
	static const struct mr_head_field none;
	struct mr_cur c = mr_cur(content);
	struct mr_head *h = head_out;
	struct mr_head_field field;
	struct mr_span name;
	bool received = false;

	h->flag = h->score = h->status = h->subject = none;
	h->delivered_count = h->foreign_count = h->received_count = h->forwarded_count = 0;
	h->queue_id = MR_SPAN("");
	while (field_next(&c, content.p, &name, &field)) {
		if (mr_span_eq_nocase(name, MR_SPAN("Received"))) {
			if (!received)
				h->queue_id = queue_id_of(field.value);
			received = true;
			h->received_count++;
		} else if (mr_span_eq_nocase(name, MR_SPAN("Subject"))) {
			keep(&h->subject, &field);
		} else if (!received) {
			believed(name, &field, h);
		}
		if (h->delivered_count < MR_HEAD_DELIVERED_MAX &&
		    mr_span_eq_nocase(name, MR_SPAN("Delivered-To")))
			h->delivered[h->delivered_count++] = field.value;
		if (mr_span_eq_nocase(name, MR_SPAN("X-Millrace-Delivery")) &&
		    h->foreign_count++ < MR_HEAD_FOREIGN_MAX)
			h->foreign[h->foreign_count - 1] = field;
		if (mr_span_eq_nocase(name, MR_SPAN("X-Millrace-Forward")))
			h->forwarded_count++;
	}
	if (!received)
		h->flag = h->score = h->status = none;
	h->spam = h->flag.size > 0 && mr_span_eq_nocase(h->flag.value, MR_SPAN("YES"));
}
