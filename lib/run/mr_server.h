/*
 * mr_server: the control thread of a running program: control socket, metrics socket, signals, and
 * traced lines on their way out. One poll loop; no peer can block it: sockets do not block, each
 * connection has a bounded request, a bounded answer and a deadline, and there are few of them.
 * For mr_main.
 */
#ifndef MR_SERVER_H
#define MR_SERVER_H

#include "lib/run/mr_run.h"

#define MR_SERVER_CONTROL_MAX 16 /* control connections; one more is closed at once */
#define MR_SERVER_HTTP_MAX    8 /* metrics connections */
#define MR_SERVER_PATIENCE_MS 10000 /* for a request to come, and for a peer to read on */
#define MR_SERVER_ANSWER_MAX  2097152 /* bytes that wait for one peer */

struct mr_server;

/*
 * Bind what the settings of run name, and block and catch SIGHUP, SIGTERM and SIGINT. Once in a
 * process. MR_EINVAL: metrics_listen makes no sense, or is no loopback address; MR_EEXIST: another
 * program of this name runs; MR_ENOENT, MR_EPERM: run_dir; error says which. MR_ENOMEM.
 */
MR_MUST_USE int mr_server_open(struct mr_run *run, struct mr_server **server_out,
			       struct mr_buf *error);
/* Start the thread. MR_ETEMP. */
MR_MUST_USE int mr_server_start(struct mr_server *server);
/* End the thread, when there is one, and close all. The socket files stay: the sandbox forbids to
 * remove them, and the next start replaces them. NULL is allowed. */
void mr_server_free(struct mr_server *server);

#endif
