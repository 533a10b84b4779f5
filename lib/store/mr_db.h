/*
 * mr_db: one group of state behind one engine; private to lib/store. Operations are written against
 * this alone, so that an engine can be added without a change above it: SQL that SQLite and
 * PostgreSQL both take ($1, ON CONFLICT, RETURNING), no sequences, ids made by us, and transactions
 * that may run again.
 */
#ifndef MR_DB_H
#define MR_DB_H

#include "lib/base/mr_buf.h"
#include "lib/store/mr_store.h"

#define MR_DB_PARAMS_MAX      12 /* $1 to $12 */
#define MR_DB_COLUMNS_MAX     12
#define MR_DB_STATEMENTS_MAX  64 /* more than lib/store has SQL texts for one group */
#define MR_DB_TRIES_MAX       10 /* of one transaction that meets conflicts */
#define MR_DB_TRIES_MS        10000 /* and no new try after this */
#define MR_DB_CONNECTIONS_MAX 8 /* to one group, from one program */

enum mr_value_kind { MR_VALUE_NULL, MR_VALUE_INT, MR_VALUE_TEXT, MR_VALUE_BYTES };

struct mr_value {
	enum mr_value_kind kind;
	int64_t number;
	struct mr_span bytes; /* of text and bytes; in a row: valid until the callback returns */
};
#define MR_VINT(n)   ((struct mr_value){ MR_VALUE_INT, (n), { NULL, 0 } })
#define MR_VTEXT(s)  ((struct mr_value){ MR_VALUE_TEXT, 0, (s) })
#define MR_VBYTES(s) ((struct mr_value){ MR_VALUE_BYTES, 0, (s) })

struct mr_db; /* one connection to one group */

/*
 * A READ sees one state of the group; a WALK does, too, and may take long: it is never run again once
 * it has handed out rows. A LOAD writes, and is not run again either: it takes rows from a stream.
 * The ONEs promise to run one statement: that is a transaction by itself, which saves a server two of
 * three questions.
 */
enum mr_txn_kind {
	MR_TXN_READ,
	MR_TXN_WRITE,
	MR_TXN_WALK,
	MR_TXN_LOAD,
	MR_TXN_READ_ONE,
	MR_TXN_WRITE_ONE,
};
static inline bool mr_txn_writes(enum mr_txn_kind kind)
{
	return kind == MR_TXN_WRITE || kind == MR_TXN_LOAD || kind == MR_TXN_WRITE_ONE;
}

/* Called with each row; other than 0 ends the statement and is returned. It runs no statement in the
 * same transaction. */
typedef int mr_row_fn(void *arg, const struct mr_value *columns, size_t count);

/*
 * What an engine does. Errors are those of mr_store.h, and of run: MR_ECONFLICT: the transaction met
 * another, or lost its connection before COMMIT, and may run again; MR_EEXIST: a unique key is taken;
 * MR_ENOENT: a foreign key names nothing. After an error a transaction can only be rolled back.
 * What went wrong, for people: mr_db_why_set().
 */
struct mr_engine {
	const char *scheme; /* "sqlite:" */
	size_t connections_max; /* at most MR_DB_CONNECTIONS_MAX */
	/* rest is what follows the scheme. MR_EINVAL. */
	int (*check)(const char *rest);
	/* An engine with a server does not ask it yet; rest and group outlive db. */
	int (*open)(const char *rest, const char *group, enum mr_store_access access,
		    struct mr_db **db_out);
	void (*close)(struct mr_db *db);
	/* Connect again if the server went away. fresh_out: who answers may not be who did before.
	 * Whatever is wrong with the server, this is MR_ETEMP: it never says MR_ENOENT, which would
	 * mean to callers that what they look for is not there. */
	int (*begin)(struct mr_db *db, enum mr_txn_kind kind, bool *fresh_out);
	int (*commit)(struct mr_db *db);
	void (*rollback)(struct mr_db *db);
	/* Run one statement; returns the number of rows it changed, or an error. sql is kept by its
	 * address for the next time: it must live as long as db, as a literal does. */
	int (*run)(struct mr_db *db, const char *sql, const struct mr_value *in, size_t in_count,
		   mr_row_fn *row, void *arg);
	/* Run several statements without parameters, of a schema. */
	int (*script)(struct mr_db *db, const char *sql);
	/* Statements whose rows say what is damaged; a row "ok" says nothing. NULL ends them. */
	const char *const *checks;
	/* The rest is NULL for files. */
	/* Inside the transaction that made tables: give the group's roles their rights. */
	int (*grant)(struct mr_db *db);
	/* The server did not answer the last time that db asked it. */
	bool (*away)(const struct mr_db *db);
	/* See mr_store_files(), mr_store_init(). */
	int (*files)(const char *rest, int (*each)(void *arg, const char *path), void *arg);
	int (*init)(const char *rest, const char *const *groups,
		    const struct mr_store_right *rights, size_t count, struct mr_buf *sql);
};
extern const struct mr_engine mr_engine_sqlite, mr_engine_pgsql;

/* What mr_store_why() says from now on, on this thread. */
void mr_db_why_set(const char *text);

/* What runs inside a transaction. It may run again, so it touches nothing but txn and arg. */
struct mr_txn;
typedef int mr_txn_fn(struct mr_txn *txn, void *arg);

/* Run fn in one transaction of group; its error rolls back. Tried again after MR_ECONFLICT, never
 * after a COMMIT whose outcome nobody knows: that is MR_ETEMP, and what was to be done may be. */
MR_MUST_USE int mr_store_txn(struct mr_store *store, enum mr_store_group group,
			     enum mr_txn_kind kind, mr_txn_fn *fn, void *arg);

/* Inside: rows changed, or an error. */
MR_MUST_USE int mr_txn_run(struct mr_txn *txn, const char *sql, const struct mr_value *in,
			   size_t in_count);
MR_MUST_USE int mr_txn_each(struct mr_txn *txn, const char *sql, const struct mr_value *in,
			    size_t in_count, mr_row_fn *row, void *arg);
/* The first column of the first row; MR_ENOENT: no row. */
MR_MUST_USE int mr_txn_int(struct mr_txn *txn, const char *sql, const struct mr_value *in,
			   size_t in_count, int64_t *value_out);

/* The engine's checks. */
const char *const *mr_txn_checks(const struct mr_txn *txn);

/* The version of group's tables that this program makes. */
int mr_store_newest(enum mr_store_group group);
bool mr_store_has(const struct mr_store *store, enum mr_store_group group);

#endif
