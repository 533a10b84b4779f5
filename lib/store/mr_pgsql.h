/*
 * mr_pgsql: one connection to one group on PostgreSQL, or on what speaks its protocol; private to
 * lib/store. mr_pgsql.c is the engine, mr_pgsql_conn.c connects, asks and waits, mr_pgsql_init.c
 * makes roles and schemas.
 *
 * libpq is asked without blocking and waited for here, since only so a server that is silent (hung,
 * or behind a cut cable) costs no more than a named time.
 */
#ifndef MR_PGSQL_H
#define MR_PGSQL_H

#include <libpq-fe.h>

#include "lib/store/mr_db.h"

#define MR_PG_SCHEME "postgresql://"
/* Our own limits; whatever else is slow is ended by the server first. */
#define MR_PG_CONNECT_S    "5" /* for each host; connect_timeout in the URL is another */
#define MR_PG_SILENCE_MS   10000 /* of the server, while we wait for an answer */
#define MR_PG_STATEMENT_MS 8000 /* one statement, but of a walk */
#define MR_PG_LOCK_MS      5000 /* waiting for a lock */
#define MR_PG_IDLE_MS      60000 /* the server ends a transaction in which we say nothing */

/* The role that owns a group's schema; _read and _write behind it: who may read, and write too. */
#define MR_PG_ROLE "millrace_%s"

struct mr_db {
	char *url;
	const char *group;
	enum mr_store_access access;
	PGconn *conn; /* NULL: none */
	bool away; /* it could not be made, or the server was silent on it */
	enum mr_txn_kind kind; /* of the transaction under way */
	const char *prepared[MR_DB_STATEMENTS_MAX]; /* by address; statement n is named "sN" */
	size_t prepared_count;
};

/* mr_err of an SQLSTATE, as mr_db.h means it; NULL: MR_ETEMP. lost_out: this connection is of no use
 * any more, for this or for what is asked of it. */
MR_MUST_USE int mr_pg_from_state(const char *state, bool *lost_out);

/* Connect, and set what each session needs. MR_ENOENT: no such database or schema; MR_EPERM: not
 * let in, or no such role; MR_ETEMP; MR_ENOMEM. */
MR_MUST_USE int mr_pg_connect(struct mr_db *db);
/* Give the connection up; whatever was under way on it is rolled back. */
void mr_pg_drop(struct mr_db *db);

/* After PQsend...() returned sent: the next result of it, NULL after the last. 0, or an error, then the
 * connection is gone: MR_ETEMP: silence; MR_ECONFLICT: lost, unless that is no conflict: a walk. */
MR_MUST_USE int mr_pg_sent(struct mr_db *db, int sent);
MR_MUST_USE int mr_pg_result(struct mr_db *db, PGresult **result_out);
/* The error of a result that is one, and 0 of one that is none. */
MR_MUST_USE int mr_pg_error_of(struct mr_db *db, const PGresult *result);
/* Run statements without parameters. tag_out: of the last, such as "COMMIT", or NULL. */
#define MR_PG_TAG_SIZE 32
MR_MUST_USE int mr_pg_script(struct mr_db *db, const char *sql, char tag_out[MR_PG_TAG_SIZE]);

/* Of struct mr_engine. */
int mr_pg_init(const char *rest, const char *const *groups, const struct mr_store_right *rights,
	       size_t count, struct mr_buf *sql);
int mr_pg_grant(struct mr_db *db);

#endif
