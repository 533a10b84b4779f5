#include "lib/run/mr_actions.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"

void mr_actions_init(struct mr_actions *acts, struct mr_arena *arena, unsigned may)
{
	*acts = (struct mr_actions){ .arena = arena, .may = may };
}

/* RFC 5322 2.2: printable US-ASCII but the colon. */
static int name_check(const char *name)
{
	size_t len = strlen(name);

	if (len > MR_ACT_NAME_MAX)
		return MR_ELIMIT;
	for (size_t i = 0; i < len; i++) {
		if (name[i] <= ' ' || name[i] > '~' || name[i] == ':')
			return MR_EINVAL;
	}
	return len > 0 ? 0 : MR_EINVAL;
}

/* A break that no blank follows would begin a field, or the body, of an attacker's choice. */
static int value_check(struct mr_span value)
{
	if (value.len > MR_ACT_VALUE_MAX)
		return MR_ELIMIT;
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] == '\r')
			return MR_EINVAL;
		if (value.p[i] == '\n' && (i + 1 == value.len || !mr_is(value.p[i + 1], MR_WSP)))
			return MR_EINVAL;
	}
	return 0;
}

/* SMTPUTF8 (RFC 6531) addresses are raw UTF-8; a control character would end a command early. */
static int rcpt_check(struct mr_span rcpt)
{
	if (rcpt.len > MR_ACT_RCPT_MAX)
		return MR_ELIMIT;
	for (size_t i = 0; i < rcpt.len; i++) {
		if (mr_is(rcpt.p[i], MR_CTL | MR_CRLF | MR_WSP))
			return MR_EINVAL;
	}
	return rcpt.len > 0 ? 0 : MR_EINVAL;
}

/* Append a row and its copies. The row appears whole or not at all. */
static int push(struct mr_actions *acts, enum mr_act_kind kind, uint32_t index, const char *name,
		struct mr_span value)
{
	struct mr_act act = { .kind = kind, .index = index };
	int err;

	if (acts->count >= MR_ACTIONS_MAX)
		return MR_ELIMIT;
	err = mr_arena_grow(acts->arena, &acts->act, &acts->room, acts->count + 1, sizeof(act));
	if (err < 0)
		return err;
	if (name) {
		act.name = mr_arena_strz(acts->arena, mr_span_str(name));
		if (!act.name)
			return MR_ENOMEM;
	}
	/* The copy ends in a NUL that does not count: libmilter wants strings. */
	act.value.p = mr_arena_strz(acts->arena, value);
	if (!act.value.p)
		return MR_ENOMEM;
	act.value.len = value.len;
	acts->act[acts->count++] = act;
	return 0;
}

static int push_field(struct mr_actions *acts, enum mr_act_kind kind, uint32_t index,
		      const char *name, struct mr_span value)
{
	int err;

	MR_ASSERT(acts->may & MR_MAY_FIELDS);
	if ((err = name_check(name)) < 0 || (err = value_check(value)) < 0)
		return err;
	return push(acts, kind, index, name, value);
}

int mr_act_insert(struct mr_actions *acts, uint32_t index, const char *name, const char *value)
{
	if (index > INT32_MAX) /* libmilter takes an int */
		return MR_ELIMIT;
	return push_field(acts, MR_ACT_INSERT, index, name, mr_span_str(value));
}

int mr_act_add(struct mr_actions *acts, const char *name, const char *value)
{
	return push_field(acts, MR_ACT_ADD, 0, name, mr_span_str(value));
}

int mr_act_change(struct mr_actions *acts, const char *name, uint32_t nth, const char *value)
{
	if (nth == 0)
		return MR_EINVAL;
	if (nth > INT32_MAX)
		return MR_ELIMIT;
	return push_field(acts, MR_ACT_CHANGE, nth, name, mr_span_str(value));
}

/*
 * How many fields of the message itself are so named. Where the table of fields was cut, the header
 * is counted byte by byte: a copy behind 10,000 other fields is as forged as one at the top.
 */
static uint32_t count_named(const struct mr_msg *msg, struct mr_span name)
{
	const struct mr_part *top = &msg->part[0];
	struct mr_cur c = mr_cur(top->header);
	struct mr_span line;
	uint32_t count = 0;

	if (!(msg->cut & MR_CUT_FIELDS)) {
		for (uint32_t i = 0; i < top->field_count; i++)
			count += mr_span_eq_nocase(msg->field[top->field_first + i].name, name);
		return count;
	}
	while (mr_cur_line(&c, &line)) {
		struct mr_span head, rest;

		/* A folded line begins with a blank, so it never has the name in front. */
		if (mr_span_split(line, ':', &head, &rest))
			count += mr_span_eq_nocase(mr_span_rtrim(head), name);
	}
	return count;
}

int mr_act_delete_all(struct mr_actions *acts, const struct mr_msg *msg, const char *name)
{
	size_t before = acts->count;
	int err = 0;

	MR_ASSERT(acts->may & MR_MAY_FIELDS);
	/* From the last one up: a deletion must not renumber those that are still to go. */
	for (uint32_t n = count_named(msg, mr_span_str(name)); n > 0 && err == 0; n--)
		err = push_field(acts, MR_ACT_DELETE, n, name, MR_SPAN(""));
	if (err < 0)
		acts->count = before;
	return err;
}

int mr_act_replace(struct mr_actions *acts, const struct mr_msg *msg, const char *name,
		   const char *value)
{
	size_t before = acts->count;
	int err = mr_act_delete_all(acts, msg, name);

	if (err == 0 && (err = mr_act_insert(acts, 0, name, value)) < 0)
		acts->count = before;
	return err;
}

const char *mr_act_blank(const struct mr_act *act)
{
	return mr_span_starts(act->value, MR_WSP | MR_CRLF) ? "" : " ";
}

int mr_act_body(struct mr_actions *acts, struct mr_span body)
{
	MR_ASSERT(acts->may & MR_MAY_BODY);
	if (body.len > MR_ACT_BODY_MAX)
		return MR_ELIMIT;
	return push(acts, MR_ACT_BODY, 0, NULL, body);
}

static int push_rcpt(struct mr_actions *acts, enum mr_act_kind kind, struct mr_span rcpt)
{
	int err = rcpt_check(rcpt);

	MR_ASSERT(acts->may & MR_MAY_RCPT);
	return err < 0 ? err : push(acts, kind, 0, NULL, rcpt);
}

int mr_act_rcpt_add(struct mr_actions *acts, struct mr_span rcpt)
{
	return push_rcpt(acts, MR_ACT_RCPT_ADD, rcpt);
}

int mr_act_rcpt_remove(struct mr_actions *acts, struct mr_span rcpt)
{
	return push_rcpt(acts, MR_ACT_RCPT_REMOVE, rcpt);
}

/* RFC 3463 2: status-code = class "." subject "." detail, the last two of one to three digits. */
static int code_check(const char *code, char class)
{
	struct mr_cur c = mr_cur(mr_span_str(code));
	size_t subject, detail;

	if (!mr_cur_byte(&c, class) || !mr_cur_byte(&c, '.'))
		return MR_EINVAL;
	subject = mr_cur_take(&c, MR_DIGIT).len;
	if (!mr_cur_byte(&c, '.'))
		return MR_EINVAL;
	detail = mr_cur_take(&c, MR_DIGIT).len;
	if (subject < 1 || subject > 3 || detail < 1 || detail > 3 || mr_cur_left(&c) > 0)
		return MR_EINVAL;
	return 0;
}

/* RFC 5321 4.2: textstring = 1*(%d09 / %d32-126), a line each. */
static int text_check(const char *text)
{
	struct mr_span line, rest = mr_span_str(text);
	size_t lines = 0;
	bool more;

	do {
		more = mr_span_split(rest, '\n', &line, &rest);
		if (++lines > MR_ACT_REPLY_LINES || line.len > MR_ACT_REPLY_MAX)
			return MR_ELIMIT;
		for (size_t i = 0; i < line.len; i++) {
			if (line.p[i] < ' ' || line.p[i] > '~')
				return MR_EINVAL;
		}
		if (line.len == 0)
			return MR_EINVAL;
	} while (more);
	return 0;
}

static int verdict_set(struct mr_actions *acts, enum mr_verdict verdict, const char *smtp,
		       const char *code, const char *text)
{
	const char *reply;
	int err;

	MR_ASSERT(acts->may & MR_MAY_REJECT);
	if ((err = code_check(code, smtp[0])) < 0 || (err = text_check(text)) < 0)
		return err;
	reply = mr_arena_printf(acts->arena, "%s %s %s", smtp, code, text);
	if (!reply)
		return MR_ENOMEM;
	acts->verdict = verdict;
	acts->reply = reply;
	return 0;
}

int mr_act_reject(struct mr_actions *acts, const char *code, const char *text)
{
	return verdict_set(acts, MR_VERDICT_REJECT, "550", code, text);
}

int mr_act_tempfail(struct mr_actions *acts, const char *code, const char *text)
{
	return verdict_set(acts, MR_VERDICT_TEMPFAIL, "451", code, text);
}

int mr_act_quarantine(struct mr_actions *acts, const char *reason)
{
	const char *copy;

	MR_ASSERT(acts->may & MR_MAY_QUARANTINE);
	copy = mr_arena_strz(acts->arena, mr_span_str(reason));
	if (!copy)
		return MR_ENOMEM;
	acts->verdict = MR_VERDICT_QUARANTINE;
	acts->reply = copy;
	return 0;
}

void mr_act_discard(struct mr_actions *acts)
{
	MR_ASSERT(acts->may & MR_MAY_DISCARD);
	acts->verdict = MR_VERDICT_DISCARD;
	acts->reply = NULL;
}

void mr_act_accept(struct mr_actions *acts)
{
	acts->verdict = MR_VERDICT_ACCEPT;
	acts->reply = NULL;
}

int mr_act_note(struct mr_actions *acts, const char *format, ...)
{
	va_list args, again;
	char *p = NULL;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len >= 0)
		p = mr_arena_text(acts->arena, (size_t)len + 1);
	if (p)
		vsnprintf(p, (size_t)len + 1, format, again); /* len was measured above */
	va_end(again);
	va_end(args);
	if (!p)
		return MR_ENOMEM;
	acts->note = p;
	return 0;
}
