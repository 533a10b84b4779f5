/*
 * server: millrace-mapd as a program: the sockets of all protocols (protocols.h) on one loop (lib/net/mr_conns.h), and
 * threads that wait for the store.
 */
#ifndef SERVER_H
#define SERVER_H

#include "lib/run/mr_program.h"

extern const struct mr_metric mr_mapd_metrics[];
extern const size_t mr_mapd_metric_count;

/* Hooks of struct mr_program; each does what is said there. */
int mr_mapd_check(const struct mr_settings *set, struct mr_buf *error);
int mr_mapd_open(struct mr_run *run);
int mr_mapd_serve(struct mr_run *run);
void mr_mapd_stop(struct mr_run *run, bool drain);
int mr_mapd_reload(struct mr_run *run, const struct mr_settings *next);
void mr_mapd_close(struct mr_run *run);
void mr_mapd_status(struct mr_run *run, struct mr_buf *out);

/* A message, or a recipient, was refused for a send limit. Any thread. */
void mr_mapd_count_over(struct mr_run *run);

#endif
