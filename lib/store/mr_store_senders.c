#include "lib/store/mr_store_senders.h"

#include "lib/base/mr_err.h"
#include "lib/store/mr_db.h"

const char *mr_sender_action_name(enum mr_sender_action action)
{
	static const char *const names[] = {
		[MR_SENDER_NONE] = "none",     [MR_SENDER_FRIEND] = "friend",
		[MR_SENDER_FOLDER] = "folder", [MR_SENDER_REJECT] = "reject",
		[MR_SENDER_DROP] = "drop",
	};

	return names[action];
}

/* In our spelling. */
struct owner {
	char local[MR_NAME_LOCAL_MAX + 1], domain[MR_NAME_DOMAIN_MAX + 1];
};

static int owner_of(struct mr_span local, struct mr_span domain, struct owner *owner_out)
{
	int err = mr_name_domain(domain, owner_out->domain);

	owner_out->local[0] = '\0';
	if (err >= 0 && local.len > 0)
		err = mr_name_local(local, owner_out->local);
	return err < 0 ? err : 0;
}

#define TEXT(array) MR_VTEXT(mr_span_str(array))

struct put {
	struct owner owner;
	const struct mr_sender_entry *entry;
	size_t count;
	int turned; /* were of the other kind */
};

static int put_one(struct mr_txn *txn, struct put *put, const struct mr_sender_entry *e)
{
	char entry[MR_SENDER_SIZE];
	const char *why;
	int len = mr_sender_entry(e->entry, entry, &why);
	const struct mr_value in[] = {
		TEXT(put->owner.domain), TEXT(put->owner.local), TEXT(entry),
		MR_VINT(e->action),      MR_VINT(e->made_s),     MR_VTEXT(e->note)
	};
	int64_t was = e->action;
	int err;

	if (len < 0)
		return len;
	if (!mr_sender_note_ok(e->note) || e->action == MR_SENDER_NONE)
		return MR_EINVAL;
	err = mr_txn_int(txn,
			 "SELECT action FROM sender"
			 " WHERE domain = $1 AND local = $2 AND entry = $3",
			 in, 3, &was);
	if (err < 0 && err != MR_ENOENT)
		return err;
	put->turned += (was == MR_SENDER_FRIEND) != (e->action == MR_SENDER_FRIEND);
	return mr_txn_run(txn,
			  "INSERT INTO sender (domain, local, entry, action, made_s, note)"
			  " VALUES ($1, $2, $3, $4, $5, $6)"
			  " ON CONFLICT (domain, local, entry) DO UPDATE"
			  " SET action = $4, made_s = $5, note = $6",
			  in, MR_COUNT(in));
}

static int put_once(struct mr_txn *txn, void *arg)
{
	struct put *put = arg;
	int err = 0;

	put->turned = 0;
	for (size_t i = 0; i < put->count && err >= 0; i++)
		err = put_one(txn, put, &put->entry[i]);
	return err < 0 ? err : 0;
}

int mr_store_sender_put(struct mr_store *store, struct mr_span local, struct mr_span domain,
			const struct mr_sender_entry *entries, size_t count)
{
	struct put put = { .entry = entries, .count = count };
	int err = owner_of(local, domain, &put.owner);

	if (err == 0)
		err = mr_store_txn(store, MR_GROUP_SENDERS, MR_TXN_WRITE, put_once, &put);
	return err < 0 ? err : put.turned;
}

struct remove {
	struct owner owner;
	char entry[MR_SENDER_SIZE];
	bool friend;
	int count;
};

static int remove_once(struct mr_txn *txn, void *arg)
{
	const struct remove *r = arg;
	const struct mr_value in[] = { TEXT(r->owner.domain), TEXT(r->owner.local), TEXT(r->entry),
				       MR_VINT(MR_SENDER_FRIEND) };
	int changed = mr_txn_run(txn,
				 r->friend ? "DELETE FROM sender WHERE domain = $1 AND local = $2"
					     " AND entry = $3 AND action = $4"
					   : "DELETE FROM sender WHERE domain = $1 AND local = $2"
					     " AND entry = $3 AND action <> $4",
				 in, MR_COUNT(in));

	return changed < 0 ? changed : changed > 0 ? 0 : MR_ENOENT;
}

int mr_store_sender_remove(struct mr_store *store, struct mr_span local, struct mr_span domain,
			   struct mr_span entry, bool friend)
{
	struct remove r = { .friend = friend };
	const char *why;
	int err = owner_of(local, domain, &r.owner);

	if (err == 0 && (err = mr_sender_entry(entry, r.entry, &why)) >= 0)
		err = mr_store_txn(store, MR_GROUP_SENDERS, MR_TXN_WRITE_ONE, remove_once, &r);
	return err;
}

static int forget_once(struct mr_txn *txn, void *arg)
{
	struct remove *r = arg;
	const struct mr_value in[] = { TEXT(r->owner.domain), TEXT(r->owner.local) };

	r->count = r->owner.local[0]
			   ? mr_txn_run(txn, "DELETE FROM sender WHERE domain = $1 AND local = $2",
					in, 2)
			   : mr_txn_run(txn, "DELETE FROM sender WHERE domain = $1", in, 1);
	return r->count < 0 ? r->count : 0;
}

int mr_store_sender_forget(struct mr_store *store, struct mr_span local, struct mr_span domain)
{
	struct remove r = { .count = 0 };
	int err = owner_of(local, domain, &r.owner);

	if (err == 0)
		err = mr_store_txn(store, MR_GROUP_SENDERS, MR_TXN_WRITE_ONE, forget_once, &r);
	return err < 0 ? err : r.count;
}

struct walk {
	struct owner owner;
	mr_sender_fn *each;
	void *arg;
};

static bool action_of(int64_t number, enum mr_sender_action *action_out)
{
	if (number < MR_SENDER_FRIEND || number > MR_SENDER_DROP)
		return false;
	*action_out = (enum mr_sender_action)number;
	return true;
}

/* An action that another version wrote is no entry, for all. */
static int each_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	const struct walk *walk = arg;
	struct mr_sender_entry e = { .entry = c[0].bytes,
				     .made_s = c[2].number,
				     .note = c[3].bytes };

	return action_of(c[1].number, &e.action) ? walk->each(walk->arg, &e) : 0;
}

static int each_once(struct mr_txn *txn, void *arg)
{
	struct walk *walk = arg;
	const struct mr_value in[] = { TEXT(walk->owner.domain), TEXT(walk->owner.local) };

	return mr_txn_each(txn,
			   "SELECT entry, action, made_s, note FROM sender"
			   " WHERE domain = $1 AND local = $2 ORDER BY entry",
			   in, MR_COUNT(in), each_row, walk);
}

int mr_store_sender_each(struct mr_store *store, struct mr_span local, struct mr_span domain,
			 mr_sender_fn *each, void *arg)
{
	struct walk walk = { .each = each, .arg = arg };
	int err = owner_of(local, domain, &walk.owner);

	return err < 0 ? err : mr_store_txn(store, MR_GROUP_SENDERS, MR_TXN_WALK, each_once, &walk);
}

struct find {
	struct owner owner;
	const struct mr_sender_keys *keys;
	struct mr_sender_found found;
};

static int find_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct find *find = arg;
	enum mr_sender_action action;

	for (size_t i = 0; action_of(c[2].number, &action) && i < find->keys->count; i++) {
		if (!mr_span_eq(c[1].bytes, mr_span_str(find->keys->key[i])))
			continue;
		if (c[0].bytes.len == 0)
			find->found.domain[i] = action;
		else
			find->found.user[i] = action;
	}
	return 0;
}

/* What there is not is '', which no entry is. */
static int find_once(struct mr_txn *txn, void *arg)
{
	struct find *find = arg;
	struct mr_value in[2 + MR_SENDER_KEYS_MAX] = { TEXT(find->owner.domain),
						       TEXT(find->owner.local) };

	_Static_assert(MR_COUNT(in) == 12 && MR_COUNT(in) <= MR_DB_PARAMS_MAX, "the SQL has 12");
	for (size_t i = 0; i < MR_SENDER_KEYS_MAX; i++)
		in[2 + i] = TEXT(i < find->keys->count ? find->keys->key[i] : "");
	memset(&find->found, 0, sizeof(find->found));
	return mr_txn_each(txn,
			   "SELECT local, entry, action FROM sender"
			   " WHERE domain = $1 AND local IN ('', $2)"
			   " AND entry IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
			   in, MR_COUNT(in), find_row, find);
}

int mr_store_sender_find(struct mr_store *store, struct mr_span local, struct mr_span domain,
			 const struct mr_sender_keys *keys, struct mr_sender_found *found_out)
{
	struct find find = { .keys = keys };
	int err = owner_of(local, domain, &find.owner);

	if (err == 0)
		err = mr_store_txn(store, MR_GROUP_SENDERS, MR_TXN_READ_ONE, find_once, &find);
	if (err == 0)
		*found_out = find.found;
	return err;
}
