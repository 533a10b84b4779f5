/* What a caller asks about the parts of a parsed message: the second half of mr_msg.h. */
#include "lib/mail/mr_msg.h"

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_params.h"

static const struct mr_field *field_find(const struct mr_field *from, const struct mr_field *end,
					 struct mr_span name)
{
	for (; from < end; from++) {
		if (from->name.len == name.len &&
		    mr_lower(from->name.p[0]) == mr_lower(name.p[0]) &&
		    mr_span_eq_nocase(from->name, name))
			return from;
	}
	return NULL;
}

static const struct mr_field *fields_end(const struct mr_msg *msg, uint32_t part)
{
	const struct mr_part *p = &msg->part[part];

	return p->field_count ? &msg->field[p->field_first] + p->field_count : NULL;
}

const struct mr_field *mr_msg_field(const struct mr_msg *msg, uint32_t part, struct mr_span name)
{
	MR_ASSERT(part < msg->part_count);
	if (msg->part[part].field_count == 0)
		return NULL;
	return field_find(&msg->field[msg->part[part].field_first], fields_end(msg, part), name);
}

const struct mr_field *mr_msg_field_next(const struct mr_msg *msg, uint32_t part,
					 const struct mr_field *field)
{
	MR_ASSERT(part < msg->part_count);
	return field_find(field + 1, fields_end(msg, part), field->name);
}

bool mr_part_is(const struct mr_part *part, const char *type, const char *subtype)
{
	return mr_span_eq_nocase(part->type, mr_span_str(type)) &&
	       (!subtype || mr_span_eq_nocase(part->subtype, mr_span_str(subtype)));
}

/* The value of a field, as far as the limit lets it be read. */
static struct mr_cur field_cur(const struct mr_msg *msg, uint32_t field)
{
	return mr_cur(mr_span_sub(msg->field[field].value, 0, msg->params_size_max));
}

int mr_part_type_param(const struct mr_msg *msg, uint32_t part, struct mr_span name,
		       struct mr_arena *arena, struct mr_span *value_out)
{
	struct mr_span type, subtype;
	struct mr_cur c;

	MR_ASSERT(part < msg->part_count);
	if (msg->part[part].type_field == MR_NO_FIELD)
		return MR_ENOENT;
	c = field_cur(msg, msg->part[part].type_field);
	if (!mr_params_type(&c, &type, &subtype))
		mr_params_word(&c);
	return mr_params_get(mr_cur_rest(&c), name, arena, value_out);
}

int mr_part_disposition_param(const struct mr_msg *msg, uint32_t part, struct mr_span name,
			      struct mr_arena *arena, struct mr_span *value_out)
{
	struct mr_cur c;

	MR_ASSERT(part < msg->part_count);
	if (msg->part[part].disposition_field == MR_NO_FIELD)
		return MR_ENOENT;
	c = field_cur(msg, msg->part[part].disposition_field);
	mr_params_word(&c);
	return mr_params_get(mr_cur_rest(&c), name, arena, value_out);
}

int mr_part_filename(const struct mr_msg *msg, uint32_t part, struct mr_arena *arena,
		     struct mr_span *name_out)
{
	int err = mr_part_disposition_param(msg, part, MR_SPAN("filename"), arena, name_out);

	return err == MR_ENOENT ? mr_part_type_param(msg, part, MR_SPAN("name"), arena, name_out)
				: err;
}

bool mr_part_is_attachment(const struct mr_msg *msg, uint32_t part)
{
	struct mr_cur c;

	MR_ASSERT(part < msg->part_count);
	if (msg->part[part].disposition_field == MR_NO_FIELD)
		return false;
	c = field_cur(msg, msg->part[part].disposition_field);
	return mr_span_eq_nocase(mr_params_word(&c), MR_SPAN("attachment"));
}
