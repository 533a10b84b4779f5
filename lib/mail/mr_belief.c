#include "lib/mail/mr_belief.h"

static const struct {
	struct mr_span name;
	enum mr_writer writer;
} fields[] = {
	{ MR_SPAN("Authentication-Results"), MR_WRITER_AUTH },
	{ MR_SPAN("X-Millrace-RBL"), MR_WRITER_RBL },
	{ MR_SPAN("X-Millrace-TLS"), MR_WRITER_TLS },
	{ MR_SPAN("X-Encryption"), MR_WRITER_TLS },
	{ MR_SPAN("X-Virus-Status"), MR_WRITER_VIRUS },
};

/* Index of the topmost Received, or count. */
static uint32_t received(const struct mr_field *field, uint32_t count)
{
	uint32_t i = 0;

	while (i < count && !mr_span_eq_nocase(field[i].name, MR_SPAN("Received")))
		i++;
	return i;
}

uint32_t mr_belief_arriving(const struct mr_field *field, uint32_t count)
{
	return received(field, count);
}

uint32_t mr_belief_delivered(const struct mr_belief *belief, const struct mr_field *field,
			     uint32_t count)
{
	uint32_t end = received(field, count);

	if (end == count)
		return 0;
	return belief->below_received ? end + 1 + received(field + end + 1, count - end - 1) : end;
}

bool mr_belief_field(const struct mr_belief *belief, const struct mr_field *field)
{
	struct mr_authres_value id;
	size_t i = 0;

	while (i < MR_COUNT(fields) && !mr_span_eq_nocase(field->name, fields[i].name))
		i++;
	if (i == MR_COUNT(fields) || !(belief->writers & fields[i].writer))
		return false;
	/* RFC 8601 5: only what bears our authserv-id is ours; an empty one is nobody's. */
	return fields[i].writer != MR_WRITER_AUTH ||
	       (belief->authserv_id.len > 0 && mr_authres_parse_id(field->value, &id) == 0 &&
		mr_authres_is(&id, belief->authserv_id));
}

/*
 * A property with a parenthesis in it: rspamd puts the sender into a comment before it, unescaped, and
 * there such a sender ends the comment and goes on with results of his own. Nobody honest has one.
 */
static bool breaks_comments(const struct mr_authres *ar)
{
	for (uint32_t i = 0; i < ar->prop_count; i++) {
		struct mr_span raw = ar->prop[i].value.raw;

		if (mr_span_find(raw, '(') < raw.len || mr_span_find(raw, ')') < raw.len)
			return true;
	}
	return false;
}

bool mr_belief_authres(const struct mr_belief *belief, const struct mr_field *field, uint32_t end,
		       uint32_t *at, struct mr_authres *ar_out)
{
	while (*at < end) {
		const struct mr_field *f = &field[(*at)++];

		if (mr_span_eq_nocase(f->name, MR_SPAN("Authentication-Results")) &&
		    mr_belief_field(belief, f) && mr_authres_parse(f->value, ar_out) == 0 &&
		    ar_out->version == 1 && !breaks_comments(ar_out))
			return true;
	}
	return false;
}
