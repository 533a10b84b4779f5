/* Operations of the group limits: what was sent. */
#include "lib/store/mr_store_limits.h"

#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/store/mr_db.h"

#define NOTICE_KEPT_S MR_LIMIT_WINDOW_MAX_S

const char *mr_limit_window_name(enum mr_limit_window window)
{
	static const char *const names[MR_LIMIT_WINDOWS] = { "burst", "hour", "day" };

	return names[window];
}

static int64_t slot_length(int64_t length_s)
{
	return length_s > MR_LIMIT_SLOTS ? length_s / MR_LIMIT_SLOTS : 1;
}

/* A sum that somebody made overflow must not become a small one. */
static bool too_much(int64_t used, int64_t more, int64_t max)
{
	return max > 0 && (used > max || more > max - used);
}

/* The longest window first: what it forbids is forbidden longest. The account before its domain. */
static void decide(struct mr_send_limit *l)
{
	for (unsigned o = 0; o < MR_LIMIT_OWNERS; o++) {
		const struct mr_limit_owner *owner = &l->owner[o];

		for (int w = MR_LIMIT_WINDOWS - 1; w >= 0 && owner->name.len > 0; w--) {
			bool messages =
				too_much(owner->used[w].messages, 1, owner->max[w].messages);

			if (!messages && !too_much(owner->used[w].recipients, l->recipients,
						   owner->max[w].recipients))
				continue;
			l->over = true;
			l->over_owner = o;
			l->over_window = (enum mr_limit_window)w;
			l->over_recipients = !messages;
			return;
		}
	}
}

static int used_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct mr_send_limit *l = arg;

	for (unsigned o = 0; o < MR_LIMIT_OWNERS; o++) {
		if (mr_span_eq(c[0].bytes, l->owner[o].name) && c[1].number >= 0 &&
		    c[1].number < MR_LIMIT_WINDOWS)
			l->owner[o].used[c[1].number] =
				(struct mr_sent){ c[2].number, c[3].number };
	}
	return 0;
}

/* CAST: a sum of BIGINT is NUMERIC to PostgreSQL. */
#define SELECT_SUMS                                                                                \
	"SELECT owner, span, CAST(SUM(messages) AS BIGINT), CAST(SUM(recipients) AS BIGINT)"       \
	" FROM sent WHERE "

static int peek_once(struct mr_txn *txn, void *arg)
{
	struct mr_send_limit *l = arg;
	const struct mr_value in[] = { MR_VTEXT(l->owner[MR_LIMIT_ACCOUNT].name),
				       MR_VTEXT(l->owner[MR_LIMIT_DOMAIN].name), MR_VINT(l->now_s),
				       MR_VINT(l->now_s + MR_LIMIT_SLACK_S) };
	int err;

	l->over = l->tell = false;
	for (unsigned o = 0; o < MR_LIMIT_OWNERS; o++)
		memset(l->owner[o].used, 0, sizeof(l->owner[o].used));
	err = mr_txn_each(txn,
			  SELECT_SUMS "owner IN ($1, $2) AND ends_s > $3 AND slot_s <= $4"
				      " GROUP BY owner, span",
			  in, MR_COUNT(in), used_row, l);
	if (err < 0)
		return err;
	decide(l);
	return 0;
}

static int tell_once(struct mr_txn *txn, void *arg)
{
	struct mr_send_limit *l = arg;
	const struct mr_value in[] = { MR_VTEXT(l->owner[l->over_owner].name), MR_VINT(l->now_s),
				       MR_VINT(l->now_s - l->tell_s),
				       MR_VINT(l->now_s + MR_LIMIT_SLACK_S) };
	int changed;

	if (l->tell_s == 0)
		return 0;
	changed = mr_txn_run(txn,
			     "INSERT INTO notice (owner, told_s) VALUES ($1, $2)"
			     " ON CONFLICT (owner) DO UPDATE SET told_s = $2"
			     " WHERE notice.told_s <= $3 OR notice.told_s > $4",
			     in, MR_COUNT(in));
	l->tell = changed > 0;
	return changed < 0 ? changed : 0;
}

#define INSERT_INTO "INSERT INTO sent (owner, span, slot_s, ends_s, messages, recipients) VALUES "
#define ROWS(owner)                                                                                \
	"(" owner ", 0, $3, $4, 1, $2), (" owner ", 1, $5, $6, 1, $2), (" owner                    \
	", 2, $7, $8, 1, $2)"
/* ends_s: the length of the window may have been changed meanwhile. */
#define OR_ADD                                                                                     \
	" ON CONFLICT (owner, span, slot_s) DO UPDATE SET ends_s = excluded.ends_s,"               \
	" messages = sent.messages + 1, recipients = sent.recipients + $2"

/* Of both owners in one statement: a server is asked once. Rows are locked in the same order by all. */
static int count_once(struct mr_txn *txn, const struct mr_send_limit *l)
{
	struct mr_value in[9] = { MR_VTEXT(l->owner[MR_LIMIT_ACCOUNT].name),
				  MR_VINT(l->recipients) };
	bool has_domain = l->owner[MR_LIMIT_DOMAIN].name.len > 0;
	int changed;

	for (size_t w = 0; w < MR_LIMIT_WINDOWS; w++) {
		int64_t slot = slot_length(l->length_s[w]), start = l->now_s / slot * slot;

		in[2 + 2 * w] = MR_VINT(start);
		in[3 + 2 * w] = MR_VINT(start + slot + l->length_s[w]);
	}
	in[8] = MR_VTEXT(l->owner[MR_LIMIT_DOMAIN].name);
	if (has_domain)
		changed = mr_txn_run(txn, INSERT_INTO ROWS("$1") ", " ROWS("$9") OR_ADD, in, 9);
	else
		changed = mr_txn_run(txn, INSERT_INTO ROWS("$1") OR_ADD, in, 8);
	return changed < 0 ? changed : 0;
}

static int take_once(struct mr_txn *txn, void *arg)
{
	struct mr_send_limit *l = arg;
	int err = peek_once(txn, l);

	if (err < 0)
		return err;
	return l->over ? tell_once(txn, l) : count_once(txn, l);
}

static bool is_owner(struct mr_span name)
{
	return name.len <= MR_LIMIT_OWNER_MAX && mr_utf8_valid(name) &&
	       mr_span_find(name, 0) == name.len;
}

static int check(const struct mr_send_limit *l)
{
	const struct mr_limit_owner *owner = l->owner;

	MR_ASSERT(l->recipients > 0 && l->tell_s >= 0);
	for (size_t w = 0; w < MR_LIMIT_WINDOWS; w++)
		MR_ASSERT(l->length_s[w] > 0 && l->length_s[w] <= MR_LIMIT_WINDOW_MAX_S);
	return owner[MR_LIMIT_ACCOUNT].name.len > 0 && is_owner(owner[MR_LIMIT_ACCOUNT].name) &&
			       is_owner(owner[MR_LIMIT_DOMAIN].name) &&
			       !mr_span_eq(owner[MR_LIMIT_ACCOUNT].name,
					   owner[MR_LIMIT_DOMAIN].name)
		       ? 0
		       : MR_EINVAL;
}

int mr_store_limit_take(struct mr_store *store, struct mr_send_limit *limit)
{
	int err = check(limit);

	return err < 0 ? err : mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_WRITE, take_once, limit);
}

int mr_store_limit_peek(struct mr_store *store, struct mr_send_limit *limit)
{
	int err = check(limit);

	return err < 0 ? err
		       : mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_READ_ONE, peek_once, limit);
}

int mr_store_limit_tell(struct mr_store *store, struct mr_send_limit *limit)
{
	MR_ASSERT(limit->over);
	return mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_WRITE_ONE, tell_once, limit);
}

/* -- for people ------------------------------------------------------------------------------- */

struct walk {
	mr_sent_fn *each;
	void *arg;
	struct mr_span one; /* empty: all */
	int64_t now_s;
	/* Rows of one owner follow each other. */
	char owner[MR_LIMIT_OWNER_MAX + 1];
	struct mr_sent used[MR_LIMIT_WINDOWS];
	int64_t told_s;
};

static int walk_show(struct walk *w)
{
	int err = w->owner[0] ? w->each(w->arg, mr_span_str(w->owner), w->used, w->told_s) : 0;

	w->owner[0] = 0;
	memset(w->used, 0, sizeof(w->used));
	return err;
}

static int walk_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	struct walk *w = arg;
	int err = mr_span_eq(c[0].bytes, mr_span_str(w->owner)) ? 0 : walk_show(w);

	if (err != 0)
		return err;
	if (mr_span_copyz(c[0].bytes, w->owner, sizeof(w->owner)) < 0)
		return MR_ECORRUPT;
	if (c[1].number >= 0 && c[1].number < MR_LIMIT_WINDOWS)
		w->used[c[1].number] = (struct mr_sent){ c[2].number, c[3].number };
	w->told_s = c[4].number;
	return 0;
}

#define SELECT_TOLD                                                                                \
	"SELECT sent.owner, span, CAST(SUM(messages) AS BIGINT), CAST(SUM(recipients) AS BIGINT)," \
	" COALESCE(MAX(told_s), 0) FROM sent LEFT JOIN notice ON notice.owner = sent.owner"        \
	" WHERE ends_s > $1 AND slot_s <= $2"
#define IN_ORDER " GROUP BY sent.owner, span ORDER BY sent.owner, span"

static int walk_once(struct mr_txn *txn, void *arg)
{
	struct walk *w = arg;
	const struct mr_value in[] = { MR_VINT(w->now_s), MR_VINT(w->now_s + MR_LIMIT_SLACK_S),
				       MR_VTEXT(w->one) };
	int err;

	if (w->one.len > 0)
		err = mr_txn_each(txn, SELECT_TOLD " AND sent.owner = $3" IN_ORDER, in, 3, walk_row,
				  w);
	else
		err = mr_txn_each(txn, SELECT_TOLD IN_ORDER, in, 2, walk_row, w);
	return err != 0 ? err : walk_show(w);
}

int mr_store_sent_each(struct mr_store *store, struct mr_span owner, int64_t now_s,
		       mr_sent_fn *each, void *arg)
{
	struct walk w = { .each = each, .arg = arg, .one = owner, .now_s = now_s };

	return is_owner(owner) ? mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_WALK, walk_once, &w)
			       : MR_EINVAL;
}

static int reset_once(struct mr_txn *txn, void *arg)
{
	const struct mr_value in[] = { MR_VTEXT(*(const struct mr_span *)arg) };
	int sent = mr_txn_run(txn, "DELETE FROM sent WHERE owner = $1", in, 1), told;

	if (sent < 0)
		return sent;
	told = mr_txn_run(txn, "DELETE FROM notice WHERE owner = $1", in, 1);
	if (told < 0)
		return told;
	return sent + told > 0 ? 0 : MR_ENOENT;
}

int mr_store_sent_reset(struct mr_store *store, struct mr_span owner)
{
	return is_owner(owner)
		       ? mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_WRITE, reset_once, &owner)
		       : MR_EINVAL;
}

struct expire {
	int64_t now_s, count_max;
	int changed;
};

static int expire_once(struct mr_txn *txn, void *arg)
{
	struct expire *e = arg;
	const struct mr_value in[] = {
		MR_VINT(e->now_s), MR_VINT(e->now_s + MR_LIMIT_SLACK_S + 2 * MR_LIMIT_WINDOW_MAX_S),
		MR_VINT(e->count_max)
	};
	const struct mr_value told[] = { MR_VINT(e->now_s - NOTICE_KEPT_S),
					 MR_VINT(e->now_s + MR_LIMIT_SLACK_S) };
	int notices;

	/* Neither engine takes LIMIT on DELETE: the keys are chosen first. */
	e->changed = mr_txn_run(txn,
				"DELETE FROM sent WHERE (owner, span, slot_s) IN"
				" (SELECT owner, span, slot_s FROM sent"
				" WHERE ends_s <= $1 OR ends_s > $2 ORDER BY ends_s LIMIT $3)",
				in, MR_COUNT(in));
	if (e->changed < 0)
		return e->changed;
	notices = mr_txn_run(txn, "DELETE FROM notice WHERE told_s < $1 OR told_s > $2", told,
			     MR_COUNT(told));
	return notices < 0 ? notices : 0;
}

int mr_store_sent_expire(struct mr_store *store, int64_t now_s, int count_max)
{
	struct expire e = { now_s, count_max, 0 };
	int err = mr_store_txn(store, MR_GROUP_LIMITS, MR_TXN_WRITE, expire_once, &e);

	return err < 0 ? err : e.changed;
}
