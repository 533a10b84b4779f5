/*
 * mr_edit: lines of the input up to an empty one are edits, "KIND NTH NAME:VALUE", the rest is a
 * message. The edited message parses again, into the fields that a plain list of names gives.
 */
#include "lib/base/mr_arena.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/mail/mr_edit.h"

#define EDITS 16
#define NAMES 10100

struct model {
	struct mr_span name[NAMES];
	uint32_t count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool edit_read(struct mr_span line, struct mr_edit *edit)
{
	static const char kinds[] = "IACDB";
	struct mr_cur c = mr_cur(line);
	struct mr_span kind, nth;
	size_t at;

	if (!mr_cur_take_n(&c, 1, &kind) || !mr_cur_take_n(&c, 1, &nth))
		return false;
	at = mr_span_find(mr_span(kinds, 5), kind.p[0]);
	edit->kind = (enum mr_edit_kind)(at < 5 ? at : 0);
	edit->index = (uint8_t)nth.p[0] % 8;
	edit->name = mr_cur_take(&c, MR_ALNUM | MR_HYPHEN);
	edit->value = mr_cur_rest(&c);
	return edit->name.len > 0;
}

static uint32_t find(const struct model *m, struct mr_span name, uint32_t nth)
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (mr_span_eq_nocase(m->name[i], name) && (nth <= 1 || --nth == 0))
			return i;
	}
	return m->count;
}

static void put_at(struct model *m, uint32_t at, struct mr_span name)
{
	for (uint32_t i = m->count++; i > at; i--)
		m->name[i] = m->name[i - 1];
	m->name[at] = name;
}

static void model_edit(struct model *m, const struct mr_edit *edit)
{
	uint32_t at = find(m, edit->name, edit->index);

	if (edit->kind == MR_EDIT_INSERT)
		put_at(m, edit->index < m->count ? edit->index : m->count, edit->name);
	else if (edit->kind == MR_EDIT_ADD ||
		 (edit->kind == MR_EDIT_CHANGE && at == m->count && edit->value.len > 0))
		put_at(m, m->count, edit->name);
	else if (edit->kind == MR_EDIT_CHANGE && at < m->count && edit->value.len > 0)
		m->name[at] = edit->name;
	else if ((edit->kind == MR_EDIT_CHANGE || edit->kind == MR_EDIT_DELETE) && at < m->count)
		for (m->count--; at < m->count; at++)
			m->name[at] = m->name[at + 1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model model;
	MR_AUTO(mr_arena) *arena = mr_arena_new(64 * 1024 * 1024);
	struct mr_cur c = mr_cur(mr_span_bytes(data, size));
	struct mr_edit edits[EDITS];
	struct mr_span line, edited;
	struct mr_msg msg, again;
	size_t count = 0;

	while (count < EDITS && mr_cur_line(&c, &line) && line.len > 0)
		count += edit_read(line, &edits[count]);
	MR_ASSERT(arena);
	MR_ASSERT(mr_msg_parse(mr_cur_rest(&c), &mr_msg_limits_default, arena, &msg) == 0);
	MR_ASSERT(mr_edit_apply(&msg, edits, 0, arena, &edited) == 0);
	MR_ASSERT(mr_span_eq(edited, msg.raw));
	MR_ASSERT(mr_edit_apply(&msg, edits, count, arena, &edited) == 0);
	MR_ASSERT(mr_msg_parse(edited, &mr_msg_limits_default, arena, &again) == 0);
	if ((msg.cut | again.cut) & MR_CUT_FIELDS)
		return 0;
	model.count = 0;
	for (uint32_t i = 0; i < msg.part[0].field_count; i++)
		model.name[model.count++] = msg.field[i].name;
	for (size_t i = 0; i < count; i++)
		model_edit(&model, &edits[i]);
	MR_ASSERT(again.part[0].field_count == model.count);
	for (uint32_t i = 0; i < model.count; i++)
		MR_ASSERT(mr_span_eq(again.field[i].name, model.name[i]));
	for (size_t i = 0; i < count; i++) {
		if (edits[i].kind == MR_EDIT_BODY)
			return 0;
	}
	MR_ASSERT(mr_span_eq(again.part[0].body, msg.part[0].body));
	return 0;
}
