/*
 * mr_json: writes JSON (RFC 8259) onto a buffer, commas and quotes in their places. What the buffer
 * could not take shows in mr_buf_err().
 *
 *	mr_json_init(&j, &buf);
 *	mr_json_open(&j, NULL, '{');
 *	mr_json_str(&j, "name", name);
 *	mr_json_open(&j, "sizes", '[');
 *	mr_json_int(&j, NULL, 4711);
 *	mr_json_close(&j);
 *	mr_json_close(&j);
 */
#ifndef MR_JSON_H
#define MR_JSON_H

#include "lib/base/mr_buf.h"

#define MR_JSON_DEPTH_MAX 16

struct mr_json {
	struct mr_buf *out; /* private */
	char closer[MR_JSON_DEPTH_MAX];
	unsigned depth;
	bool comma;
};

void mr_json_init(struct mr_json *j, struct mr_buf *out);

/* key: NULL inside an array and for the outermost value. kind: '{' or '['. */
void mr_json_open(struct mr_json *j, const char *key, char kind);
void mr_json_close(struct mr_json *j);
/* Octets that are no UTF-8 become U+FFFD. */
void mr_json_str(struct mr_json *j, const char *key, struct mr_span value);
void mr_json_int(struct mr_json *j, const char *key, int64_t value);
/* Three decimals; not a number and infinity are null. */
void mr_json_real(struct mr_json *j, const char *key, double value);
/* text is a JSON value already: a number with decimals of its own. */
void mr_json_raw(struct mr_json *j, const char *key, struct mr_span text);
void mr_json_bool(struct mr_json *j, const char *key, bool value);

#endif
