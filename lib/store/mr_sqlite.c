/*
 * The SQLite engine: one file for each group, in WAL mode, so that readers and one writer do not wait
 * for each other. A commit is on the disk when it returns (synchronous = FULL).
 *
 * The file is FOLDER/GROUP/GROUP.db where the folder FOLDER/GROUP is there: that says who may do what
 * with the group, and the file gets its owner, its group, and its rights but for others'. So programs
 * that are members of a unix group read what they cannot write. Else it is FOLDER/GROUP.db, its
 * owner's alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/store/mr_db.h"

#define BUSY_TIMEOUT_MS 5000
#define WAIT_STEP_MS    5
#define SHARED_MODE     0660 /* what a group's folder may say about its file */

struct mr_db {
	sqlite3 *handle; /* NULL: it could not be opened again */
	char place[MR_PATH_MAX]; /* where its file lies: folder, or the group's own */
	char path[MR_PATH_MAX];
	bool shared; /* the group has a folder of its own */
	bool fresh; /* opened again, and nobody has looked at its schema yet */
	struct {
		const char *sql; /* by address */
		sqlite3_stmt *stmt;
	} cache[MR_DB_STATEMENTS_MAX];
	size_t cached;
};

static int from_code(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return MR_ECONFLICT;
	case SQLITE_NOMEM:
		return MR_ENOMEM;
	case SQLITE_CONSTRAINT:
		return code == SQLITE_CONSTRAINT_FOREIGNKEY ? MR_ENOENT : MR_EEXIST;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return MR_ECORRUPT;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return MR_EPERM;
	default: /* SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN: waiting may mend it */
		return MR_ETEMP;
	}
}

static int failure(struct mr_db *db)
{
	int err = from_code(sqlite3_extended_errcode(db->handle));

	if (err < 0)
		mr_db_why_set(sqlite3_errmsg(db->handle));
	return err;
}

static void handle_close(struct mr_db *db)
{
	while (db->cached > 0)
		sqlite3_finalize(db->cache[--db->cached].stmt);
	sqlite3_close(db->handle);
	db->handle = NULL;
}

static void sqlite_close(struct mr_db *db)
{
	handle_close(db);
	mr_free(db);
}

static int sqlite_script(struct mr_db *db, const char *sql)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failure(db);
}

/*
 * Make the file. Where root makes it, it belongs to the folder's owner: root adds the first domain, and
 * the programs that run as that owner must be able to open it. SQLite gives -wal and -shm the owner and
 * the rights of the file.
 */
static int file_make(const struct mr_db *db)
{
	MR_AUTO_FD fd = -1;
	struct stat st;
	int err = mr_create_at(AT_FDCWD, db->path, 0600, &fd);

	if (err == MR_EEXIST)
		return 0;
	if (err == MR_ENOENT) /* no such folder, and it could not be made */
		return MR_ETEMP;
	if (err < 0)
		return err;
	/* The mode is the last: before, a file that we give away is nobody else's. */
	if (stat(db->place, &st) < 0 || (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0) ||
	    (db->shared && fchmod(fd, st.st_mode & SHARED_MODE) < 0))
		return mr_err_from_errno(errno);
	return 0;
}

static int handle_open(struct mr_db *db, enum mr_store_access access)
{
	int err = 0, flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, keep = 1;

	if (access == MR_STORE_CREATE)
		err = file_make(db);
	else if (faccessat(AT_FDCWD, db->path, R_OK, AT_EACCESS) < 0)
		err = mr_err_from_errno(errno); /* SQLite says CANTOPEN for all reasons */
	if (err == 0)
		err = from_code(sqlite3_open_v2(db->path, &db->handle, flags, NULL));
	/* Who may only read could not make -wal and -shm: they stay when the last program leaves. */
	if (err == 0 && db->shared)
		(void)sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
	return err;
}

/*
 * The change to WAL does not wait for busy_timeout when another program is making it at the same time:
 * SQLite says BUSY at once. So we wait ourselves, as long.
 */
static int settle(struct mr_db *db)
{
	int err, waited_ms = 0;

	for (;;) {
		err = sqlite_script(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
					"PRAGMA journal_size_limit = 4194304;"
					"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
		if (err != MR_ECONFLICT || waited_ms >= BUSY_TIMEOUT_MS)
			return err == MR_ECONFLICT ? MR_ETEMP : err;
		waited_ms += WAIT_STEP_MS;
		(void)poll(NULL, 0, WAIT_STEP_MS);
	}
}

static int connect_file(struct mr_db *db, enum mr_store_access access)
{
	int err = handle_open(db, access);

	if (err < 0)
		return err;
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	return settle(db);
}

/*
 * An operator who restores a backup moves the file and puts another in its place. What we have open is
 * then the old one, where new users are nobody, and mail to them would bounce. While there is none
 * at all, nobody knows; and whatever is wrong with the new one, mail waits.
 */
static int follow(struct mr_db *db)
{
	int moved = 0, err;

	if (db->handle &&
	    sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
	    !moved)
		return 0;
	handle_close(db);
	db->fresh = true;
	if ((err = connect_file(db, MR_STORE_WRITE)) == 0)
		return 0;
	handle_close(db);
	mr_db_why_set(err == MR_ENOENT ? "its file is gone" : "its file was replaced: not opened");
	return err == MR_ENOMEM ? err : MR_ETEMP;
}

/* If it can't be, opening the file fails and says so. */
static int folder_make(const char *folder)
{
	char parent[MR_PATH_MAX];
	int err;

	if (mkdir(folder, 0750) < 0)
		return 0;
	/* SQLite syncs what is in the folder, but not its own name. */
	err = mr_path_join(folder, "..", parent);
	return err < 0 ? err : mr_fsync_at(AT_FDCWD, parent);
}

static int sqlite_check(const char *rest)
{
	if (!rest[0])
		mr_db_why_set("not sqlite:FOLDER");
	return rest[0] ? 0 : MR_EINVAL;
}

static int find_place(struct mr_db *db, const char *folder, const char *group)
{
	struct stat st;
	char name[64];
	int err = mr_path_join(folder, group, db->place);

	if (err < 0)
		return err;
	if (stat(db->place, &st) == 0)
		db->shared = S_ISDIR(st.st_mode);
	else if (errno == EACCES) /* nobody knows whether it is there */
		return MR_EPERM;
	if (!db->shared &&
	    (err = mr_span_copyz(mr_span_str(folder), db->place, sizeof(db->place))) < 0)
		return err;
	snprintf(name, sizeof(name), "%s.db", group);
	return mr_path_join(db->place, name, db->path);
}

static int sqlite_open(const char *rest, const char *group, enum mr_store_access access,
		       struct mr_db **db_out)
{
	struct mr_db *db = mr_calloc(1, sizeof(*db));
	int err = 0;

	if (!db)
		return MR_ENOMEM;
	if (access == MR_STORE_CREATE)
		err = folder_make(rest);
	if (err == 0 && (err = find_place(db, rest, group)) == 0)
		err = connect_file(db, access);
	if (err < 0)
		sqlite_close(db);
	else
		*db_out = db;
	return err;
}

static int statement(struct mr_db *db, const char *sql, sqlite3_stmt **stmt_out)
{
	for (size_t i = 0; i < db->cached; i++) {
		if (db->cache[i].sql == sql) {
			*stmt_out = db->cache[i].stmt;
			return 0;
		}
	}
	MR_ASSERT(db->cached < MR_DB_STATEMENTS_MAX);
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt_out, NULL) !=
	    SQLITE_OK)
		return failure(db);
	db->cache[db->cached].sql = sql;
	db->cache[db->cached++].stmt = *stmt_out;
	return 0;
}

/* SQLite numbers $1, $2 in the order of their first appearance: so by name. */
static int bind(sqlite3_stmt *stmt, size_t n, const struct mr_value *v)
{
	static const char *const names[MR_DB_PARAMS_MAX] = {
		"$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12"
	};
	int at;

	MR_ASSERT(n < MR_DB_PARAMS_MAX);
	at = sqlite3_bind_parameter_index(stmt, names[n]);
	MR_ASSERT(at > 0);
	switch (v->kind) {
	case MR_VALUE_NULL:
		return sqlite3_bind_null(stmt, at);
	case MR_VALUE_INT:
		return sqlite3_bind_int64(stmt, at, v->number);
	case MR_VALUE_TEXT:
		return sqlite3_bind_text64(stmt, at, v->bytes.p ? v->bytes.p : "", v->bytes.len,
					   SQLITE_STATIC, SQLITE_UTF8);
	case MR_VALUE_BYTES:
		return sqlite3_bind_blob64(stmt, at, v->bytes.p ? v->bytes.p : "", v->bytes.len,
					   SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static struct mr_value column(sqlite3_stmt *stmt, int i)
{
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return MR_VINT(sqlite3_column_int64(stmt, i));
	case SQLITE_TEXT:
		return MR_VTEXT(mr_span_bytes(sqlite3_column_text(stmt, i),
					      (size_t)sqlite3_column_bytes(stmt, i)));
	case SQLITE_BLOB:
		return MR_VBYTES(mr_span_bytes(sqlite3_column_blob(stmt, i),
					       (size_t)sqlite3_column_bytes(stmt, i)));
	default:
		return (struct mr_value){ MR_VALUE_NULL, 0, { NULL, 0 } };
	}
}

static int rows_walk(struct mr_db *db, sqlite3_stmt *stmt, mr_row_fn *row, void *arg)
{
	struct mr_value columns[MR_DB_COLUMNS_MAX];
	int count = sqlite3_column_count(stmt), code, err;

	MR_ASSERT(count <= MR_DB_COLUMNS_MAX);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!row)
			continue;
		for (int i = 0; i < count; i++)
			columns[i] = column(stmt, i);
		if ((err = row(arg, columns, (size_t)count)) != 0)
			return err;
	}
	return code == SQLITE_DONE ? 0 : failure(db);
}

static int sqlite_run(struct mr_db *db, const char *sql, const struct mr_value *in, size_t in_count,
		      mr_row_fn *row, void *arg)
{
	sqlite3_stmt *stmt;
	int err = statement(db, sql, &stmt), changed = 0;

	if (err < 0)
		return err;
	for (size_t i = 0; i < in_count && err == 0; i++)
		err = from_code(bind(stmt, i, &in[i]));
	if (err == 0)
		err = rows_walk(db, stmt, row, arg);
	if (err == 0 && !sqlite3_stmt_readonly(stmt))
		changed = sqlite3_changes(db->handle);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return err != 0 ? err : changed;
}

/* Compiled once, as all others are. */
static int plain(struct mr_db *db, const char *sql)
{
	int changed = sqlite_run(db, sql, NULL, 0, NULL, NULL);

	return changed < 0 ? changed : 0;
}

static int sqlite_begin(struct mr_db *db, enum mr_txn_kind kind, bool *fresh_out)
{
	int err = follow(db);

	if (err < 0)
		return err;
	*fresh_out = db->fresh;
	/* One statement that reads is a transaction by itself, unless the schema is looked at first. */
	if (kind == MR_TXN_READ_ONE && !db->fresh)
		return 0;
	/* IMMEDIATE: a transaction that reads first and then writes could not be helped by waiting. */
	return plain(db, mr_txn_writes(kind) ? "BEGIN IMMEDIATE" : "BEGIN");
}

static bool in_transaction(struct mr_db *db)
{
	return db->handle && !sqlite3_get_autocommit(db->handle);
}

static int sqlite_commit(struct mr_db *db)
{
	int err = in_transaction(db) ? plain(db, "COMMIT") : 0;

	if (err == 0)
		db->fresh =
			false; /* what begins with a look at the schema ends here only if it was right */
	return err;
}

static void sqlite_rollback(struct mr_db *db)
{
	/* Some errors have rolled back already. Nor is what fails here why. */
	if (in_transaction(db))
		(void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

static const char *const checks[] = { "PRAGMA integrity_check", "PRAGMA foreign_key_check", NULL };

const struct mr_engine mr_engine_sqlite = {
	.scheme = "sqlite:",
	/* A look-up takes 10 us, and writers take turns anyway. NEEDSWORK: a walk keeps the look-ups of its
	 * own program waiting; WAL would let them go beside it. */
	.connections_max = 1,
	.check = sqlite_check,
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.run = sqlite_run,
	.script = sqlite_script,
	.checks = checks,
};
