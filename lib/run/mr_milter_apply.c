#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_milter_priv.h"

/* libmilter's functions take char * but change nothing. */
static char *loose(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* Value as the MTA wants it: with the blank after the colon where that was negotiated, else without
 * (the MTA puts one itself). NULL: out of memory. */
static char *field_value(const struct mr_session *s, const struct mr_message *m,
			 const struct mr_act *act)
{
	const char *blank = mr_act_blank(act);

	if (!s->leading_blank)
		return loose(act->value.p + (act->value.len > 0 && act->value.p[0] == ' '));
	if (blank[0] == '\0')
		return loose(act->value.p);
	return mr_arena_printf(m->ctx.arena, "%s%s", blank, act->value.p);
}

static int apply_field(SMFICTX *ctx, const struct mr_session *s, const struct mr_message *m,
		       const struct mr_act *act)
{
	char *name = loose(act->name), *value = field_value(s, m, act);
	int index = (int)act->index;

	if (!value)
		return MI_FAILURE;
	if (act->kind == MR_ACT_INSERT)
		return smfi_insheader(ctx, index, name, value);
	if (act->kind == MR_ACT_ADD)
		return smfi_addheader(ctx, name, value);
	/* An empty value would delete the field; without LEADSPC there is no other way to say it. */
	return smfi_chgheader(ctx, name, index, value[0] ? value : loose(" "));
}

static int apply_rcpt(SMFICTX *ctx, const struct mr_message *m, const struct mr_act *act)
{
	char *path = mr_arena_printf(m->ctx.arena, "<%s>", act->value.p);

	if (!path)
		return MI_FAILURE;
	return act->kind == MR_ACT_RCPT_ADD ? smfi_addrcpt(ctx, path) : smfi_delrcpt(ctx, path);
}

static int apply_one(SMFICTX *ctx, const struct mr_session *s, const struct mr_message *m,
		     const struct mr_act *act)
{
	switch (act->kind) {
	case MR_ACT_INSERT:
	case MR_ACT_ADD:
	case MR_ACT_CHANGE:
		return apply_field(ctx, s, m, act);
	case MR_ACT_DELETE:
		return smfi_chgheader(ctx, loose(act->name), (int)act->index, NULL);
	case MR_ACT_BODY:
		return smfi_replacebody(ctx, (unsigned char *)loose(act->value.p),
					(int)act->value.len);
	case MR_ACT_RCPT_ADD:
	case MR_ACT_RCPT_REMOVE:
		return apply_rcpt(ctx, m, act);
	}
	return MI_FAILURE;
}

int mr_apply_actions(SMFICTX *ctx, const struct mr_session *s, const struct mr_message *m)
{
	for (size_t i = 0; i < m->acts.count; i++) {
		if (apply_one(ctx, s, m, &m->acts.act[i]) != MI_SUCCESS)
			return MR_ETEMP;
	}
	return 0;
}

/* libmilter reads the text as a format: each % is doubled. False: out of memory. */
static bool lines_of(const struct mr_actions *acts, const char *text,
		     char *line[MR_ACT_REPLY_LINES])
{
	struct mr_span one, rest = mr_span_str(text);
	size_t count = 0;
	bool more;

	do {
		char *p;

		more = mr_span_split(rest, '\n', &one, &rest);
		p = mr_arena_text(acts->arena, 2 * one.len + 1);
		if (!p || count >= MR_ACT_REPLY_LINES)
			return false;
		line[count++] = p;
		for (size_t i = 0; i < one.len; i++) {
			if (one.p[i] == '%')
				*p++ = '%';
			*p++ = one.p[i];
		}
		*p = '\0';
	} while (more);
	return true;
}

/* "550 5.7.1 text" as libmilter wants it. Without a reply of ours the MTA sends one of its own, of
 * the same class. */
static void set_reply(SMFICTX *ctx, const struct mr_actions *acts)
{
	char *l[MR_ACT_REPLY_LINES] = { NULL };
	struct mr_span code, xcode, text;
	char *code_z, *xcode_z;

	if (!acts->reply || !mr_span_split(mr_span_str(acts->reply), ' ', &code, &text) ||
	    !mr_span_split(text, ' ', &xcode, &text))
		return;
	code_z = mr_arena_strz(acts->arena, code);
	xcode_z = mr_arena_strz(acts->arena, xcode);
	/* text ends where reply does, in a NUL. A NULL ends libmilter's list of lines. */
	if (!code_z || !xcode_z || !lines_of(acts, text.p, l) ||
	    smfi_setmlreply(ctx, code_z, xcode_z, l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7],
			    l[8], l[9], l[10], l[11], l[12], l[13], l[14], l[15], l[16], l[17],
			    l[18], l[19], l[20], l[21], l[22], l[23], l[24], l[25], l[26], l[27],
			    l[28], l[29], l[30], l[31], NULL) != MI_SUCCESS)
		mr_log(MR_LOG_WARN, "reply not set", MR_KV("reply", acts->reply));
}

sfsistat mr_apply_verdict(SMFICTX *ctx, const struct mr_actions *acts)
{
	switch (acts->verdict) {
	case MR_VERDICT_ACCEPT:
		return SMFIS_CONTINUE; /* SMFIS_ACCEPT would hide the message from later milters */
	case MR_VERDICT_REJECT:
		set_reply(ctx, acts);
		return SMFIS_REJECT;
	case MR_VERDICT_TEMPFAIL:
		set_reply(ctx, acts);
		return SMFIS_TEMPFAIL;
	case MR_VERDICT_DISCARD:
		return SMFIS_DISCARD;
	case MR_VERDICT_QUARANTINE:
		/* NEEDSWORK: keep the message in the store, then SMFIS_DISCARD. Until a stage has a
		 * place to keep it, the mail waits with its sender. */
		return SMFIS_TEMPFAIL;
	}
	return SMFIS_TEMPFAIL;
}
