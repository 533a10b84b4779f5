/*
 * mr_test_json: just enough JSON to read third-party test suites: a file becomes a flat array of
 * nodes. For tests alone: a file that is no JSON ends the program.
 */
#ifndef MR_TEST_JSON_H
#define MR_TEST_JSON_H

#include "lib/base/mr_arena.h"

enum mr_json_kind {
	MR_JSON_WORD, /* number, true, false, null: text as written */
	MR_JSON_STRING,
	MR_JSON_ARRAY,
	MR_JSON_OBJECT,
};

struct mr_json {
	enum mr_json_kind kind;
	struct mr_span key; /* in an object */
	struct mr_span text; /* unescaped UTF-8; a lone surrogate is U+FFFD */
	struct mr_json *first, *next; /* what is in it; what follows in the same array or object */
};

/* The root; NULL: out of memory. */
struct mr_json *mr_json_read(const char *path, struct mr_arena *arena);
/* The member of that name, or NULL. */
const struct mr_json *mr_json_member(const struct mr_json *object, const char *name);
/* s with its \-escapes resolved; false: out of memory. */
bool mr_json_unescape(struct mr_span s, struct mr_arena *arena, struct mr_span *text_out);

#endif
