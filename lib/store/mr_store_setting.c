/* Settings of a user, a domain or all, in the group directory. */
#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"
#include "lib/store/mr_db.h"

struct setting {
	char local[MR_NAME_LOCAL_MAX + 1], domain[MR_NAME_DOMAIN_MAX + 1];
	struct mr_span name, value;
	struct mr_arena *arena;
	bool found;
};

/* Both may be empty, a local part not without its domain. */
static int scope_of(struct mr_span local, struct mr_span domain, struct setting *s)
{
	int err = domain.len > 0 ? mr_name_domain(domain, s->domain) : 0;

	if (err >= 0 && local.len > 0)
		err = domain.len > 0 ? mr_name_local(local, s->local) : MR_EINVAL;
	return err < 0 ? err : 0;
}

static int set_once(struct mr_txn *txn, void *arg)
{
	const struct setting *s = arg;
	const struct mr_value in[] = { MR_VTEXT(mr_span_str(s->domain)),
				       MR_VTEXT(mr_span_str(s->local)), MR_VTEXT(s->name),
				       MR_VTEXT(s->value) };
	int changed;

	if (s->value.len == 0)
		changed = mr_txn_run(
			txn, "DELETE FROM setting WHERE domain = $1 AND local = $2 AND name = $3",
			in, 3);
	else
		changed = mr_txn_run(txn,
				     "INSERT INTO setting (domain, local, name, value)"
				     " VALUES ($1, $2, $3, $4)"
				     " ON CONFLICT (domain, local, name) DO UPDATE SET value = $4",
				     in, MR_COUNT(in));
	return changed < 0 ? changed : 0;
}

int mr_store_setting_set(struct mr_store *store, struct mr_span local, struct mr_span domain,
			 struct mr_span name, struct mr_span value)
{
	struct setting s = { .name = name, .value = value };
	int err = scope_of(local, domain, &s);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE_ONE, set_once, &s);
}

static int get_row(void *arg, const struct mr_value *columns, size_t count MR_UNUSED)
{
	struct setting *s = arg;

	s->found = true;
	return mr_arena_dup(s->arena, columns[0].bytes, &s->value);
}

static int get_once(struct mr_txn *txn, void *arg)
{
	struct setting *s = arg;
	const struct mr_value in[] = { MR_VTEXT(mr_span_str(s->domain)),
				       MR_VTEXT(mr_span_str(s->local)), MR_VTEXT(s->name) };
	int err;

	s->found = false;
	err = mr_txn_each(txn,
			  "SELECT value FROM setting"
			  " WHERE domain = $1 AND local = $2 AND name = $3",
			  in, MR_COUNT(in), get_row, s);
	if (err < 0)
		return err;
	return s->found ? 0 : MR_ENOENT;
}

int mr_store_setting_get(struct mr_store *store, struct mr_span local, struct mr_span domain,
			 struct mr_span name, struct mr_arena *arena, struct mr_span *value_out)
{
	struct setting s = { .name = name, .arena = arena };
	int err = scope_of(local, domain, &s);

	if (err == 0)
		err = mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_READ_ONE, get_once, &s);
	if (err == 0)
		*value_out = s.value;
	return err;
}

struct walk {
	struct setting scope;
	mr_setting_fn *each;
	void *arg;
};

static int each_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	const struct walk *walk = arg;

	return walk->each(walk->arg, c[1].bytes, c[0].bytes, c[2].bytes, c[3].bytes);
}

/* An empty text comes before any other, in the order of octets that both engines keep. */
static int each_once(struct mr_txn *txn, void *arg)
{
	struct walk *walk = arg;
	const struct mr_value in[] = { MR_VTEXT(mr_span_str(walk->scope.domain)),
				       MR_VTEXT(mr_span_str(walk->scope.local)) };

	return mr_txn_each(txn,
			   "SELECT domain, local, name, value FROM setting"
			   " WHERE (domain = '' OR domain = $1) AND (local = '' OR"
			   " (domain = $1 AND local = $2)) ORDER BY domain, local, name",
			   in, MR_COUNT(in), each_row, walk);
}

int mr_store_setting_each(struct mr_store *store, struct mr_span local, struct mr_span domain,
			  mr_setting_fn *each, void *arg)
{
	struct walk walk = { .each = each, .arg = arg };
	int err = scope_of(local, domain, &walk.scope);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WALK, each_once, &walk);
}
