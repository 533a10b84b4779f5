/*
 * mr_store_dump: a group as text, whole, for a backup or another engine; and the look at every row that
 * finds what is damaged. Streamed: memory does not grow with the group. For `millrace store`.
 *
 * The text (docs/STORE.md) is lines, each ending in LF; fields are separated by tabs:
 *
 *	millrace-store	1
 *	group	directory	1		name, version of its tables
 *	table	domain	name		name, columns
 *	row	texample.org		for each column: i and a number, t and text, b and hexadecimal, n
 *	end	1			rows of the group
 *
 * In text, backslash, tab, LF and CR are \\ \t \n \r. Rows are in order of their key, so the dumps of
 * two stores that hold the same are the same.
 */
#ifndef MR_STORE_DUMP_H
#define MR_STORE_DUMP_H

#include "lib/store/mr_store.h"

#define MR_STORE_LINE_MAX ((size_t)64 << 20) /* bytes */

/* done of all rows, now and then. */
typedef void mr_store_progress_fn(void *arg, size_t done, size_t all);

/* The line that a dump begins with; then mr_store_dump() for each group. */
extern const struct mr_span mr_store_dump_head;

/*
 * Hand out the lines of a group, one state of it, as an operation that only reads; what write returns
 * other than 0 ends it and is returned. rows_out: how many; may be NULL. MR_ELIMIT: a row that makes
 * a line too long. Either function may be NULL.
 */
MR_MUST_USE int mr_store_dump(struct mr_store *store, enum mr_store_group group,
			      int (*write)(void *arg, struct mr_span line),
			      mr_store_progress_fn *progress, void *arg, size_t *rows_out);

struct mr_store_load {
	/* The next line, without LF; valid until the next call. MR_ENOENT: no more. */
	int (*read)(void *arg, struct mr_span *line_out);
	void (*progress)(void *arg, enum mr_store_group group, size_t rows); /* NULL: none */
	void *arg;
	size_t line, rows; /* out: where it stands */
};

/*
 * Load a dump into groups that are open and empty: each whole, or not at all. Then line tells where it
 * stopped: MR_EEXIST: a group that is not empty; MR_ESYNTAX: no dump, or one that breaks off; MR_EINVAL:
 * of a version of the tables that is not this program's: load it with the program that wrote it, and
 * let this one bring it up to date; MR_ENOENT: a group that is not open or not known.
 */
MR_MUST_USE int mr_store_load(struct mr_store *store, struct mr_store_load *load);

/*
 * Look at everything in a group: the engine's own check, every row, and what rows promise each other.
 * problem is called with a line for people; returns how many there were, or an error.
 */
MR_MUST_USE int mr_store_verify(struct mr_store *store, enum mr_store_group group,
				void (*problem)(void *arg, const char *text),
				mr_store_progress_fn *progress, void *arg, size_t *rows_out);

/* NULL: no such group; from 0 on. */
const char *mr_store_group_name(size_t i, enum mr_store_group *group_out);

#endif
