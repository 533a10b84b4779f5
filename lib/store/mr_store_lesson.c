/* Operations of the group spam: lessons. */
#include "lib/base/mr_err.h"
#include "lib/store/mr_db.h"

static struct mr_value digest_value(const uint8_t digest[MR_DIGEST_SIZE])
{
	return MR_VBYTES(mr_span_bytes(digest, MR_DIGEST_SIZE));
}

static int put_once(struct mr_txn *txn, void *arg)
{
	const struct mr_lesson *l = arg;
	const struct mr_value in[] = { digest_value(l->digest), MR_VTEXT(l->teacher),
				       MR_VINT(l->spam),        MR_VINT(l->taught_s),
				       MR_VINT(l->expires_s),   MR_VBYTES(l->features) };
	int changed = mr_txn_run(
		txn,
		"INSERT INTO lesson (digest, teacher, is_spam, taught_s, expires_s, features)"
		" VALUES ($1, $2, $3, $4, $5, $6)"
		" ON CONFLICT (digest, teacher) DO UPDATE"
		" SET is_spam = $3, taught_s = $4, expires_s = $5, features = $6",
		in, MR_COUNT(in));

	return changed < 0 ? changed : 0;
}

int mr_store_lesson_put(struct mr_store *store, const struct mr_lesson *lesson)
{
	struct mr_lesson copy = *lesson;

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE_ONE, put_once, &copy);
}

/* Whether it says anything that is not there. */
static int is_fresh(struct mr_txn *txn, const struct mr_lesson *l, bool *fresh_out)
{
	const struct mr_value in[] = { digest_value(l->digest), MR_VTEXT(l->teacher) };
	int64_t spam = 0;
	int err = mr_txn_int(txn, "SELECT is_spam FROM lesson WHERE digest = $1 AND teacher = $2",
			     in, MR_COUNT(in), &spam);

	if (err < 0 && err != MR_ENOENT)
		return err;
	*fresh_out = err == MR_ENOENT || (spam != 0) != l->spam;
	return 0;
}

struct put_all {
	const struct mr_lesson *lesson;
	size_t count;
	bool *fresh; /* NULL: nobody asks */
};

static int put_all_once(struct mr_txn *txn, void *arg)
{
	const struct put_all *all = arg;
	int err = 0;

	for (size_t i = 0; i < all->count && err == 0; i++) {
		struct mr_lesson copy = all->lesson[i];

		if (all->fresh != NULL)
			err = is_fresh(txn, &copy, &all->fresh[i]);
		if (err == 0)
			err = put_once(txn, &copy);
	}
	return err;
}

int mr_store_lesson_put_all(struct mr_store *store, const struct mr_lesson *lessons, size_t count)
{
	struct put_all all = { lessons, count, NULL };

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE, put_all_once, &all);
}

int mr_store_lesson_teach(struct mr_store *store, const struct mr_lesson *lessons, size_t count,
			  bool fresh_out[])
{
	struct put_all all = { lessons, count, fresh_out };

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE, put_all_once, &all);
}

static int remove_once(struct mr_txn *txn, void *arg)
{
	const struct mr_lesson *l = arg;
	const struct mr_value in[] = { digest_value(l->digest), MR_VTEXT(l->teacher) };
	int changed = mr_txn_run(txn, "DELETE FROM lesson WHERE digest = $1 AND teacher = $2", in,
				 MR_COUNT(in));

	return changed < 0 ? changed : changed > 0 ? 0 : MR_ENOENT;
}

int mr_store_lesson_remove(struct mr_store *store, struct mr_span teacher,
			   const uint8_t digest[MR_DIGEST_SIZE])
{
	struct mr_lesson lesson = { .teacher = teacher };

	memcpy(lesson.digest, digest, MR_DIGEST_SIZE);
	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE_ONE, remove_once, &lesson);
}

struct walk {
	mr_lesson_fn *each;
	void *arg;
};

static int lesson_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	const struct walk *walk = arg;
	struct mr_lesson lesson = { .teacher = c[1].bytes,
				    .spam = c[2].number != 0,
				    .taught_s = c[3].number,
				    .expires_s = c[4].number,
				    .features = c[5].bytes };

	/* One bad row of a million must not end what is made of the others. */
	if (c[0].bytes.len == MR_DIGEST_SIZE)
		memcpy(lesson.digest, c[0].bytes.p, MR_DIGEST_SIZE);
	else
		lesson.damaged = true;
	return walk->each(walk->arg, &lesson);
}

static int each_once(struct mr_txn *txn, void *arg)
{
	return mr_txn_each(txn,
			   "SELECT digest, teacher, is_spam, taught_s, expires_s, features"
			   " FROM lesson ORDER BY digest, teacher",
			   NULL, 0, lesson_row, arg);
}

int mr_store_lesson_each(struct mr_store *store, mr_lesson_fn *each, void *arg)
{
	struct walk walk = { each, arg };

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WALK, each_once, &walk);
}

struct walk_of {
	struct walk walk; /* first: lesson_row() takes it */
	struct mr_span teacher;
	int64_t count_max;
};

static int each_of_once(struct mr_txn *txn, void *arg)
{
	const struct walk_of *w = arg;
	const struct mr_value in[] = { MR_VTEXT(w->teacher), MR_VINT(w->count_max) };

	return mr_txn_each(txn,
			   "SELECT digest, teacher, is_spam, taught_s, expires_s, features"
			   " FROM lesson WHERE teacher = $1"
			   " ORDER BY taught_s DESC, digest LIMIT $2",
			   in, MR_COUNT(in), lesson_row, arg);
}

int mr_store_lesson_each_of(struct mr_store *store, struct mr_span teacher, int64_t count_max,
			    mr_lesson_fn *each, void *arg)
{
	struct walk_of w = { { each, arg }, teacher, count_max };

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WALK, each_of_once, &w);
}

struct trim {
	struct mr_span teacher;
	int64_t count_max;
	int changed;
};

static int trim_once(struct mr_txn *txn, void *arg)
{
	struct trim *trim = arg;
	const struct mr_value in[] = { MR_VTEXT(trim->teacher), MR_VINT(trim->count_max) };

	/* A LIMIT is asked for because SQLite takes no OFFSET without one. */
	trim->changed = mr_txn_run(txn,
				   "DELETE FROM lesson WHERE teacher = $1 AND digest IN"
				   " (SELECT digest FROM lesson WHERE teacher = $1"
				   " ORDER BY taught_s DESC, digest LIMIT 1000000 OFFSET $2)",
				   in, MR_COUNT(in));
	return trim->changed < 0 ? trim->changed : 0;
}

int mr_store_lesson_trim(struct mr_store *store, struct mr_span teacher, int64_t count_max)
{
	struct trim trim = { teacher, count_max, 0 };
	int err = mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE_ONE, trim_once, &trim);

	return err < 0 ? err : trim.changed;
}

struct forget {
	struct mr_span teacher;
	int changed;
};

/* A domain's users end in its name, which holds neither % nor _: mr_name.h. */
static int forget_once(struct mr_txn *txn, void *arg)
{
	static const char *const of_user[] = { "DELETE FROM lesson WHERE teacher = $1",
					       "DELETE FROM correction WHERE owner = $1" };
	static const char *const of_domain[] = {
		"DELETE FROM lesson WHERE teacher LIKE '%' || $1",
		"DELETE FROM correction WHERE owner LIKE '%' || $1",
	};
	struct forget *f = arg;
	const char *const *sql = f->teacher.p[0] == '@' ? of_domain : of_user;
	const struct mr_value in[] = { MR_VTEXT(f->teacher) };
	int sum = 0, changed;

	for (size_t i = 0; i < MR_COUNT(of_user); i++) {
		if ((changed = mr_txn_run(txn, sql[i], in, MR_COUNT(in))) < 0)
			return changed;
		sum += changed;
	}
	f->changed = sum;
	return 0;
}

int mr_store_teacher_remove(struct mr_store *store, struct mr_span teacher)
{
	struct forget f = { teacher, 0 };
	int err;

	if (mr_span_find(teacher, '@') == teacher.len) /* the operator's would go */
		return MR_EINVAL;
	err = mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE, forget_once, &f);
	return err < 0 ? err : f.changed;
}

struct walk_teachers {
	mr_teacher_fn *each;
	void *arg;
};

static int teacher_row(void *arg, const struct mr_value *c, size_t count MR_UNUSED)
{
	const struct walk_teachers *walk = arg;
	struct mr_teacher teacher = { .name = c[0].bytes,
				      .spam_count = c[1].number,
				      .ham_count = c[2].number - c[1].number,
				      .first_s = c[3].number,
				      .last_s = c[4].number };

	return walk->each(walk->arg, &teacher);
}

/* CAST: a sum of BIGINT is NUMERIC to PostgreSQL. */
static int teachers_once(struct mr_txn *txn, void *arg)
{
	return mr_txn_each(txn,
			   "SELECT teacher, CAST(SUM(is_spam) AS BIGINT), COUNT(*), MIN(taught_s),"
			   " MAX(taught_s) FROM lesson GROUP BY teacher ORDER BY teacher",
			   NULL, 0, teacher_row, arg);
}

int mr_store_teacher_each(struct mr_store *store, mr_teacher_fn *each, void *arg)
{
	struct walk_teachers walk = { each, arg };

	return mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WALK, teachers_once, &walk);
}

struct expire {
	int64_t now_s, count_max;
	int changed;
};

static int expire_once(struct mr_txn *txn, void *arg)
{
	struct expire *e = arg;
	const struct mr_value in[] = { MR_VINT(e->now_s), MR_VINT(e->count_max) };

	/* Neither engine takes LIMIT on DELETE: the keys are chosen first. */
	e->changed = mr_txn_run(txn,
				"DELETE FROM lesson WHERE (digest, teacher) IN"
				" (SELECT digest, teacher FROM lesson"
				" WHERE expires_s > 0 AND expires_s <= $1"
				" ORDER BY expires_s LIMIT $2)",
				in, MR_COUNT(in));
	return e->changed < 0 ? e->changed : 0;
}

int mr_store_lesson_expire(struct mr_store *store, int64_t now_s, int count_max)
{
	struct expire e = { now_s, count_max, 0 };
	int err = mr_store_txn(store, MR_GROUP_SPAM, MR_TXN_WRITE_ONE, expire_once, &e);

	return err < 0 ? err : e.changed;
}
