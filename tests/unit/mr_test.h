/*
 * mr_test: our thin layer over cmocka. A test file is a list of facts:
 *
 *	MR_TEST(span_find)
 *	{
 *		MR_CHECK_INT(t, 1, mr_span_find(MR_SPAN("ab"), 'b'));
 *	}
 *
 * Each file is a program; MR_TEST registers itself, mr_test.c has main(). A check that fails says
 * where, and the test goes on, so one run shows all that is wrong; MR_NEED stops the test, for what
 * the rest cannot do without. Expected value first.
 *
 * With MR_TEST_OOM=1 each test runs again and again with the Nth allocation failing, for every N up
 * to the number it makes; then checks are silent, and what counts is that nothing crashes or leaks,
 * and that no MR_CHECK_ALWAYS fails: without memory an answer may be missing, but never be wrong.
 */
#ifndef MR_TEST_H
#define MR_TEST_H

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_span.h"

struct mr_t {
	const char *name;
	unsigned failed;
	bool skipped;
	bool oom; /* an allocation is being made to fail: only MR_CHECK_ALWAYS counts */
	long row; /* the table row being tested, shown with a failure; -1: none */
};

typedef void mr_test_fn(struct mr_t *t);
void mr_test_register(const char *name, mr_test_fn *fn);

#define MR_TEST(name_)                                                                             \
	static void mr_test_##name_(struct mr_t *t);                                               \
	__attribute__((constructor)) static void mr_register_##name_(void)                         \
	{                                                                                          \
		mr_test_register(#name_, mr_test_##name_);                                         \
	}                                                                                          \
	static void mr_test_##name_(struct mr_t *t)

void mr_check_int(struct mr_t *t, long long want, long long got, const char *expr, const char *file,
		  int line);
void mr_check_span(struct mr_t *t, struct mr_span want, struct mr_span got, const char *expr,
		   const char *file, int line);
void mr_check_near(struct mr_t *t, double want, double got, double within, const char *expr,
		   const char *file, int line);
bool mr_check(struct mr_t *t, bool ok, const char *expr, const char *file, int line);
void mr_check_always(struct mr_t *t, bool ok, const char *expr, const char *file, int line);

#define MR_CHECK(t, cond) ((void)mr_check((t), (cond), #cond, __FILE__, __LINE__))
/* Also while an allocation fails: for what must hold whatever fails, as "answered 250 is stored". */
#define MR_CHECK_ALWAYS(t, cond) mr_check_always((t), (cond), #cond, __FILE__, __LINE__)
#define MR_CHECK_INT(t, want, got)                                                                 \
	mr_check_int((t), (long long)(want), (long long)(got), #got, __FILE__, __LINE__)
/* want: a string; got: a struct mr_span */
#define MR_CHECK_SPAN(t, want, got)                                                                \
	mr_check_span((t), mr_span_str(want), (got), #got, __FILE__, __LINE__)
#define MR_CHECK_SPANS(t, want, got) mr_check_span((t), (want), (got), #got, __FILE__, __LINE__)
#define MR_CHECK_STR(t, want, got)                                                                 \
	mr_check_span((t), mr_span_str(want), mr_span_str(got), #got, __FILE__, __LINE__)
#define MR_CHECK_NEAR(t, want, got, within)                                                        \
	mr_check_near((t), (want), (got), (within), #got, __FILE__, __LINE__)
/* Without this the rest makes no sense: the test ends here. Also what OOM runs leave by. */
#define MR_NEED(t, cond)                                                                           \
	do {                                                                                       \
		if (!mr_check((t), (cond), #cond, __FILE__, __LINE__))                             \
			return;                                                                    \
	} while (0)
/* End the test as skipped, and say why on stderr: never silently. */
#define MR_SKIP(t, why)                                                                            \
	do {                                                                                       \
		mr_test_skip((t), (why));                                                          \
		return;                                                                            \
	} while (0)
void mr_test_skip(struct mr_t *t, const char *why);

/* Bytes in a heap block of exactly their size, so that ASan sees one byte too far. */
struct mr_block {
	size_t size;
	char bytes[];
};
/* NULL only when an allocation was made to fail. row is shown with failures of the checks to come. */
struct mr_block *mr_test_exact(struct mr_t *t, size_t row, const char *text);
struct mr_block *mr_test_block(struct mr_t *t, struct mr_span bytes);
struct mr_span mr_block_span(const struct mr_block *block);
static inline void mr_block_free(struct mr_block *block)
{
	mr_free(block);
}
MR_AUTO_DECLARE(mr_block, mr_block_free)

/* A new folder for this test, removed when the program ends. Ends in no "/". */
const char *mr_test_dir(struct mr_t *t);
/* The path of name in the folder that holds third-party suites (../shared), or NULL and a loud line
 * where it is absent: then MR_SKIP. Lives until the next call. */
const char *mr_test_shared(const char *name);

#endif
