#include "lib/store/mr_sender_rule.h"

#include "lib/base/mr_err.h"

/* The best entry of one list so far. */
struct best {
	enum mr_sender_action action;
	unsigned exact; /* more: names fewer senders */
	const char *entry;
};

#define EXACT_ADDRESS 1000 /* more than a domain has labels */
#define EXACT_DOMAIN  999

static unsigned exactness(const char *entry)
{
	unsigned labels = 0;

	if (strchr(entry, '@'))
		return EXACT_ADDRESS;
	if (entry[0] != '*')
		return EXACT_DOMAIN;
	for (const char *c = entry; *c; c++)
		labels += *c == '.';
	return labels;
}

/* Actions are numbered from the mildest on. */
static void look(const struct mr_sender_keys *keys,
		 const enum mr_sender_action action[MR_SENDER_KEYS_MAX], bool may_friend,
		 bool may_block, struct best *best)
{
	for (size_t i = 0; i < keys->count; i++) {
		unsigned exact = exactness(keys->key[i]);
		bool friend = action[i] == MR_SENDER_FRIEND;

		if (action[i] == MR_SENDER_NONE || !(friend ? may_friend : may_block))
			continue;
		if (best->action == MR_SENDER_NONE || exact > best->exact ||
		    (exact == best->exact && action[i] < best->action))
			*best = (struct best){ action[i], exact, keys->key[i] };
	}
}

static bool is_at(const struct mr_sender_keys *keys, struct mr_span own)
{
	char name[MR_NAME_DOMAIN_MAX + 1];

	return keys->count > 0 && mr_name_domain(own, name) > 0 &&
	       mr_span_eq(mr_sender_domain(mr_span_str(keys->key[0])), mr_span_str(name));
}

void mr_sender_rule(const struct mr_origin *o, const struct mr_sender_found *found,
		    struct mr_span domain, struct mr_span also, struct mr_sender_says *says_out)
{
	bool own = false, may_friend = o->proven && o->from_count == 1 && !o->suspect;
	bool own_envelope = is_at(&o->envelope, domain) || is_at(&o->envelope, also);
	struct best best = { MR_SENDER_NONE, 0, "" };
	int list;

	for (size_t i = 0; i < o->from_count; i++)
		own = own || is_at(&o->from[i], domain) || is_at(&o->from[i], also);
	for (list = 0; list < 2 && best.action == MR_SENDER_NONE; list++) {
		for (size_t i = 0; i < o->from_count; i++)
			look(&o->from[i], list == 0 ? found[i].user : found[i].domain, may_friend,
			     !own, &best);
		look(&o->envelope,
		     list == 0 ? found[o->from_count].user : found[o->from_count].domain, false,
		     !own && !own_envelope, &best);
	}
	says_out->action = best.action;
	says_out->of_user = list == 1;
	snprintf(says_out->entry, sizeof(says_out->entry), "%s", best.entry);
}

static bool same_sender(const struct mr_sender_keys *a, const struct mr_sender_keys *b)
{
	return a->count == b->count && a->count > 0 && strcmp(a->key[0], b->key[0]) == 0;
}

int mr_sender_rule_ask(struct mr_store *store, struct mr_span local, struct mr_span domain,
		       struct mr_span also, const struct mr_origin *o,
		       struct mr_sender_says *says_out)
{
	struct mr_sender_found found[MR_ORIGIN_FROM_MAX + 1] = { { { MR_SENDER_NONE },
								   { MR_SENDER_NONE } } };
	struct mr_sender_found *envelope = &found[o->from_count];
	int err = 0;

	for (size_t i = 0; i < o->from_count && err == 0; i++)
		err = mr_store_sender_find(store, local, domain, &o->from[i], &found[i]);
	if (err < 0)
		return err;
	/* Mostly both are the same. */
	if (o->from_count > 0 && same_sender(&o->from[0], &o->envelope))
		*envelope = found[0];
	else if (o->envelope.count > 0)
		err = mr_store_sender_find(store, local, domain, &o->envelope, envelope);
	if (err == 0)
		mr_sender_rule(o, found, domain, also, says_out);
	return err;
}
