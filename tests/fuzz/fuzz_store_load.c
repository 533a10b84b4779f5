/* What is loaded is whole or not there; and what was loaded dumps to something that loads again, and
 * dumps the same. */
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/store/mr_store_dump.h"
#include "tests/unit/mr_dump_test.h"

#define TEXT_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/fuzz_store.XXXXXX";

static void remove_all(void)
{
	static const char *const names[] = { "directory.db", "directory.db-wal", "directory.db-shm",
					     "spam.db",      "spam.db-wal",      "spam.db-shm" };
	char path[128];

	for (size_t i = 0; i < MR_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
}

static void remove_folder(void)
{
	remove_all();
	rmdir(folder);
}

/* An empty store: the one before if it was left empty. */
static struct mr_store *store_new(void)
{
	char url[64];
	struct mr_store *store = NULL;

	if (strchr(folder, 'X') && mkdtemp(folder))
		atexit(remove_folder);
	remove_all();
	snprintf(url, sizeof(url), "sqlite:%s", folder);
	MR_ASSERT(mr_store_open(url, MR_GROUP_ALL, MR_STORE_CREATE, &store) == 0);
	return store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mr_store *store;
	MR_AUTO_BUF first = MR_BUF(TEXT_MAX), second = MR_BUF(TEXT_MAX);
	size_t rows = 0, line;
	int err;

	if (!store)
		store = store_new();
	err = mr_load_test(store, mr_span_bytes(data, size), &line);
	MR_ASSERT(mr_dump_test(store, &first, &rows) == 0);
	if (rows > 0) { /* one group may have been complete before the text was wrong */
		mr_store_close(store);
		store = store_new();
		MR_ASSERT(mr_load_test(store, mr_buf_span(&first), &line) == 0);
		MR_ASSERT(mr_dump_test(store, &second, &rows) == 0);
		MR_ASSERT(mr_span_eq(mr_buf_span(&first), mr_buf_span(&second)));
		mr_store_close(store);
		store = NULL;
	}
	(void)err;
	return 0;
}
