/* Of a connection: how it is made, how we wait on it, and what its errors mean. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/store/mr_pgsql.h"

/*
 * PostgreSQL 15, appendix A. A state is looked up by as many octets as a row has, the longer rows first.
 * What is not here is MR_ETEMP: in doubt mail waits.
 */
static const struct {
	const char *state;
	int err;
	bool lost;
} states[] = {
	{ "40001", MR_ECONFLICT, false }, /* serialization_failure */
	{ "40P01", MR_ECONFLICT, false }, /* deadlock_detected */
	/* Somebody else was making the same tables or rights. */
	{ "42P06", MR_ECONFLICT, false }, /* duplicate_schema */
	{ "42P07", MR_ECONFLICT, false }, /* duplicate_table */
	{ "42710", MR_ECONFLICT, false }, /* duplicate_object */
	{ "XX000", MR_ECONFLICT, false }, /* internal_error: "tuple concurrently updated" */
	{ "23503", MR_ENOENT, false }, /* foreign_key_violation */
	{ "23505", MR_EEXIST, false }, /* unique_violation */
	{ "42501", MR_EPERM, false }, /* insufficient_privilege */
	{ "XX001", MR_ECORRUPT, false }, /* data_corrupted */
	{ "XX002", MR_ECORRUPT, false }, /* index_corrupted */
	/* A standby, or one that became it: nothing was written, another host may take it. */
	{ "25006", MR_ECONFLICT, true }, /* read_only_sql_transaction */
	{ "22", MR_EINVAL, false }, /* data_exception: no UTF-8, a NUL in a text */
	{ "23", MR_EINVAL, false }, /* integrity_constraint_violation */
	/* Ended by the server or its administrator, before COMMIT. */
	{ "57P", MR_ECONFLICT, true },
	{ "08", MR_ECONFLICT, true }, /* connection_exception */
};

int mr_pg_from_state(const char *state, bool *lost_out)
{
	*lost_out = false;
	for (size_t i = 0; state && i < MR_COUNT(states); i++) {
		if (strncmp(state, states[i].state, strlen(states[i].state)) == 0) {
			*lost_out = states[i].lost;
			return states[i].err;
		}
	}
	return MR_ETEMP;
}

void mr_pg_drop(struct mr_db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->prepared_count = 0;
}

/* The connection broke. Before COMMIT that is as good as a conflict: nothing was done. */
static int lost(struct mr_db *db)
{
	mr_db_why_set(PQerrorMessage(db->conn));
	mr_pg_drop(db);
	return MR_ECONFLICT;
}

/* Until the server says something, or, where we have more to send, takes it. */
static int await(struct mr_db *db, bool sends)
{
	struct pollfd fd = { .fd = PQsocket(db->conn),
			     .events = (short)(sends ? POLLIN | POLLOUT : POLLIN) };
	const int64_t end_ms = mr_now_ms() + MR_PG_SILENCE_MS;
	int64_t left_ms;

	while ((left_ms = end_ms - mr_now_ms()) > 0) {
		int ready = poll(&fd, 1, (int)left_ms);

		if (ready > 0) {
			if ((fd.revents & ~POLLOUT) && !PQconsumeInput(db->conn))
				return lost(db);
			return 0;
		}
		if (ready < 0 && errno != EINTR)
			break;
	}
	/* Not tried again: the caller has waited enough. */
	mr_pg_drop(db);
	db->away = true;
	mr_db_why_set("the server is silent");
	return MR_ETEMP;
}

int mr_pg_sent(struct mr_db *db, int sent)
{
	int left, err = 0;

	if (!sent)
		return lost(db);
	while (err == 0 && (left = PQflush(db->conn)) != 0)
		err = left < 0 ? lost(db) : await(db, true);
	return err;
}

int mr_pg_result(struct mr_db *db, PGresult **result_out)
{
	int err = 0;

	while (err == 0 && PQisBusy(db->conn))
		err = await(db, false);
	if (err == 0)
		*result_out = PQgetResult(db->conn);
	return err;
}

int mr_pg_error_of(struct mr_db *db, const PGresult *result)
{
	const char *state, *text;
	bool gone;
	int err;

	switch (PQresultStatus(result)) {
	case PGRES_EMPTY_QUERY:
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
		return 0;
	default:
		break;
	}
	text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	mr_db_why_set(text ? text : PQresultErrorMessage(result));
	state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	err = mr_pg_from_state(state, &gone);
	/* Two that make the same table at once meet in a unique index of the catalogue. */
	if (err == MR_EEXIST) {
		const char *schema = PQresultErrorField(result, PG_DIAG_SCHEMA_NAME);

		if (schema && strcmp(schema, "pg_catalog") == 0)
			err = MR_ECONFLICT;
	}
	/* Without a state it is libpq's own: the connection broke, or there is no memory. */
	if (gone || PQstatus(db->conn) == CONNECTION_BAD) {
		mr_pg_drop(db);
		err = MR_ECONFLICT;
	}
	return err;
}

int mr_pg_script(struct mr_db *db, const char *sql, char tag_out[MR_PG_TAG_SIZE])
{
	int err = mr_pg_sent(db, PQsendQuery(db->conn, sql)), first = 0;
	PGresult *result;

	while (err == 0 && (err = mr_pg_result(db, &result)) == 0 && result) {
		int bad = mr_pg_error_of(db, result);

		if (tag_out && bad == 0)
			snprintf(tag_out, MR_PG_TAG_SIZE, "%s", PQcmdStatus(result));
		PQclear(result);
		if (first == 0)
			first = bad;
		if (!db->conn) /* that was its last word */
			break;
	}
	return first < 0 ? first : err;
}

static void no_notice(void *arg MR_UNUSED, const char *text MR_UNUSED)
{
}

/* What refuses a connection has no SQLSTATE in libpq's interface, only a text; and what is wrong with
 * it may be mended by waiting. */
static int refused(struct mr_db *db)
{
	bool no_memory = !db->conn;

	db->away = true;
	mr_db_why_set(no_memory ? "out of memory" : PQerrorMessage(db->conn));
	mr_pg_drop(db);
	return no_memory ? MR_ENOMEM : MR_ETEMP;
}

static int session(struct mr_db *db)
{
	char sql[512], role[128] = "", tag[MR_PG_TAG_SIZE] = "";
	int err;

	if (db->access == MR_STORE_CREATE)
		snprintf(role, sizeof(role), "SET ROLE " MR_PG_ROLE ";", db->group);
	snprintf(sql, sizeof(sql),
		 "%s SET search_path TO %s; SET statement_timeout TO %d;"
		 " SET lock_timeout TO %d; SET idle_in_transaction_session_timeout TO %d;"
		 " SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE%s",
		 role, db->group, MR_PG_STATEMENT_MS, MR_PG_LOCK_MS, MR_PG_IDLE_MS,
		 db->access == MR_STORE_READ ? ", READ ONLY" : "");
	err = mr_pg_script(db, sql, NULL);
	/* Without this a schema that we may not use looks as if it had no tables. */
	snprintf(sql, sizeof(sql), "SELECT 1 WHERE has_schema_privilege('%s', 'USAGE')", db->group);
	if (err == 0 && (err = mr_pg_script(db, sql, tag)) == 0 && strcmp(tag, "SELECT 1") != 0) {
		snprintf(sql, sizeof(sql), "permission denied for schema %s", db->group);
		mr_db_why_set(sql);
		err = MR_EPERM;
	}
	if (err < 0)
		mr_pg_drop(db);
	/* Such as a role that is not there. */
	return err == 0 || err == MR_ENOMEM ? err : MR_ETEMP;
}

int mr_pg_connect(struct mr_db *db)
{
	/* The later ones count: the URL is an operator's word against our defaults. */
	static const char *const names[] = { "connect_timeout",
					     "target_session_attrs",
					     "gssencmode",
					     "fallback_application_name",
					     "tcp_user_timeout",
					     "keepalives_idle",
					     "dbname",
					     "client_encoding",
					     NULL };
	const char *const values[] = { MR_PG_CONNECT_S, "read-write", "disable",
				       "millrace",      "10000",      "30",
				       db->url,         "UTF8",       NULL };

	int err;

	_Static_assert(MR_COUNT(names) == MR_COUNT(values), "a value for each name");
	db->conn = PQconnectdbParams(names, values, 1);
	if (PQstatus(db->conn) != CONNECTION_OK || PQsetnonblocking(db->conn, 1) < 0)
		return refused(db);
	PQsetNoticeProcessor(db->conn, no_notice, NULL);
	err = session(db);
	db->away = err < 0;
	return err;
}
