/*
 * mr_def: the words that all our code is written in. No function here allocates or fails.
 */
#ifndef MR_DEF_H
#define MR_DEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_MUST_USE     __attribute__((warn_unused_result))
#define MR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define MR_UNUSED       __attribute__((unused))
#define MR_NORETURN     __attribute__((noreturn))
#define MR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Longest path that we make, with its NUL. A longer one is MR_ELIMIT. */
#define MR_PATH_MAX 4096

/*
 * MR_AUTO(mr_arena) *a: freed by mr_arena_free_at(&a) at the end of its block. A type that may be
 * used so declares that function with MR_AUTO_DECLARE. MR_TAKE(a) is the pointer, and a is NULL
 * afterwards: the owner is now somebody else.
 */
#define MR_AUTO(type) __attribute__((cleanup(type##_free_at))) struct type
#define MR_AUTO_DECLARE(type, release)                                                             \
	static inline void type##_free_at(struct type **p)                                         \
	{                                                                                          \
		release(*p);                                                                       \
	}
#define MR_TAKE(p)                                                                                 \
	({                                                                                         \
		__typeof__(p) mr_taken_ = (p);                                                     \
		(p) = NULL;                                                                        \
		mr_taken_;                                                                         \
	})

/* A descriptor that is closed at the end of its block: MR_AUTO_FD fd = -1; */
#define MR_AUTO_FD __attribute__((cleanup(mr_close_at))) int
void mr_close_at(int *fd);

/*
 * A promise between our own functions. On in release builds too: the process ends with a line on
 * stderr, its supervisor restarts it, the MTA tries again. Never used on what comes from outside.
 */
#define MR_ASSERT(true_) ((true_) ? (void)0 : mr_assert_failed(#true_, __FILE__, __LINE__))
MR_NORETURN void mr_assert_failed(const char *expr, const char *file, int line);

#endif
