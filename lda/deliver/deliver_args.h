/*
 * deliver_args: the command line of millrace-deliver, and how its end is told to the MTA. Sender and
 * recipient come from outside: a value is whatever stands behind its option, never an option itself,
 * however it begins.
 */
#ifndef DELIVER_ARGS_H
#define DELIVER_ARGS_H

#include "lib/net/mr_smtp.h"

/* sysexits(3), as pipe(8) and sendmail read them. */
enum mr_exit {
	MR_EXIT_OK = 0,
	MR_EXIT_USAGE = 64,
	MR_EXIT_NOUSER = 67,
	MR_EXIT_UNAVAILABLE = 69,
	MR_EXIT_TEMPFAIL = 75,
	MR_EXIT_NOPERM = 77,
	MR_EXIT_CONFIG = 78,
};

/* What is asked. Help and version end with 0, which an MTA takes for "delivered": so only for one word
 * that stands alone, and never where a message could be meant. */
enum mr_deliver_ask { MR_DELIVER_MESSAGE, MR_DELIVER_HELP, MR_DELIVER_VERSION };

struct mr_deliver_args {
	const char *config; /* NULL: the default one */
	const char *socket; /* NULL: the first of lmtp_listen */
	int64_t timeout_ms; /* for all of it */
	struct mr_smtp_path from, to;
	struct mr_span queue_id; /* may be empty */
	enum mr_deliver_ask ask;
};

#define MR_DELIVER_TIMEOUT_S 900 /* less than pipe(8)'s command_time_limit, 1000 s */

/*
 * Read argv into args, its spans in arena. Returns 0; MR_EINVAL: usage; MR_ESYNTAX: an address
 * that cannot be (error says which); MR_ENOMEM. A queue id that cannot be is left out.
 */
MR_MUST_USE int mr_deliver_args(int argc, char **argv, struct mr_arena *arena,
				struct mr_deliver_args *args_out, const char **error_out);

/* What the MTA is told for an error of mr_deliver_args(): an address that cannot be is 64, for good; a
 * wrong option, which an operator mends, or no memory, is 75: the mail waits. */
int mr_deliver_args_exit(int err);

/* What the MTA is told for a reply: 2xx 0, 4xx 75, 5.1.1 67 (no user), 5.7.x 77, else 69. */
int mr_deliver_exit(const struct mr_smtp_reply *reply);

#endif
