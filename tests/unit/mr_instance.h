/*
 * mr_instance: for tests: a real program, in a forked child, with its settings and its control socket
 * in a folder of its own.
 */
#ifndef MR_INSTANCE_H
#define MR_INSTANCE_H

#include <sys/types.h>

#include "lib/run/mr_program.h"
#include "tests/unit/mr_test.h"

struct mr_instance {
	char dir[MR_PATH_MAX], settings[MR_PATH_MAX], control[MR_PATH_MAX];
	pid_t pid;
};

/* Write dir/millrace.conf: run_dir, and then more. */
bool mr_instance_settings(struct mr_instance *in, const char *more);
/* Start "program -d -c dir/millrace.conf", log to dir/log; wait until it answers. False: it does not;
 * its exit code is what mr_instance_end() returns. option: one argument more, or NULL. */
bool mr_instance_start(struct mr_t *t, struct mr_instance *in, const struct mr_program *program,
		       const char *more, const char *option);
/* The same in the folder that is there already, with its settings. */
bool mr_instance_launch(struct mr_instance *in, const struct mr_program *program,
			const char *option);
/* Wait for its end, ten seconds at most, then kill it. Its exit code, or minus the signal's number. */
int mr_instance_end(struct mr_instance *in);
/* Ask its control socket; all lines go to answer, each with LF. As mr_control_ask. */
int mr_instance_ask(struct mr_instance *in, const char *command, struct mr_buf *answer,
		    struct mr_buf *error);
/* Its log has text, now or within five seconds. */
bool mr_instance_logs(struct mr_instance *in, const char *text);

#endif
