#include "milters/spam/view.h"

#include <sodium.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_belief.h"

static const struct mr_span delivery[] = {
	MR_SPAN("Return-Path"),
	MR_SPAN("Delivered-To"),
	MR_SPAN("X-Original-To"),
	MR_SPAN("Envelope-To"),
};

static const struct mr_span others[] = {
	MR_SPAN("Status"),
	MR_SPAN("X-Status"),
	MR_SPAN("X-Keywords"),
	MR_SPAN("X-UID"),
	MR_SPAN("X-UIDL"),
	MR_SPAN("Content-Length"),
	MR_SPAN("Lines"),
	MR_SPAN("X-Virus-Status"),
	MR_SPAN("X-Encryption"),
	MR_SPAN("Received-SPF"),
	MR_SPAN("Authentication-Results"),
};

static const struct mr_span prefixes[] = {
	MR_SPAN("X-Spam-"),
	MR_SPAN("X-Millrace-"),
	MR_SPAN("X-Mozilla-"),
};

static bool is_delivery(struct mr_span name)
{
	return mr_span_among_nocase(name, delivery, MR_COUNT(delivery));
}

static bool counts(struct mr_span name)
{
	if (is_delivery(name) || mr_span_among_nocase(name, others, MR_COUNT(others)))
		return false;
	for (size_t i = 0; i < MR_COUNT(prefixes); i++) {
		if (mr_span_has_prefix_nocase(name, prefixes[i]))
			return false;
	}
	return true;
}

static bool is_received(const struct mr_field *field)
{
	return mr_span_eq_nocase(field->name, MR_SPAN("Received"));
}

static bool is_status(const struct mr_field *field)
{
	return mr_span_eq_nocase(field->name, MR_SPAN("X-Spam-Status"));
}

static bool holds(struct mr_span value, const char *text)
{
	return mr_span_search(value, mr_span_str(text)) < value.len;
}

/* Which fields of the header a stored message had on arrival, by rule. */
struct stored {
	bool delivered; /* by rule 1 or 2 */
	uint32_t first; /* fields before it came later */
	uint32_t received; /* the MTA's own, MR_NO_FIELD: none */
	struct mr_span status; /* our X-Spam-Status, or empty */
	struct mr_span tag; /* what delivery put before the subject, or empty */
};

/* Rule 1. */
static bool stored_by_us(const struct mr_field *field, uint32_t count, struct stored *s)
{
	uint32_t i = 0;

	while (i < count && !is_status(&field[i]))
		i++;
	if (i == count || !holds(field[i].value, MR_SPAM_MARK))
		return false;
	s->delivered = true;
	s->first = i;
	s->status = field[i].value;
	while (i < count && !is_received(&field[i]))
		i++;
	s->received = i < count ? i : MR_NO_FIELD;
	return true;
}

/* Rule 2. */
static void stored_by_others(const struct mr_field *field, uint32_t count, struct stored *s)
{
	uint32_t i = 0;

	for (; i < count && !is_received(&field[i]); i++)
		s->delivered = s->delivered || is_delivery(field[i].name);
	if (!s->delivered)
		return;
	while (i < count && is_received(&field[i]) && holds(field[i].value, "with LMTP"))
		s->first = ++i;
	while (i < count && !is_received(&field[i]))
		i++;
	s->received = i < count ? i : MR_NO_FIELD;
}

/* The first number in value, rounded, between -999 and 999; a Yes or No alone is 10 or 0. */
static int32_t points_of(struct mr_span value)
{
	struct mr_span v = value, at;
	size_t i = 0;
	int32_t n = 0;
	bool minus;

	/* "Yes, score=7.2 required=5": the number behind score=, else the first one there is */
	if ((i = mr_span_search(v, MR_SPAN("score="))) < v.len)
		v = mr_span_sub(v, i + 6, v.len);
	for (i = 0; i < v.len && !mr_is(v.p[i], MR_DIGIT); i++)
		;
	if (i == v.len) {
		at = mr_span_ltrim(value);
		return mr_span_has_prefix_nocase(at, MR_SPAN("yes")) ? 10 : 0;
	}
	minus = i > 0 && v.p[i - 1] == '-';
	for (; i < v.len && mr_is(v.p[i], MR_DIGIT) && n < 1000; i++)
		n = n * 10 + (v.p[i] - '0');
	n = n > 999 ? 999 : n;
	return minus ? -n : n;
}

static int32_t upstream_of(const struct mr_msg *msg, enum mr_spam_where where,
			   struct mr_span upstream, const struct stored *s)
{
	const struct mr_field *field;
	size_t at;

	if (where == MR_SPAM_STORED) {
		at = mr_span_search(s->status, MR_SPAN("upstream="));
		if (at == s->status.len)
			return MR_SPAM_UPSTREAM_NONE;
		return points_of(mr_span_sub(s->status, at + 9, s->status.len));
	}
	if (upstream.len == 0 || (field = mr_msg_field(msg, 0, upstream)) == NULL)
		return MR_SPAM_UPSTREAM_NONE;
	return points_of(field->value);
}

/* What rules 1 and 2 take for a message that was delivered may have a tag in its subject; a subject that
 * it did not have stands above the field that says so. */
static void find_tag(const struct mr_field *field, uint32_t count, struct stored *s)
{
	for (uint32_t i = 0; i < count && !is_received(&field[i]); i++) {
		if (!mr_span_eq_nocase(field[i].name, MR_SPAN("X-Spam-Tag")))
			continue;
		s->tag = mr_span_trim(field[i].value);
		s->first = s->first > i ? s->first : i;
		return;
	}
}

/* The subject at field as it arrived: a copy in arena where delivery put its tag before it. MR_ENOMEM. */
static int untag(const struct mr_field *field, struct stored *s, struct mr_arena *arena,
		 const struct mr_field **field_out)
{
	struct mr_span value = mr_span_ltrim(field->value);
	struct mr_field *copy;

	if (!mr_span_has_prefix(value, s->tag))
		return 0;
	copy = mr_arena_alloc(arena, sizeof(*copy));
	if (copy == NULL)
		return MR_ENOMEM;
	*copy = *field;
	copy->value = mr_span_sub(value, s->tag.len, value.len);
	*field_out = copy;
	s->tag = MR_SPAN(""); /* it was put there once */
	return 0;
}

/* The field behind the last one among which answers may stand; s->first: there are none. */
static uint32_t answers_end(const struct mr_field *field, uint32_t count, enum mr_spam_where where,
			    const struct stored *s)
{
	uint32_t from = s->received == MR_NO_FIELD ? s->first : s->received + 1;

	if (count == 0) /* field may be NULL */
		return s->first;
	/* A stored message without a Received of the MTA has answers if our milter has seen it. */
	if (where == MR_SPAM_STORED && s->received == MR_NO_FIELD && s->status.len == 0)
		return s->first;
	return from == count ? count : from + mr_belief_arriving(field + from, count - from);
}

int mr_spam_view_init(struct mr_spam_view *view, const struct mr_msg *msg, enum mr_spam_where where,
		      struct mr_span upstream, struct mr_arena *arena)
{
	uint32_t count = msg->part[0].field_count, kept = 0;
	/* No field at all may mean no table: C allows no sum with NULL. */
	const struct mr_field *field = count > 0 ? msg->field + msg->part[0].field_first : NULL;
	struct stored s = { .received = MR_NO_FIELD };
	const struct mr_field **list;
	int err;

	if (where == MR_SPAM_STORED && !stored_by_us(field, count, &s))
		stored_by_others(field, count, &s);
	if (s.delivered)
		find_tag(field, count, &s);
	list = mr_arena_array(arena, MR_SPAM_VIEW_FIELDS_MAX, sizeof(const struct mr_field *));
	if (list == NULL)
		return MR_ENOMEM;
	for (uint32_t i = s.first; i < count && kept < MR_SPAM_VIEW_FIELDS_MAX; i++) {
		if (i == s.received || !counts(field[i].name) ||
		    mr_span_eq_nocase(field[i].name, upstream))
			continue;
		list[kept] = &field[i];
		if (s.tag.len > 0 && mr_span_eq_nocase(field[i].name, MR_SPAN("Subject")) &&
		    (err = untag(&field[i], &s, arena, &list[kept])) < 0)
			return err;
		kept++;
	}
	*view = (struct mr_spam_view){ .msg = msg,
				       .field = list,
				       .count = kept,
				       .upstream = upstream_of(msg, where, upstream, &s) };
	view->answer_first = msg->part[0].field_first + s.first;
	view->answer_count = answers_end(field, count, where, &s) - s.first;
	return 0;
}

/* -- the bytes of a view ---------------------------------------------------------------------- */

/* Takes bytes until it returns false. */
typedef bool sink_fn(void *arg, struct mr_span bytes);

/* A value with each run of white space as one blank, none at its ends. */
static bool write_folded(struct mr_span value, sink_fn *sink, void *arg)
{
	struct mr_span rest = mr_span_trim(value);

	while (rest.len > 0) {
		size_t len = 0;

		while (len < rest.len && !mr_is(rest.p[len], MR_FWS))
			len++;
		if (!sink(arg, mr_span_sub(rest, 0, len)))
			return false;
		rest = mr_span_ltrim(mr_span_sub(rest, len, rest.len));
		if (rest.len > 0 && !sink(arg, MR_SPAN(" ")))
			return false;
	}
	return true;
}

/* text with no CR. */
static bool write_lines(struct mr_span text, sink_fn *sink, void *arg)
{
	struct mr_span head, rest = text;
	bool more = true;

	while (more && rest.len > 0) {
		mr_span_split(rest, '\r', &head, &rest);
		more = sink(arg, head);
	}
	return more;
}

/* The body with no CR, and no line endings at its end. */
static void write_body(struct mr_span body, sink_fn *sink, void *arg)
{
	while (body.len > 0 && mr_is(body.p[body.len - 1], MR_CRLF))
		body.len--;
	(void)write_lines(body, sink, arg);
}

static bool write_header(const struct mr_spam_view *view, sink_fn *sink, void *arg)
{
	for (uint32_t i = 0; i < view->count; i++) {
		if (!sink(arg, view->field[i]->name) || !sink(arg, MR_SPAN(": ")) ||
		    !write_folded(view->field[i]->value, sink, arg) || !sink(arg, MR_SPAN("\n")))
			return false;
	}
	return sink(arg, MR_SPAN("\n"));
}

static void write_view(const struct mr_spam_view *view, sink_fn *sink, void *arg)
{
	if (write_header(view, sink, arg))
		write_body(view->msg->part[0].body, sink, arg);
}

struct raw {
	char *p;
	size_t len;
};

static bool raw_add(void *arg, struct mr_span bytes)
{
	struct raw *raw = arg;
	size_t left = MR_SPAM_RAW_MAX - raw->len, len = bytes.len < left ? bytes.len : left;

	if (len > 0)
		memcpy(raw->p + raw->len, bytes.p, len);
	raw->len += len;
	return raw->len < MR_SPAM_RAW_MAX;
}

int mr_spam_view_raw(const struct mr_spam_view *view, const struct mr_span *without, uint32_t count,
		     struct mr_arena *arena, struct mr_span *raw_out)
{
	struct raw raw = { mr_arena_text(arena, MR_SPAM_RAW_MAX), 0 };
	struct mr_span rest = view->msg->part[0].body;
	bool more;

	if (raw.p == NULL)
		return MR_ENOMEM;
	more = write_header(view, raw_add, &raw);
	for (uint32_t i = 0; more && i < count; i++) {
		size_t at = (size_t)(without[i].p - rest.p);

		MR_ASSERT(mr_span_within(without[i], rest));
		more = write_lines(mr_span_sub(rest, 0, at), raw_add, &raw);
		rest = mr_span_sub(rest, at + without[i].len, rest.len);
	}
	if (more)
		write_body(rest, raw_add, &raw);
	*raw_out = mr_span(raw.p, raw.len);
	return 0;
}

/* Bytes come in small pieces: they are gathered, and hashed by the block. */
struct digest {
	crypto_generichash_state state;
	size_t len;
	char block[4096];
};

static void digest_flush(struct digest *d)
{
	crypto_generichash_update(&d->state, (const unsigned char *)d->block, d->len);
	d->len = 0;
}

static bool digest_add(void *arg, struct mr_span bytes)
{
	struct digest *d = arg;

	if (bytes.len > sizeof(d->block) - d->len)
		digest_flush(d);
	if (bytes.len > sizeof(d->block)) {
		crypto_generichash_update(&d->state, (const unsigned char *)bytes.p, bytes.len);
	} else if (bytes.len > 0) {
		memcpy(d->block + d->len, bytes.p, bytes.len);
		d->len += bytes.len;
	}
	return true;
}

void mr_spam_view_digest(const struct mr_spam_view *view, uint8_t digest_out[MR_SPAM_DIGEST_SIZE])
{
	struct digest d = { .len = 0 };

	crypto_generichash_init(&d.state, NULL, 0, MR_SPAM_DIGEST_SIZE);
	write_view(view, digest_add, &d);
	digest_flush(&d);
	crypto_generichash_final(&d.state, digest_out, MR_SPAM_DIGEST_SIZE);
}
