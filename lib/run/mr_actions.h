/*
 * mr_actions: what a stage wants done with a message: a bounded list of changes, and one verdict. It
 * is data: the libmilter runner tells the MTA, the command line prints it, a test compares it.
 */
#ifndef MR_ACTIONS_H
#define MR_ACTIONS_H

#include "lib/base/mr_arena.h"
#include "lib/mail/mr_msg.h"

/* Every field that the parser saw may have to go, and there is room for what a stage adds. */
#define MR_ACTIONS_MAX     (MR_MSG_FIELDS_MAX + 100)
#define MR_ACT_NAME_MAX    256
#define MR_ACT_VALUE_MAX   65000 /* bytes of one field's value: libmilter's packet */
#define MR_ACT_BODY_MAX    INT32_MAX
#define MR_ACT_RCPT_MAX    1000
#define MR_ACT_REPLY_MAX   480 /* bytes of a line of a reply's text (RFC 5321 4.5.3.1.5: 512) */
#define MR_ACT_REPLY_LINES 32 /* what libmilter takes */

enum mr_may {
	MR_MAY_FIELDS = 1u << 0,
	MR_MAY_BODY = 1u << 1,
	MR_MAY_RCPT = 1u << 2,
	MR_MAY_REJECT = 1u << 3, /* reject and tempfail */
	MR_MAY_DISCARD = 1u << 4,
	MR_MAY_QUARANTINE = 1u << 5,
};

enum mr_act_kind {
	MR_ACT_INSERT, /* name, value at index: 0 is above all other fields */
	MR_ACT_ADD, /* name, value behind all other fields */
	MR_ACT_CHANGE, /* the index-th field called name, from 1, gets value */
	MR_ACT_DELETE, /* the index-th field called name, from 1 */
	MR_ACT_BODY, /* value is the new body */
	MR_ACT_RCPT_ADD,
	MR_ACT_RCPT_REMOVE,
};

struct mr_act {
	enum mr_act_kind kind;
	uint32_t index;
	const char *name;
	struct mr_span value;
};

enum mr_verdict {
	MR_VERDICT_ACCEPT, /* go on: later milters still see it */
	MR_VERDICT_REJECT,
	MR_VERDICT_TEMPFAIL,
	MR_VERDICT_DISCARD,
	MR_VERDICT_QUARANTINE, /* ours: kept in the store, then discarded for the MTA */
};

struct mr_actions {
	struct mr_arena *arena; /* copies live here */
	unsigned may; /* enum mr_may */
	struct mr_act *act;
	size_t count, room;
	enum mr_verdict verdict;
	const char *reply; /* of reject and tempfail: "550 5.7.1 text", else NULL; reason of a
			    * quarantine */
	const char *note; /* what the log line of the message says beside the verdict, or NULL */
	int err; /* set by the runner: the error that failed() or a tempfail came from, or 0 */
};

void mr_actions_init(struct mr_actions *acts, struct mr_arena *arena, unsigned may);

/*
 * Each returns 0, or MR_ELIMIT: MR_ACTIONS_MAX is reached, or a value is too long; MR_EINVAL: a name
 * that is no field name (RFC 5322 2.2), a CR, or an LF without a blank behind it, in a value; a
 * recipient that is empty or holds a control character; MR_ENOMEM. What the stage may not do breaks
 * a promise. Values are copied; a line break in one is LF with a blank behind it. A value is written
 * without the blank after the colon, which whoever applies it adds; one that begins with a blank or
 * a fold keeps its own.
 */
MR_MUST_USE int mr_act_insert(struct mr_actions *acts, uint32_t index, const char *name,
			      const char *value);
MR_MUST_USE int mr_act_add(struct mr_actions *acts, const char *name, const char *value);
MR_MUST_USE int mr_act_change(struct mr_actions *acts, const char *name, uint32_t nth,
			      const char *value);
/* Delete every field so named that msg has, from the last one up (RFC 8601 5). */
MR_MUST_USE int mr_act_delete_all(struct mr_actions *acts, const struct mr_msg *msg,
				  const char *name);
/* Delete every one that came from outside, insert ours at the top. */
MR_MUST_USE int mr_act_replace(struct mr_actions *acts, const struct mr_msg *msg, const char *name,
			       const char *value);
MR_MUST_USE int mr_act_body(struct mr_actions *acts, struct mr_span body);
MR_MUST_USE int mr_act_rcpt_add(struct mr_actions *acts, struct mr_span rcpt);
MR_MUST_USE int mr_act_rcpt_remove(struct mr_actions *acts, struct mr_span rcpt);

/* Value as it stands behind the colon: with the blank in front that act->value may lack. */
const char *mr_act_blank(const struct mr_act *act);

/* The verdict; a later call replaces an earlier one. code: "5.7.1" (RFC 3463), of reject's or
 * tempfail's class; text: printable ASCII, in lines that LF separates. reject answers 550, tempfail
 * 451. MR_EINVAL: another code or text; MR_ELIMIT: more or longer lines; MR_ENOMEM. After an error
 * the verdict is what it was. */
MR_MUST_USE int mr_act_reject(struct mr_actions *acts, const char *code, const char *text);
MR_MUST_USE int mr_act_tempfail(struct mr_actions *acts, const char *code, const char *text);
MR_MUST_USE int mr_act_quarantine(struct mr_actions *acts, const char *reason);
void mr_act_discard(struct mr_actions *acts);
/* Go on after all: what a runner does when the verdict was about one recipient. */
void mr_act_accept(struct mr_actions *acts);

/* What the log says about this message beside its verdict: "score=4.2 rules=7". The last one
 * counts. MR_ENOMEM. */
MR_MUST_USE int mr_act_note(struct mr_actions *acts, const char *format, ...) MR_PRINTF(2, 3);

/* "accept", "reject", ...; never NULL. */
const char *mr_verdict_name(enum mr_verdict verdict);

/*
 * A line for each action and one for the verdict, as the command line prints them:
 *
 *	insert 0 X-Spam-Flag: YES	add X-Note: a\n b	change 1 Subject: new
 *	delete 2 X-Spam-Flag		body 312		rcpt-add a@example.org
 *	rcpt-remove a@example.org
 *	accept		reject 550 5.7.1 No	tempfail 451 4.7.1 Later	discard
 *	quarantine reason
 *
 * one each on its line. What could move a terminal is escaped: \n, \t, \r, \\, and \xNN for other
 * control characters and for what is no UTF-8.
 */
struct mr_buf;
MR_MUST_USE int mr_actions_print(const struct mr_actions *acts, struct mr_buf *out);

#endif
