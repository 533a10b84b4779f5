#include "lib/mail/mr_edit.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"

#define NONE UINT32_MAX

/* The header as a list of pieces, in order. */
struct piece {
	enum { FIELD, NEW_FIELD, OPAQUE } kind; /* OPAQUE: what no edit sees */
	uint32_t next; /* or NONE */
	struct mr_span name; /* of both kinds of field */
	struct mr_span text; /* the bytes; of NEW_FIELD: what stands behind the colon */
};

struct header {
	struct piece
		*piece; /* piece[0] is an empty one in front of all, so each has one before it */
	uint32_t count, last;
	bool changed;
};

/* Written twice: first to learn the length. */
struct sink {
	char *p; /* NULL: only count */
	size_t len;
	struct mr_span eol;
	bool open; /* the last line has no ending */
};

static uint32_t piece_new(struct header *h, int kind, struct mr_span name, struct mr_span text)
{
	h->piece[h->count] =
		(struct piece){ .kind = kind, .next = NONE, .name = name, .text = text };
	return h->count++;
}

static void insert_after(struct header *h, uint32_t before, uint32_t at)
{
	h->piece[at].next = h->piece[before].next;
	h->piece[before].next = at;
	if (h->last == before)
		h->last = at;
}

static void append(struct header *h, int kind, struct mr_span name, struct mr_span text)
{
	insert_after(h, h->last, piece_new(h, kind, name, text));
}

/* From a to b, if there is anything. */
static void append_opaque(struct header *h, const char *a, const char *b)
{
	if (b > a)
		append(h, OPAQUE, mr_span("", 0), mr_span(a, (size_t)(b - a)));
}

/* Twice the fields, since there may be something in front of each; what is behind them; the edits. */
static int header_init(struct header *h, const struct mr_msg *msg, size_t edits,
		       struct mr_arena *arena)
{
	const struct mr_part *part = &msg->part[0];
	const char *at = part->header.p;

	*h = (struct header){ .count = 0 };
	h->piece =
		mr_arena_array(arena, (size_t)part->field_count * 2 + 2 + edits, sizeof(*h->piece));
	if (!h->piece)
		return MR_ENOMEM;
	h->last = piece_new(h, OPAQUE, mr_span("", 0), mr_span("", 0));
	for (uint32_t i = 0; i < part->field_count; i++) {
		const struct mr_field *field = &msg->field[part->field_first + i];

		append_opaque(h, at, field->raw.p);
		append(h, FIELD, field->name, field->raw);
		at = mr_span_end(field->raw);
	}
	append_opaque(h, at, mr_span_end(part->header));
	return 0;
}

/* The piece before the nth field from 1, of all or of those called *name; NONE: there are fewer. */
static uint32_t before_nth(const struct header *h, const struct mr_span *name, uint32_t nth)
{
	uint32_t before = 0;

	for (uint32_t at = h->piece[0].next; at != NONE; before = at, at = h->piece[at].next) {
		if (h->piece[at].kind == OPAQUE ||
		    (name && !mr_span_eq_nocase(h->piece[at].name, *name)))
			continue;
		if (--nth == 0)
			return before;
	}
	return NONE;
}

static void on_insert(struct header *h, const struct mr_edit *edit)
{
	uint32_t before = edit->index < NONE ? before_nth(h, NULL, edit->index + 1) : NONE;

	insert_after(h, before == NONE ? h->last : before,
		     piece_new(h, NEW_FIELD, edit->name, edit->value));
	h->changed = true;
}

static void on_change(struct header *h, const struct mr_edit *edit, struct mr_span value)
{
	uint32_t before = before_nth(h, &edit->name, edit->index > 0 ? edit->index : 1), at;

	if (before == NONE) {
		if (value.len > 0) {
			append(h, NEW_FIELD, edit->name, value);
			h->changed = true;
		}
		return;
	}
	h->changed = true;
	at = h->piece[before].next;
	if (value.len > 0) {
		h->piece[at].kind = NEW_FIELD;
		h->piece[at].name = edit->name;
		h->piece[at].text = value;
		return;
	}
	h->piece[before].next = h->piece[at].next;
	if (h->last == at)
		h->last = before;
}

static void edit_one(struct header *h, const struct mr_edit *edit)
{
	switch (edit->kind) {
	case MR_EDIT_INSERT:
		on_insert(h, edit);
		break;
	case MR_EDIT_ADD:
		append(h, NEW_FIELD, edit->name, edit->value);
		h->changed = true;
		break;
	case MR_EDIT_CHANGE:
		on_change(h, edit, edit->value);
		break;
	case MR_EDIT_DELETE:
		on_change(h, edit, mr_span("", 0));
		break;
	case MR_EDIT_BODY:
		break;
	}
}

static void put(struct sink *s, struct mr_span text)
{
	if (text.len == 0)
		return;
	if (s->p)
		memcpy(s->p + s->len, text.p, text.len);
	s->len += text.len;
	s->open = text.p[text.len - 1] != '\n';
}

/* Text of an edit: each line ending becomes the message's. */
static void put_lines(struct sink *s, struct mr_span text)
{
	struct mr_cur c = mr_cur(text);
	struct mr_span line;

	while (mr_cur_line(&c, &line)) {
		put(s, line);
		if (c.p[-1] == '\n')
			put(s, s->eol);
	}
}

/* Whatever comes next begins a line. */
static void line_start(struct sink *s)
{
	if (s->open)
		put(s, s->eol);
}

static void put_header(struct sink *s, const struct header *h)
{
	for (uint32_t i = h->piece[0].next; i != NONE; i = h->piece[i].next) {
		const struct piece *piece = &h->piece[i];

		line_start(s);
		if (piece->kind != NEW_FIELD) {
			put(s, piece->text);
			continue;
		}
		put(s, piece->name);
		put(s, mr_span_starts(piece->text, MR_FWS) ? MR_SPAN(":") : MR_SPAN(": "));
		put_lines(s, piece->text);
		line_start(s);
	}
}

static void put_message(struct sink *s, const struct mr_msg *msg, const struct header *h,
			const struct mr_edit *body)
{
	const struct mr_part *part = &msg->part[0];
	const char *header_end = mr_span_end(part->header);
	struct mr_span empty_line = mr_span(header_end, (size_t)(part->body.p - header_end));

	put_header(s, h);
	if (empty_line.len > 0 || body || (h->changed && part->body.len > 0))
		line_start(s);
	put(s, empty_line);
	/* A body whose first line is no field may begin without an empty line; an MTA writes one,
	 * and it must not look like the fold of a field that is now in front of it. */
	if (empty_line.len == 0 && (body || (h->changed && part->body.len > 0)))
		put(s, s->eol);
	if (body)
		put_lines(s, body->value);
	else
		put(s, part->body);
}

static struct mr_span eol_of(struct mr_span raw)
{
	size_t lf = mr_span_find(raw, '\n');

	if (lf == raw.len || (lf > 0 && raw.p[lf - 1] == '\r'))
		return MR_SPAN("\r\n");
	return MR_SPAN("\n");
}

int mr_edit_apply(const struct mr_msg *msg, const struct mr_edit *edits, size_t count,
		  struct mr_arena *arena, struct mr_span *edited_out)
{
	struct sink s = { .eol = eol_of(msg->raw) };
	const struct mr_edit *body = NULL;
	struct header h;
	int err;

	if (count > MR_EDITS_MAX)
		return MR_ELIMIT;
	if ((err = header_init(&h, msg, count, arena)) < 0)
		return err;
	for (size_t i = 0; i < count; i++) {
		edit_one(&h, &edits[i]);
		if (edits[i].kind == MR_EDIT_BODY)
			body = &edits[i];
	}
	put_message(&s, msg, &h, body);
	s = (struct sink){ .p = mr_arena_text(arena, s.len), .eol = s.eol };
	if (!s.p)
		return MR_ENOMEM;
	put_message(&s, msg, &h, body);
	*edited_out = mr_span(s.p, s.len);
	return 0;
}
