#include "lib/mail/mr_origin.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_addr.h"
#include "lib/mail/mr_align.h"

/* All From fields: one too many is malformed (RFC 5322 3.6), and programs show either. */
static int from_read(const struct mr_msg *msg, struct mr_arena *arena, struct mr_origin *origin)
{
	const struct mr_field *from = mr_msg_field(msg, 0, MR_SPAN("From"));

	for (; from; from = mr_msg_field_next(msg, 0, from)) {
		const struct mr_addr *addr;
		int count = mr_addr_parse(from->value, MR_ORIGIN_FROM_MAX, arena, &addr);

		if (count < 0)
			return count;
		for (int i = 0; i < count && origin->from_count < MR_ORIGIN_FROM_MAX; i++) {
			struct mr_sender_keys *keys = &origin->from[origin->from_count];

			origin->from_count +=
				mr_sender_keys(addr[i].local, addr[i].domain, keys) == 0;
		}
	}
	return 0;
}

/* A local part in quotes is compared without them. */
static int envelope_read(struct mr_span sender, struct mr_arena *arena, struct mr_origin *origin)
{
	const struct mr_addr *addr;
	int count = mr_addr_parse(sender, 1, arena, &addr);

	if (count > 0)
		(void)!mr_sender_keys(addr[0].local, addr[0].domain, &origin->envelope);
	return count < 0 ? count : 0;
}

/* The domain that keys are of, or nothing. */
static struct mr_span domain_of(const struct mr_sender_keys *keys)
{
	return keys->count > 0 ? mr_sender_domain(mr_span_str(keys->key[0])) : MR_SPAN("");
}

/* Behind "Clean" may be words of the filter's own. */
static bool is_clean(struct mr_span value)
{
	static const struct mr_span clean = MR_SPAN("Clean");
	struct mr_span text = mr_span_trim(value);

	return mr_span_has_prefix_nocase(text, clean) &&
	       (text.len == clean.len || !mr_is(text.p[clean.len], MR_ALNUM | MR_HYPHEN));
}

static void virus_read(const struct mr_field *field, uint32_t end, const struct mr_belief *belief,
		       struct mr_origin *origin)
{
	for (uint32_t i = 0; i < end; i++) {
		if (mr_span_eq_nocase(field[i].name, MR_SPAN("X-Virus-Status")) &&
		    mr_belief_field(belief, &field[i]))
			origin->suspect = origin->suspect || !is_clean(field[i].value);
	}
}

int mr_origin_read(const struct mr_msg *msg, struct mr_span sender, const struct mr_belief *belief,
		   uint32_t end, const struct mr_psl *psl, struct mr_arena *arena,
		   struct mr_origin *origin_out)
{
	struct mr_origin *o = origin_out;
	char buf[MR_DOMAIN_MAX];
	struct mr_span from = MR_SPAN("");
	struct mr_authres ar;
	uint32_t at = 0;
	int err;

	o->from_count = o->envelope.count = 0;
	o->proven = o->answerable = o->suspect = false;
	if ((err = from_read(msg, arena, o)) < 0 || (err = envelope_read(sender, arena, o)) < 0)
		return err;
	if ((err = mr_align_from(msg, arena, buf, &from)) < 0 && err != MR_ENOENT)
		return err;
	while (mr_belief_authres(belief, msg->field, end, &at, &ar)) {
		o->proven = o->proven || mr_align_pass(&ar, from, psl);
		o->answerable = o->answerable || mr_align_pass(&ar, domain_of(&o->envelope), psl);
	}
	virus_read(msg->field, end, belief, o);
	return 0;
}
