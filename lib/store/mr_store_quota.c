/* Operations of the group quota. */
#include "lib/store/mr_store_quota.h"

#include "lib/base/mr_err.h"
#include "lib/mail/mr_name.h"
#include "lib/store/mr_db.h"

#define TEXT(array) MR_VTEXT(mr_span_str(array))

/* A user, or a domain (local empty), and what is done with it. */
struct work {
	char local[MR_NAME_LOCAL_MAX + 1], domain[MR_NAME_DOMAIN_MAX + 1];
	struct mr_usage usage;
	struct mr_over user, whole;
	int64_t number;
	int changed;
};

_Static_assert(sizeof(((struct mr_usage_row *)0)->local) == MR_NAME_LOCAL_MAX + 1, "as mr_name.h");
_Static_assert(sizeof(((struct mr_usage_row *)0)->domain) == MR_NAME_DOMAIN_MAX + 1,
	       "as mr_name.h");

static int work_of(struct mr_span local, struct mr_span domain, bool may_be_all, struct work *w)
{
	int err = mr_name_domain(domain, w->domain);

	if (err >= 0 && (local.len > 0 || !may_be_all))
		err = mr_name_local(local, w->local);
	return err < 0 ? err : 0;
}

static int run(struct mr_store *store, enum mr_txn_kind kind, mr_txn_fn *fn, void *arg)
{
	return mr_store_txn(store, MR_GROUP_QUOTA, kind, fn, arg);
}

static int nothing_or(int changed)
{
	return changed < 0 ? changed : 0;
}

/* -- reports ---------------------------------------------------------------------------------- */

static int add_once(struct mr_txn *txn, void *arg)
{
	const struct work *w = arg;
	const struct mr_value in[] = { TEXT(w->domain), TEXT(w->local), MR_VINT(w->usage.octets),
				       MR_VINT(w->usage.messages) };

	/* The row is named in full: what stands left of a dot is the row that was there. */
	return nothing_or(mr_txn_run(
		txn,
		"INSERT INTO mailbox_usage"
		" (domain, local, octets, messages, version, settled, file)"
		" VALUES ($1, $2, $3, $4, 1, 0, 0) ON CONFLICT (domain, local) DO UPDATE"
		" SET octets = mailbox_usage.octets + $3, messages = mailbox_usage.messages + $4,"
		" version = mailbox_usage.version + 1, settled = 0",
		in, MR_COUNT(in)));
}

int mr_store_usage_add(struct mr_store *store, struct mr_span local, struct mr_span domain,
		       struct mr_usage change)
{
	struct work w = { .usage = change };
	int err = work_of(local, domain, false, &w);

	return err < 0 ? err : run(store, MR_TXN_WRITE_ONE, add_once, &w);
}

static int set_once(struct mr_txn *txn, void *arg)
{
	const struct work *w = arg;
	const struct mr_value in[] = { TEXT(w->domain), TEXT(w->local), MR_VINT(w->usage.octets),
				       MR_VINT(w->usage.messages) };

	return nothing_or(mr_txn_run(txn,
				     "INSERT INTO mailbox_usage"
				     " (domain, local, octets, messages, version, settled, file)"
				     " VALUES ($1, $2, $3, $4, 1, 0, 0) ON CONFLICT (domain, local)"
				     " DO UPDATE SET octets = $3, messages = $4,"
				     " version = mailbox_usage.version + 1, settled = 0",
				     in, MR_COUNT(in)));
}

int mr_store_usage_set(struct mr_store *store, struct mr_span local, struct mr_span domain,
		       struct mr_usage now)
{
	struct work w = { .usage = now };
	int err = work_of(local, domain, false, &w);

	return err < 0 ? err : run(store, MR_TXN_WRITE_ONE, set_once, &w);
}

static int forget_once(struct mr_txn *txn, void *arg)
{
	struct work *w = arg;
	const struct mr_value in[] = { TEXT(w->domain), TEXT(w->local) };
	int err = mr_txn_run(txn,
			     "DELETE FROM over_quota"
			     " WHERE domain = $1 AND (local = $2 OR $2 = '')",
			     in, MR_COUNT(in));

	if (err < 0)
		return err;
	w->changed = mr_txn_run(txn,
				"DELETE FROM mailbox_usage"
				" WHERE domain = $1 AND (local = $2 OR $2 = '')",
				in, MR_COUNT(in));
	return nothing_or(w->changed);
}

int mr_store_usage_forget(struct mr_store *store, struct mr_span local, struct mr_span domain)
{
	struct work w = { .changed = 0 };
	int err = work_of(local, domain, true, &w);

	if (err == 0)
		err = run(store, MR_TXN_WRITE, forget_once, &w);
	return err < 0 ? err : w.changed;
}

/* -- what there is ---------------------------------------------------------------------------- */

static int64_t not_below_0(int64_t number)
{
	return number > 0 ? number : 0;
}

static int get_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct work *w = arg;

	w->usage = (struct mr_usage){ not_below_0(c[0].number), not_below_0(c[1].number) };
	return 0;
}

static int get_once(struct mr_txn *txn, void *arg)
{
	struct work *w = arg;
	const struct mr_value in[] = { TEXT(w->domain), TEXT(w->local) };

	w->usage = (struct mr_usage){ 0, 0 };
	if (w->local[0])
		return nothing_or(mr_txn_each(txn,
					      "SELECT octets, messages FROM mailbox_usage"
					      " WHERE domain = $1 AND local = $2",
					      in, 2, get_row, w));
	/* CAST: a sum of BIGINT is NUMERIC to PostgreSQL. */
	return nothing_or(mr_txn_each(txn,
				      "SELECT CAST(COALESCE(SUM(octets), 0) AS BIGINT),"
				      " CAST(COALESCE(SUM(messages), 0) AS BIGINT)"
				      " FROM mailbox_usage WHERE domain = $1",
				      in, 1, get_row, w));
}

/*
 * The sum is a walk: one state, without the locks of a SERIALIZABLE reader on each row, with which
 * it would make those who report begin again.
 */
int mr_store_usage_get(struct mr_store *store, struct mr_span local, struct mr_span domain,
		       struct mr_usage *usage_out)
{
	struct work w = { .changed = 0 };
	int err = work_of(local, domain, true, &w);

	if (err == 0)
		err = run(store, w.local[0] ? MR_TXN_READ_ONE : MR_TXN_WALK, get_once, &w);
	if (err == 0)
		*usage_out = w.usage;
	return err;
}

/* Columns of a row, in this order everywhere: domain, local, octets, messages, version, settled,
 * file. */
static int row_take(const struct mr_value *c, struct mr_usage_row *row_out)
{
	int err = mr_span_copyz(c[0].bytes, row_out->domain, sizeof(row_out->domain));

	if (err == 0)
		err = mr_span_copyz(c[1].bytes, row_out->local, sizeof(row_out->local));
	row_out->usage = (struct mr_usage){ not_below_0(c[2].number), not_below_0(c[3].number) };
	row_out->version = c[4].number;
	row_out->settled = c[5].number != 0;
	row_out->file = (uint64_t)c[6].number;
	return err < 0 ? MR_ECORRUPT : 0;
}

struct walk {
	char domain[MR_NAME_DOMAIN_MAX + 1];
	mr_usage_fn *each;
	void *arg;
};

static int each_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	const struct walk *walk = arg;
	struct mr_usage_row row;
	int err = row_take(c, &row);

	return err < 0 ? err : walk->each(walk->arg, &row);
}

static int each_once(struct mr_txn *txn, void *arg)
{
	const struct walk *walk = arg;
	const struct mr_value in[] = { TEXT(walk->domain) };

	return mr_txn_each(txn,
			   "SELECT domain, local, octets, messages, version, settled, file"
			   " FROM mailbox_usage WHERE domain = $1 OR $1 = ''"
			   " ORDER BY domain, local",
			   in, MR_COUNT(in), each_row, arg);
}

int mr_store_usage_each(struct mr_store *store, struct mr_span domain, mr_usage_fn *each, void *arg)
{
	struct walk walk = { .each = each, .arg = arg };
	int err = domain.len > 0 ? mr_name_domain(domain, walk.domain) : 0;

	return err < 0 ? err : run(store, MR_TXN_WALK, each_once, &walk);
}

/* -- settling --------------------------------------------------------------------------------- */

struct many {
	const struct mr_usage_row *rows;
	size_t count;
};

static int touch_once(struct mr_txn *txn, void *arg)
{
	const struct many *many = arg;
	int err = 0;

	for (size_t i = 0; i < many->count && err >= 0; i++) {
		const struct mr_value in[] = { TEXT(many->rows[i].domain),
					       TEXT(many->rows[i].local) };

		err = mr_txn_run(txn,
				 "INSERT INTO mailbox_usage"
				 " (domain, local, octets, messages, version, settled, file)"
				 " VALUES ($1, $2, 0, 0, 1, 0, 0) ON CONFLICT (domain, local)"
				 " DO UPDATE SET version = mailbox_usage.version + 1, settled = 0",
				 in, MR_COUNT(in));
	}
	return nothing_or(err);
}

int mr_store_usage_touch(struct mr_store *store, const struct mr_usage_row *rows, size_t count)
{
	struct many many = { rows, count };

	return run(store, MR_TXN_WRITE, touch_once, &many);
}

static int touch_all_once(struct mr_txn *txn, void *arg MR_UNUSED)
{
	return nothing_or(mr_txn_run(txn,
				     "UPDATE mailbox_usage SET settled = 0, version = version + 1"
				     " WHERE settled = 1",
				     NULL, 0));
}

int mr_store_usage_touch_all(struct mr_store *store)
{
	return run(store, MR_TXN_WRITE_ONE, touch_all_once, NULL);
}

static int settle_once(struct mr_txn *txn, void *arg)
{
	const struct many *many = arg;
	int err = 0;

	for (size_t i = 0; i < many->count && err >= 0; i++) {
		const struct mr_usage_row *r = &many->rows[i];
		const struct mr_value in[] = { TEXT(r->domain),          TEXT(r->local),
					       MR_VINT(r->usage.octets), MR_VINT(r->usage.messages),
					       MR_VINT(r->version),      MR_VINT(r->settled),
					       MR_VINT((int64_t)r->file) };

		err = mr_txn_run(txn,
				 "UPDATE mailbox_usage SET octets = $3, messages = $4, file = $7,"
				 " settled = CASE WHEN version = $5 THEN $6 ELSE 0 END"
				 " WHERE domain = $1 AND local = $2",
				 in, MR_COUNT(in));
	}
	return nothing_or(err);
}

int mr_store_usage_settle(struct mr_store *store, const struct mr_usage_row *rows, size_t count)
{
	struct many many = { rows, count };

	return run(store, MR_TXN_WRITE, settle_once, &many);
}

struct unsettled {
	const struct mr_usage_row *after;
	struct mr_usage_row *rows;
	size_t count, count_max;
};

static int unsettled_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct unsettled *u = arg;

	return row_take(c, &u->rows[u->count++]);
}

static int unsettled_once(struct mr_txn *txn, void *arg)
{
	struct unsettled *u = arg;
	const struct mr_value in[] = { TEXT(u->after->domain), TEXT(u->after->local),
				       MR_VINT((int64_t)u->count_max) };

	u->count = 0;
	return mr_txn_each(txn,
			   "SELECT domain, local, octets, messages, version, settled, file"
			   " FROM mailbox_usage WHERE settled = 0 AND (domain, local) > ($1, $2)"
			   " ORDER BY domain, local LIMIT $3",
			   in, MR_COUNT(in), unsettled_row, u);
}

int mr_store_usage_unsettled(struct mr_store *store, const struct mr_usage_row *after,
			     struct mr_usage_row *rows_out, size_t count_max)
{
	struct unsettled u = { after, rows_out, 0, count_max };
	int err = run(store, MR_TXN_READ_ONE, unsettled_once, &u);

	return err < 0 ? err : (int)u.count;
}

/* -- who is over ------------------------------------------------------------------------------ */

static int over_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct work *w = arg;
	struct mr_over *over = c[0].bytes.len > 0 ? &w->user : &w->whole;

	*over = (struct mr_over){ c[1].number, (int)c[2].number };
	return 0;
}

static int over_get_once(struct mr_txn *txn, void *arg)
{
	struct work *w = arg;
	const struct mr_value in[] = { TEXT(w->domain), TEXT(w->local) };

	w->user = w->whole = (struct mr_over){ 0, 0 };
	return nothing_or(mr_txn_each(txn,
				      "SELECT local, since_s, warned FROM over_quota"
				      " WHERE domain = $1 AND local IN ('', $2)",
				      in, MR_COUNT(in), over_row, w));
}

int mr_store_over_get(struct mr_store *store, struct mr_span local, struct mr_span domain,
		      struct mr_over *user_out, struct mr_over *domain_out)
{
	struct work w = { .changed = 0 };
	int err = work_of(local, domain, true, &w);

	if (err == 0)
		err = run(store, MR_TXN_READ_ONE, over_get_once, &w);
	if (err == 0) {
		*user_out = w.user;
		*domain_out = w.whole;
	}
	return err;
}

/* Two hosts may find it out at once: the earlier one stays. */
static int over_begin_once(struct mr_txn *txn, void *arg)
{
	struct work *w = arg;
	const struct mr_value in[] = { TEXT(w->domain), TEXT(w->local), MR_VINT(w->number) };
	int err = mr_txn_run(txn,
			     "INSERT INTO over_quota (domain, local, since_s, warned)"
			     " VALUES ($1, $2, $3, 0) ON CONFLICT (domain, local) DO UPDATE"
			     " SET since_s = $3 WHERE over_quota.since_s = 0",
			     in, MR_COUNT(in));

	return err < 0 ? err
		       : mr_txn_int(txn,
				    "SELECT since_s FROM over_quota"
				    " WHERE domain = $1 AND local = $2",
				    in, 2, &w->number);
}

int mr_store_over_begin(struct mr_store *store, struct mr_span local, struct mr_span domain,
			int64_t now_s, int64_t *since_s_out)
{
	struct work w = { .number = now_s > 0 ? now_s : 1 };
	int err = work_of(local, domain, true, &w);

	if (err == 0)
		err = run(store, MR_TXN_WRITE, over_begin_once, &w);
	if (err == 0)
		*since_s_out = w.number;
	return err;
}

static int over_end_once(struct mr_txn *txn, void *arg)
{
	const struct work *w = arg;
	const struct mr_value in[] = { TEXT(w->domain), TEXT(w->local) };

	return nothing_or(mr_txn_run(txn,
				     "UPDATE over_quota SET since_s = 0"
				     " WHERE domain = $1 AND local = $2",
				     in, MR_COUNT(in)));
}

int mr_store_over_end(struct mr_store *store, struct mr_span local, struct mr_span domain)
{
	struct work w = { .number = 0 };
	int err = work_of(local, domain, true, &w);

	return err < 0 ? err : run(store, MR_TXN_WRITE_ONE, over_end_once, &w);
}

static int over_warned_once(struct mr_txn *txn, void *arg)
{
	struct work *w = arg;
	const struct mr_value in[] = { TEXT(w->domain), TEXT(w->local), MR_VINT(w->number) };

	w->changed = mr_txn_run(txn,
				"INSERT INTO over_quota (domain, local, since_s, warned)"
				" VALUES ($1, $2, 0, $3) ON CONFLICT (domain, local) DO UPDATE"
				" SET warned = $3 WHERE over_quota.warned <> $3",
				in, MR_COUNT(in));
	return nothing_or(w->changed);
}

int mr_store_over_warned(struct mr_store *store, struct mr_span local, struct mr_span domain,
			 int percent)
{
	struct work w = { .number = percent };
	int err = work_of(local, domain, true, &w);

	if (err == 0)
		err = run(store, MR_TXN_WRITE_ONE, over_warned_once, &w);
	return err < 0 ? err : w.changed;
}
