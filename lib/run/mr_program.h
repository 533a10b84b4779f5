/*
 * mr_program: the common main() of every daemon. A daemon is this table and its hooks:
 *
 *	int main(int argc, char **argv)
 *	{
 *		static const struct mr_program lmtpd = {
 *			.name = "millrace-lmtpd",
 *			.word = "lmtpd",
 *			.sandbox = MR_SANDBOX_NET | MR_SANDBOX_MAIL,
 *			.open = lmtpd_open,
 *			.serve = lmtpd_serve,
 *			.stop = lmtpd_stop,
 *		};
 *		return mr_main(&lmtpd, argc, argv);
 *	}
 *
 * mr_main reads the options (-c FILE, -d: log to stderr, -n: check the settings and exit, -V), loads
 * the settings, blocks the signals that it handles itself, calls open() with the rights the program
 * was started with, drops privileges, enters the sandbox, starts the control thread, tells systemd
 * READY=1, and calls serve() on the first thread. Until serve() no outside byte is read.
 *
 * The control thread serves run_dir/WORD.ctl and the metrics, and turns signals into hooks: SIGHUP
 * into a reload, SIGTERM and SIGINT into stop(). Exit codes: 0; 64 usage; 78 configuration; 1 all
 * else (sysexits).
 */
#ifndef MR_PROGRAM_H
#define MR_PROGRAM_H

#include "lib/base/mr_time.h"
#include "lib/run/mr_metrics.h"
#include "lib/run/mr_sandbox.h"
#include "lib/run/mr_settings.h"

struct mr_run; /* one running program */

struct mr_program {
	const char *name;  /* "millrace-lmtpd": in the log */
	const char *word;  /* "lmtpd": in settings.def, and the control socket's name */
	unsigned sandbox;  /* enum mr_sandbox */
	const struct mr_metric *metrics; /* rows of mr_run_metrics(); NULL: none */
	size_t metric_count;
	/* Bind, open, allocate, with the rights at start. < 0: the program ends, error logged. */
	int (*open)(struct mr_run *run);
	/* Work until stop(); returns when what was begun is done. On the first thread. */
	int (*serve)(struct mr_run *run);
	/* Make serve() return; or take no new work and let it return once idle (drain). May be called
	 * twice. On the control thread. */
	void (*stop)(struct mr_run *run, bool drain);
	/* New settings were loaded: open what depends on them anew. < 0: the old ones stay, all is as
	 * before. On the control thread, while serve() goes on. NULL: nothing depends on them. */
	int (*reload)(struct mr_run *run, const struct mr_settings *next);
	/* After serve(). */
	void (*close)(struct mr_run *run);
	/* Write lines "name value" of the program's own for the command status; NULL: none. */
	void (*status)(struct mr_run *run, struct mr_buf *out);
	/* Further options of the command line; see mr_main. NULL: none. */
	int (*other_main)(int argc, char **argv);
};

/*
 * Run program until it ends; what it returns is main's. When argv[1] is an option that mr_main does
 * not know and program->other_main is there, that is called instead with all arguments (a milter's
 * -m message.eml).
 */
int mr_main(const struct mr_program *program, int argc, char **argv);

/* The program's own state. Set it in open(). */
void mr_run_set_state(struct mr_run *run, void *state);
void *mr_run_state(struct mr_run *run);

/*
 * The settings in force. They stay valid until the release, across a reload: hold them for one
 * message, not longer. Any thread.
 */
const struct mr_settings *mr_run_settings_hold(struct mr_run *run);
void mr_run_settings_release(struct mr_run *run, const struct mr_settings *set);

const struct mr_clock *mr_run_clock(struct mr_run *run);
struct mr_metrics *mr_run_metrics(struct mr_run *run);

/* A line for `millrace trace` and, with debug on, for the log. Costs nothing while nobody listens:
 * check first. Any thread. */
bool mr_run_traced(struct mr_run *run);
void mr_run_trace(struct mr_run *run, const char *queue_id, const char *format, ...)
	MR_PRINTF(3, 4);

/* The version of this build, "0.1.0". */
const char *mr_version(void);

#endif
