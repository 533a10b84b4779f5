#include "lib/store/mr_store_alias.h"

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/store/mr_store_name.h"

/* An alias's address: its local part may be empty. */
static int alias_name(struct mr_span local, struct mr_span domain, struct mr_store_name *name_out)
{
	int err;

	if (local.len > 0)
		return mr_store_name(local, domain, name_out);
	name_out->local[0] = '\0';
	err = mr_name_domain(domain, name_out->domain);
	return err < 0 ? err : 0;
}

struct target {
	char text[MR_ALIAS_TARGET_MAX + 1]; /* its domain in our spelling */
	struct mr_store_name to;
};

/* RFC 5321 2.4: the case of a local part that is not ours is kept. */
static int target_read(struct mr_span text, struct target *target_out)
{
	struct mr_span local, domain;
	int err, len;

	if (text.len > MR_ALIAS_TARGET_MAX)
		return MR_ELIMIT;
	if (mr_name_split(text, &local, &domain) < 0)
		return MR_EINVAL;
	len = mr_name_domain(domain, target_out->to.domain);
	if (len < 0)
		return len;
	if (local.len > MR_NAME_LOCAL_MAX)
		return MR_ELIMIT;
	if (!mr_span_only(local, MR_ATEXT | MR_DOT) || !mr_utf8_valid(local) ||
	    strchr("|/-.", local.p[0]))
		return MR_EINVAL;
	snprintf(target_out->text, sizeof(target_out->text), "%.*s@%s", (int)local.len, local.p,
		 target_out->to.domain);
	if ((err = mr_name_local(local, target_out->to.local)) >= 0)
		return 0;
	/* A slash no user of ours may have; everything else that is none is nobody's. */
	if (mr_span_find(local, '/') == local.len)
		return err;
	return mr_span_copyz(local, target_out->to.local, sizeof(target_out->to.local));
}

int mr_store_alias_target_check(struct mr_span text)
{
	struct target target;

	return target_read(text, &target);
}

struct alias_add {
	struct mr_store_name name;
	struct target target;
	int64_t now_s;
};

/*
 * MR_EPERM: from the target on a way leads back to the alias. The step of an alias to its own address
 * is none: it ends in a mailbox.
 */
static int no_loop(struct mr_txn *txn, const struct alias_add *add)
{
	const struct mr_value in[] = { MR_VARRAY(add->target.to.domain),
				       MR_VARRAY(add->target.to.local), MR_VARRAY(add->name.domain),
				       MR_VARRAY(add->name.local) };
	bool itself = strcmp(add->target.to.domain, add->name.domain) == 0 &&
		      strcmp(add->target.to.local, add->name.local) == 0;
	int64_t one;
	int err;

	if (itself) {
		err = mr_txn_int(txn, "SELECT 1 FROM mail_user WHERE domain = $1 AND local = $2",
				 in, 2, &one);
		return err == MR_ENOENT ? MR_EPERM : err;
	}
	err = mr_txn_int(txn,
			 "WITH RECURSIVE reached (domain, local) AS ("
			 "SELECT CAST($1 AS TEXT), CAST($2 AS TEXT)"
			 " UNION SELECT t.to_domain, t.to_local FROM alias_target t"
			 " JOIN reached r ON t.domain = r.domain AND t.local = r.local)"
			 " SELECT 1 FROM reached WHERE domain = $3 AND local = $4",
			 in, MR_COUNT(in), &one);
	return err == 0 ? MR_EPERM : err == MR_ENOENT ? 0 : err;
}

static int alias_add_once(struct mr_txn *txn, void *arg)
{
	const struct alias_add *add = arg;
	const struct mr_value alias[] = { MR_VARRAY(add->name.domain), MR_VARRAY(add->name.local),
					  MR_VINT(add->now_s) };
	const struct mr_value target[] = {
		alias[0],
		alias[1],
		MR_VARRAY(add->target.text),
		MR_VARRAY(add->target.to.domain),
		MR_VARRAY(add->target.to.local),
	};
	int64_t count = 0;
	int err = mr_txn_int(txn,
			     "SELECT count(*) FROM alias_target WHERE domain = $1 AND local = $2",
			     target, 2, &count);

	if (err == 0)
		err = no_loop(txn, add);
	if (err < 0)
		return err;
	if (count >= MR_ALIAS_TARGETS_MAX)
		return MR_ELIMIT;
	/* MR_ENOENT: the foreign key: no such domain. */
	err = mr_txn_run(txn,
			 "INSERT INTO alias (domain, local, disabled, created_s)"
			 " VALUES ($1, $2, 0, $3) ON CONFLICT (domain, local) DO NOTHING",
			 alias, MR_COUNT(alias));
	if (err < 0)
		return err;
	return mr_store_changed_or(
		mr_txn_run(txn,
			   "INSERT INTO alias_target (domain, local, target, to_domain, to_local)"
			   " VALUES ($1, $2, $3, $4, $5)"
			   " ON CONFLICT (domain, local, to_domain, to_local) DO NOTHING",
			   target, MR_COUNT(target)),
		MR_EEXIST);
}

int mr_store_alias_add(struct mr_store *store, struct mr_span local, struct mr_span domain,
		       struct mr_span target, int64_t now_s)
{
	struct alias_add add = { .now_s = now_s };
	int err = alias_name(local, domain, &add.name);

	if (err == 0)
		err = target_read(target, &add.target);
	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE, alias_add_once,
				      &add);
}

struct alias_remove {
	struct mr_store_name name;
	bool whole;
	struct target target;
};

static int alias_remove_once(struct mr_txn *txn, void *arg)
{
	const struct alias_remove *rm = arg;
	const struct mr_value in[] = { MR_VARRAY(rm->name.domain), MR_VARRAY(rm->name.local),
				       MR_VARRAY(rm->target.to.domain),
				       MR_VARRAY(rm->target.to.local) };
	int err;

	if (rm->whole)
		return mr_store_changed_or(
			mr_txn_run(txn, "DELETE FROM alias WHERE domain = $1 AND local = $2", in,
				   2),
			MR_ENOENT);
	err = mr_store_changed_or(mr_txn_run(txn,
					     "DELETE FROM alias_target WHERE domain = $1"
					     " AND local = $2 AND to_domain = $3 AND to_local = $4",
					     in, MR_COUNT(in)),
				  MR_ENOENT);
	if (err < 0)
		return err;
	err = mr_txn_run(txn,
			 "DELETE FROM alias WHERE domain = $1 AND local = $2 AND NOT EXISTS"
			 " (SELECT 1 FROM alias_target WHERE domain = $1 AND local = $2)",
			 in, 2);
	return err < 0 ? err : 0;
}

int mr_store_alias_remove(struct mr_store *store, struct mr_span local, struct mr_span domain,
			  struct mr_span target)
{
	struct alias_remove rm = { .whole = target.len == 0 };
	int err = alias_name(local, domain, &rm.name);

	if (err == 0 && !rm.whole)
		err = target_read(target, &rm.target);
	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE, alias_remove_once,
				      &rm);
}

struct alias_disable {
	struct mr_store_name name;
	bool disabled;
};

static int alias_disable_once(struct mr_txn *txn, void *arg)
{
	const struct alias_disable *d = arg;
	const struct mr_value in[] = { MR_VARRAY(d->name.domain), MR_VARRAY(d->name.local),
				       MR_VINT(d->disabled) };

	return mr_store_changed_or(mr_txn_run(txn,
					      "UPDATE alias SET disabled = $3"
					      " WHERE domain = $1 AND local = $2",
					      in, MR_COUNT(in)),
				   MR_ENOENT);
}

int mr_store_alias_disable(struct mr_store *store, struct mr_span local, struct mr_span domain,
			   bool disabled)
{
	struct alias_disable d = { .disabled = disabled };
	int err = alias_name(local, domain, &d.name);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WRITE_ONE,
				      alias_disable_once, &d);
}

/* Columns of an alias, in this order everywhere: local, domain, disabled, created_s, target. */
static void alias_from_row(const struct mr_value *c, struct mr_alias *alias_out)
{
	*alias_out = (struct mr_alias){
		.local = c[0].bytes,
		.domain = c[1].bytes,
		.disabled = c[2].number != 0,
		.created_s = c[3].number,
		.target = &c[4].bytes,
		.target_count = 1,
	};
}

struct alias_find {
	struct mr_store_name name;
	struct mr_arena *arena;
	struct mr_alias alias;
	struct mr_span *target;
	size_t room;
};

static int alias_find_row(void *arg, const struct mr_value *columns, size_t count MR_UNUSED)
{
	struct alias_find *find = arg;
	struct mr_alias row;
	size_t n = find->alias.target_count;
	int err;

	alias_from_row(columns, &row);
	if ((err = mr_arena_grow(find->arena, &find->target, &find->room, n + 1,
				 sizeof(*find->target))) < 0 ||
	    (err = mr_arena_dup(find->arena, row.target[0], &find->target[n])) < 0)
		return err;
	if (n == 0) {
		if ((err = mr_arena_dup(find->arena, row.local, &find->alias.local)) < 0 ||
		    (err = mr_arena_dup(find->arena, row.domain, &find->alias.domain)) < 0)
			return err;
		find->alias.disabled = row.disabled;
		find->alias.created_s = row.created_s;
	}
	find->alias.target_count = n + 1;
	return 0;
}

static int alias_find_once(struct mr_txn *txn, void *arg)
{
	struct alias_find *find = arg;
	const struct mr_value in[] = { MR_VARRAY(find->name.domain), MR_VARRAY(find->name.local) };
	int err;

	find->alias.target_count = 0;
	err = mr_txn_each(txn,
			  "SELECT a.local, a.domain, a.disabled, a.created_s, t.target FROM alias a"
			  " JOIN alias_target t ON t.domain = a.domain AND t.local = a.local"
			  " WHERE a.domain = $1 AND a.local = $2 ORDER BY t.to_domain, t.to_local",
			  in, MR_COUNT(in), alias_find_row, find);
	if (err < 0)
		return err;
	return find->alias.target_count > 0 ? 0 : MR_ENOENT;
}

int mr_store_alias_find(struct mr_store *store, struct mr_span local, struct mr_span domain,
			struct mr_arena *arena, struct mr_alias *alias_out)
{
	struct alias_find find = { .arena = arena };
	int err = alias_name(local, domain, &find.name);

	if (err == 0)
		err = mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_READ_ONE, alias_find_once,
				   &find);
	if (err < 0)
		return err;
	find.alias.target = find.target;
	*alias_out = find.alias;
	return 0;
}

struct walk {
	mr_alias_fn *each;
	void *arg;
	char domain[MR_NAME_DOMAIN_MAX + 1];
};

static int alias_row(void *arg, const struct mr_value *columns, size_t count MR_UNUSED)
{
	const struct walk *walk = arg;
	struct mr_alias alias;

	alias_from_row(columns, &alias);
	return walk->each(walk->arg, &alias);
}

static int alias_each_once(struct mr_txn *txn, void *arg)
{
	const struct walk *walk = arg;
	const struct mr_value in[] = { MR_VARRAY(walk->domain) };

	return mr_txn_each(
		txn,
		"SELECT a.local, a.domain, a.disabled, a.created_s, t.target FROM alias a"
		" JOIN alias_target t ON t.domain = a.domain AND t.local = a.local"
		" WHERE a.domain = $1 OR $1 = ''"
		" ORDER BY a.domain, a.local, t.to_domain, t.to_local",
		in, MR_COUNT(in), alias_row, arg);
}

int mr_store_alias_each(struct mr_store *store, struct mr_span domain, mr_alias_fn *each, void *arg)
{
	struct walk walk = { .each = each, .arg = arg };
	int err = domain.len > 0 ? mr_name_domain(domain, walk.domain) : 0;

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_DIRECTORY, MR_TXN_WALK, alias_each_once,
				      &walk);
}
