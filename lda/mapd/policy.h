/*
 * policy: Postfix's policy delegation protocol (SMTPD_POLICY_README), as a protocol of ask.h. A request is lines
 * "name=value", each ending in LF, and an empty line; the answer is "action=ACTION" and an empty line. Of what
 * Postfix says we look at protocol_state, sasl_username, sender, recipient, recipient_count, size and instance.
 *
 *	RCPT			mail to a full mailbox is refused; of an account it is asked whether it is
 *				over its send limits already
 *	DATA, END-OF-MESSAGE	the message of an account is counted, or refused: once, when both are asked
 *	anything else		DUNNO
 *
 * What is not of the protocol gets no answer, and the connection is closed, as the README wants it.
 */
#ifndef POLICY_H
#define POLICY_H

#include "lda/mapd/limit.h"

#define MR_POLICY_REQUEST_MAX    65536 /* octets; Postfix sends at most some 2,000 of each attribute */
#define MR_POLICY_ATTRIBUTES_MAX 200
#define MR_POLICY_INSTANCE_MAX   128

enum mr_policy_state { MR_POLICY_OTHER, MR_POLICY_RCPT, MR_POLICY_DATA };

struct mr_policy_request {
	enum mr_policy_state state;
	struct mr_span account, sender, recipient, instance; /* empty: not said */
	int64_t recipients, size; /* 0: not said */
};

/* As ask.h has it. */
MR_MUST_USE int mr_policy_frame(struct mr_span input, size_t *len_out);
/* Read a whole request. Of a name that comes twice the first counts. MR_ESYNTAX: it is none; MR_ELIMIT: more
 * attributes than MR_POLICY_ATTRIBUTES_MAX, or a number that is too large. */
MR_MUST_USE int mr_policy_parse(struct mr_span request, struct mr_policy_request *request_out);

/* The message that a connection asked about last: Postfix may ask at DATA and at its end. */
struct mr_policy_memory {
	char instance[MR_POLICY_INSTANCE_MAX + 1];
};

/* What is to be said to request; memory is the connection's own. */
void mr_policy_decide(const struct mr_limit_table *table, const struct mr_settings *set,
		      const struct mr_policy_request *request, struct mr_policy_memory *memory,
		      struct mr_arena *arena, struct mr_limit_verdict *verdict_out);
/* Append the answer. */
int mr_policy_reply(const struct mr_limit_verdict *verdict, struct mr_buf *reply);

/*
 * The same for sendmail, as the map "policy" of map.h. A key is
 *
 *	auth:ACCOUNT		$&{auth_authen} in check_rcpt: is it over already?
 *	rcpt:ADDRESS		the recipient in check_rcpt: is the mailbox full?
 *	null:ADDRESS		the same for mail without a sender
 *	data:COUNT:ACCOUNT	in check_data: a message to so many recipients is counted
 *
 * ACCOUNT is in xtext (RFC 3461 4), as the macro is. MR_ESYNTAX: none of these.
 */
MR_MUST_USE int mr_policy_key(const struct mr_limit_table *table, const struct mr_settings *set,
			      struct mr_span key, struct mr_arena *arena,
			      struct mr_limit_verdict *verdict_out);
/* Append "ERROR:4.7.1:450 Too many messages": what the map's data is where there is a code. */
int mr_policy_data(const struct mr_limit_verdict *verdict, struct mr_buf *data);

#endif
