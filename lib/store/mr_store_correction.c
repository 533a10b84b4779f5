/* Operations of the group spam: corrections of users and domains. */
#include "lib/base/mr_err.h"
#include "lib/store/mr_db.h"

struct correction {
	struct mr_span owner, changes;
	int64_t made_s;
	struct mr_arena *arena;
	bool found;
};

static int put_once(struct mr_txn *txn, void *arg)
{
	const struct correction *c = arg;
	const struct mr_value in[] = { MR_VTEXT(c->owner), MR_VINT(c->made_s),
				       MR_VBYTES(c->changes) };
	int changed = mr_txn_run(txn,
				 "INSERT INTO correction (owner, made_s, changes)"
				 " VALUES ($1, $2, $3)"
				 " ON CONFLICT (owner) DO UPDATE SET made_s = $2, changes = $3",
				 in, MR_COUNT(in));

	return changed < 0 ? changed : 0;
}

int mr_store_correction_put(struct mr_store *store, struct mr_span owner, int64_t made_s,
			    struct mr_span changes)
{
	struct correction c = { .owner = owner, .changes = changes, .made_s = made_s };

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE_ONE, put_once, &c);
}

static int get_row(void *arg, const struct mr_value *columns, size_t count MR_UNUSED)
{
	struct correction *c = arg;

	c->found = true;
	return mr_arena_dup(c->arena, columns[0].bytes, &c->changes);
}

static int get_once(struct mr_txn *txn, void *arg)
{
	struct correction *c = arg;
	const struct mr_value in[] = { MR_VTEXT(c->owner) };
	int err;

	c->found = false;
	err = mr_txn_each(txn, "SELECT changes FROM correction WHERE owner = $1", in, MR_COUNT(in),
			  get_row, c);
	if (err < 0)
		return err;
	return c->found ? 0 : MR_ENOENT;
}

int mr_store_correction_get(struct mr_store *store, struct mr_span owner, struct mr_arena *arena,
			    struct mr_span *changes_out)
{
	struct correction c = { .owner = owner, .arena = arena };
	int err = mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_READ_ONE, get_once, &c);

	if (err == 0)
		*changes_out = c.changes;
	return err;
}

struct made {
	struct mr_span owner[2];
	int64_t made_s[2];
};

static int made_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct made *made = arg;

	for (unsigned i = 0; i < 2; i++) {
		if (mr_span_eq(c[0].bytes, made->owner[i]))
			made->made_s[i] = c[1].number;
	}
	return 0;
}

static int made_once(struct mr_txn *txn, void *arg)
{
	struct made *made = arg;
	const struct mr_value in[] = { MR_VTEXT(made->owner[0]), MR_VTEXT(made->owner[1]) };

	made->made_s[0] = made->made_s[1] = MR_CORRECTION_NONE;
	return mr_txn_each(txn, "SELECT owner, made_s FROM correction WHERE owner IN ($1, $2)", in,
			   MR_COUNT(in), made_row, made);
}

int mr_store_correction_made(struct mr_store *store, struct mr_span user, struct mr_span domain,
			     int64_t made_s_out[2])
{
	struct made made = { .owner = { user, domain } };
	int err = mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_READ_ONE, made_once, &made);

	if (err == 0)
		memcpy(made_s_out, made.made_s, sizeof(made.made_s));
	return err;
}

static int remove_once(struct mr_txn *txn, void *arg)
{
	const struct correction *c = arg;
	const struct mr_value in[] = { MR_VTEXT(c->owner) };
	int changed = mr_txn_run(txn, "DELETE FROM correction WHERE owner = $1", in, MR_COUNT(in));

	return changed < 0 ? changed : changed > 0 ? 0 : MR_ENOENT;
}

int mr_store_correction_remove(struct mr_store *store, struct mr_span owner)
{
	struct correction c = { .owner = owner };

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE_ONE, remove_once, &c);
}

struct walk {
	mr_correction_fn *each;
	void *arg;
};

static int each_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	const struct walk *walk = arg;

	return walk->each(walk->arg, c[0].bytes, c[1].number, (size_t)c[2].number);
}

static int each_once(struct mr_txn *txn, void *arg)
{
	return mr_txn_each(txn,
			   "SELECT owner, made_s, LENGTH(changes) FROM correction ORDER BY owner",
			   NULL, 0, each_row, arg);
}

int mr_store_correction_each(struct mr_store *store, mr_correction_fn *each, void *arg)
{
	struct walk walk = { each, arg };

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WALK, each_once, &walk);
}
