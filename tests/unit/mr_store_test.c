#include "tests/unit/mr_store_test.h"

#include <libpq-fe.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/store/mr_store_dump.h"

const char *mr_store_test_server(void)
{
	return getenv("MR_TEST_STORE");
}

static void server_empty(const char *url)
{
	static const struct mr_store_right none = { "nobody", "spam", MR_STORE_READ };
	PGconn *conn = PQconnectdb(url);
	enum mr_store_group group;
	const char *name;

	PQclear(PQexec(conn, "SET client_min_messages TO error"));
	for (size_t i = 0; (name = mr_store_group_name(i, &group)); i++) {
		char sql[128];
		PGresult *result;

		snprintf(sql, sizeof(sql), "DROP SCHEMA IF EXISTS %s CASCADE", name);
		result = PQexec(conn, sql);
		MR_ASSERT(PQresultStatus(result) == PGRES_COMMAND_OK);
		PQclear(result);
	}
	PQfinish(conn);
	MR_ASSERT(mr_store_init(url, &none, 1, NULL) == 0);
}

const char *mr_store_test_url(const char *dir)
{
	static char url[MR_PATH_MAX + 16];

	if (mr_store_test_server()) {
		server_empty(mr_store_test_server());
		return mr_store_test_server();
	}
	snprintf(url, sizeof(url), "sqlite:%s/state", dir);
	return url;
}

struct mr_store *mr_store_test_open(struct mr_t *t, unsigned groups)
{
	struct mr_store *store = NULL;

	MR_CHECK_INT(
		t, 0,
		mr_store_open(mr_store_test_url(mr_test_dir(t)), groups, MR_STORE_CREATE, &store));
	return store;
}
