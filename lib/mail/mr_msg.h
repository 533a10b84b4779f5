/*
 * mr_msg: one message as spans and a flat table of parts. For milters, the LDA, training and search;
 * one parse serves them all. Nothing is copied: every span lies in the bytes that were parsed, which
 * must outlive the struct mr_msg. No recursion; time is linear in the input, and memory is bounded by
 * the limits whatever the input is.
 *
 * A message is never malformed: where the grammar of RFC 5322 and 2045 to 2049 ends, the parser does
 * what mail programs in use do (docs/DEVIATIONS.md says what). What is too large is cut: the tables
 * hold what fits in the limits, and msg.cut says what does not. A filter that must answer can
 * answer; one that must see everything looks at cut first.
 */
#ifndef MR_MSG_H
#define MR_MSG_H

#include "lib/base/mr_arena.h"
#include "lib/base/mr_span.h"

#define MR_MSG_FIELDS_MAX 10000 /* fields_max of mr_msg_limits_default */

/* Limits. The defaults are what the fuzzer and the hostile set run with. */
struct mr_msg_limits {
	uint32_t fields_max; /* header fields of all parts together */
	uint32_t parts_max; /* parts, the message itself included */
	uint32_t depth_max; /* of parts in parts; deeper ones stay unparsed bodies */
	uint32_t params_size_max; /* bytes of a Content-Type or Content-Disposition that are read */
};
extern const struct mr_msg_limits mr_msg_limits_default; /* 10,000, 10,000, 100, 64 KiB */

enum mr_msg_cut {
	MR_CUT_FIELDS = 1u << 0,
	MR_CUT_PARTS = 1u << 1,
	MR_CUT_DEPTH = 1u << 2,
	MR_CUT_PARAMS = 1u << 3,
};

/* One header field. */
struct mr_field {
	struct mr_span name; /* as written: "Subject" */
	struct mr_span value; /* after the colon, as written: leading blank and folds stay, the last
			       * line ending does not */
	struct mr_span raw; /* the whole field, with its line ending */
};

enum mr_encoding { /* RFC 2045 6.1 */
		   MR_ENC_7BIT,
		   MR_ENC_8BIT,
		   MR_ENC_BINARY,
		   MR_ENC_QP,
		   MR_ENC_BASE64,
		   MR_ENC_UNKNOWN, /* named, but none of these: not decoded (RFC 2045 6.4) */
};

enum mr_part_kind {
	MR_PART_LEAF,
	MR_PART_MULTIPART, /* its children are parts; body is all between header and end */
	MR_PART_MESSAGE, /* message/rfc822, message/global: its one child is the message in it */
};

/* One part. Part 0 is the whole message; a parent stands before its children, and children in the
 * order of the message, so the table is the tree in pre-order. */
struct mr_part {
	enum mr_part_kind kind;
	enum mr_encoding encoding;
	uint32_t parent; /* index; of part 0: 0 */
	uint32_t depth; /* of part 0: 0 */
	uint32_t field_first; /* index into msg.field */
	uint32_t field_count;
	struct mr_span header; /* with its line endings, without the empty line */
	struct mr_span body; /* still encoded; the line ending before a boundary is not part of it
				* (RFC 2046 5.1.1) */
	struct mr_span type, subtype; /* as written; "text" and "plain" where nothing valid is said
				       * ("message" "rfc822" inside multipart/digest) */
	struct mr_span charset; /* of Content-Type, as written, without quotes; empty: none */
	uint32_t type_field, disposition_field; /* index into msg.field; MR_NO_FIELD: none */
};
#define MR_NO_FIELD UINT32_MAX

struct mr_msg {
	struct mr_span raw;
	const struct mr_field *field; /* in the order of the message, all parts */
	const struct mr_part *part;
	uint32_t field_count, part_count; /* part_count is at least 1 */
	unsigned cut; /* enum mr_msg_cut */
	uint32_t params_size_max; /* of the limits it was parsed with */
};

/*
 * Parse raw (any bytes; line endings LF or CR LF, also mixed) into tables in arena. Returns 0, or
 * MR_ENOMEM: out of memory, or the arena's bound is reached (the tables of the default limits need
 * 2.5 MiB at most); *msg_out is then untouched.
 */
MR_MUST_USE int mr_msg_parse(struct mr_span raw, const struct mr_msg_limits *limits,
			     struct mr_arena *arena, struct mr_msg *msg_out);

/* The first field of part so named (ASCII case ignored), or NULL. */
const struct mr_field *mr_msg_field(const struct mr_msg *msg, uint32_t part, struct mr_span name);
/* The next one after field in the same part, or NULL. */
const struct mr_field *mr_msg_field_next(const struct mr_msg *msg, uint32_t part,
					 const struct mr_field *field);

/* type and subtype are these (ASCII case ignored); a NULL subtype: any. */
bool mr_part_is(const struct mr_part *part, const char *type, const char *subtype);

/*
 * A parameter of the part's Content-Type (or Content-Disposition), as UTF-8 in arena: RFC 2231
 * continuations joined, charset and percent-encoding undone; an RFC 2047 word in it decoded, since
 * mail programs write that. Returns 0, or MR_ENOENT, MR_ENOMEM.
 */
MR_MUST_USE int mr_part_type_param(const struct mr_msg *msg, uint32_t part, struct mr_span name,
				   struct mr_arena *arena, struct mr_span *value_out);
MR_MUST_USE int mr_part_disposition_param(const struct mr_msg *msg, uint32_t part,
					  struct mr_span name, struct mr_arena *arena,
					  struct mr_span *value_out);
/* What the sender calls the file: filename of Content-Disposition, else name of Content-Type. */
MR_MUST_USE int mr_part_filename(const struct mr_msg *msg, uint32_t part, struct mr_arena *arena,
				 struct mr_span *name_out);
/* Content-Disposition begins with the word attachment. */
bool mr_part_is_attachment(const struct mr_msg *msg, uint32_t part);

#endif
