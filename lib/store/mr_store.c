#include "lib/store/mr_store.h"

#include <pthread.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/store/mr_db.h"

static const struct {
	enum mr_store_group group;
	const char *name;
} groups[] = {
	{ MR_GROUP_DIRECTORY, "directory" },
	{ MR_GROUP_SPAM, "spam" },
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
	struct {
		struct mr_db *db; /* NULL: not opened */
		pthread_mutex_t lock;
	} group[MR_COUNT(groups)];
};

struct mr_txn {
	const struct mr_engine *engine;
	struct mr_db *db;
};

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
	if (have > newest(i))
		return MR_EINVAL;
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
	return 0;
}

static int check_once(struct mr_txn *txn, void *arg)
{
	size_t i = *(const size_t *)arg;
	int64_t have = 0;
	int err = version_get(txn, &have);

	if (err < 0)
		return err;
	return have == newest(i) ? 0 : MR_EINVAL;
}

static int group_open(struct mr_store *store, size_t i, const char *rest,
		      enum mr_store_access access)
{
	int err = store->engine->open(rest, groups[i].name, access, &store->group[i].db);

	if (err < 0)
		return err;
	if (access == MR_STORE_CREATE)
		return mr_store_txn(store, groups[i].group, true, migrate_once, &i);
	return mr_store_txn(store, groups[i].group, false, check_once, &i);
}

/* The engine of url, and what url says to it; NULL: no engine. */
static const struct mr_engine *engine_of(const char *url, const char **rest_out)
{
	static const struct mr_engine *const engines[] = { &mr_engine_sqlite };

	for (size_t i = 0; i < MR_COUNT(engines); i++) {
		struct mr_span scheme = mr_span_str(engines[i]->scheme);

		if (mr_span_has_prefix(mr_span_str(url), scheme) && url[scheme.len]) {
			*rest_out = url + scheme.len;
			return engines[i];
		}
	}
	return NULL;
}

int mr_store_check_url(const char *url)
{
	const char *rest;

	return engine_of(url, &rest) ? 0 : MR_EINVAL;
}

int mr_store_open(const char *url, unsigned wanted, enum mr_store_access access,
		  struct mr_store **store_out)
{
	MR_AUTO(mr_store) *store = mr_calloc(1, sizeof(*store));
	const char *rest;
	int err;

	if (!store)
		return MR_ENOMEM;
	for (size_t i = 0; i < MR_COUNT(groups); i++)
		MR_ASSERT(pthread_mutex_init(&store->group[i].lock, NULL) == 0);
	store->engine = engine_of(url, &rest);
	if (!store->engine)
		return MR_EINVAL;
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
	for (size_t i = 0; i < MR_COUNT(groups); i++) {
		if (store->group[i].db)
			store->engine->close(store->group[i].db);
		pthread_mutex_destroy(&store->group[i].lock);
	}
	mr_free(store);
}

static int txn_once(struct mr_txn *txn, bool write, mr_txn_fn *fn, void *arg)
{
	int err = txn->engine->begin(txn->db, write);

	if (err < 0)
		return err;
	err = fn(txn, arg);
	if (err == 0)
		err = txn->engine->commit(txn->db);
	if (err != 0)
		txn->engine->rollback(txn->db);
	return err;
}

/* Wait a little, longer each time, and not as long as the others. */
static void back_off(int tries)
{
	uint32_t random;

	mr_random(&random, sizeof(random));
	usleep((1000u << tries) + random % 1000u);
}

int mr_store_txn(struct mr_store *store, enum mr_store_group group, bool write, mr_txn_fn *fn,
		 void *arg)
{
	struct mr_txn txn = { .engine = store->engine };
	size_t i = 0;
	int err;

	while (groups[i].group != group)
		MR_ASSERT(++i < MR_COUNT(groups));
	txn.db = store->group[i].db;
	MR_ASSERT(txn.db); /* the program opened the groups that it uses */
	pthread_mutex_lock(&store->group[i].lock);
	for (int tries = 0;; tries++) {
		err = txn_once(&txn, write, fn, arg);
		if (err != MR_ECONFLICT || tries + 1 == MR_DB_TRIES_MAX)
			break;
		back_off(tries);
	}
	pthread_mutex_unlock(&store->group[i].lock);
	return err == MR_ECONFLICT ? MR_ETEMP : err;
}

int mr_txn_run(struct mr_txn *txn, const char *sql, const struct mr_value *in, size_t in_count)
{
	return txn->engine->run(txn->db, sql, in, in_count, NULL, NULL);
}

int mr_txn_each(struct mr_txn *txn, const char *sql, const struct mr_value *in, size_t in_count,
		mr_row_fn *row, void *arg)
{
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
