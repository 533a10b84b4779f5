/*
 * mr_cfws: comments and folding white space of structured fields (RFC 5322 3.2.2). Linear, without
 * recursion. Any thread.
 */
#ifndef MR_CFWS_H
#define MR_CFWS_H

#include "lib/base/mr_cur.h"

/* Take the comment at the cursor; what is between its outer parentheses, still quoted, in
 * *content_out, unless that is NULL. False, the cursor not moved: there is none, or it does not
 * end. */
bool mr_cfws_comment(struct mr_cur *c, struct mr_span *content_out);

/* Step over white space and comments; returns c, to be written inside a call. Stops at a comment
 * that does not end. */
struct mr_cur *mr_cfws(struct mr_cur *c);

#endif
