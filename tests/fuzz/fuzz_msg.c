/*
 * mr_msg promises: no message is malformed, tables within the limits and 2.5 MiB, parents before
 * children, each body inside its parent's and each span inside the message.
 */
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_msg.h"

#define FUZZ_TABLES_MAX (5u * 1024 * 1024 / 2)
#define FUZZ_ARENA_MAX  (1u << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fields(const struct mr_msg *msg, uint32_t index)
{
	const struct mr_part *part = &msg->part[index];
	const char *at = part->header.p;

	for (uint32_t i = part->field_first; i < part->field_first + part->field_count; i++) {
		const struct mr_field *f = &msg->field[i];

		MR_ASSERT(f->name.len > 0 && mr_span_within(f->raw, part->header));
		MR_ASSERT(mr_span_within(f->name, f->raw) && mr_span_within(f->value, f->raw));
		MR_ASSERT(f->raw.p >= at && f->name.p == f->raw.p);
		MR_ASSERT(mr_span_end(f->value) < mr_span_end(f->raw) ||
			  mr_span_end(f->raw) == mr_span_end(msg->raw) ||
			  mr_span_end(f->raw)[-1] != '\n');
		MR_ASSERT(mr_msg_field(msg, index, f->name) <= f);
		at = mr_span_end(f->raw);
	}
}

static void check_part(const struct mr_msg *msg, uint32_t i, struct mr_arena *arena)
{
	const struct mr_part *part = &msg->part[i];
	const struct mr_part *parent = &msg->part[part->parent];
	struct mr_span name = MR_SPAN("");
	int err;

	MR_ASSERT(mr_span_within(part->header, msg->raw) && mr_span_within(part->body, msg->raw));
	MR_ASSERT(part->type.len > 0 && part->subtype.len > 0);
	MR_ASSERT(part->type_field == MR_NO_FIELD ||
		  part->type_field - part->field_first < part->field_count);
	MR_ASSERT(part->disposition_field == MR_NO_FIELD ||
		  part->disposition_field - part->field_first < part->field_count);
	if (i > 0) {
		MR_ASSERT(part->parent < i && part->depth == parent->depth + 1);
		MR_ASSERT(parent->kind != MR_PART_LEAF);
		/* What is empty may lie behind the line ending that a delimiter took. */
		MR_ASSERT(part->body.len == 0 || mr_span_within(part->body, parent->body));
	}
	check_fields(msg, i);
	mr_arena_reset(arena);
	err = mr_part_filename(msg, i, arena, &name);
	MR_ASSERT(err == 0 || err == MR_ENOENT);
	MR_ASSERT(mr_utf8_valid(name));
	(void)mr_part_is_attachment(msg, i);
}

static void check(struct mr_span in, const struct mr_msg_limits *limits)
{
	MR_AUTO(mr_arena) *tables = mr_arena_new(FUZZ_TABLES_MAX);
	MR_AUTO(mr_arena) *arena = mr_arena_new(FUZZ_ARENA_MAX);
	struct mr_msg msg;

	MR_ASSERT(tables && arena);
	MR_ASSERT(mr_msg_parse(in, limits, tables, &msg) == 0);
	MR_ASSERT(msg.part_count >= 1 && msg.part_count <= limits->parts_max);
	MR_ASSERT(msg.field_count <= limits->fields_max);
	MR_ASSERT(msg.part[0].depth == 0 && msg.part[0].parent == 0);
	for (uint32_t i = 0; i < msg.part_count; i++) {
		MR_ASSERT(msg.part[i].depth <= limits->depth_max);
		check_part(&msg, i, arena);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_msg_limits small = { 3, 3, 1, 40 };
	struct mr_span in = size ? mr_span_bytes(data, size) : MR_SPAN("");

	check(in, &mr_msg_limits_default);
	check(in, &small);
	return 0;
}
