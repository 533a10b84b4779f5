/*
 * protocols: what millrace-mapd speaks. One row of the table adds a protocol: its engine (ask.h), and how it is
 * opened. One that no setting gives a socket is not opened.
 */
#ifndef PROTOCOLS_H
#define PROTOCOLS_H

#include "lda/mapd/ask.h"
#include "lib/run/mr_program.h"

struct mr_protocol {
	const char *word; /* "map" */
	/* Its list of sockets among the settings, "map_listen". */
	const char *listen_name;
	size_t listen_offset;
	/* What check() of mr_program.h does, for its own settings. NULL: nothing. */
	int (*check)(const struct mr_settings *set, struct mr_buf *error);
	/* Open what it answers from, and fill ask_out; its arg is what close() gets. As open() of mr_program.h: < 0 is
	 * logged, and close() is called with arg even then, if it was set. */
	int (*open)(struct mr_run *run, const struct mr_settings *set, struct mr_ask *ask_out);
	void (*close)(void *arg);
	/* Before the first request, with the rights that are left. NULL: nothing. */
	void (*start)(void *arg);
};

extern const struct mr_protocol mr_protocols[];
extern const size_t mr_protocol_count;

#define MR_PROTOCOLS_MAX 3 /* the metrics have a row for each */

/* map_open.c: the engine of map.h on the store. */
int mr_map_check(const struct mr_settings *set, struct mr_buf *error);
int mr_map_open(struct mr_run *run, const struct mr_settings *set, struct mr_ask *ask_out);
void mr_map_start(void *arg);
void mr_map_close(void *arg);

/* policy_open.c: the engine of policy.h on the store. */
int mr_policy_check(const struct mr_settings *set, struct mr_buf *error);
int mr_policy_open(struct mr_run *run, const struct mr_settings *set, struct mr_ask *ask_out);
void mr_policy_start(void *arg);
void mr_policy_close(void *arg);
/* dict_open.c: the engine of dict.h on the store. */
int mr_dict_open(struct mr_run *run, const struct mr_settings *set, struct mr_ask *ask_out);
void mr_dict_close(void *arg);

#endif
