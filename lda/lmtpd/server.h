/*
 * server: the loop of millrace-lmtpd: sockets, timers, and the pool that stores. One loop moves the
 * bytes of all connections, which costs little; lmtp_workers threads wait for the disk. While one
 * works for a connection, that connection is not read.
 */
#ifndef SERVER_H
#define SERVER_H

#include "lib/run/mr_program.h"

extern const struct mr_metric mr_lmtpd_metrics[];
extern const size_t mr_lmtpd_metric_count;

/* Hooks of struct mr_program; each does what is said there. */
int mr_lmtpd_check(const struct mr_settings *set, struct mr_buf *error);
int mr_lmtpd_open(struct mr_run *run);
int mr_lmtpd_serve(struct mr_run *run);
void mr_lmtpd_stop(struct mr_run *run, bool drain);
int mr_lmtpd_reload(struct mr_run *run, const struct mr_settings *next);
void mr_lmtpd_close(struct mr_run *run);
void mr_lmtpd_status(struct mr_run *run, struct mr_buf *out);

#endif
