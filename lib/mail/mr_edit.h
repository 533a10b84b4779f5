/*
 * mr_edit: a message after the changes that a milter asked for, as the MTA would write it: for the
 * command line's -w, for the fuzzer, and for learning from a Maildir "as the milter saw it". Any
 * thread. Semantics are libmilter's, as Postfix and sendmail apply them.
 *
 * Edits are applied in their order, each to what the ones before it left; so several fields of one
 * name are deleted from the last one up. Only fields that msg has (limits!) are seen; what lies
 * between them or is cut stays where it is, in front of fields that are added at the end.
 */
#ifndef MR_EDIT_H
#define MR_EDIT_H

#include "lib/mail/mr_msg.h"

enum mr_edit_kind {
	MR_EDIT_INSERT, /* name: value before the index-th field of the header, from 0; beyond the
			 * last one: at the end (smfi_insheader) */
	MR_EDIT_ADD, /* at the end of the header (smfi_addheader) */
	MR_EDIT_CHANGE, /* the index-th field called name, from 1, ASCII case ignored, gets value and
			 * this name; an empty value deletes it; there are fewer: added at the end
			 * (smfi_chgheader) */
	MR_EDIT_DELETE, /* the index-th field called name, from 1; there are fewer: nothing */
	MR_EDIT_BODY, /* value is the whole body; several: the last one counts */
};

/*
 * value: what stands behind the colon; a blank is put in front of it unless it begins with one, or
 * with a fold. Lines may end in LF or CR LF: they, and those of a body, get the line ending of
 * the message, which is that of its first line (CR LF where it has none).
 */
struct mr_edit {
	enum mr_edit_kind kind;
	uint32_t index; /* of CHANGE and DELETE: 0 is taken as 1, as libmilter does */
	struct mr_span name, value;
};

#define MR_EDITS_MAX (MR_MSG_FIELDS_MAX + 100) /* all fields deleted, and some added */

/*
 * The message msg after the edits, in arena, which must have room for it. Whether a name or a value
 * makes sense is the caller's business (mr_actions.h checks it). Time: the bytes of both, a sort
 * of the names, and for each edit how far its field is from the nearer end of those of its name, or, to
 * insert one, of all: linear for deletions from the last one up. Returns 0, or MR_ELIMIT: more than
 * MR_EDITS_MAX; MR_ENOMEM.
 */
MR_MUST_USE int mr_edit_apply(const struct mr_msg *msg, const struct mr_edit *edits, size_t count,
			      struct mr_arena *arena, struct mr_span *edited_out);

#endif
