/*
 * mr_stage: a milter's logic. A stage reads an envelope and a parsed message and returns actions; it
 * reaches the world only through its context. Four runners carry the same stage: libmilter
 * (mr_milter.h), the command line on an .eml file, unit tests, and the fuzzer.
 *
 * The hooks of one message may run on different threads, one at a time; hooks of different
 * messages run at once. So a stage keeps nothing of a message but what it puts into ctx->memo.
 */
#ifndef MR_STAGE_H
#define MR_STAGE_H

#include "lib/base/mr_random.h"
#include "lib/mail/mr_msg.h"
#include "lib/run/mr_actions.h"
#include "lib/run/mr_program.h"

enum mr_need {
	MR_NEED_BODY = 1u << 0, /* else the MTA is told not to send it, and mail->msg is a header */
};

/* Who sends to whom. Spans live as long as the message; those that the MTA did not tell are empty. */
struct mr_envelope {
	struct mr_span queue_id; /* Postfix: empty before DATA */
	struct mr_span client_addr; /* "192.0.2.1", "2001:db8::1"; empty: local submission */
	struct mr_span client_name; /* as the MTA verified it; "unknown" */
	struct mr_span helo;
	struct mr_span mail_from; /* without <>; empty: the null sender */
	struct mr_span auth_user; /* {auth_authen}: the client authenticated as */
	struct mr_span tls_version, tls_cipher;
	struct mr_span daemon_name; /* {daemon_name} */
	struct mr_span mta_name; /* {j}: the MTA's host name */
	const struct mr_span *rcpt; /* without <>, in order */
	size_t rcpt_count;
	bool smtputf8; /* RFC 6531 */
};

struct mr_mail {
	const struct mr_envelope *env;
	const struct mr_msg *msg; /* as it reached this stage: earlier milters' changes are in it */
};

/* The world of one message. */
struct mr_ctx {
	const struct mr_settings *set;
	struct mr_clock clock;
	struct mr_arena *arena; /* of this message */
	void *state; /* what open() made; shared by all messages: read it only */
	void *memo; /* of this message, from the stage, in arena; NULL at first */
	struct mr_metrics *metrics;
	struct mr_run *run; /* for trace; NULL in tests and on the command line */
};

struct mr_stage {
	const char *name; /* "spam": also its word in settings.def */
	unsigned needs; /* enum mr_need */
	unsigned may; /* enum mr_may: the runner asserts it */
	unsigned sandbox; /* enum mr_sandbox, beyond what a milter needs anyway */
	const struct mr_metric *metrics;
	size_t metric_count;
	/* What open() would refuse in set, told without touching anything (mr_program.h). NULL:
	 * nothing. */
	int (*check)(const struct mr_settings *set, struct mr_buf *error);
	/* At start, and again at each reload: read files, open the store. NULL: no state. */
	int (*open)(const struct mr_settings *set, void **state_out);
	/* The last message that used state is done. */
	void (*close)(void *state);
	/*
	 * Each may be NULL. An error: see failed. What they put into acts is applied at the end of the
	 * message. connect: for each message, when its sender is known (MAIL), so before the first
	 * recipient; env has no recipients yet, and with Postfix no queue id.
	 */
	int (*connect)(struct mr_ctx *ctx, const struct mr_envelope *env, struct mr_actions *acts);
	/* A verdict here is about rcpt alone: the MTA refuses it, and env has it no more. */
	int (*rcpt)(struct mr_ctx *ctx, const struct mr_envelope *env, struct mr_span rcpt,
		    struct mr_actions *acts);
	int (*message)(struct mr_ctx *ctx, const struct mr_mail *mail, struct mr_actions *acts);
	/* A hook returned err, or the message could not be kept (MR_ENOMEM, or what the file system
	 * says; mail->msg is its whole header, or NULL where there was no memory to parse it) or is
	 * larger than message_size_max (MR_ELIMIT; mail->msg is its header alone). Where not even the
	 * header could be kept, the runner tempfails without asking. acts is empty. Called at the end of the message. NULL, or an error again: the message is tempfailed
	 * (451 4.7.1). */
	int (*failed)(struct mr_ctx *ctx, const struct mr_mail *mail, int err,
		      struct mr_actions *acts);
};

#endif
