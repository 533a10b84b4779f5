/*
 * mr_milter_priv: what the files of the libmilter runner share. For lib/run/mr_milter*.c alone.
 *
 * libmilter is one per process, with callbacks that have no argument of ours, so the daemon is one
 * static struct. Callbacks of one session run on different threads, one at a time, with libmilter's
 * lock between them; callbacks of different sessions run at once. So a struct mr_session needs no
 * lock, and nothing is kept per thread.
 */
#ifndef MR_MILTER_PRIV_H
#define MR_MILTER_PRIV_H

#include <libmilter/mfapi.h>
#include <pthread.h>
#include <sys/types.h>

#include "lib/run/mr_milter.h"
#include "lib/run/mr_spool.h"

/*
 * Settings, and what the stage made of them. Each message keeps the generation that it began with;
 * one that a reload replaced is closed when its last message ends.
 */
struct mr_generation {
	const struct mr_settings *set;
	void *state;
	bool held; /* set is held by us: mr_run_settings_hold() */
	size_t refs; /* messages, and one for being the current one */
};

struct mr_daemon {
	const struct mr_milter *milter;
	struct mr_run *run;
	struct mr_metrics *metrics;

	pthread_mutex_t lock; /* for what follows, up to the empty line */
	pthread_cond_t changed;
	struct mr_generation *current;
	size_t sessions; /* open connections */
	size_t busy; /* callbacks at work that use more than their session */
	bool stopping, draining, failed;
	struct mr_session *left; /* closed while stopping: neither used nor freed any more */

	int listen_fd, silent_fd;
	char socket_path[MR_PATH_MAX]; /* of a unix socket, else empty */
	dev_t socket_dev;
	ino_t socket_ino;
};
extern struct mr_daemon mr_daemon;

/* -- mr_milter_generation.c: all take the lock themselves ---------------------------------- */

/* Open the stage with set, which is about to be in force, and make it the current generation. An
 * error of the stage leaves everything as it was. */
MR_MUST_USE int mr_generation_next(const struct mr_settings *set);
struct mr_generation *mr_generation_hold(void);
void mr_generation_release(struct mr_generation *gen);
/* The end: close the current one if no message uses it. */
void mr_generation_close(void);

/* A callback that uses the daemon is about to work. False: the program stops, answer 4xx. */
bool mr_daemon_enter(void);
void mr_daemon_leave(void);

/* -- mr_milter_session.c ------------------------------------------------------------------- */

/* One message under way. */
struct mr_message {
	struct mr_generation *gen;
	struct mr_ctx ctx;
	struct mr_envelope env;
	struct mr_actions acts;
	struct mr_spool spool;
	struct mr_span *rcpt; /* what env.rcpt points to */
	size_t rcpt_room;
	uint64_t header_size; /* bytes of the spool that are header, with the empty line */
	uint64_t size; /* bytes that the MTA sent, stored or not */
	int64_t busy_us; /* spent in the stage */
	bool in_body;
	bool header_whole; /* the spool took all of the header */
	int err; /* why it cannot be read, or 0 */
};

/*
 * One connection. What an idle one costs is this struct and its three strings; a message brings its
 * arena and takes it away again.
 */
struct mr_session {
	char *client_addr, *client_name, *helo;
	bool leading_blank; /* values come, and are taken, with the blank after the colon */
	struct mr_session *between; /* what libmilter keeps for us when this session has ended */
	struct mr_message *message; /* NULL between messages */
	struct mr_session *next_left;
};

/* NULL: out of memory. */
MR_MUST_USE struct mr_session *mr_session_new(void);
void mr_session_free(struct mr_session *s);
/* Replace a string of the session; text may be NULL. */
MR_MUST_USE int mr_session_set(char **string, const char *text);

/* Begin a message (ending one that is left over). MR_ENOMEM. */
MR_MUST_USE int mr_message_begin(struct mr_session *s);
/* End it, if there is one, and give everything back. */
void mr_message_end(struct mr_session *s);
/* A copy of text (NULL: empty) in the message's arena; out of memory is noted in its err. */
struct mr_span mr_message_text(struct mr_message *m, const char *text);
/* An address without <>. */
struct mr_span mr_message_address(struct mr_message *m, const char *path);
void mr_message_rcpt(struct mr_message *m, struct mr_span rcpt);
void mr_message_field(struct mr_message *m, const char *name, const char *blank, const char *value);
/* The header is complete. */
void mr_message_eoh(struct mr_message *m);
void mr_message_body(struct mr_message *m, struct mr_span piece);
/* Let the stage decide. */
void mr_message_decide(struct mr_message *m);
/* Log what became of it, and count. */
void mr_message_log(struct mr_message *m);

/* -- mr_milter_apply.c --------------------------------------------------------------------- */

/* Tell the MTA all actions. MR_ETEMP: libmilter refused one, or the MTA is gone. */
MR_MUST_USE int mr_apply_actions(SMFICTX *ctx, const struct mr_session *s,
				 const struct mr_message *m);
/* What a callback returns for the verdict; sets the reply. */
sfsistat mr_apply_verdict(SMFICTX *ctx, const struct mr_actions *acts);

/* -- mr_milter_calls.c --------------------------------------------------------------------- */

/* Tell libmilter about us. MR_ETEMP. */
MR_MUST_USE int mr_calls_register(const struct mr_milter *milter);

/* -- mr_milter_socket.c -------------------------------------------------------------------- */

/* What mr_socket_open() and libmilter would refuse, seen without a lookup. See check() in
 * mr_program.h. */
MR_MUST_USE int mr_socket_check(const struct mr_milter *milter, const struct mr_settings *set,
				struct mr_buf *error);
/* Bind the socket of the settings; the daemon's listen_fd and socket_path are set. Logs what is
 * wrong. MR_EEXIST: another program answers there; MR_EINVAL: no such form; MR_ETEMP. */
MR_MUST_USE int mr_socket_open(const struct mr_settings *set);
/* Take no new connections; those that are open go on. */
void mr_socket_close(void);

/* -- mr_milter_metrics.c ------------------------------------------------------------------- */

/* Rows of the runtime: they stand behind those of the stage, which count from 0. */
enum mr_milter_metric {
	MR_MILTER_MESSAGES, /* one row for each verdict, in the order of enum mr_verdict */
	MR_MILTER_ERRORS = MR_MILTER_MESSAGES + MR_VERDICT_QUARANTINE + 1,
	MR_MILTER_SECONDS,
	MR_MILTER_SESSIONS,
	MR_MILTER_METRICS,
};
/* All rows of the program; static. */
const struct mr_metric *mr_milter_metrics(const struct mr_stage *stage, size_t *count_out);
void mr_milter_count(enum mr_milter_metric row, int64_t n);
void mr_milter_observe_us(enum mr_milter_metric row, int64_t us);

/* -- mr_milter_cli.c ----------------------------------------------------------------------- */

/* The command line, one message by hand. main's value. */
int mr_milter_cli(const struct mr_milter *milter, int argc, char **argv);

#endif
