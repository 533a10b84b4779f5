#include "lib/store/mr_store.h"

#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/store/mr_db.h"
#include "lib/store/mr_slots.h"
#include "lib/store/mr_store_dump.h"

#define ROLE_MAX 63 /* octets of a PostgreSQL name */

static const struct {
	enum mr_store_group group;
	const char *name;
} groups[] = {
	{ MR_GROUP_DIRECTORY, "directory" }, { MR_GROUP_SPAM, "spam" },
	{ MR_GROUP_SENDERS, "senders" },     { MR_GROUP_QUOTA, "quota" },
	{ MR_GROUP_LIMITS, "limits" },
};

static const struct migration {
	const char *group;
	int number; /* from 1, in order */
	const char *sql;
} migrations[] = {
#include "schema.inc"
};

struct mr_store {
	const struct mr_engine *engine;
	char *url; /* the slots point into it */
	struct mr_slots group[MR_COUNT(groups)];
};

struct mr_txn {
	const struct mr_engine *engine;
	struct mr_db *db;
	bool one, ran; /* it promised to run one statement; and has */
};

static _Thread_local char why[512];

void mr_db_why_set(const char *text)
{
	size_t len;

	snprintf(why, sizeof(why), "%s", text ? text : "");
	/* libpq ends its texts in line feeds, and joins several with them. */
	len = strlen(why);
	while (len > 0 && why[len - 1] == '\n')
		why[--len] = 0;
	for (size_t i = 0; i < len; i++) {
		if (why[i] == '\n' || why[i] == '\t')
			why[i] = ' ';
	}
}

const char *mr_store_why(void)
{
	return why;
}

/* The newest schema that this program knows for group i. */
static int newest(size_t i)
{
	int number = 0;

	for (size_t m = 0; m < MR_COUNT(migrations); m++) {
		if (strcmp(migrations[m].group, groups[i].name) == 0 &&
		    migrations[m].number > number)
			number = migrations[m].number;
	}
	return number;
}

static int version_get(struct mr_txn *txn, int64_t *version_out)
{
	return mr_txn_int(txn, "SELECT version FROM schema_version", NULL, 0, version_out);
}

/* The index of a group in groups[]. */
static size_t index_of(enum mr_store_group group)
{
	size_t i = 0;

	while (groups[i].group != group)
		MR_ASSERT(++i < MR_COUNT(groups));
	return i;
}

static int check_once(struct mr_txn *txn, void *arg)
{
	size_t i = *(const size_t *)arg;
	int64_t have = 0;
	int err = version_get(txn, &have);

	if (err < 0)
		return err;
	if (have == newest(i))
		return 0;
	mr_db_why_set(have < newest(i) ? "its tables are older than this program"
				       : "its tables are newer than this program");
	return MR_EINVAL;
}

/* Wait a little, longer each time, and not as long as the others. */
static void back_off(int tries)
{
	uint32_t random;

	mr_random(&random, sizeof(random));
	usleep((1000u << tries) + random % 1000u);
}

struct work {
	size_t group;
	enum mr_txn_kind kind;
	mr_txn_fn *fn;
	void *arg;
	bool migrates; /* whatever version the tables have */
	bool begun; /* fn was called */
};

static int txn_once(struct mr_txn *txn, struct work *work)
{
	bool fresh = false;
	int err = txn->engine->begin(txn->db, work->kind, &fresh);

	txn->one = false;
	if (err < 0)
		return err;
	/* Another server, or one that was restored: its errors are the store's, not the answer to
	 * what was asked (MR_ENOENT: no such user). */
	if (fresh && !work->migrates && (err = check_once(txn, &work->group)) < 0)
		err = err == MR_ENOMEM || err == MR_ECONFLICT ? err : MR_ETEMP;
	txn->one = work->kind == MR_TXN_READ_ONE || work->kind == MR_TXN_WRITE_ONE;
	txn->ran = false;
	if (err == 0) {
		work->begun = true;
		err = work->fn(txn, work->arg);
	}
	if (err == 0)
		err = txn->engine->commit(txn->db);
	if (err != 0)
		txn->engine->rollback(txn->db);
	return err;
}

static int work_run(struct mr_store *store, struct work *work)
{
	struct mr_txn txn = { .engine = store->engine };
	const int64_t end_ms = mr_now_ms() + MR_DB_TRIES_MS;
	int err;

	why[0] = 0;
	if ((err = mr_slots_take(&store->group[work->group], &txn.db)) < 0)
		return err;
	for (int tries = 0;; tries++) {
		err = txn_once(&txn, work);
		if (err != MR_ECONFLICT || tries + 1 == MR_DB_TRIES_MAX || mr_now_ms() >= end_ms ||
		    (work->begun && (work->kind == MR_TXN_WALK || work->kind == MR_TXN_LOAD)))
			break;
		back_off(tries);
	}
	mr_slots_give(&store->group[work->group], txn.db);
	if (err >= 0)
		why[0] = 0; /* an earlier try's */
	return err == MR_ECONFLICT ? MR_ETEMP : err;
}

int mr_store_txn(struct mr_store *store, enum mr_store_group group, enum mr_txn_kind kind,
		 mr_txn_fn *fn, void *arg)
{
	struct work work = { .group = index_of(group), .kind = kind, .fn = fn, .arg = arg };

	MR_ASSERT(store->group[work.group].engine); /* the program opened what it uses */
	return work_run(store, &work);
}

const char *const *mr_txn_checks(const struct mr_txn *txn)
{
	return txn->engine->checks;
}

int mr_store_newest(enum mr_store_group group)
{
	return newest(index_of(group));
}

bool mr_store_has(const struct mr_store *store, enum mr_store_group group)
{
	return store->group[index_of(group)].engine != NULL;
}

const char *mr_store_group_name(size_t i, enum mr_store_group *group_out)
{
	if (i >= MR_COUNT(groups))
		return NULL;
	*group_out = groups[i].group;
	return groups[i].name;
}

int mr_store_ping(struct mr_store *store, enum mr_store_group group)
{
	size_t i = index_of(group);

	return mr_store_txn(store, group, MR_TXN_READ, check_once, &i);
}

/* Bring the schema from the version it has to the newest: in one transaction, so it is done whole or
 * not at all, and by one program if several start at once. */
static int migrate_once(struct mr_txn *txn, void *arg)
{
	size_t i = *(const size_t *)arg;
	int64_t have = 0;
	int err = mr_txn_run(txn,
			     "CREATE TABLE IF NOT EXISTS schema_version"
			     " (id BIGINT NOT NULL PRIMARY KEY, version BIGINT NOT NULL)",
			     NULL, 0);

	if (err >= 0)
		err = mr_txn_run(txn,
				 "INSERT INTO schema_version (id, version) VALUES (1, 0)"
				 " ON CONFLICT (id) DO NOTHING",
				 NULL, 0);
	if (err < 0 || (err = version_get(txn, &have)) < 0)
		return err;
	if (have >= newest(i))
		return have > newest(i) ? MR_EINVAL : 0;
	for (size_t m = 0; m < MR_COUNT(migrations); m++) {
		const struct mr_value number = MR_VINT(migrations[m].number);

		if (strcmp(migrations[m].group, groups[i].name) != 0 ||
		    migrations[m].number <= have)
			continue;
		if ((err = txn->engine->script(txn->db, migrations[m].sql)) < 0 ||
		    (err = mr_txn_run(txn, "UPDATE schema_version SET version = $1 WHERE id = 1",
				      &number, 1)) < 0)
			return err;
	}
	return txn->engine->grant ? txn->engine->grant(txn->db) : 0;
}

static int group_open(struct mr_store *store, size_t i, const char *rest,
		      enum mr_store_access access)
{
	struct work migrate = { i, MR_TXN_WRITE, migrate_once, &i, true, false };

	mr_slots_init(&store->group[i], store->engine, rest, groups[i].name, access);
	if (access == MR_STORE_CREATE)
		return work_run(store, &migrate);
	/* A server may come later. */
	return store->engine->away ? 0 : mr_store_ping(store, groups[i].group);
}

/* The engine of url, and what url says to it; NULL: no engine. */
static const struct mr_engine *engine_of(const char *url, const char **rest_out)
{
	static const struct mr_engine *const engines[] = { &mr_engine_sqlite, &mr_engine_pgsql };

	for (size_t i = 0; i < MR_COUNT(engines); i++) {
		struct mr_span scheme = mr_span_str(engines[i]->scheme);

		if (mr_span_has_prefix(mr_span_str(url), scheme)) {
			*rest_out = url + scheme.len;
			return engines[i];
		}
	}
	return NULL;
}

int mr_store_check_url(const char *url)
{
	const char *rest;
	const struct mr_engine *engine = engine_of(url, &rest);

	mr_db_why_set(engine ? "" : "neither sqlite:FOLDER nor postgresql://HOST/DATABASE");
	return engine ? engine->check(rest) : MR_EINVAL;
}

const char *mr_store_shown(const char *url)
{
	const char *rest;
	const struct mr_engine *engine = engine_of(url, &rest);

	return engine && engine->away && engine->check(rest) < 0 ? engine->scheme : url;
}

bool mr_store_is_remote(const char *url)
{
	const char *rest;
	const struct mr_engine *engine = engine_of(url, &rest);

	return engine && engine->away;
}

int mr_store_files(const char *url, int (*each)(void *arg, const char *path), void *arg)
{
	const char *rest;
	const struct mr_engine *engine = engine_of(url, &rest);

	return engine && engine->files ? engine->files(rest, each, arg) : 0;
}

int mr_store_open(const char *url, unsigned wanted, enum mr_store_access access,
		  struct mr_store **store_out)
{
	MR_AUTO(mr_store) *store = mr_calloc(1, sizeof(*store));
	const char *rest = NULL;
	int err = mr_store_check_url(url);

	if (!store)
		return MR_ENOMEM;
	if (err < 0)
		return err;
	if (!(store->url = mr_strdup(url)))
		return MR_ENOMEM;
	store->engine = engine_of(store->url, &rest);
	for (size_t i = 0; i < MR_COUNT(groups); i++) {
		if ((groups[i].group & wanted) && (err = group_open(store, i, rest, access)) < 0)
			return err;
	}
	*store_out = MR_TAKE(store);
	return 0;
}

void mr_store_close(struct mr_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < MR_COUNT(groups); i++)
		mr_slots_done(&store->group[i]);
	mr_free(store->url);
	mr_free(store);
}

static bool is_right(const struct mr_store_right *right)
{
	struct mr_span role = mr_span_str(right->role);
	bool known = false;

	for (size_t i = 0; i < MR_COUNT(groups); i++)
		known |= strcmp(groups[i].name, right->group) == 0;
	for (size_t i = 0; i < role.len; i++) {
		if (!mr_is(role.p[i], MR_ALNUM) && !memchr("_.-@", role.p[i], 4))
			return false;
	}
	return known && role.len > 0 && role.len <= ROLE_MAX;
}

int mr_store_init(const char *url, const struct mr_store_right *rights, size_t count,
		  struct mr_buf *sql)
{
	const char *names[MR_COUNT(groups) + 1] = { NULL }, *rest;
	MR_AUTO(mr_store) *store = NULL;
	const struct mr_engine *engine;
	int err = mr_store_check_url(url);

	if (err < 0)
		return err;
	engine = engine_of(url, &rest);
	for (size_t i = 0; i < count; i++) {
		if (!is_right(&rights[i]))
			return MR_EINVAL;
	}
	for (size_t i = 0; i < MR_COUNT(groups); i++)
		names[i] = groups[i].name;
	if (engine->init)
		err = engine->init(rest, names, rights, count, sql);
	if (err < 0)
		return err;
	return sql ? 0 : mr_store_open(url, MR_GROUP_ALL, MR_STORE_CREATE, &store);
}

int mr_txn_run(struct mr_txn *txn, const char *sql, const struct mr_value *in, size_t in_count)
{
	return mr_txn_each(txn, sql, in, in_count, NULL, NULL);
}

int mr_txn_each(struct mr_txn *txn, const char *sql, const struct mr_value *in, size_t in_count,
		mr_row_fn *row, void *arg)
{
	MR_ASSERT(!txn->one || !txn->ran);
	txn->ran = true;
	return txn->engine->run(txn->db, sql, in, in_count, row, arg);
}

struct first_int {
	int64_t value;
	bool found;
};

static int row_first_int(void *arg, const struct mr_value *columns, size_t count MR_UNUSED)
{
	struct first_int *first = arg;

	if (!first->found && columns[0].kind == MR_VALUE_INT)
		*first = (struct first_int){ columns[0].number, true };
	return 0;
}

int mr_txn_int(struct mr_txn *txn, const char *sql, const struct mr_value *in, size_t in_count,
	       int64_t *value_out)
{
	struct first_int first = { 0, false };
	int err = mr_txn_each(txn, sql, in, in_count, row_first_int, &first);

	if (err < 0)
		return err;
	if (!first.found)
		return MR_ENOENT;
	*value_out = first.value;
	return 0;
}
