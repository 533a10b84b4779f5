#include "tests/unit/mr_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <ftw.h>
#include <inttypes.h>
#include <unistd.h>

#include "lib/base/mr_err.h"

#define TESTS_MAX    256
#define OOM_RUNS_MAX 3000 /* a test with more allocations has the first ones fail */
#define SHOWN_MAX    200 /* bytes of a span in a failure */

static struct {
	const char *name;
	mr_test_fn *fn;
} tests[TESTS_MAX];
static size_t test_count;
static char dir[MR_PATH_MAX];

void mr_test_register(const char *name, mr_test_fn *fn)
{
	MR_ASSERT(test_count < TESTS_MAX);
	tests[test_count].name = name;
	tests[test_count++].fn = fn;
}

static void failed(struct mr_t *t, const char *file, int line)
{
	t->failed++;
	fprintf(stderr, "%s:%d: %s", file, line, t->name);
	if (t->row >= 0)
		fprintf(stderr, " row %ld", t->row);
	fputs(": ", stderr);
}

static void show(struct mr_span s)
{
	fputc('"', stderr);
	for (size_t i = 0; i < s.len && i < SHOWN_MAX; i++) {
		if (s.p[i] >= ' ' && s.p[i] <= '~')
			fputc(s.p[i], stderr);
		else
			fprintf(stderr, "\\x%02x", (uint8_t)s.p[i]);
	}
	fprintf(stderr, "\"%s (%zu)", s.len > SHOWN_MAX ? "..." : "", s.len);
}

bool mr_check(struct mr_t *t, bool ok, const char *expr, const char *file, int line)
{
	if (!ok && !t->oom) {
		failed(t, file, line);
		fprintf(stderr, "not true: %s\n", expr);
	}
	return ok;
}

void mr_check_always(struct mr_t *t, bool ok, const char *expr, const char *file, int line)
{
	if (ok)
		return;
	failed(t, file, line);
	fprintf(stderr, "not true: %s%s\n", expr, t->oom ? ", while an allocation failed" : "");
}

void mr_check_int(struct mr_t *t, long long want, long long got, const char *expr, const char *file,
		  int line)
{
	if (want == got || t->oom)
		return;
	failed(t, file, line);
	fprintf(stderr, "%s: want %lld, got %lld%s%s\n", expr, want, got,
		got < 0 && got > -100 ? " " : "",
		got < 0 && got > -100 ? mr_err_text((int)got) : "");
}

void mr_check_span(struct mr_t *t, struct mr_span want, struct mr_span got, const char *expr,
		   const char *file, int line)
{
	if (mr_span_eq(want, got) || t->oom)
		return;
	failed(t, file, line);
	fprintf(stderr, "%s: want ", expr);
	show(want);
	fputs(", got ", stderr);
	show(got);
	fputc('\n', stderr);
}

void mr_check_near(struct mr_t *t, double want, double got, double within, const char *expr,
		   const char *file, int line)
{
	if ((got >= want - within && got <= want + within) || t->oom)
		return;
	failed(t, file, line);
	fprintf(stderr, "%s: want %g within %g, got %g\n", expr, want, within, got);
}

void mr_test_skip(struct mr_t *t, const char *why)
{
	t->skipped = true;
	fprintf(stderr, "SKIPPED %s: %s\n", t->name, why);
}

struct mr_block *mr_test_block(struct mr_t *t, struct mr_span bytes)
{
	struct mr_block *block = mr_malloc(sizeof(*block) + bytes.len);

	MR_ASSERT(block || t->oom);
	if (block) {
		block->size = bytes.len;
		if (bytes.len > 0)
			memcpy(block->bytes, bytes.p, bytes.len);
	}
	return block;
}

struct mr_block *mr_test_exact(struct mr_t *t, size_t row, const char *text)
{
	t->row = (long)row;
	return mr_test_block(t, mr_span_str(text));
}

struct mr_span mr_block_span(const struct mr_block *block)
{
	return block ? mr_span(block->bytes, block->size) : mr_span("", 0);
}

static int remove_one(const char *path, const struct stat *st MR_UNUSED, int flag MR_UNUSED,
		      struct FTW *ftw MR_UNUSED)
{
	return remove(path);
}

static void dir_remove(void)
{
	if (dir[0])
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *mr_test_dir(struct mr_t *t)
{
	static unsigned number;
	static char path[MR_PATH_MAX + 16];

	if (!dir[0]) {
		const char *tmp = getenv("TMPDIR");

		snprintf(dir, sizeof(dir), "%s/mr_test.XXXXXX", tmp ? tmp : "/tmp");
		MR_ASSERT(mkdtemp(dir) != NULL);
		atexit(dir_remove);
	}
	snprintf(path, sizeof(path), "%s/%u", dir, number++);
	MR_ASSERT(mkdir(path, 0700) == 0);
	(void)t;
	return path;
}

const char *mr_test_shared(const char *name)
{
	static char path[MR_PATH_MAX];

	snprintf(path, sizeof(path), "../shared/%s", name);
	return access(path, R_OK) == 0 ? path : NULL;
}

static size_t index_of(void **state)
{
	return (size_t)(uintptr_t)*state;
}

/* Run again with each allocation failing in turn. A crash or a leak (ASan) is the finding, or a
 * check that counts always. Returns how many of those failed. */
static unsigned run_oom(size_t i)
{
	unsigned wrong = 0; /* not of the first run: that is what the tests without OOM are for */
	uint64_t count;
	struct mr_t t = { .name = tests[i].name, .row = -1 };

	mr_alloc_fail_after(-1);
	tests[i].fn(&t);
	count = mr_alloc_fail_after(-1);
	for (uint64_t n = 0; n < count && n < OOM_RUNS_MAX; n++) {
		struct mr_t again = { .name = tests[i].name, .row = -1, .oom = true };

		mr_alloc_fail_after((int64_t)n);
		tests[i].fn(&again);
		mr_alloc_fail_after(-1);
		wrong += again.failed;
	}
	fprintf(stderr, "oom %s: %" PRIu64 " allocations\n", tests[i].name, count);
	return wrong;
}

static void run_one(void **state)
{
	size_t i = index_of(state);
	struct mr_t t = { .name = tests[i].name, .row = -1 };

	if (getenv("MR_TEST_OOM")) {
		if (run_oom(i) > 0)
			fail();
		return;
	}
	tests[i].fn(&t);
	if (t.failed > 0)
		fail();
	if (t.skipped)
		skip();
}

/* [NAME]: only the tests whose name has that in it. */
int main(int argc, char **argv)
{
	struct CMUnitTest list[TESTS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < test_count; i++) {
		if (argc < 2 || strstr(tests[i].name, argv[1]))
			list[count++] = (struct CMUnitTest){ tests[i].name, run_one, NULL, NULL,
							     (void *)(uintptr_t)i };
	}
	return _cmocka_run_group_tests("unit", list, count, NULL, NULL) == 0 ? 0 : 1;
}
