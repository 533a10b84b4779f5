#include "lib/store/mr_resolve.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"

/* An address that is still to be looked at. */
struct item {
	struct mr_span local, domain;
	struct mr_span detail; /* inherited */
	char separator;
	unsigned depth;
};

/* An alias that was followed. */
struct followed {
	struct mr_span local, domain;
};

struct resolving {
	const struct mr_resolve_table *table;
	const char *separators;
	struct mr_arena *arena;
	struct item *item; /* a queue: the first `at` are done */
	size_t item_count, item_room, at;
	struct followed followed[MR_RESOLVE_ALIASES_MAX];
	size_t followed_count;
	struct mr_resolve_mailbox *mailbox;
	size_t mailbox_count, mailbox_room;
	struct mr_span *outside;
	size_t outside_count, outside_room;
	bool alias, looped;
};

/* A name that nobody can have is nobody's. A store that we may not read is away, and no foreign domain: that is
 * what MR_EPERM of mr_resolve() means. */
static int absent(int err)
{
	if (err == MR_EPERM)
		return MR_ETEMP;
	return err == MR_EINVAL || err == MR_ELIMIT ? MR_ENOENT : err;
}

static int item_add(struct resolving *r, struct item item)
{
	if (r->item_count == MR_RESOLVE_TARGETS_MAX + 1 || item.depth > MR_RESOLVE_DEPTH_MAX)
		return MR_ELIMIT;
	if (mr_arena_grow(r->arena, &r->item, &r->item_room, r->item_count + 1, sizeof(*r->item)) <
	    0)
		return MR_ENOMEM;
	r->item[r->item_count++] = item;
	return 0;
}

static bool was_followed(const struct resolving *r, const struct mr_alias *alias)
{
	for (size_t i = 0; i < r->followed_count; i++) {
		if (mr_span_eq(r->followed[i].local, alias->local) &&
		    mr_span_eq(r->followed[i].domain, alias->domain))
			return true;
	}
	return false;
}

/* The directory's word about one address; the domain of a name that nobody can have counts, too. */
static int find(struct resolving *r, struct mr_span local, struct mr_span domain,
		struct mr_address *out)
{
	const struct mr_resolve_table *table = r->table;
	int err;

	if (table->address)
		return table->address(table->arg, local, domain, r->arena, out);
	*out = (struct mr_address){ .ours = false };
	if ((err = absent(table->domain(table->arg, domain))) < 0)
		return err == MR_ENOENT ? 0 : err;
	out->ours = true;
	err = absent(table->alias(table->arg, local, domain, r->arena, &out->alias));
	out->has_alias = err == 0;
	if (err == 0 || err == MR_ENOENT)
		err = absent(table->user(table->arg, local, domain, r->arena, &out->user));
	out->has_user = err == 0;
	return err == MR_ENOENT ? 0 : err;
}

/* 1: the alias is followed; 0: it does not count. */
static int follow(struct resolving *r, const struct mr_alias *alias, unsigned depth,
		  struct mr_span detail, char separator)
{
	int err;

	if (alias->disabled)
		return 0;
	if (was_followed(r, alias)) {
		r->looped = true;
		return 0;
	}
	if (r->followed_count == MR_RESOLVE_ALIASES_MAX)
		return MR_ELIMIT;
	r->followed[r->followed_count++] = (struct followed){ alias->local, alias->domain };
	r->alias = true;
	for (size_t i = 0; i < alias->target_count; i++) {
		struct item next = { .detail = detail, .separator = separator, .depth = depth + 1 };

		if (mr_store_alias_target_check(alias->target[i]) < 0 ||
		    mr_name_split(alias->target[i], &next.local, &next.domain) < 0)
			continue;
		if ((err = item_add(r, next)) < 0)
			return err;
	}
	return 1;
}

static int mailbox_add(struct resolving *r, struct mr_resolve_mailbox mailbox)
{
	for (size_t i = 0; i < r->mailbox_count; i++) {
		if (mr_span_eq(r->mailbox[i].user.local, mailbox.user.local) &&
		    mr_span_eq(r->mailbox[i].user.domain, mailbox.user.domain))
			return 1;
	}
	if (mr_arena_grow(r->arena, &r->mailbox, &r->mailbox_room, r->mailbox_count + 1,
			  sizeof(*r->mailbox)) < 0)
		return MR_ENOMEM;
	r->mailbox[r->mailbox_count++] = mailbox;
	return 1;
}

/* An alias, then a user of this name. 1: there is one; 0: there is none. */
static int take(struct resolving *r, const struct mr_address *found, unsigned depth,
		struct mr_span detail, char separator)
{
	int err = 0;

	if (found->has_alias)
		err = follow(r, &found->alias, depth, detail, separator);
	if (err == 0 && found->has_user)
		err = mailbox_add(r, (struct mr_resolve_mailbox){ found->user, detail, separator });
	return err;
}

static int outside_add(struct resolving *r, const struct item *item)
{
	char *text;

	for (size_t i = 0; i < r->outside_count; i++) {
		struct mr_span have = r->outside[i];
		size_t at = mr_span_rfind(have, '@');

		if (mr_span_eq(mr_span_sub(have, 0, at), item->local) &&
		    mr_span_eq_nocase(mr_span_sub(have, at + 1, have.len), item->domain))
			return 0;
	}
	text = mr_arena_printf(r->arena, "%.*s@%.*s", (int)item->local.len, item->local.p,
			       (int)item->domain.len, item->domain.p);
	if (!text || mr_arena_grow(r->arena, &r->outside, &r->outside_room, r->outside_count + 1,
				   sizeof(*r->outside)) < 0)
		return MR_ENOMEM;
	r->outside[r->outside_count++] = mr_span_str(text);
	return 0;
}

/* Where the part before the separator ends; local.len: there is none. The first octet is never one. */
static size_t detail_at(struct mr_span local, const char *separators)
{
	for (size_t i = 1; i < local.len; i++) {
		if (local.p[i] && strchr(separators, local.p[i]))
			return i;
	}
	return local.len;
}

/* 0: it was followed, taken or left out. */
static int look_at(struct resolving *r, const struct item *item)
{
	struct mr_span whole = item->local, domain = item->domain;
	size_t at = detail_at(whole, r->separators);
	struct mr_address found;
	int err = find(r, whole, domain, &found);

	if (err < 0)
		return err;
	if (!found.ours)
		return item->depth > 0 ? outside_add(r, item) : MR_EPERM;
	if ((err = take(r, &found, item->depth, item->detail, item->separator)) != 0)
		return err < 0 ? err : 0;
	if (at < whole.len) {
		if ((err = find(r, mr_span_sub(whole, 0, at), domain, &found)) < 0 ||
		    (err = take(r, &found, item->depth, mr_span_sub(whole, at + 1, whole.len),
				whole.p[at])) != 0)
			return err < 0 ? err : 0;
	}
	if ((err = find(r, MR_SPAN(""), domain, &found)) < 0)
		return err;
	err = take(r, &found, item->depth, item->detail, item->separator);
	return err < 0 ? err : 0;
}

int mr_resolve(const struct mr_resolve_table *table, const char *separators, struct mr_span local,
	       struct mr_span domain, struct mr_arena *arena, struct mr_resolved *resolved_out)
{
	struct resolving r = { .table = table, .separators = separators, .arena = arena };
	int err = item_add(&r, (struct item){ .local = local, .domain = domain });

	if (local.len == 0) /* "@example.org" is how a catch-all is written, and nobody's address */
		return MR_ENOENT;
	while (err == 0 && r.at < r.item_count) {
		struct item item = r.item[r.at++]; /* a copy: the queue may move */

		err = look_at(&r, &item);
	}
	if (err < 0)
		return err;
	if (r.mailbox_count == 0 && r.outside_count == 0)
		return r.looped ? MR_ELIMIT : MR_ENOENT;
	*resolved_out = (struct mr_resolved){
		.alias = r.alias,
		.mailbox = r.mailbox,
		.mailbox_count = r.mailbox_count,
		.outside = r.outside,
		.outside_count = r.outside_count,
	};
	return 0;
}

static int store_domain(void *arg, struct mr_span domain)
{
	return mr_store_domain_exists(arg, domain);
}

static int store_user(void *arg, struct mr_span local, struct mr_span domain,
		      struct mr_arena *arena, struct mr_user *user_out)
{
	return mr_store_user_find(arg, local, domain, arena, user_out);
}

static int store_alias(void *arg, struct mr_span local, struct mr_span domain,
		       struct mr_arena *arena, struct mr_alias *alias_out)
{
	return mr_store_alias_find(arg, local, domain, arena, alias_out);
}

static int store_address(void *arg, struct mr_span local, struct mr_span domain,
			 struct mr_arena *arena, struct mr_address *address_out)
{
	return mr_store_address_find(arg, local, domain, arena, address_out);
}

void mr_resolve_store(struct mr_store *store, struct mr_resolve_table *table_out)
{
	*table_out = (struct mr_resolve_table){ store_domain, store_user, store_alias,
						store_address, store };
}
