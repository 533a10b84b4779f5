#include "lda/mapd/policy.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"

#define COUNT_MAX 1000000
#define SIZE_MAX_ ((uint64_t)1 << 50)

/* -- Postfix ---------------------------------------------------------------------------------- */

int mr_policy_frame(struct mr_span input, size_t *len_out)
{
	size_t at;

	/* A line that begins like no attribute: no need to wait for its end. */
	if (input.len > 0 && !mr_is(input.p[0], MR_ALNUM))
		return MR_EINVAL;
	at = mr_span_search(input, MR_SPAN("\n\n"));
	*len_out = at < input.len ? at + 2 : 0;
	return 0;
}

enum name { REQUEST, STATE, ACCOUNT, SENDER, RECIPIENT, COUNT, SIZE, INSTANCE, NAMES };

static const char *const names[NAMES] = {
	[REQUEST] = "request", [STATE] = "protocol_state", [ACCOUNT] = "sasl_username",
	[SENDER] = "sender",   [RECIPIENT] = "recipient",  [COUNT] = "recipient_count",
	[SIZE] = "size",       [INSTANCE] = "instance",
};

/* attribute = name "=" value; name = 1*( ALPHA / DIGIT / "_" ); value: no LF, no NUL */
static int attribute(struct mr_span line, struct mr_span values[NAMES])
{
	struct mr_span name, value;

	if (!mr_span_split(line, '=', &name, &value) || name.len == 0 ||
	    !mr_span_only(name, MR_ALNUM | MR_UNDERSCORE) || mr_span_find(value, 0) < value.len)
		return MR_ESYNTAX;
	for (size_t i = 0; i < NAMES; i++) {
		if (!values[i].p && mr_span_eq(name, mr_span_str(names[i])))
			values[i] = value;
	}
	return 0;
}

static int number(struct mr_span text, uint64_t max, int64_t *number_out)
{
	uint64_t n = 0;
	int err = text.len > 0 ? mr_span_u64(text, max, &n) : 0;

	if (err == 0)
		*number_out = (int64_t)n;
	return err;
}

int mr_policy_parse(struct mr_span request, struct mr_policy_request *request_out)
{
	struct mr_cur c = mr_cur(request);
	struct mr_span values[NAMES] = { { NULL, 0 } };
	struct mr_policy_request r = { .state = MR_POLICY_OTHER };
	size_t count = 0;
	int err = 0;

	while (mr_cur_left(&c) > 0 && mr_cur_peek(&c, 0) != '\n') {
		struct mr_span line = mr_cur_until(&c, '\n');

		if (count++ == MR_POLICY_ATTRIBUTES_MAX)
			return MR_ELIMIT;
		if (!mr_cur_byte(&c, '\n') || (err = attribute(line, values)) < 0)
			return MR_ESYNTAX;
	}
	if (!mr_cur_byte(&c, '\n') || mr_cur_left(&c) > 0 ||
	    !mr_span_eq(values[REQUEST], MR_SPAN("smtpd_access_policy")))
		return MR_ESYNTAX;
	if ((err = number(values[COUNT], COUNT_MAX, &r.recipients)) < 0 ||
	    (err = number(values[SIZE], SIZE_MAX_, &r.size)) < 0)
		return err;
	if (mr_span_eq(values[STATE], MR_SPAN("RCPT")))
		r.state = MR_POLICY_RCPT;
	else if (mr_span_eq(values[STATE], MR_SPAN("DATA")) ||
		 mr_span_eq(values[STATE], MR_SPAN("END-OF-MESSAGE")))
		r.state = MR_POLICY_DATA;
	r.account = values[ACCOUNT];
	r.sender = values[SENDER];
	r.recipient = values[RECIPIENT];
	r.instance = values[INSTANCE];
	*request_out = r;
	return 0;
}

/* Whether it is the message that was counted before. */
static bool again(const struct mr_policy_request *r, const struct mr_policy_memory *memory)
{
	return r->instance.len > 0 && mr_span_eq(r->instance, mr_span_str(memory->instance));
}

void mr_policy_decide(const struct mr_limit_table *table, const struct mr_settings *set,
		      const struct mr_policy_request *r, struct mr_policy_memory *memory,
		      struct mr_arena *arena, struct mr_limit_verdict *verdict_out)
{
	*verdict_out = (struct mr_limit_verdict){ .status = "" };
	if (r->state == MR_POLICY_RCPT) {
		if (r->account.len > 0)
			mr_limit_sender(table, set, r->account, 1, false, arena, verdict_out);
		if (verdict_out->code == 0)
			mr_limit_recipient(table, r->recipient, r->size, r->sender.len == 0, arena,
					   verdict_out);
	} else if (r->state == MR_POLICY_DATA && r->account.len > 0 && !again(r, memory)) {
		mr_limit_sender(table, set, r->account, r->recipients, true, arena, verdict_out);
		/* One that was refused, and comes again, is another message. */
		if (verdict_out->code != 0 ||
		    mr_span_copyz(r->instance, memory->instance, sizeof(memory->instance)) < 0)
			memory->instance[0] = '\0';
	}
}

int mr_policy_reply(const struct mr_limit_verdict *v, struct mr_buf *reply)
{
	if (v->code == 0)
		return mr_buf_adds(reply, "action=DUNNO\n\n");
	return mr_buf_printf(reply, "action=%d %s %s\n\n", v->code, v->status, v->text);
}

/* -- sendmail --------------------------------------------------------------------------------- */

/* RFC 3461 4: xtext = *( xchar / hexchar ); hexchar = "+" and two upper-case hexadecimal digits */
static int xtext(struct mr_span in, struct mr_arena *arena, struct mr_span *text_out)
{
	char *text = mr_arena_text(arena, in.len + 1);
	size_t len = 0;

	if (!text)
		return MR_ENOMEM;
	for (size_t i = 0; i < in.len; i++, len++) {
		int high, low;

		text[len] = in.p[i];
		if (in.p[i] != '+')
			continue;
		high = i + 1 < in.len ? mr_hex_value(in.p[i + 1]) : -1;
		low = i + 2 < in.len ? mr_hex_value(in.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return MR_ESYNTAX;
		text[len] = (char)(high * 16 + low);
		i += 2;
	}
	*text_out = mr_span(text, len);
	return 0;
}

int mr_policy_key(const struct mr_limit_table *table, const struct mr_settings *set,
		  struct mr_span key, struct mr_arena *arena, struct mr_limit_verdict *verdict_out)
{
	struct mr_span word, rest, digits, account;
	uint64_t count = 0;
	bool data;
	int err;

	if (!mr_span_split(key, ':', &word, &rest))
		return MR_ESYNTAX;
	*verdict_out = (struct mr_limit_verdict){ .status = "" };
	if (mr_span_eq(word, MR_SPAN("rcpt")) || mr_span_eq(word, MR_SPAN("null"))) {
		mr_limit_recipient(table, rest, 0, mr_span_eq(word, MR_SPAN("null")), arena,
				   verdict_out);
		return 0;
	}
	data = mr_span_eq(word, MR_SPAN("data"));
	if (data) {
		if (!mr_span_split(rest, ':', &digits, &rest) ||
		    mr_span_u64(digits, COUNT_MAX, &count) < 0)
			return MR_ESYNTAX;
	} else if (!mr_span_eq(word, MR_SPAN("auth"))) {
		return MR_ESYNTAX;
	}
	/* Nobody has logged in: nobody is counted. */
	if (rest.len == 0)
		return 0;
	if ((err = xtext(rest, arena, &account)) < 0)
		return err;
	mr_limit_sender(table, set, account, (int64_t)count, data, arena, verdict_out);
	return 0;
}

int mr_policy_data(const struct mr_limit_verdict *v, struct mr_buf *data)
{
	return mr_buf_printf(data, "ERROR:%s:%d %s", v->status, v->code, v->text);
}
