/* Operations of the group directory: domains, users, their settings. */
#include "lib/base/mr_err.h"
#include "lib/store/mr_store_name.h"

#define TEXT(array) MR_VARRAY(array)

static int domain_add_once(struct mr_txn *txn, void *arg)
{
	const struct mr_value in[] = { TEXT(arg) };

	return mr_store_changed_or(mr_txn_run(txn,
					      "INSERT INTO domain (name) VALUES ($1)"
					      " ON CONFLICT (name) DO NOTHING",
					      in, MR_COUNT(in)),
				   MR_EEXIST);
}

int mr_store_domain_add(struct mr_store *store, struct mr_span domain)
{
	char name[MR_NAME_DOMAIN_MAX + 1];
	int err = mr_name_domain(domain, name);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE_ONE, domain_add_once,
				      name);
}

static int domain_exists_once(struct mr_txn *txn, void *arg)
{
	const struct mr_value in[] = { TEXT(arg) };
	int64_t one;

	return mr_txn_int(txn, "SELECT 1 FROM domain WHERE name = $1", in, MR_COUNT(in), &one);
}

int mr_store_domain_exists(struct mr_store *store, struct mr_span domain)
{
	char name[MR_NAME_DOMAIN_MAX + 1];
	int err = mr_name_domain(domain, name);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_READ_ONE,
				      domain_exists_once, name);
}

static int domain_remove_once(struct mr_txn *txn, void *arg)
{
	const struct mr_value in[] = { TEXT(arg) };
	int64_t held = 0;
	int err = mr_txn_int(txn,
			     "SELECT (SELECT count(*) FROM mail_user WHERE domain = $1)"
			     " + (SELECT count(*) FROM alias WHERE domain = $1)",
			     in, MR_COUNT(in), &held);

	if (err < 0)
		return err;
	if (held > 0)
		return MR_EPERM;
	err = mr_txn_run(txn, "DELETE FROM setting WHERE domain = $1", in, MR_COUNT(in));
	if (err < 0)
		return err;
	return mr_store_changed_or(
		mr_txn_run(txn, "DELETE FROM domain WHERE name = $1", in, MR_COUNT(in)), MR_ENOENT);
}

int mr_store_domain_remove(struct mr_store *store, struct mr_span domain)
{
	char name[MR_NAME_DOMAIN_MAX + 1];
	int err = mr_name_domain(domain, name);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE, domain_remove_once,
				      name);
}

struct user_add {
	struct mr_store_name name;
	char id[MR_ID_SIZE];
	int64_t now_s;
};

static int user_add_once(struct mr_txn *txn, void *arg)
{
	const struct user_add *add = arg;
	const struct mr_value in[] = { TEXT(add->id), TEXT(add->name.domain), TEXT(add->name.local),
				       MR_VINT(add->now_s) };

	/* MR_ENOENT: the foreign key: no such domain. */
	return mr_store_changed_or(
		mr_txn_run(txn,
			   "INSERT INTO mail_user (id, domain, local, disabled, created_s)"
			   " VALUES ($1, $2, $3, 0, $4)"
			   " ON CONFLICT (domain, local) DO NOTHING",
			   in, MR_COUNT(in)),
		MR_EEXIST);
}

int mr_store_user_add(struct mr_store *store, struct mr_span local, struct mr_span domain,
		      int64_t now_s)
{
	struct user_add add = { .now_s = now_s };
	int err = mr_store_name(local, domain, &add.name);

	if (err < 0)
		return err;
	mr_random_id(add.id);
	return mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE_ONE, user_add_once, &add);
}

static int user_remove_once(struct mr_txn *txn, void *arg)
{
	const struct mr_store_name *name = arg;
	const struct mr_value in[] = { TEXT(name->domain), TEXT(name->local) };
	int err = mr_txn_run(txn, "DELETE FROM setting WHERE domain = $1 AND local = $2", in,
			     MR_COUNT(in));

	/* Aliases that lead to him alone, then he among the targets of others. */
	if (err >= 0)
		err = mr_txn_run(txn,
				 "DELETE FROM alias WHERE EXISTS (SELECT 1 FROM alias_target t"
				 " WHERE t.domain = alias.domain AND t.local = alias.local"
				 " AND t.to_domain = $1 AND t.to_local = $2)"
				 " AND (SELECT count(*) FROM alias_target t"
				 " WHERE t.domain = alias.domain AND t.local = alias.local) = 1",
				 in, MR_COUNT(in));
	if (err >= 0)
		err = mr_txn_run(txn,
				 "DELETE FROM alias_target WHERE to_domain = $1 AND to_local = $2",
				 in, MR_COUNT(in));
	if (err < 0)
		return err;
	return mr_store_changed_or(
		mr_txn_run(txn, "DELETE FROM mail_user WHERE domain = $1 AND local = $2", in,
			   MR_COUNT(in)),
		MR_ENOENT);
}

int mr_store_user_remove(struct mr_store *store, struct mr_span local, struct mr_span domain)
{
	struct mr_store_name name;
	int err = mr_store_name(local, domain, &name);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE, user_remove_once,
				      &name);
}

struct user_disable {
	struct mr_store_name name;
	bool disabled;
};

static int user_disable_once(struct mr_txn *txn, void *arg)
{
	const struct user_disable *d = arg;
	const struct mr_value in[] = { TEXT(d->name.domain), TEXT(d->name.local),
				       MR_VINT(d->disabled) };

	return mr_store_changed_or(mr_txn_run(txn,
					      "UPDATE mail_user SET disabled = $3"
					      " WHERE domain = $1 AND local = $2",
					      in, MR_COUNT(in)),
				   MR_ENOENT);
}

int mr_store_user_disable(struct mr_store *store, struct mr_span local, struct mr_span domain,
			  bool disabled)
{
	struct user_disable d = { .disabled = disabled };
	int err = mr_store_name(local, domain, &d.name);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE_ONE,
				      user_disable_once, &d);
}

/* Columns of a user, in this order everywhere: id, local, domain, disabled, created_s. */
static int user_from_row(const struct mr_value *c, struct mr_user *user_out)
{
	int err = mr_span_copyz(c[0].bytes, user_out->id, sizeof(user_out->id));

	user_out->local = c[1].bytes;
	user_out->domain = c[2].bytes;
	user_out->disabled = c[3].number != 0;
	user_out->created_s = c[4].number;
	return err < 0 ? MR_ECORRUPT : 0;
}

struct user_find {
	struct mr_store_name name;
	struct mr_arena *arena;
	struct mr_user user;
	bool found;
};

static int user_find_row(void *arg, const struct mr_value *columns, size_t count MR_UNUSED)
{
	struct user_find *find = arg;
	int err = user_from_row(columns, &find->user);

	if (err < 0 || (err = mr_arena_dup(find->arena, find->user.local, &find->user.local)) < 0 ||
	    (err = mr_arena_dup(find->arena, find->user.domain, &find->user.domain)) < 0)
		return err;
	find->found = true;
	return 0;
}

static int user_find_once(struct mr_txn *txn, void *arg)
{
	struct user_find *find = arg;
	const struct mr_value in[] = { TEXT(find->name.domain), TEXT(find->name.local) };
	int err;

	find->found = false;
	err = mr_txn_each(txn,
			  "SELECT id, local, domain, disabled, created_s FROM mail_user"
			  " WHERE domain = $1 AND local = $2",
			  in, MR_COUNT(in), user_find_row, find);
	if (err < 0)
		return err;
	return find->found ? 0 : MR_ENOENT;
}

int mr_store_user_find(struct mr_store *store, struct mr_span local, struct mr_span domain,
		       struct mr_arena *arena, struct mr_user *user_out)
{
	struct user_find find = { .arena = arena };
	int err = mr_store_name(local, domain, &find.name);

	if (err == 0)
		err = mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_READ_ONE, user_find_once,
				   &find);
	if (err == 0)
		*user_out = find.user;
	return err;
}

struct walk {
	mr_domain_fn *domain_each;
	mr_user_fn *user_each;
	void *arg;
	char domain[MR_NAME_DOMAIN_MAX + 1];
};

static int domain_row(void *arg, const struct mr_value *columns, size_t count MR_UNUSED)
{
	const struct walk *walk = arg;

	return walk->domain_each(walk->arg, columns[0].bytes, columns[1].number);
}

static int domain_each_once(struct mr_txn *txn, void *arg)
{
	return mr_txn_each(txn,
			   "SELECT name, (SELECT count(*) FROM mail_user WHERE domain = name)"
			   " FROM domain ORDER BY name",
			   NULL, 0, domain_row, arg);
}

int mr_store_domain_each(struct mr_store *store, mr_domain_fn *each, void *arg)
{
	struct walk walk = { .domain_each = each, .arg = arg };

	return mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WALK, domain_each_once, &walk);
}

static int user_row(void *arg, const struct mr_value *columns, size_t count MR_UNUSED)
{
	const struct walk *walk = arg;
	struct mr_user user;
	int err = user_from_row(columns, &user);

	return err < 0 ? err : walk->user_each(walk->arg, &user);
}

static int user_each_once(struct mr_txn *txn, void *arg)
{
	const struct walk *walk = arg;
	const struct mr_value in[] = { TEXT(walk->domain) };

	return mr_txn_each(txn,
			   "SELECT id, local, domain, disabled, created_s FROM mail_user"
			   " WHERE domain = $1 OR $1 = '' ORDER BY domain, local",
			   in, MR_COUNT(in), user_row, arg);
}

int mr_store_user_each(struct mr_store *store, struct mr_span domain, mr_user_fn *each, void *arg)
{
	struct walk walk = { .user_each = each, .arg = arg };
	int err = domain.len > 0 ? mr_name_domain(domain, walk.domain) : 0;

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WALK, user_each_once,
				      &walk);
}
