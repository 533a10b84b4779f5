/*
 * mr_db: one group of state behind one engine; private to lib/store. Operations are written against
 * this alone, so that an engine can be added without a change above it: SQL that SQLite and
 * PostgreSQL both take ($1, ON CONFLICT, RETURNING), no sequences, ids made by us, and transactions
 * that may run again.
 */
#ifndef MR_DB_H
#define MR_DB_H

#include "lib/store/mr_store.h"

#define MR_DB_PARAMS_MAX  12 /* $1 to $12 */
#define MR_DB_COLUMNS_MAX 12
#define MR_DB_TRIES_MAX   10 /* of one transaction that meets conflicts */

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

/* Called with each row; other than 0 ends the statement and is returned. */
typedef int mr_row_fn(void *arg, const struct mr_value *columns, size_t count);

/*
 * What an engine does. Errors are those of mr_store.h, and of run: MR_ECONFLICT: the transaction met
 * another and may run again; MR_EEXIST: a unique key is taken; MR_ENOENT: a foreign key names
 * nothing.
 */
struct mr_engine {
	const char *scheme; /* "sqlite:" */
	int (*open)(const char *rest, const char *group, enum mr_store_access access,
		    struct mr_db **db_out);
	void (*close)(struct mr_db *db);
	int (*begin)(struct mr_db *db, bool write);
	int (*commit)(struct mr_db *db);
	void (*rollback)(struct mr_db *db);
	/* Run one statement; returns the number of rows it changed, or an error. sql is kept by its
	 * address for the next time: it must live as long as db, as a literal does. */
	int (*run)(struct mr_db *db, const char *sql, const struct mr_value *in, size_t in_count,
		   mr_row_fn *row, void *arg);
	/* Run several statements without parameters, of a schema. */
	int (*script)(struct mr_db *db, const char *sql);
};
extern const struct mr_engine mr_engine_sqlite;

/* What runs inside a transaction. It may run again, so it touches nothing but txn and arg. */
struct mr_txn;
typedef int mr_txn_fn(struct mr_txn *txn, void *arg);

/* Run fn in one transaction of group; its error rolls back. Tried again after MR_ECONFLICT, never
 * after a COMMIT whose outcome nobody knows. */
MR_MUST_USE int mr_store_txn(struct mr_store *store, enum mr_store_group group, bool write,
			     mr_txn_fn *fn, void *arg);

/* Inside: rows changed, or an error. */
MR_MUST_USE int mr_txn_run(struct mr_txn *txn, const char *sql, const struct mr_value *in,
			   size_t in_count);
MR_MUST_USE int mr_txn_each(struct mr_txn *txn, const char *sql, const struct mr_value *in,
			    size_t in_count, mr_row_fn *row, void *arg);
/* The first column of the first row; MR_ENOENT: no row. */
MR_MUST_USE int mr_txn_int(struct mr_txn *txn, const char *sql, const struct mr_value *in,
			   size_t in_count, int64_t *value_out);

#endif
