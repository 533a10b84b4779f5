/*
 * mr_authres: the value of an Authentication-Results field (RFC 8601 2.2): who looked at a message,
 * and what each method of authentication said. Whether the field is to be believed is another
 * question: mr_belief.h. Nothing is copied: spans lie in the field. Linear, without recursion,
 * allocates nothing. Any thread.
 *
 * A field is read whole or not at all: half of one that is malformed is not a result. What is read
 * beyond the grammar is in docs/DEVIATIONS.md.
 */
#ifndef MR_AUTHRES_H
#define MR_AUTHRES_H

#include "lib/base/mr_span.h"

#define MR_AUTHRES_SIZE_MAX    (64u << 10) /* octets of a field */
#define MR_AUTHRES_RESULTS_MAX 32 /* results in one */
#define MR_AUTHRES_PROPS_MAX   96 /* properties in one, of all results */
#define MR_AUTHRES_VERSION_MAX 65535 /* of the field, and of a method */

/* RFC 2045 5.1: value = token / quoted-string; or an address, whose local part may be quoted. */
struct mr_authres_value {
	struct mr_span raw; /* as written, but for the quotes around all of it; NULL: none */
	bool quoted; /* those were there: raw may have backslashes */
};

/* propspec = ptype "." property "=" pvalue */
struct mr_authres_prop {
	struct mr_span ptype, property; /* "smtp" and "mailfrom"; any case */
	struct mr_authres_value value;
};

/* resinfo = methodspec [ reasonspec ] *propspec */
struct mr_authres_result {
	struct mr_span method, result; /* "spf" and "pass"; any case */
	uint32_t version; /* of the method; 1 where none is said */
	struct mr_authres_value reason; /* raw.p is NULL: none was given */
	uint32_t prop_first, prop_count; /* in prop[] */
};

struct mr_authres {
	struct mr_authres_value id; /* authserv-id */
	uint32_t version; /* 1 where none is said; of other ones nobody knows the meaning */
	uint32_t result_count; /* 0: "none", nothing was looked at */
	uint32_t prop_count;
	struct mr_authres_result result[MR_AUTHRES_RESULTS_MAX];
	struct mr_authres_prop prop[MR_AUTHRES_PROPS_MAX];
};

/*
 * Read value, what stands behind the colon of a field. Returns 0; MR_ESYNTAX: it is none, or ends
 * early, or holds a control character; MR_ELIMIT: one of the limits above. *ar_out is untouched on
 * failure. It has 8 KiB.
 */
MR_MUST_USE int mr_authres_parse(struct mr_span value, struct mr_authres *ar_out);

/* The authserv-id alone, of a field that may be malformed behind it: RFC 8601 5 wants forged ones
 * gone even then. MR_ESYNTAX. */
MR_MUST_USE int mr_authres_parse_id(struct mr_span value, struct mr_authres_value *id_out);

/* value, with backslashes and folds undone, is text (ASCII case ignored). */
bool mr_authres_is(const struct mr_authres_value *value, struct mr_span text);

/* value, with backslashes and folds undone: raw itself, or a copy in buf. MR_ELIMIT: size is too
 * small. */
MR_MUST_USE int mr_authres_text(const struct mr_authres_value *value, char *buf, size_t size,
				struct mr_span *text_out);

/* The first property of a result that has this type and name (ASCII case ignored), or NULL. */
const struct mr_authres_prop *mr_authres_prop(const struct mr_authres *ar,
					      const struct mr_authres_result *result,
					      struct mr_span ptype, struct mr_span property);

#endif
