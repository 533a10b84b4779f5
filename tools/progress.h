/*
 * progress: a bar on standard error while a command works for long; nothing where that is no
 * terminal. One thread.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "lib/base/mr_def.h"

struct progress {
	const char *what; /* "learning" */
	bool on; /* private from here */
	int64_t next_ms;
};

void progress_start(struct progress *p, const char *what);
/* done of all; cheap: draws at most ten times a second. */
void progress_show(struct progress *p, size_t done, size_t all);
/* Wipe the bar. */
void progress_end(struct progress *p);

#endif
