/*
 * mr_params: the values of Content-Type and Content-Disposition (RFC 2045 5.1, RFC 2183) and their
 * parameters (RFC 2231), as mail has them: semicolons missing or doubled, blanks around "=",
 * unquoted values with blanks or tspecials in them, comments, quotes that never end. Linear, without
 * recursion. Callers want mr_msg.h; this is what it is made of.
 */
#ifndef MR_PARAMS_H
#define MR_PARAMS_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_cur.h"

struct mr_param {
	struct mr_span name; /* as written, with the "*0*" of RFC 2231 */
	struct mr_span value; /* as written, without the quotes; folds and backslashes stay */
	bool quoted;
};

/* Take type "/" subtype; false, and the cursor untouched: there is none. */
bool mr_params_type(struct mr_cur *c, struct mr_span *type_out, struct mr_span *subtype_out);
/* Take the word that a Content-Disposition begins with; empty: there is none. */
struct mr_span mr_params_word(struct mr_cur *c);
/* value up to a blank: for what cannot hold one, since what stands behind it is junk. */
struct mr_span mr_params_first_word(struct mr_span value);
/* Take the next parameter; what is none is skipped. False at the end. */
bool mr_params_next(struct mr_cur *c, struct mr_param *param_out);

/* The value with folds and, if it was quoted, backslashes undone: a span of the message where nothing
 * has to change, else text in arena. MR_ENOMEM. */
MR_MUST_USE int mr_param_value(const struct mr_param *param, struct mr_arena *arena,
			       struct mr_span *value_out);

/*
 * The parameter name of params (what stands behind the type) as UTF-8: see mr_part_type_param() in
 * mr_msg.h. Where a sender wrote both, RFC 2231's form (name*, name*0) is preferred to the plain one.
 * Of a numbered series, what follows a gap is not read. Returns 0, MR_ENOENT, MR_ENOMEM.
 */
MR_MUST_USE int mr_params_get(struct mr_span params, struct mr_span name, struct mr_arena *arena,
			      struct mr_span *utf8_out);
/*
 * The boundary of a multipart: its bytes, a span of params where they stand in one piece, else, with
 * backslashes, folds and RFC 2231's forms undone, in buf of size bytes: nothing else is allocated,
 * however many multiparts there are. A numbered series counts as far as it stands in order. Empty:
 * there is none; *cut_out: because it did not fit buf.
 */
struct mr_span mr_params_boundary(struct mr_span params, char *buf, size_t size, bool *cut_out);

#endif
