/*
 * mr_milter: what carries a stage. main.c of a milter is one call.
 *
 *	millrace-spam [-c FILE] [-d]           the daemon, on libmilter
 *	millrace-spam -m FILE.eml [-c FILE] [--ip A] [--name HOST] [--helo H] [--from A]
 *	              [--rcpt A]... [--auth USER] [--queue-id ID] [-w]
 *	                                       one message by hand: prints the actions, or with -w
 *	                                       the edited message; "-m -" reads standard input
 *
 * Exit codes of -m: 0 accepted, 2 rejected, 3 tempfailed, 4 discarded, 5 quarantined; 1 the message
 * could not be read, or the stage not be opened; 64 usage; 78 configuration. With -w a message that
 * was not accepted is not written; standard error has the verdict.
 *
 * Ending: at SIGTERM no new connection is taken, messages whose end was reached get their answer,
 * and the process ends; the MTA tries the others again, if its default action is to tempfail. A
 * drain waits until the MTAs have closed their connections by themselves. A reload touches no
 * connection: each message ends with the settings and the state that it began with.
 *
 * Limits: a field of 1 MiB; a message of message_size_max. What is longer reaches the stage as its
 * header (MR_ELIMIT). libmilter's own log lines go to syslog.
 */
#ifndef MR_MILTER_H
#define MR_MILTER_H

#include "lib/run/mr_stage.h"

/* A milter of one stage. listen: which setting names its socket. Returns main's value. The socket is
 * unix:PATH, local:PATH, /PATH, inet:PORT[@HOST] or inet6:PORT[@HOST]; ports are numbers. */
struct mr_milter {
	const struct mr_stage *stage;
	const char *name; /* "millrace-spam" */
	const char *(*listen)(const struct mr_settings *set); /* its socket */
	const char *(*socket_mode)(const struct mr_settings *set); /* its rights */
	const char *listen_setting, *socket_mode_setting; /* their names, for errors */
};
int mr_milter_main(const struct mr_milter *milter, int argc, char **argv);

/*
 * Run the hooks of stage over one message, as every runner does: connect, rcpt for each recipient,
 * message (or failed). raw is parsed here. Returns 0 with *acts_out, all of it in ctx->arena; an
 * error of the stage has become a tempfail. The first hook with a verdict other than to accept ends
 * the run. A stage that needs no body gets the header alone, as from an MTA.
 */
MR_MUST_USE int mr_stage_run(const struct mr_stage *stage, struct mr_ctx *ctx,
			     const struct mr_envelope *env, struct mr_span raw,
			     struct mr_actions *acts_out);

/* The message as the MTA would have it after acts; in ctx->arena. MR_ENOMEM, MR_ELIMIT. */
MR_MUST_USE int mr_actions_apply(const struct mr_actions *acts, struct mr_span raw,
				 struct mr_arena *arena, struct mr_span *edited_out);

#endif
