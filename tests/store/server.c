/*
 * What only a server has, on the one that MR_TEST_STORE names (tests/e2e/test_store.py starts it): a
 * database in which we may make anything, as a superuser. The operations themselves are tested by
 * tests/unit/test_store.c, which runs there, too.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/store/mr_db.h"
#include "tests/unit/mr_test.h"

#define THREADS 4
#define ADDS    25

#define S(text) mr_span_str(text)

/* Somebody else's session. */
static void other(const char *sql)
{
	PGconn *conn = PQconnectdb(getenv("MR_TEST_STORE"));
	PGresult *result;

	PQclear(PQexec(conn, "SET client_min_messages TO error"));
	result = PQexec(conn, sql);
	MR_ASSERT(PQresultStatus(result) == PGRES_COMMAND_OK ||
		  PQresultStatus(result) == PGRES_TUPLES_OK);
	PQclear(result);
	PQfinish(conn);
}

/* pg_reload_conf() only asks; sessions follow soon. */
static void read_only(bool on)
{
	PGconn *conn = PQconnectdb(getenv("MR_TEST_STORE"));

	PQclear(PQexec(conn, "SET default_transaction_read_only TO off"));
	PQclear(PQexec(conn, on ? "ALTER SYSTEM SET default_transaction_read_only TO on"
				: "ALTER SYSTEM RESET default_transaction_read_only"));
	PQclear(PQexec(conn, "SELECT pg_reload_conf()"));
	PQclear(PQexec(conn, "SELECT pg_sleep(0.3)"));
	PQfinish(conn);
}

static void end_our_sessions(void)
{
	other("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
	      " WHERE application_name = 'millrace'");
}

static struct mr_store *open_empty(struct mr_t *t)
{
	static const struct mr_store_right none = { "nobody", "spam", MR_STORE_READ };
	const char *url = getenv("MR_TEST_STORE");
	struct mr_store *st = NULL;

	MR_ASSERT(url);
	other("DROP SCHEMA IF EXISTS directory CASCADE");
	other("DROP SCHEMA IF EXISTS spam CASCADE");
	MR_CHECK_INT(t, 0, mr_store_init(url, &none, 1, NULL));
	MR_CHECK_INT(t, 0, mr_store_open(url, MR_GROUP_ALL, MR_STORE_CREATE, &st));
	return st;
}

/* -- conflicts -------------------------------------------------------------------------------- */

struct adder {
	struct mr_store *store;
	pthread_t thread;
	int failed, tries;
};

static int add_one(struct mr_txn *txn, void *arg)
{
	struct adder *adder = arg;
	struct mr_value in = MR_VINT(0);
	int err = mr_txn_int(txn, "SELECT version FROM schema_version WHERE id = 2", NULL, 0,
			     &in.number);

	adder->tries++;
	in.number++;
	return err < 0 ? err
	       : mr_txn_run(txn, "UPDATE schema_version SET version = $1 WHERE id = 2", &in, 1) == 1
		       ? 0
		       : MR_ECONFLICT;
}

static void *adds(void *arg)
{
	struct adder *adder = arg;

	for (int i = 0; i < ADDS; i++) {
		/* Ten tries may not be enough where four write one row without a pause: then the
		 * answer is temporary, and nothing was done. */
		while (mr_store_txn(adder->store, MR_GROUP_SPAM, MR_TXN_WRITE, add_one, adder) ==
		       MR_ETEMP)
			adder->failed++;
	}
	return NULL;
}

static int counter_make(struct mr_txn *txn, void *arg MR_UNUSED)
{
	int n = mr_txn_run(txn, "INSERT INTO schema_version (id, version) VALUES (2, 0)", NULL, 0);

	return n < 0 ? n : 0;
}

static int counter_read(struct mr_txn *txn, void *arg)
{
	return mr_txn_int(txn, "SELECT version FROM schema_version WHERE id = 2", NULL, 0, arg);
}

/* Reading and then writing the same row at once: no addition is lost. */
MR_TEST(server_conflicts)
{
	MR_AUTO(mr_store) *st = open_empty(t);
	struct adder adder[THREADS];
	int64_t sum = 0;

	MR_NEED(t, st);
	MR_NEED(t, mr_store_txn(st, MR_GROUP_SPAM, MR_TXN_WRITE, counter_make, NULL) == 0);
	for (int i = 0; i < THREADS; i++) {
		adder[i] = (struct adder){ .store = st };
		MR_NEED(t, pthread_create(&adder[i].thread, NULL, adds, &adder[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(adder[i].thread, NULL);
	MR_CHECK_INT(t, 0, mr_store_txn(st, MR_GROUP_SPAM, MR_TXN_READ, counter_read, &sum));
	MR_CHECK_INT(t, THREADS * ADDS, sum);
}

/* -- sessions that end ------------------------------------------------------------------------ */

static int ended_once(struct mr_txn *txn, void *arg)
{
	int *calls = arg;
	int err = mr_txn_run(txn, "INSERT INTO domain (name) VALUES ('once.example')", NULL, 0);

	if (err < 0)
		return err;
	if (++*calls == 1)
		end_our_sessions();
	return 0;
}

/* Between INSERT and COMMIT. The server says so at COMMIT: it is not known to be undone, so it is not
 * tried again. */
MR_TEST(server_ended_before_commit)
{
	MR_AUTO(mr_store) *st = open_empty(t);
	int calls = 0;

	MR_NEED(t, st);
	MR_CHECK_INT(t, MR_ETEMP,
		     mr_store_txn(st, MR_GROUP_DIRECTORY, MR_TXN_WRITE, ended_once, &calls));
	MR_CHECK_INT(t, 1, calls);
	usleep(1100 * 1000); /* until it is asked again */
	MR_CHECK_INT(t, MR_ENOENT, mr_store_domain_exists(st, S("once.example")));
}

static int ended_between(struct mr_txn *txn, void *arg)
{
	int *calls = arg;
	int err = mr_txn_run(txn, "INSERT INTO domain (name) VALUES ('a.example')", NULL, 0);

	if (err >= 0 && ++*calls == 1)
		end_our_sessions();
	if (err >= 0)
		err = mr_txn_run(txn, "INSERT INTO domain (name) VALUES ('b.example')", NULL, 0);
	return err < 0 ? err : 0;
}

/* Between two statements: nothing was done, so it is done again. */
MR_TEST(server_ended_between_statements)
{
	MR_AUTO(mr_store) *st = open_empty(t);
	int calls = 0;

	MR_NEED(t, st);
	MR_CHECK_INT(t, 0,
		     mr_store_txn(st, MR_GROUP_DIRECTORY, MR_TXN_WRITE, ended_between, &calls));
	MR_CHECK_INT(t, 2, calls);
	MR_CHECK_INT(t, 0, mr_store_domain_exists(st, S("a.example")));
	MR_CHECK_INT(t, 0, mr_store_domain_exists(st, S("b.example")));
}

static int walked(void *arg, struct mr_span domain MR_UNUSED, int64_t users MR_UNUSED)
{
	if (++*(int *)arg == 1)
		end_our_sessions();
	return 0;
}

/* In the middle of a walk: it does not begin again, since half of it was handed out. */
MR_TEST(server_ended_in_a_walk)
{
	MR_AUTO(mr_store) *st = open_empty(t);
	int rows = 0;

	MR_NEED(t, st);
	/* More than the connection's buffers hold. */
	other("INSERT INTO directory.domain SELECT repeat('a', 200) || n"
	      " FROM generate_series(1, 50000) n");
	MR_CHECK_INT(t, MR_ETEMP, mr_store_domain_each(st, walked, &rows));
	MR_CHECK(t, rows > 0 && rows < 50000);
	MR_CHECK(t, mr_store_why()[0] != '\0');
}

static int stops(void *arg, struct mr_span domain MR_UNUSED, int64_t users MR_UNUSED)
{
	return ++*(int *)arg == 3 ? 42 : 0;
}

/* Nobody wants the rest: it is not read to its end, and the store goes on. */
MR_TEST(server_walk_stopped)
{
	MR_AUTO(mr_store) *st = open_empty(t);
	int rows = 0;
	int64_t start_ms;

	MR_NEED(t, st);
	other("INSERT INTO directory.domain SELECT repeat('a', 200) || n"
	      " FROM generate_series(1, 50000) n");
	start_ms = mr_now_ms();
	MR_CHECK_INT(t, 42, mr_store_domain_each(st, stops, &rows));
	MR_CHECK_INT(t, 3, rows);
	MR_CHECK(t, mr_now_ms() - start_ms < 5000);
	usleep(1100 * 1000);
	MR_CHECK_INT(t, MR_ENOENT, mr_store_domain_exists(st, S("no.example")));
}

/* -- read-only -------------------------------------------------------------------------------- */

/* The server becomes read-only under us, and writable again: 25006 is temporary. */
MR_TEST(server_read_only)
{
	MR_AUTO(mr_store) *st = open_empty(t);

	MR_NEED(t, st);
	MR_CHECK_INT(t, 0, mr_store_domain_add(st, S("before.example")));
	read_only(true);
	MR_CHECK_INT(t, MR_ETEMP, mr_store_domain_add(st, S("during.example")));
	MR_CHECK(t, strstr(mr_store_why(), "read-only"));
	read_only(false);
	usleep(1100 * 1000);
	MR_CHECK_INT(t, 0, mr_store_domain_add(st, S("after.example")));
	MR_CHECK_INT(t, MR_ENOENT, mr_store_domain_exists(st, S("during.example")));
}

/* -- what is refused -------------------------------------------------------------------------- */

/* Octets that PostgreSQL's text does not take are our error, not the server's. */
MR_TEST(server_bad_text)
{
	MR_AUTO(mr_store) *st = open_empty(t);

	MR_NEED(t, st);
	MR_CHECK_INT(t, MR_EINVAL, mr_store_setting_set(st, S(""), S(""), S("x"), MR_SPAN("a\0b")));
	MR_CHECK_INT(t, MR_EINVAL,
		     mr_store_setting_set(st, S(""), S(""), S("x"), MR_SPAN("\xff\xfe")));
	MR_CHECK_INT(t, 0, mr_store_setting_set(st, S(""), S(""), S("x"), S("\xc3\xa9")));
}

/* A database that sorts by a language gets no tables. */
MR_TEST(server_collation)
{
	static const struct mr_store_right none = { "nobody", "spam", MR_STORE_READ };
	char url[1024];
	const char *at = strstr(getenv("MR_TEST_STORE"), "/scratch?");

	MR_NEED(t, at);
	other("DROP DATABASE IF EXISTS latin");
	other("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
	snprintf(url, sizeof(url), "%.*s/latin?%s", (int)(at - getenv("MR_TEST_STORE")),
		 getenv("MR_TEST_STORE"), at + strlen("/scratch?"));
	MR_CHECK_INT(t, MR_EINVAL, mr_store_init(url, &none, 1, NULL));
	MR_CHECK(t, strstr(mr_store_why(), "LC_COLLATE"));
	other("DROP DATABASE latin");
}
