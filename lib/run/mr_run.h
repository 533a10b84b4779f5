/*
 * mr_run: the inside of a running program, shared by the files of lib/run that make up mr_main:
 * mr_program.c (start and end), mr_server.c (sockets and signals), mr_command.c (what an operator
 * asks). Others see mr_program.h alone.
 */
#ifndef MR_RUN_H
#define MR_RUN_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/run/mr_privs.h"
#include "lib/run/mr_program.h"
#include "lib/run/mr_trace.h"

#define MR_RUN_PATHS_MAX 16 /* folders that a program names for its sandbox, each of two lists */

/* Settings that somebody holds. */
struct mr_snapshot {
	struct mr_settings set; /* first: a pointer to it is one to the snapshot */
	unsigned holders;
};

struct mr_run_paths {
	char *path[MR_RUN_PATHS_MAX];
	size_t count;
};

struct mr_run {
	const struct mr_program *program;
	void *state;
	char *settings_path; /* NULL: there is none, all defaults */
	struct mr_metrics *metrics;
	int64_t start_ms;
	int notify_fd;
	struct mr_run_paths read, write;
	struct mr_folders *folders; /* all that Landlock lets us reach; NULL: it limits nothing */
	struct mr_account user; /* whom to become */
	bool becomes; /* false: stays who it is */
	bool opened; /* the hook open was called, so close will be */

	struct mr_snapshot *start; /* the settings that were read first: held to the end */
	pthread_mutex_t lock; /* of the next two */
	struct mr_snapshot *now;
	struct mr_trace trace;

	/* Of the control thread. */
	uint64_t reloads, reload_errors;
	bool draining, stopping;
	bool trace_logged; /* `debug trace on` */
};

/* start: settings that mr_run_init takes over (zeroed afterwards). MR_ENOMEM. */
MR_MUST_USE int mr_run_init(struct mr_run *run, const struct mr_program *program,
			    const char *settings_path, struct mr_settings *start);
void mr_run_done(struct mr_run *run);

/*
 * Read the settings anew, let the program open what depends on them, and put them in force. On an
 * error the old ones stay, and error says what was wrong. Logs, and tells systemd. On the control
 * thread, or without one.
 */
MR_MUST_USE int mr_run_reload(struct mr_run *run, struct mr_buf *error);

/* Take no more work and end; drain: what waits may still come. On the control thread. */
void mr_run_stop(struct mr_run *run, bool drain);

/* Where the program called word serves its metrics; "": nowhere. NULL: an item of the list has no "=". */
const char *mr_run_metrics_address(const struct mr_settings *set, const char *word);

#endif
