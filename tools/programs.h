/*
 * programs: the running programs, found by their control sockets in run_dir.
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include "lib/run/mr_control.h"
#include "tools/commands.h"

#define PROGRAMS_MAX 32

struct program_list {
	char word[PROGRAMS_MAX][MR_CONTROL_WORD_MAX + 1]; /* in order of name */
	size_t count;
};

/* All of them, or the one called word (which need not run); none where there is no run_dir. Says on
 * standard error what is wrong, also that there is none. MR_ENOENT, MR_EPERM, ... */
MR_MUST_USE int programs_find(const struct cli *cli, const char *word,
			      struct program_list *list_out);

/* Ask one. As mr_control_ask(), with what went wrong said on standard error; a program that is not
 * there is MR_ENOENT. */
MR_MUST_USE int programs_ask(const struct cli *cli, const char *word, const char *command,
			     int timeout_ms, mr_control_sink *sink, void *arg);

#endif
