#include "lib/mail/mr_msg.h"

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_boundary.h"
#include "lib/mail/mr_params.h"
#include "lib/mail/mr_scan.h"

const struct mr_msg_limits mr_msg_limits_default = {
	.fields_max = MR_MSG_FIELDS_MAX,
	.parts_max = 10000,
	.depth_max = 100,
	.params_size_max = 64 * 1024,
};

/* Tables grow eightfold up to their limit: an arena keeps the old ones, and so they stay few. */
#define FIELDS_ROOM_MIN 40
#define PARTS_ROOM_MIN  4
#define ROOM_FACTOR     8
/* A boundary that does not stand in one piece is copied here. RFC 2046 5.1.1: 70 octets at most. */
#define BOUNDARY_COPY_MAX 256

/* A part that is being read, and those around it. */
struct open {
	uint32_t part;
	char *boundary; /* of BOUNDARY_COPY_MAX bytes, or NULL; kept when the level is used again */
};

struct parser {
	const char *p, *end; /* p is at the start of a line between any two functions here */
	const struct mr_msg_limits *limits;
	struct mr_arena *arena;
	struct mr_field *field;
	struct mr_part *part;
	struct open *open; /* open[d] is at depth d */
	size_t field_room, part_room, open_room;
	uint32_t field_count, part_count, open_count;
	struct mr_boundaries boundaries; /* their level is the depth of the multipart */
	unsigned cut;
};

/* What the header of a part says about its body. Empty values: nothing. */
struct head {
	struct mr_span type, encoding;
	bool type_seen, encoding_seen;
};

/* A line that begins with "--" and an open boundary. */
struct delimiter {
	const char *line, *next; /* it, and what comes after it */
	uint32_t level;
	bool closing;
};

/* -- lines and fields ---------------------------------------------------------------------------- */

static const char *line_end(const struct parser *ps, const char *p)
{
	const char *lf = p < ps->end ? memchr(p, '\n', (size_t)(ps->end - p)) : NULL;

	return lf ? lf + 1 : ps->end;
}

/* end without the line ending before it, but not before start. */
static const char *without_line_ending(const char *start, const char *end)
{
	if (end > start && end[-1] == '\n')
		end--;
	else
		return end;
	return end > start && end[-1] == '\r' ? end - 1 : end;
}

static bool delimiter_at(const struct parser *ps, const char *line, struct delimiter *out)
{
	const struct mr_boundary *b;
	const char *p = line + 2;

	if (ps->boundaries.count == 0 || ps->end - line < 2 || line[0] != '-' || line[1] != '-')
		return false;
	b = mr_boundaries_match(&ps->boundaries, mr_span(p, (size_t)(ps->end - p)));
	if (!b)
		return false;
	p += b->text.len;
	out->line = line;
	out->level = b->level;
	out->closing = ps->end - p >= 2 && p[0] == '-' && p[1] == '-';
	out->next = line_end(ps, p);
	return true;
}

static bool delimiter_find(const struct parser *ps, struct delimiter *out)
{
	const char *line = ps->p;

	if (ps->boundaries.count == 0)
		return false;
	do {
		if (delimiter_at(ps, line, out))
			return true;
		line = mr_scan_dashes(line, ps->end);
	} while (line);
	return false;
}

/* Take a field with its folds. RFC 5322 4.5: blanks before the colon are obsolete, but allowed. */
static bool field_take(struct parser *ps, struct mr_field *field_out)
{
	const char *start = ps->p, *name_end = mr_scan_not_ftext(start, ps->end), *p = name_end;

	while (p < ps->end && mr_is(*p, MR_WSP))
		p++;
	if (name_end == start || p == ps->end || *p != ':')
		return false;
	field_out->name = mr_span(start, (size_t)(name_end - start));
	field_out->value.p = p + 1;
	do
		p = line_end(ps, p);
	while (p < ps->end && mr_is(*p, MR_WSP));
	field_out->value.len =
		(size_t)(without_line_ending(field_out->value.p, p) - field_out->value.p);
	field_out->raw = mr_span(start, (size_t)(p - start));
	ps->p = p;
	return true;
}

/* Room for one more row; false: the limit is reached. */
static int room_for(struct parser *ps, void *table, size_t *room, size_t count, size_t min,
		    size_t max, size_t size)
{
	size_t want = *room ? *room * ROOM_FACTOR : min;
	size_t got = *room;
	char *bigger, *old;

	if (count < *room)
		return 0;
	if (want > max)
		want = max;
	if (want <= count)
		return MR_ELIMIT;
	bigger = mr_arena_array(ps->arena, want, size);
	if (!bigger)
		return MR_ENOMEM;
	memcpy(&old, table, sizeof(old));
	if (got > 0)
		memcpy(bigger, old, got * size);
	memcpy(table, &bigger, sizeof(bigger));
	*room = want;
	return 0;
}

/* Returns 1: it stands in the table; 0: the table is full; MR_ENOMEM. */
static int field_add(struct parser *ps, struct mr_part *part, const struct mr_field *field)
{
	int err = 0;

	if (ps->field_count == ps->field_room)
		err = room_for(ps, &ps->field, &ps->field_room, ps->field_count, FIELDS_ROOM_MIN,
			       ps->limits->fields_max, sizeof(*field));
	if (err == MR_ELIMIT) {
		ps->cut |= MR_CUT_FIELDS;
		return 0;
	}
	if (err < 0)
		return err;
	ps->field[ps->field_count++] = *field;
	part->field_count++;
	return 1;
}

/* Keep what tells of the body. The first of several counts, as in most mail programs. */
static void field_note(struct mr_part *part, struct head *head, const struct mr_field *field,
		       uint32_t index)
{
	if (field->name.len < 12 || mr_lower(field->name.p[0]) != 'c')
		return;
	if (mr_span_eq_nocase(field->name, MR_SPAN("Content-Type")) && !head->type_seen) {
		head->type_seen = true;
		head->type = field->value;
		part->type_field = index;
	} else if (mr_span_eq_nocase(field->name, MR_SPAN("Content-Transfer-Encoding")) &&
		   !head->encoding_seen) {
		head->encoding_seen = true;
		head->encoding = field->value;
	} else if (mr_span_eq_nocase(field->name, MR_SPAN("Content-Disposition")) &&
		   part->disposition_field == MR_NO_FIELD) {
		part->disposition_field = index;
	}
}

/* The line that mbox files put before a message, and programs that quote one. */
static void mbox_line_skip(struct parser *ps)
{
	struct mr_span rest = mr_span(ps->p, (size_t)(ps->end - ps->p));

	if (mr_span_has_prefix(rest, MR_SPAN("From ")) ||
	    mr_span_has_prefix(rest, MR_SPAN(">From ")))
		ps->p = line_end(ps, ps->p);
}

/*
 * Read the header of part. It ends at an empty line; at a line that is no field, which is the first
 * one of the body, as MTAs see it too; and at a delimiter line.
 */
static int header_read(struct parser *ps, struct mr_part *part, bool of_message, struct head *head)
{
	const char *start = ps->p;
	struct delimiter delimiter;
	struct mr_field field;
	int added;

	part->field_first = ps->field_count;
	part->type_field = part->disposition_field = MR_NO_FIELD;
	while (!delimiter_at(ps, ps->p, &delimiter)) {
		if (!field_take(ps, &field)) {
			if (!of_message || ps->p != start)
				break;
			mbox_line_skip(ps);
			if (ps->p == start)
				break;
			continue;
		}
		added = field_add(ps, part, &field);
		if (added < 0)
			return added;
		field_note(part, head, &field, added ? ps->field_count - 1 : MR_NO_FIELD);
	}
	part->header = mr_span(start, (size_t)(ps->p - start));
	if (ps->end - ps->p >= 1 && ps->p[0] == '\n')
		ps->p++;
	else if (ps->end - ps->p >= 2 && ps->p[0] == '\r' && ps->p[1] == '\n')
		ps->p += 2;
	part->body = mr_span(ps->p, (size_t)(ps->end - ps->p));
	return 0;
}

/* -- what a header means ------------------------------------------------------------------------- */

static enum mr_encoding encoding_of(struct mr_span value)
{
	static const struct {
		struct mr_span name;
		enum mr_encoding encoding;
	} names[] = {
		{ { "7bit", 4 }, MR_ENC_7BIT },
		{ { "8bit", 4 }, MR_ENC_8BIT },
		{ { "binary", 6 }, MR_ENC_BINARY },
		{ { "quoted-printable", 16 }, MR_ENC_QP },
		{ { "base64", 6 }, MR_ENC_BASE64 },
		{ { "7-bit", 5 }, MR_ENC_7BIT }, /* no such names, but senders use them */
		{ { "8-bit", 5 }, MR_ENC_8BIT },
		{ { "", 0 }, MR_ENC_7BIT }, /* RFC 2045 6.1: the default */
	};
	struct mr_cur c = mr_cur(value);
	struct mr_span word;

	mr_cur_byte(mr_cur_fws(&c), '"');
	word = mr_params_word(&c);
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		if (mr_span_eq_nocase(word, names[i].name))
			return names[i].encoding;
	}
	return MR_ENC_UNKNOWN;
}

/* Fill type, subtype, charset and encoding. params_out: what stands behind the type. */
static void head_apply(struct parser *ps, struct mr_part *part, const struct head *head,
		       struct mr_span *params_out)
{
	struct mr_span value = mr_span_sub(head->type, 0, ps->limits->params_size_max);
	struct mr_cur c = mr_cur(value);
	struct mr_param param;

	*params_out = MR_SPAN("");
	part->encoding = head->encoding_seen ? encoding_of(head->encoding) : MR_ENC_7BIT;
	if (!head->type_seen)
		return;
	if (value.len < head->type.len)
		ps->cut |= MR_CUT_PARAMS;
	/* RFC 2045 5.2: what is not valid is as if it were absent. Its parameters are read: senders
	 * write "text; charset=...". */
	if (!mr_params_type(&c, &part->type, &part->subtype))
		mr_params_word(&c);
	*params_out = mr_cur_rest(&c);
	while (part->charset.len == 0 && mr_params_next(&c, &param)) {
		if (mr_span_eq_nocase(param.name, MR_SPAN("charset")))
			part->charset = mr_params_first_word(param.value);
	}
}

static bool is_identity(enum mr_encoding encoding)
{
	return encoding == MR_ENC_7BIT || encoding == MR_ENC_8BIT || encoding == MR_ENC_BINARY;
}

/* A boundary that the limit on parameters cuts is not known: its multipart stays closed. */
static bool at_cut(struct parser *ps, const struct head *head, struct mr_span boundary)
{
	return head->type.len > ps->limits->params_size_max &&
	       mr_span_end(boundary) == head->type.p + ps->limits->params_size_max;
}

static int multipart_open(struct parser *ps, struct mr_part *part, const struct head *head,
			  struct mr_span params)
{
	struct open *open = &ps->open[part->depth];
	struct mr_span boundary;
	bool cut;

	if (!open->boundary)
		open->boundary = mr_arena_text(ps->arena, BOUNDARY_COPY_MAX);
	if (!open->boundary)
		return MR_ENOMEM;
	boundary = mr_params_boundary(params, open->boundary, BOUNDARY_COPY_MAX, &cut);
	if (cut || at_cut(ps, head, boundary)) {
		ps->cut |= MR_CUT_PARAMS;
		return 0;
	}
	/* RFC 2046 5.1.1: a boundary does not end in a space. Some say one, and it is lost on the
	 * way in their delimiter lines. */
	boundary = mr_span_rtrim(boundary);
	if (boundary.len == 0)
		return 0;
	part->kind = MR_PART_MULTIPART;
	return mr_boundaries_add(&ps->boundaries, ps->arena, boundary, part->depth);
}

/* Decide what part is, when its header has been read. */
static int part_enter(struct parser *ps, struct mr_part *part, const struct head *head,
		      struct mr_span params)
{
	bool multipart = mr_part_is(part, "multipart", NULL);
	bool message =
		(mr_part_is(part, "message", "rfc822") || mr_part_is(part, "message", "global")) &&
		is_identity(part->encoding);

	if (!multipart && !message)
		return 0;
	if (part->depth == ps->limits->depth_max) {
		ps->cut |= MR_CUT_DEPTH;
		return 0;
	}
	if (multipart)
		return multipart_open(ps, part, head, params);
	if (ps->part_count == ps->limits->parts_max) {
		ps->cut |= MR_CUT_PARTS;
		return 0;
	}
	part->kind = MR_PART_MESSAGE;
	return 0;
}

/* -- parts --------------------------------------------------------------------------------------- */

/* A new part in the innermost open one. Returns 0, MR_ELIMIT: the table is full, or MR_ENOMEM. */
static int part_add(struct parser *ps)
{
	uint32_t depth = ps->open_count;
	const struct mr_part *parent = NULL;
	struct mr_part *part;
	int err = room_for(ps, &ps->part, &ps->part_room, ps->part_count, PARTS_ROOM_MIN,
			   ps->limits->parts_max, sizeof(*ps->part));

	if (err == 0)
		err = mr_arena_grow(ps->arena, &ps->open, &ps->open_room, depth + 1u,
				    sizeof(*ps->open));
	if (err < 0)
		return err;
	part = &ps->part[ps->part_count];
	part->depth = depth;
	if (depth > 0) {
		part->parent = ps->open[depth - 1].part;
		parent = &ps->part[part->parent];
	}
	part->type = MR_SPAN("text");
	part->subtype = MR_SPAN("plain");
	/* RFC 2046 5.1.5 */
	if (parent && parent->kind == MR_PART_MULTIPART &&
	    mr_part_is(parent, "multipart", "digest")) {
		part->type = MR_SPAN("message");
		part->subtype = MR_SPAN("rfc822");
	}
	part->charset = MR_SPAN("");
	ps->open[depth].part = ps->part_count++;
	ps->open_count++;
	return 0;
}

/* A part, from its header on; p is then at its body. A message in it is the next part at once. */
static int part_read(struct parser *ps)
{
	struct mr_part *part;
	bool of_message;
	int err;

	do {
		struct head head = { .type = MR_SPAN(""), .encoding = MR_SPAN("") };
		struct mr_span params;

		err = part_add(ps);
		if (err < 0)
			return err;
		part = &ps->part[ps->part_count - 1];
		of_message = part->depth == 0 || ps->part[part->parent].kind == MR_PART_MESSAGE;
		err = header_read(ps, part, of_message, &head);
		if (err < 0)
			return err;
		head_apply(ps, part, &head, &params);
		err = part_enter(ps, part, &head, params);
		if (err < 0)
			return err;
	} while (part->kind == MR_PART_MESSAGE);
	return 0;
}

/* The delimiter ends all parts that are deeper than its multipart. */
static void parts_end(struct parser *ps, const struct delimiter *d)
{
	while (ps->open_count > d->level + 1) {
		struct mr_span *body = &ps->part[ps->open[--ps->open_count].part].body;

		/* RFC 2046 5.1.1: the line ending before it belongs to the delimiter. */
		body->len = (size_t)(without_line_ending(body->p, d->line) - body->p);
	}
	mr_boundaries_drop(&ps->boundaries, d->closing ? d->level : d->level + 1);
	ps->p = d->next;
}

int mr_msg_parse(struct mr_span raw, const struct mr_msg_limits *limits, struct mr_arena *arena,
		 struct mr_msg *msg_out)
{
	struct parser ps = { .p = raw.p, .limits = limits, .arena = arena };
	struct delimiter d = { .closing = false };
	int err;

	if (!raw.p)
		ps.p = "";
	ps.end = ps.p + raw.len;
	MR_ASSERT(limits->parts_max > 0);
	err = part_read(&ps);
	while (err == 0 && delimiter_find(&ps, &d)) {
		parts_end(&ps, &d);
		if (d.closing) /* an epilogue, up to a delimiter of a multipart around */
			continue;
		err = part_read(&ps);
		if (err == MR_ELIMIT) { /* skipped, up to the next delimiter */
			ps.cut |= MR_CUT_PARTS;
			err = 0;
		}
	}
	if (err < 0)
		return err;
	*msg_out = (struct mr_msg){
		.raw = raw,
		.field = ps.field,
		.part = ps.part,
		.field_count = ps.field_count,
		.part_count = ps.part_count,
		.cut = ps.cut,
		.params_size_max = limits->params_size_max,
	};
	return 0;
}
