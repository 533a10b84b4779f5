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
 * mr_main reads the options (-c FILE; -d: log to stderr; -n: check the settings and exit; -u USER: in
 * place of the setting user; -V), loads the settings, blocks the signals that it handles itself,
 * binds the control socket, calls open() with the rights the program was started with, drops
 * privileges, enters the sandbox, starts the control thread, tells systemd READY=1, and calls serve()
 * on the first thread. Until serve() no outside byte is read, and nobody else starts a thread:
 * Landlock holds for the threads that come after it. Without -c and without
 * /etc/millrace/millrace.conf all settings have their defaults.
 *
 * The control thread serves run_dir/WORD.ctl (mr_control.h) and the metrics, and turns signals into
 * hooks: SIGHUP into a reload, SIGTERM and SIGINT into stop(). They are blocked in every thread, and
 * read from a signalfd. Nobody else may wait for them: libmilter does, with sigwait(3), and its
 * runner must see to that.
 *
 * Exit codes: 0; 64 usage; 78 configuration; 1 all else (sysexits).
 */
#ifndef MR_PROGRAM_H
#define MR_PROGRAM_H

#include "lib/base/mr_time.h"
#include "lib/run/mr_metrics.h"
#include "lib/run/mr_sandbox.h"
#include "lib/run/mr_settings.h"

struct mr_run; /* one running program */

struct mr_program {
	const char *name; /* "millrace-lmtpd": in the log */
	const char *word; /* "lmtpd": in settings.def, and the control socket's name */
	unsigned sandbox; /* enum mr_sandbox */
	const struct mr_metric *metrics; /* rows for mr_run_metrics(); NULL: none */
	size_t metric_count;
	/* What open() would refuse in set, told without touching anything: asked for -n, before open(),
	 * and before reload(). MR_EINVAL, with mr_run_refuse() in error. NULL: nothing. */
	int (*check)(const struct mr_settings *set, struct mr_buf *error);
	/* Bind, open, allocate, with the rights at start. < 0: the program ends, error logged. */
	int (*open)(struct mr_run *run);
	/* Work until stop(); returns when what was begun is done. On the first thread. */
	int (*serve)(struct mr_run *run);
	/* Make serve() return; or take no new work and let it return once idle (drain). May be called
	 * twice, and before serve() has begun. On the control thread. */
	void (*stop)(struct mr_run *run, bool drain);
	/* New settings were loaded: open what depends on them anew. < 0: the old ones stay, all is as
	 * before. On the control thread, while serve() goes on. NULL: nothing depends on them. */
	int (*reload)(struct mr_run *run, const struct mr_settings *next);
	/* Names of settings that open() alone reads, NULL at the end: a reload that changes one warns
	 * that it waits for the next start. NULL: none. Those of mr_main itself need no mention. */
	const char *const *fixed;
	/* After serve(); also when open() failed. */
	void (*close)(struct mr_run *run);
	/* Write lines "name value" of the program's own for the command status; NULL: none. On the
	 * control thread. */
	void (*status)(struct mr_run *run, struct mr_buf *out);
	/* Further options of the command line; see mr_main. NULL: none. */
	int (*other_main)(int argc, char **argv);
};

/*
 * Run program until it ends; what it returns is main's. At the first option that mr_main does not
 * know, program->other_main, if it is there, is called instead with all arguments (a milter's
 * -m message.eml); else it is a usage error. --help prints the usage, then calls it for its own.
 */
int mr_main(const struct mr_program *program, int argc, char **argv);

/* For check(): "SETTING: VALUE: WHY" into error; returns MR_EINVAL. */
int mr_run_refuse(struct mr_buf *error, const char *setting, const char *value, const char *why);

/* For reload(): the settings called names must stay as they are, since rights are gone. MR_EINVAL: one would not:
 * logged; refusing the whole reload is plain, half of it in force would not be. */
MR_MUST_USE int mr_run_keep(struct mr_run *run, const struct mr_settings *next,
			    const char *const *names, size_t count);

/* The program's own state. Set it in open(). */
void mr_run_set_state(struct mr_run *run, void *state);
void *mr_run_state(struct mr_run *run);

/*
 * The settings in force. They stay valid until the release, across a reload: hold them for one
 * message, not longer. Any thread.
 */
const struct mr_settings *mr_run_settings_hold(struct mr_run *run);
void mr_run_settings_release(struct mr_run *run, const struct mr_settings *set);

/*
 * For open(): what the program may read, or write and create, below path once the sandbox holds. The
 * system's own folders (/etc, /usr), those of the settings file and of each absolute path that a
 * setting of this program names are there to read already; mail_dir, the store's folder and
 * spool_dir to write, by the sets in program->sandbox. A path to write must exist when open()
 * returns. MR_ENOMEM; MR_ELIMIT: more than 16.
 */
MR_MUST_USE int mr_run_may_read(struct mr_run *run, const char *path);
MR_MUST_USE int mr_run_may_write(struct mr_run *run, const char *path);
/* For open(): give path, a socket or a folder, to the user that the program will become; nothing
 * happens when it stays who it is. */
MR_MUST_USE int mr_run_give(struct mr_run *run, const char *path);

const struct mr_clock *mr_run_clock(struct mr_run *run);
struct mr_metrics *mr_run_metrics(struct mr_run *run);

/* A line for `millrace trace` and, with `debug trace on`, for the log. Costs nothing while nobody listens:
 * check first. Any thread. */
bool mr_run_traced(struct mr_run *run);
void mr_run_trace(struct mr_run *run, const char *queue_id, const char *format, ...)
	MR_PRINTF(3, 4);

/* The version of this build, "0.1.0". */
const char *mr_version(void);

#endif
