/*
 * mr_milter_proc: a milter as a process of its own, for tests: note_milter (tests/fake) with its
 * settings in a folder of the test.
 */
#ifndef MR_MILTER_PROC_H
#define MR_MILTER_PROC_H

#include <sys/types.h>

#include "lib/base/mr_buf.h"
#include "tests/unit/mr_test.h"

struct mr_milter_proc {
	pid_t pid;
	char dir[MR_PATH_MAX]; /* run_dir and spool_dir */
	char socket[MR_PATH_MAX]; /* as a setting has it */
	char config[MR_PATH_MAX];
	char log[MR_PATH_MAX];
};

/* Write the settings: the socket ("" for unix:DIR/s) and more lines, and start. stage: of
 * NOTE_STAGE, or NULL. */
void mr_milter_proc_start(struct mr_t *t, struct mr_milter_proc *p, const char *dir,
			  const char *socket, const char *more, const char *stage);
/* Start it again, with the settings that are there. */
void mr_milter_proc_restart(struct mr_milter_proc *p);
void mr_milter_proc_settings(struct mr_milter_proc *p, const char *more);
/* Wait for its end, at most 15 s; its exit code, or -1: a signal ended it, or it did not end. */
int mr_milter_proc_wait(struct mr_milter_proc *p);
/* SIGTERM, and wait. */
int mr_milter_proc_stop(struct mr_milter_proc *p);
/* One command at the control socket; the answer's lines go to stderr on trouble. 0, or an error. */
int mr_milter_proc_ask(struct mr_milter_proc *p, const char *command, struct mr_buf *answer);
/* The end of its log to stderr, for a test that failed. */
void mr_milter_proc_show(struct mr_milter_proc *p);
/* How often text is in the log. */
int mr_milter_proc_logged(struct mr_milter_proc *p, const char *text);

#endif
