/*
 * mr_store_test: where a test of store operations finds its store: a folder of its own, or, where
 * tests/e2e/test_store.py has started a PostgreSQL server and names it, a database there, in which
 * we may make anything. So the same test runs on both engines: it is in a file tests/unit/test_store*.c
 * that includes this header.
 */
#ifndef MR_STORE_TEST_H
#define MR_STORE_TEST_H

#include "lib/store/mr_store.h"
#include "tests/unit/mr_test.h"

/* The server's URL, or NULL: tests run on files. */
const char *mr_store_test_server(void);

/* The url of an empty store: a folder in dir, which is a fresh mr_test_dir(). Valid until the next call. */
const char *mr_store_test_url(const char *dir);

/* The groups of an empty store, made. NULL: a check has failed. */
struct mr_store *mr_store_test_open(struct mr_t *t, unsigned groups);

#endif
