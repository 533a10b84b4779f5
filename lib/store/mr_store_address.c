/* Operations of the group directory: all that it has for one address. */
#include "lib/base/mr_err.h"
#include "lib/store/mr_store_alias.h"
#include "lib/store/mr_store_name.h"

enum kind { IS_DOMAIN, IS_USER, IS_ALIAS };

#define NOBODY "@" /* no local part of a user or an alias */

struct asking {
	struct mr_store_name name;
	struct mr_arena *arena;
	struct mr_address address;
	struct mr_span *target;
	size_t room;
};

static int alias_row(struct asking *a, const struct mr_value *c, struct mr_span local,
		     struct mr_span domain)
{
	struct mr_alias *alias = &a->address.alias;
	size_t n = alias->target_count;
	int err = mr_arena_grow(a->arena, &a->target, &a->room, n + 1, sizeof(*a->target));

	if (err == 0)
		err = mr_arena_dup(a->arena, c[5].bytes, &a->target[n]);
	if (err < 0)
		return err;
	a->address.has_alias = true;
	*alias = (struct mr_alias){ .local = local,
				    .domain = domain,
				    .disabled = c[3].number != 0,
				    .created_s = c[4].number,
				    .target = a->target,
				    .target_count = n + 1 };
	return 0;
}

static int user_row(struct asking *a, const struct mr_value *c, struct mr_span local,
		    struct mr_span domain)
{
	struct mr_user *user = &a->address.user;

	a->address.has_user = true;
	*user = (struct mr_user){ .local = local,
				  .domain = domain,
				  .disabled = c[3].number != 0,
				  .created_s = c[4].number };
	return mr_span_copyz(c[5].bytes, user->id, sizeof(user->id)) < 0 ? MR_ECORRUPT : 0;
}

/* Columns: kind, local, domain, disabled, created_s, id or target. */
static int row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct asking *a = arg;
	struct mr_span local, domain;
	int err;

	if (c[0].number == IS_DOMAIN) {
		a->address.ours = true;
		return 0;
	}
	if ((err = mr_arena_dup(a->arena, c[1].bytes, &local)) < 0 ||
	    (err = mr_arena_dup(a->arena, c[2].bytes, &domain)) < 0)
		return err;
	return c[0].number == IS_USER ? user_row(a, c, local, domain)
				      : alias_row(a, c, local, domain);
}

static int find_once(struct mr_txn *txn, void *arg)
{
	struct asking *a = arg;
	const struct mr_value in[] = { MR_VARRAY(a->name.domain), MR_VARRAY(a->name.local) };
	int err;

	a->address = (struct mr_address){ .ours = false };
	err = mr_txn_each(
		txn,
		"SELECT 0, name, name, 0, 0, name FROM domain WHERE name = $1"
		" UNION ALL SELECT 1, local, domain, disabled, created_s, id"
		" FROM mail_user WHERE domain = $1 AND local = $2"
		" UNION ALL SELECT 2, a.local, a.domain, a.disabled, a.created_s, t.target"
		" FROM alias a JOIN alias_target t"
		" ON t.domain = a.domain AND t.local = a.local"
		" WHERE a.domain = $1 AND a.local = $2",
		in, MR_COUNT(in), row, a);
	return err < 0 ? err : 0;
}

int mr_store_address_find(struct mr_store *store, struct mr_span local, struct mr_span domain,
			  struct mr_arena *arena, struct mr_address *address_out)
{
	struct asking a = { .arena = arena };
	int err;

	if (mr_name_domain(domain, a.name.domain) < 0) {
		*address_out = (struct mr_address){ .ours = false };
		return 0;
	}
	if (local.len > 0 && mr_name_local(local, a.name.local) < 0)
		snprintf(a.name.local, sizeof(a.name.local), NOBODY);
	err = mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_READ_ONE, find_once, &a);
	if (err == 0)
		*address_out = a.address;
	return err;
}
