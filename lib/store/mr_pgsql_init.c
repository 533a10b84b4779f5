/*
 * Roles and schemas. For each group: millrace_GROUP owns the schema and its tables; members of
 * millrace_GROUP_read may read them, members of millrace_GROUP_write also write. None of these logs
 * in: programs have roles of their own, named as their system users, so that the server tells them
 * apart by peer authentication, and a member inherits its rights.
 *
 * Each step asks first whether it is done: neither CREATE ROLE IF NOT EXISTS nor a procedural
 * language is everywhere.
 */
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "lib/store/mr_pgsql.h"

#define SQL_MAX 512

/* %1$s: the group. What the group's owner could not do itself. */
static const struct {
	const char *done; /* gives a row if it is; NULL: may be done again */
	const char *step;
} steps[] = {
	{ "SELECT 1 FROM pg_roles WHERE rolname = 'millrace_%1$s'",
	  "CREATE ROLE millrace_%1$s NOLOGIN" },
	{ "SELECT 1 FROM pg_roles WHERE rolname = 'millrace_%1$s_read'",
	  "CREATE ROLE millrace_%1$s_read NOLOGIN" },
	{ "SELECT 1 FROM pg_roles WHERE rolname = 'millrace_%1$s_write'",
	  "CREATE ROLE millrace_%1$s_write NOLOGIN" },
	{ "SELECT 1 WHERE pg_has_role('millrace_%1$s', 'MEMBER')",
	  "GRANT millrace_%1$s TO CURRENT_USER" },
	{ NULL, "CREATE SCHEMA IF NOT EXISTS %1$s AUTHORIZATION millrace_%1$s" },
	{ NULL, "GRANT USAGE ON SCHEMA %1$s TO millrace_%1$s_read, millrace_%1$s_write" },
};

struct init {
	struct mr_db *db; /* where sql is NULL */
	struct mr_buf *sql; /* NULL: do it */
};

/* Run step, or write it down. */
static int step(struct init *init, const char *done, const char *sql)
{
	char tag[MR_PG_TAG_SIZE] = "";
	int err = 0;

	if (init->sql) {
		mr_buf_printf(init->sql, "%s;\n", sql);
		return mr_buf_err(init->sql);
	}
	if (done[0] && (err = mr_pg_script(init->db, done, tag)) == 0 &&
	    strcmp(tag, "SELECT 0") != 0)
		return 0;
	return err < 0 ? err : mr_pg_script(init->db, sql, NULL);
}

static int group_init(struct init *init, const char *group)
{
	int err = 0;

	for (size_t i = 0; i < MR_COUNT(steps) && err == 0; i++) {
		char done[SQL_MAX] = "", sql[SQL_MAX];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (steps[i].done)
			snprintf(done, sizeof(done), steps[i].done, group);
		snprintf(sql, sizeof(sql), steps[i].step, group);
#pragma GCC diagnostic pop
		err = step(init, done, sql);
	}
	return err;
}

/* The name of role was checked: no quotes are in it. */
static int right_init(struct init *init, const struct mr_store_right *right)
{
	static const char *const kinds[] = {
		[MR_STORE_READ] = "_read", [MR_STORE_WRITE] = "_write", [MR_STORE_CREATE] = ""
	};
	char done[SQL_MAX], sql[SQL_MAX];
	int err;

	snprintf(done, sizeof(done), "SELECT 1 FROM pg_roles WHERE rolname = '%s'", right->role);
	snprintf(sql, sizeof(sql), "CREATE ROLE \"%s\" LOGIN", right->role);
	if ((err = step(init, done, sql)) < 0)
		return err;
	snprintf(sql, sizeof(sql), "GRANT " MR_PG_ROLE "%s TO \"%s\"", right->group,
		 kinds[right->access], right->role);
	return step(init, "", sql);
}

int mr_pg_init(const char *rest, const char *const *groups, const struct mr_store_right *rights,
	       size_t count, struct mr_buf *sql)
{
	struct init init = { .sql = sql };
	int err = 0;

	if (!sql) {
		err = mr_engine_pgsql.open(rest, "pg_catalog", MR_STORE_WRITE, &init.db);
		if (err < 0)
			return err;
		err = mr_pg_connect(init.db);
	}
	for (size_t i = 0; groups[i] && err == 0; i++)
		err = group_init(&init, groups[i]);
	for (size_t i = 0; i < count && err == 0; i++)
		err = right_init(&init, &rights[i]);
	if (init.db)
		mr_engine_pgsql.close(init.db);
	return err;
}

/* Order is part of what operations promise, and it is that of octets, as SQLite's. */
static int sorts_octets(struct mr_db *db)
{
	const char *encoding = PQparameterStatus(db->conn, "server_encoding");
	char tag[MR_PG_TAG_SIZE] = "";
	int err = mr_pg_script(db, "SELECT 1 WHERE 'B' < 'a'", tag);

	if (err < 0)
		return err;
	if (strcmp(tag, "SELECT 1") == 0 && encoding && strcmp(encoding, "UTF8") == 0)
		return 0;
	mr_db_why_set("the database must have ENCODING 'UTF8' LC_COLLATE 'C'");
	return MR_EINVAL;
}

int mr_pg_grant(struct mr_db *db)
{
	char sql[SQL_MAX];
	int err = sorts_octets(db);

	if (err < 0)
		return err;
	snprintf(sql, sizeof(sql),
		 "GRANT SELECT ON ALL TABLES IN SCHEMA %1$s TO millrace_%1$s_read;"
		 " GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$s"
		 " TO millrace_%1$s_write",
		 db->group);
	return mr_pg_script(db, sql, NULL);
}
