#include "lib/base/mr_buf.h"
#include "lib/base/mr_utf8.h"
#include "lib/run/mr_actions.h"

#define C1_END 0xA0 /* U+0080 to U+009F are control characters, too */

static void escape_bytes(struct mr_buf *out, const char *p, const char *end)
{
	for (; p < end; p++) {
		switch (*p) {
		case '\n':
			mr_buf_adds(out, "\\n");
			break;
		case '\r':
			mr_buf_adds(out, "\\r");
			break;
		case '\t':
			mr_buf_adds(out, "\\t");
			break;
		case '\\':
			mr_buf_adds(out, "\\\\");
			break;
		default:
			mr_buf_printf(out, "\\x%02x", (uint8_t)*p);
		}
	}
}

static void escape(struct mr_buf *out, struct mr_span s)
{
	struct mr_cur c = mr_cur(s);
	bool valid = true;

	while (mr_cur_left(&c) > 0) {
		const char *at = c.p;
		int32_t code = mr_utf8_next(&c, &valid);

		if (valid && code >= ' ' && code != 0x7f && code != '\\' &&
		    (code < 0x7f || code >= C1_END))
			mr_buf_add(out, mr_span(at, (size_t)(c.p - at)));
		else
			escape_bytes(out, at, c.p);
	}
}

static void print_field(struct mr_buf *out, const struct mr_act *act)
{
	escape(out, mr_span_str(act->name));
	mr_buf_adds(out, ":");
	mr_buf_adds(out, mr_act_blank(act));
	escape(out, act->value);
}

static void print_act(struct mr_buf *out, const struct mr_act *act)
{
	switch (act->kind) {
	case MR_ACT_INSERT:
		mr_buf_printf(out, "insert %u ", act->index);
		print_field(out, act);
		break;
	case MR_ACT_ADD:
		mr_buf_adds(out, "add ");
		print_field(out, act);
		break;
	case MR_ACT_CHANGE:
		mr_buf_printf(out, "change %u ", act->index);
		print_field(out, act);
		break;
	case MR_ACT_DELETE:
		mr_buf_printf(out, "delete %u ", act->index);
		escape(out, mr_span_str(act->name));
		break;
	case MR_ACT_BODY:
		mr_buf_printf(out, "body %zu", act->value.len);
		break;
	case MR_ACT_RCPT_ADD:
		mr_buf_adds(out, "rcpt-add ");
		escape(out, act->value);
		break;
	case MR_ACT_RCPT_REMOVE:
		mr_buf_adds(out, "rcpt-remove ");
		escape(out, act->value);
		break;
	}
	mr_buf_addc(out, '\n');
}

const char *mr_verdict_name(enum mr_verdict verdict)
{
	static const char *const names[] = {
		[MR_VERDICT_ACCEPT] = "accept",         [MR_VERDICT_REJECT] = "reject",
		[MR_VERDICT_TEMPFAIL] = "tempfail",     [MR_VERDICT_DISCARD] = "discard",
		[MR_VERDICT_QUARANTINE] = "quarantine",
	};

	return names[verdict];
}

int mr_actions_print(const struct mr_actions *acts, struct mr_buf *out)
{
	for (size_t i = 0; i < acts->count; i++)
		print_act(out, &acts->act[i]);
	mr_buf_adds(out, mr_verdict_name(acts->verdict));
	if (acts->reply) {
		mr_buf_addc(out, ' ');
		escape(out, mr_span_str(acts->reply));
	}
	mr_buf_addc(out, '\n');
	return mr_buf_err(out);
}
