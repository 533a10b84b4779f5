#include "lib/base/mr_err.h"
#include "lib/mail/mr_edit.h"
#include "lib/run/mr_milter.h"

_Static_assert(MR_ACTIONS_MAX <= MR_EDITS_MAX, "what a stage asks for can be applied");

/* False: a change of the envelope, not of the message. */
static bool edit_of(const struct mr_act *act, struct mr_edit *edit_out)
{
	static const enum mr_edit_kind kinds[] = {
		[MR_ACT_INSERT] = MR_EDIT_INSERT, [MR_ACT_ADD] = MR_EDIT_ADD,
		[MR_ACT_CHANGE] = MR_EDIT_CHANGE, [MR_ACT_DELETE] = MR_EDIT_DELETE,
		[MR_ACT_BODY] = MR_EDIT_BODY,
	};

	if (act->kind == MR_ACT_RCPT_ADD || act->kind == MR_ACT_RCPT_REMOVE)
		return false;
	*edit_out = (struct mr_edit){ .kind = kinds[act->kind],
				      .index = act->index,
				      .name = mr_span_str(act->name),
				      .value = act->value };
	/* To change a field into an empty one is not to delete it: the blank is its value. */
	if (act->kind == MR_ACT_CHANGE && act->value.len == 0)
		edit_out->value = MR_SPAN(" ");
	return true;
}

int mr_actions_apply(const struct mr_actions *acts, struct mr_span raw, struct mr_arena *arena,
		     struct mr_span *edited_out)
{
	struct mr_edit *edit = mr_arena_array(arena, acts->count, sizeof(*edit));
	struct mr_msg msg;
	size_t count = 0;
	int err;

	if (!edit)
		return MR_ENOMEM;
	err = mr_msg_parse(raw, &mr_msg_limits_default, arena, &msg);
	if (err < 0)
		return err;
	for (size_t i = 0; i < acts->count; i++)
		count += edit_of(&acts->act[i], &edit[count]);
	return mr_edit_apply(&msg, edit, count, arena, edited_out);
}
