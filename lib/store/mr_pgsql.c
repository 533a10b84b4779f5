/*
 * The PostgreSQL engine: one schema for each group, SERIALIZABLE. Parameters and rows are binary:
 * int8, text and bytea as they are. Rows are taken one by one, so that a walk needs no memory.
 */
#include "lib/store/mr_pgsql.h"

#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"

/* Of the server's catalogue, pg_type: fixed for ever. */
#define TYPE_BOOL    16
#define TYPE_BYTEA   17
#define TYPE_INT8    20
#define TYPE_INT2    21
#define TYPE_INT4    23
#define TYPE_TEXT    25
#define TYPE_VARCHAR 1043

#define ROWS_AFTER_END                                                                             \
	64 /* that are read and dropped when nobody wants more; then the connection is */

static char *url_new(const char *rest)
{
	size_t size = strlen(MR_PG_SCHEME) + strlen(rest) + 1;
	char *url = mr_malloc(size);

	if (url)
		snprintf(url, size, MR_PG_SCHEME "%s", rest);
	return url;
}

/* A password would be in a file that many may read, and in logs. */
static int no_password(const PQconninfoOption *options)
{
	for (const PQconninfoOption *o = options; o->keyword; o++) {
		if (o->val && strcmp(o->keyword, "password") == 0) {
			mr_db_why_set("a password belongs in a file of its own: passfile");
			return MR_EINVAL;
		}
	}
	return 0;
}

static int pg_check(const char *rest)
{
	char *url = url_new(rest), *why = NULL;
	PQconninfoOption *options;
	int err = MR_ENOMEM;

	if (!url)
		return err;
	options = PQconninfoParse(url, &why);
	if (options) {
		err = no_password(options);
	} else if (why) {
		err = MR_EINVAL;
		/* libpq repeats what it could not read; that may be a password. */
		mr_db_why_set(strchr(rest, '@') || strstr(rest, "password") ? "no connection URI"
									    : why);
	}
	PQconninfoFree(options);
	PQfreemem(why);
	mr_free(url);
	return err;
}

/* libpq's parameters that name a file or a folder, what they are called in the environment, and where
 * below the home directory it looks without them (PostgreSQL 15, 34.1.2, 34.15, 34.19.1). */
static const struct {
	const char *keyword, *variable, *in_home;
} files[] = {
	{ "passfile", "PGPASSFILE", ".pgpass" },
	{ "sslcert", "PGSSLCERT", ".postgresql/postgresql.crt" },
	{ "sslkey", "PGSSLKEY", ".postgresql/postgresql.key" },
	{ "sslrootcert", "PGSSLROOTCERT", ".postgresql/root.crt" },
	{ "sslcrl", "PGSSLCRL", ".postgresql/root.crl" },
	{ "sslcrldir", "PGSSLCRLDIR", NULL },
	{ "service", "PGSERVICEFILE", ".pg_service.conf" },
};

static int pg_file(const PQconninfoOption *options, size_t i,
		   int (*each)(void *arg, const char *path), void *arg)
{
	const char *path = NULL, *home = getenv("HOME");
	char in_home[MR_PATH_MAX];

	for (const PQconninfoOption *o = options; o->keyword && !path; o++) {
		if (strcmp(o->keyword, files[i].keyword) == 0)
			path = o->val;
	}
	if (!path)
		path = getenv(files[i].variable);
	if (!path && home && files[i].in_home && mr_path_join(home, files[i].in_home, in_home) == 0)
		path = access(in_home, R_OK) == 0 ? in_home : NULL;
	return path && path[0] == '/' ? each(arg, path) : 0;
}

static int pg_files(const char *rest, int (*each)(void *arg, const char *path), void *arg)
{
	char *url = url_new(rest);
	PQconninfoOption *options = url ? PQconninfoParse(url, NULL) : NULL;
	int err = options ? 0 : MR_ENOMEM; /* the URL was checked before */

	for (size_t i = 0; i < MR_COUNT(files) && err == 0; i++)
		err = pg_file(options, i, each, arg);
	PQconninfoFree(options);
	mr_free(url);
	return err;
}

static int pg_open(const char *rest, const char *group, enum mr_store_access access,
		   struct mr_db **db_out)
{
	struct mr_db *db = mr_calloc(1, sizeof(*db));

	if (!db || !(db->url = url_new(rest))) {
		mr_free(db);
		return MR_ENOMEM;
	}
	db->group = group;
	db->access = access;
	*db_out = db;
	return 0;
}

static void pg_close(struct mr_db *db)
{
	mr_pg_drop(db);
	mr_free(db->url);
	mr_free(db);
}

static bool pg_away(const struct mr_db *db)
{
	return db->away;
}

/* A walk is one state, but not SERIALIZABLE: it must not be told, after half of its rows, that it
 * has to begin again. */
#define BEGIN_WALK                                                                                 \
	"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout TO 0"
#define BEGIN_LOAD                                                                                 \
	"BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL idle_in_transaction_session_timeout TO 0"
/* NULL: the one statement is a transaction, SERIALIZABLE as session() has set it. */
static const char *const begins[] = {
	[MR_TXN_READ_ONE] = NULL,
	[MR_TXN_WRITE_ONE] = NULL,
	[MR_TXN_READ] = "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY",
	[MR_TXN_WRITE] = "BEGIN ISOLATION LEVEL SERIALIZABLE",
	[MR_TXN_WALK] = BEGIN_WALK,
	[MR_TXN_LOAD] = BEGIN_LOAD,
};

/* The server has ended the connection while nobody looked: it was restarted, for one. */
static bool ended(struct mr_db *db)
{
	struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN };

	return poll(&fd, 1, 0) != 0 &&
	       (!PQconsumeInput(db->conn) || PQstatus(db->conn) == CONNECTION_BAD ||
		poll(&fd, 1, 0) != 0);
}

static int begin_on(struct mr_db *db)
{
	return begins[db->kind] ? mr_pg_script(db, begins[db->kind], NULL) : 0;
}

static int pg_begin(struct mr_db *db, enum mr_txn_kind kind, bool *fresh_out)
{
	int err = MR_ECONFLICT;

	db->kind = kind;
	*fresh_out = false;
	if (db->conn && ended(db))
		mr_pg_drop(db);
	if (db->conn && (err = begin_on(db)) == 0)
		return 0;
	/* Silent: that has cost its time-out already. */
	if (err != MR_ETEMP) {
		mr_pg_drop(db);
		if ((err = mr_pg_connect(db)) < 0)
			return err;
		*fresh_out = true;
		if ((err = begin_on(db)) == 0)
			return 0;
	}
	mr_pg_drop(db);
	return err == MR_ENOMEM || err == MR_ECONFLICT ? err : MR_ETEMP;
}

/*
 * A COMMIT whose answer was lost may have been done: that is the one thing that is never tried again.
 * A transaction that only read can be. PostgreSQL answers ROLLBACK where a statement had failed.
 */
static int pg_commit(struct mr_db *db)
{
	char tag[MR_PG_TAG_SIZE] = "";
	int err;

	if (!begins[db->kind])
		return 0;
	err = mr_pg_script(db, "COMMIT", tag);
	if (err < 0 && !db->conn)
		return db->kind == MR_TXN_READ ? err : MR_ETEMP;
	if (err == 0 && strcmp(tag, "COMMIT") != 0)
		return MR_ETEMP;
	return err;
}

static void pg_rollback(struct mr_db *db)
{
	if (!db->conn || PQtransactionStatus(db->conn) == PQTRANS_IDLE)
		return;
	if (PQtransactionStatus(db->conn) == PQTRANS_ACTIVE ||
	    mr_pg_script(db, "ROLLBACK", NULL) < 0)
		mr_pg_drop(db);
}

/* -- statements ------------------------------------------------------------------------------- */

struct params {
	Oid type[MR_DB_PARAMS_MAX];
	const char *value[MR_DB_PARAMS_MAX];
	int length[MR_DB_PARAMS_MAX], format[MR_DB_PARAMS_MAX];
	int64_t number[MR_DB_PARAMS_MAX];
};

static int params_fill(struct params *p, const struct mr_value *in, size_t count)
{
	static const Oid types[] = { [MR_VALUE_NULL] = 0,
				     [MR_VALUE_INT] = TYPE_INT8,
				     [MR_VALUE_TEXT] = TYPE_TEXT,
				     [MR_VALUE_BYTES] = TYPE_BYTEA };

	MR_ASSERT(count <= MR_DB_PARAMS_MAX);
	for (size_t i = 0; i < count; i++) {
		p->type[i] = types[in[i].kind];
		p->format[i] = 1; /* binary */
		if (in[i].kind == MR_VALUE_NULL) {
			p->value[i] = NULL;
			p->length[i] = 0;
		} else if (in[i].kind == MR_VALUE_INT) {
			p->number[i] = (int64_t)htobe64((uint64_t)in[i].number);
			p->value[i] = (const char *)&p->number[i];
			p->length[i] = sizeof(p->number[i]);
		} else {
			if (in[i].bytes.len > INT32_MAX / 2) /* PostgreSQL: 1 GB */
				return MR_ELIMIT;
			p->value[i] = in[i].bytes.p ? in[i].bytes.p : "";
			p->length[i] = (int)in[i].bytes.len;
		}
	}
	return 0;
}

/* Prepare sql on this connection, unless it was. */
static int prepare(struct mr_db *db, const char *sql, const struct params *p, size_t count,
		   char name_out[16])
{
	PGresult *result = NULL;
	size_t n = 0;
	int err;

	while (n < db->prepared_count && db->prepared[n] != sql)
		n++;
	snprintf(name_out, 16, "s%zu", n);
	if (n < db->prepared_count)
		return 0;
	MR_ASSERT(n < MR_DB_STATEMENTS_MAX);
	err = mr_pg_sent(db, PQsendPrepare(db->conn, name_out, sql, (int)count, p->type));
	while (err == 0 && db->conn && (err = mr_pg_result(db, &result)) == 0 && result) {
		err = mr_pg_error_of(db, result);
		PQclear(result);
	}
	if (err == 0)
		db->prepared[db->prepared_count++] = sql;
	return err;
}

static int64_t number_at(const PGresult *result, int column, int size)
{
	const void *at = PQgetvalue(result, 0, column);
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	switch (size) {
	case 1:
		return *(const int8_t *)at;
	case 2:
		memcpy(&two, at, 2);
		return (int16_t)be16toh(two);
	case 4:
		memcpy(&four, at, 4);
		return (int32_t)be32toh(four);
	default:
		memcpy(&eight, at, 8);
		return (int64_t)be64toh(eight);
	}
}

/* MR_EINVAL: a type that our SQL should not ask for, such as numeric, which sum() makes of BIGINT. */
static int column(const PGresult *result, int i, struct mr_value *value_out)
{
	const struct mr_span bytes =
		mr_span(PQgetvalue(result, 0, i), (size_t)PQgetlength(result, 0, i));

	if (PQgetisnull(result, 0, i)) {
		*value_out = (struct mr_value){ .kind = MR_VALUE_NULL };
		return 0;
	}
	switch (PQftype(result, i)) {
	case TYPE_BOOL:
	case TYPE_INT2:
	case TYPE_INT4:
	case TYPE_INT8:
		*value_out = MR_VINT(number_at(result, i, (int)bytes.len));
		return 0;
	case TYPE_TEXT:
	case TYPE_VARCHAR:
		*value_out = MR_VTEXT(bytes);
		return 0;
	case TYPE_BYTEA:
		*value_out = MR_VBYTES(bytes);
		return 0;
	default:
		mr_db_why_set("a column of a type that is none of ours");
		return MR_EINVAL;
	}
}

static int row_show(const PGresult *result, mr_row_fn *row, void *arg)
{
	struct mr_value columns[MR_DB_COLUMNS_MAX];
	int count = PQnfields(result), err = 0;

	MR_ASSERT(count <= MR_DB_COLUMNS_MAX);
	for (int i = 0; i < count && err == 0; i++)
		err = column(result, i, &columns[i]);
	return err < 0 ? err : row(arg, columns, (size_t)count);
}

/* Rows that a statement changed: what its last result says, but for SELECT, which counts what it
 * read. */
static int changed_by(PGresult *result)
{
	struct mr_span tag = mr_span_str(PQcmdStatus(result));
	uint64_t count;

	if (mr_span_has_prefix(tag, MR_SPAN("SELECT")) ||
	    mr_span_u64(mr_span_str(PQcmdTuples(result)), INT32_MAX, &count) < 0)
		return 0;
	return (int)count;
}

/* Results to their end, so that the connection is ready for the next statement. */
static int results(struct mr_db *db, mr_row_fn *row, void *arg)
{
	int first = 0, changed = 0, err = 0, after = 0;
	PGresult *result = NULL;

	while (db->conn && (err = mr_pg_result(db, &result)) == 0 && result) {
		err = mr_pg_error_of(db, result);
		if (err == 0 && first == 0 && row && PQresultStatus(result) == PGRES_SINGLE_TUPLE)
			err = row_show(result, row, arg);
		else if (err == 0 && first == 0)
			changed = changed_by(result);
		if (first == 0)
			first = err;
		PQclear(result);
		/* What is left of a long walk is not worth reading. */
		if (first != 0 && ++after > ROWS_AFTER_END && db->conn)
			mr_pg_drop(db);
	}
	if (first == 0)
		first = err;
	return first != 0 ? first : changed;
}

static int pg_run(struct mr_db *db, const char *sql, const struct mr_value *in, size_t in_count,
		  mr_row_fn *row, void *arg)
{
	struct params p;
	char name[16];
	int err = params_fill(&p, in, in_count), sent;

	/* Lost before this statement of the transaction: its fn went on after an error. */
	if (err == 0 && !db->conn)
		err = MR_ETEMP;
	if (err == 0)
		err = prepare(db, sql, &p, in_count, name);
	if (err < 0)
		return err;
	sent = PQsendQueryPrepared(db->conn, name, (int)in_count, p.value, p.length, p.format, 1);
	if (sent && row)
		MR_ASSERT(PQsetSingleRowMode(db->conn)); /* it refuses only what is not just sent */
	err = mr_pg_sent(db, sent);
	if (err == 0)
		err = results(db, row, arg);
	/* It was its own COMMIT: whether that was done nobody knows. */
	return err == MR_ECONFLICT && !db->conn && db->kind == MR_TXN_WRITE_ONE ? MR_ETEMP : err;
}

static int pg_script(struct mr_db *db, const char *sql)
{
	return mr_pg_script(db, sql, NULL);
}

/* Pages with wrong checksums show when rows are read. */
static const char *const checks[] = {
	"SELECT 'the index ' || CAST(c.relname AS TEXT) || ' is not valid' FROM pg_index i"
	" JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = current_schema() AND NOT i.indisvalid",
	NULL,
};

const struct mr_engine mr_engine_pgsql = {
	.scheme = MR_PG_SCHEME,
	.connections_max = MR_DB_CONNECTIONS_MAX,
	.check = pg_check,
	.open = pg_open,
	.close = pg_close,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.run = pg_run,
	.script = pg_script,
	.checks = checks,
	.grant = mr_pg_grant,
	.away = pg_away,
	.files = pg_files,
	.init = mr_pg_init,
};
