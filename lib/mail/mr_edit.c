#include "lib/mail/mr_edit.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"

#define NONE UINT32_MAX

/*
 * The header as a list of pieces, in order; and through the same pieces a list for each name, so that
 * the nth of a name is found from the nearer end: what is deleted from the last one up, or the first
 * one again and again, is found at once.
 */
enum which { ALL, SAME, LISTS };

struct piece {
	enum { FIELD, NEW_FIELD, OPAQUE } kind; /* OPAQUE: what no edit sees */
	struct {
		uint32_t before, next; /* or NONE */
	} link[LISTS];
	uint32_t id; /* of its name; OPAQUE: NONE */
	struct mr_span name; /* of both kinds of field */
	struct mr_span text; /* the bytes; of NEW_FIELD: what stands behind the colon */
};

struct list {
	uint32_t first, last; /* or NONE */
	uint32_t count; /* of fields */
};

struct header {
	struct piece *piece;
	uint32_t count;
	struct list all, *same; /* same[id] */
	bool changed;
};

/* Written twice: first to learn the length. */
struct sink {
	char *p; /* NULL: only count */
	size_t len;
	struct mr_span eol;
	bool open; /* the last line has no ending */
};

/* -- names ------------------------------------------------------------------------------------ */

struct named {
	struct mr_span name;
	uint32_t at; /* whose it is */
};

/* An order in which names that differ in case alone are equal. */
static int order(struct mr_span a, struct mr_span b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	for (size_t i = 0; i < a.len; i++) {
		int d = (uint8_t)mr_lower(a.p[i]) - (uint8_t)mr_lower(b.p[i]);

		if (d != 0)
			return d;
	}
	return 0;
}

/* A merge sort, since qsort(3) takes memory that nobody counts; back is room for as many. */
static struct named *sort(struct named *from, struct named *back, size_t count)
{
	for (size_t run = 1; run < count; run *= 2) {
		struct named *other = from;

		for (size_t low = 0; low < count; low += 2 * run) {
			size_t middle = low + run < count ? low + run : count;
			size_t high = middle + run < count ? middle + run : count;
			size_t a = low, b = middle;

			for (size_t i = low; i < high; i++) {
				bool left = b == high ||
					    (a < middle && order(from[a].name, from[b].name) <= 0);

				back[i] = left ? from[a++] : from[b++];
			}
		}
		from = back;
		back = other;
	}
	return from;
}

/* A number for each name of a field of msg, then of each edit: equal names have equal ones. */
static int ids_new(const struct mr_msg *msg, const struct mr_edit *edits, size_t edit_count,
		   struct mr_arena *arena, uint32_t **id_out)
{
	size_t fields = msg->part[0].field_count, count = fields + edit_count;
	struct named *list = mr_arena_array(arena, count + 1, sizeof(*list));
	struct named *back = mr_arena_array(arena, count + 1, sizeof(*back));
	uint32_t *id = mr_arena_array(arena, count + 1, sizeof(*id)), last = 0;

	if (!list || !back || !id)
		return MR_ENOMEM;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct named){
			i < fields ? msg->field[msg->part[0].field_first + i].name
				   : edits[i - fields].name,
			(uint32_t)i,
		};
	list = sort(list, back, count);
	for (size_t i = 0; i < count; i++) {
		last += i > 0 && order(list[i - 1].name, list[i].name) != 0;
		id[list[i].at] = last;
	}
	*id_out = id;
	return 0;
}

/* -- the lists -------------------------------------------------------------------------------- */

static struct list *list_of(struct header *h, enum which which, uint32_t at)
{
	return which == ALL ? &h->all : &h->same[h->piece[at].id];
}

/* before is NONE: at becomes the first one. */
static void link_behind(struct header *h, enum which which, uint32_t at, uint32_t before)
{
	struct list *l = list_of(h, which, at);
	struct piece *p = h->piece;
	uint32_t next = before == NONE ? l->first : p[before].link[which].next;

	p[at].link[which].before = before;
	p[at].link[which].next = next;
	*(before == NONE ? &l->first : &p[before].link[which].next) = at;
	*(next == NONE ? &l->last : &p[next].link[which].before) = at;
	l->count += p[at].kind != OPAQUE;
}

static void take_out(struct header *h, enum which which, uint32_t at)
{
	struct list *l = list_of(h, which, at);
	struct piece *p = h->piece;
	uint32_t before = p[at].link[which].before, next = p[at].link[which].next;

	*(before == NONE ? &l->first : &p[before].link[which].next) = next;
	*(next == NONE ? &l->last : &p[next].link[which].before) = before;
	l->count--;
}

/* The one of its name that stands before at; NONE. Both ways at once: it ends at the nearer one. */
static uint32_t same_before(const struct header *h, uint32_t at)
{
	const struct piece *p = h->piece;
	const struct list *same = &h->same[p[at].id];
	uint32_t before = p[at].link[ALL].before, next = p[at].link[ALL].next;

	if (same->count == 0)
		return NONE;
	while (before != NONE && p[before].id != p[at].id) {
		if (next == NONE)
			return same->last;
		if (p[next].id == p[at].id)
			return p[next].link[SAME].before;
		before = p[before].link[ALL].before;
		next = p[next].link[ALL].next;
	}
	return before;
}

/* A new piece behind another one, NONE: in front of all. */
static void insert_behind(struct header *h, uint32_t before, struct piece piece)
{
	uint32_t at = h->count++;

	h->piece[at] = piece;
	link_behind(h, ALL, at, before);
	if (piece.kind != OPAQUE)
		link_behind(h, SAME, at, same_before(h, at));
}

static void append(struct header *h, struct piece piece)
{
	insert_behind(h, h->all.last, piece);
}

/* From a to b, if there is anything. */
static void append_opaque(struct header *h, const char *a, const char *b)
{
	if (b > a)
		append(h, (struct piece){ .kind = OPAQUE,
					  .id = NONE,
					  .text = mr_span(a, (size_t)(b - a)) });
}

/* Twice the fields, since there may be something in front of each; what is behind them; the edits. */
static int header_init(struct header *h, const struct mr_msg *msg, const uint32_t *id, size_t edits,
		       struct mr_arena *arena)
{
	const struct mr_part *part = &msg->part[0];
	const char *at = part->header.p;
	size_t names = part->field_count + edits + 1;

	*h = (struct header){ .all = { NONE, NONE, 0 } };
	h->piece =
		mr_arena_array(arena, (size_t)part->field_count * 2 + 1 + edits, sizeof(*h->piece));
	h->same = mr_arena_array(arena, names, sizeof(*h->same));
	if (!h->piece || !h->same)
		return MR_ENOMEM;
	for (size_t i = 0; i < names; i++)
		h->same[i] = (struct list){ NONE, NONE, 0 };
	for (uint32_t i = 0; i < part->field_count; i++) {
		const struct mr_field *field = &msg->field[part->field_first + i];

		append_opaque(h, at, field->raw.p);
		append(h, (struct piece){ .kind = FIELD,
					  .id = id[i],
					  .name = field->name,
					  .text = field->raw });
		at = mr_span_end(field->raw);
	}
	append_opaque(h, at, mr_span_end(part->header));
	return 0;
}

/* -- edits ------------------------------------------------------------------------------------ */

/* The nth field of a list, from 1, from its nearer end; NONE: there are fewer. */
static uint32_t nth_of(const struct header *h, const struct list *l, enum which which, uint32_t nth)
{
	bool back = nth > l->count / 2;
	uint32_t at = back ? l->last : l->first, left = back ? l->count - nth : nth - 1;

	if (nth > l->count)
		return NONE;
	while (h->piece[at].kind == OPAQUE || left-- > 0)
		at = back ? h->piece[at].link[which].before : h->piece[at].link[which].next;
	return at;
}

static struct piece new_field(const struct mr_edit *edit, uint32_t id)
{
	return (struct piece){
		.kind = NEW_FIELD, .id = id, .name = edit->name, .text = edit->value
	};
}

static void on_insert(struct header *h, const struct mr_edit *edit, uint32_t id)
{
	uint32_t at = edit->index < NONE ? nth_of(h, &h->all, ALL, edit->index + 1) : NONE;

	insert_behind(h, at == NONE ? h->all.last : h->piece[at].link[ALL].before,
		      new_field(edit, id));
	h->changed = true;
}

static void on_change(struct header *h, const struct mr_edit *edit, uint32_t id,
		      struct mr_span value)
{
	uint32_t at = nth_of(h, &h->same[id], SAME, edit->index > 0 ? edit->index : 1);

	if (at == NONE && value.len == 0)
		return;
	h->changed = true;
	if (at == NONE) {
		append(h, new_field(edit, id));
	} else if (value.len > 0) {
		h->piece[at].kind = NEW_FIELD;
		h->piece[at].name = edit->name;
		h->piece[at].text = value;
	} else {
		take_out(h, ALL, at);
		take_out(h, SAME, at);
	}
}

static void edit_one(struct header *h, const struct mr_edit *edit, uint32_t id)
{
	switch (edit->kind) {
	case MR_EDIT_INSERT:
		on_insert(h, edit, id);
		break;
	case MR_EDIT_ADD:
		append(h, new_field(edit, id));
		h->changed = true;
		break;
	case MR_EDIT_CHANGE:
		on_change(h, edit, id, edit->value);
		break;
	case MR_EDIT_DELETE:
		on_change(h, edit, id, mr_span("", 0));
		break;
	case MR_EDIT_BODY:
		break;
	}
}

/* -- writing ---------------------------------------------------------------------------------- */

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
	for (uint32_t i = h->all.first; i != NONE; i = h->piece[i].link[ALL].next) {
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
	uint32_t *id;
	int err;

	if (count > MR_EDITS_MAX)
		return MR_ELIMIT;
	if ((err = ids_new(msg, edits, count, arena, &id)) < 0 ||
	    (err = header_init(&h, msg, id, count, arena)) < 0)
		return err;
	for (size_t i = 0; i < count; i++) {
		edit_one(&h, &edits[i], id[msg->part[0].field_count + i]);
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
