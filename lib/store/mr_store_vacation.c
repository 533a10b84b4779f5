#include "lib/store/mr_store_vacation.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/store/mr_db.h"

struct answered {
	struct mr_span owner, sender;
	int64_t now_s, ends_s;
	int count;
};

/* What PostgreSQL takes for text. */
static bool is_text(struct mr_span s)
{
	return s.len > 0 && s.len <= MR_VACATION_NAME_MAX && mr_utf8_valid(s) &&
	       mr_span_find(s, '\0') == s.len;
}

/* One statement that changes a row or none: whoever changed it has the word. */
static int take_once(struct mr_txn *txn, void *arg)
{
	struct answered *a = arg;
	const struct mr_value in[] = { MR_VTEXT(a->owner), MR_VTEXT(a->sender), MR_VINT(a->ends_s),
				       MR_VINT(a->now_s) };

	a->count = mr_txn_run(txn,
			      "INSERT INTO answered (owner, sender, ends_s) VALUES ($1, $2, $3)"
			      " ON CONFLICT (owner, sender) DO UPDATE SET ends_s = $3"
			      " WHERE answered.ends_s <= $4",
			      in, MR_COUNT(in));
	return a->count < 0 ? a->count : 0;
}

int mr_store_vacation_take(struct mr_store *store, struct mr_span owner, struct mr_span sender,
			   int64_t now_s, int64_t ends_s)
{
	struct answered a = { owner, sender, now_s, ends_s, 0 };
	int err;

	if (!is_text(owner) || !is_text(sender))
		return MR_EINVAL;
	err = mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_WRITE_ONE, take_once, &a);
	return err < 0 ? err : a.count > 0;
}

static int untake_once(struct mr_txn *txn, void *arg)
{
	const struct answered *a = arg;
	const struct mr_value in[] = { MR_VTEXT(a->owner), MR_VTEXT(a->sender) };
	int changed = mr_txn_run(txn, "DELETE FROM answered WHERE owner = $1 AND sender = $2", in,
				 MR_COUNT(in));

	return changed < 0 ? changed : 0;
}

int mr_store_vacation_untake(struct mr_store *store, struct mr_span owner, struct mr_span sender)
{
	struct answered a = { owner, sender, 0, 0, 0 };

	return mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_WRITE_ONE, untake_once, &a);
}

static int expire_once(struct mr_txn *txn, void *arg)
{
	struct answered *a = arg;
	const struct mr_value in[] = { MR_VINT(a->now_s), MR_VINT(a->count) };
	int changed = mr_txn_run(txn,
				 "DELETE FROM answered WHERE (owner, sender) IN"
				 " (SELECT owner, sender FROM answered WHERE ends_s <= $1"
				 " ORDER BY ends_s LIMIT $2)",
				 in, MR_COUNT(in));

	a->ends_s = changed;
	return changed < 0 ? changed : 0;
}

int mr_store_vacation_expire(struct mr_store *store, int64_t now_s, int count_max)
{
	struct answered a = { .now_s = now_s, .count = count_max };
	int err = mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_WRITE_ONE, expire_once, &a);

	return err < 0 ? err : (int)a.ends_s;
}
