/*
 * ask: one protocol of millrace-mapd, as an engine without a socket: requests come in one after the
 * other, each is answered with octets. Tests, fuzzers and the loop (lib/net/mr_conns.h) hand them in.
 * A program lists its protocols in one table (server.c); a line there adds one.
 *
 * Requests may be pipelined: they are answered in the order in which they came, one at a time for each
 * connection. Connections are answered at the same time, by several threads of the pool: what arg
 * refers to is shared, *state is not.
 */
#ifndef ASK_H
#define ASK_H

#include "lib/base/mr_buf.h"
#include "lib/base/mr_span.h"

struct mr_ask {
	const char *word; /* "map", "policy", "dict": in logs and metrics */
	size_t request_max; /* octets of a request; one that is longer closes the connection */
	/*
	 * Length of the first request in input, its ending included; 0 in *len_out: it is not whole yet.
	 * MR_EINVAL: this is not the protocol: the connection is closed. On the loop, so it blocks on
	 * nothing, and looks at each octet a bounded number of times.
	 */
	int (*frame)(struct mr_span input, size_t *len_out);
	/*
	 * Answer one request: append to reply, or nothing where the protocol has no answer. May block on
	 * the store. *state is the connection's own, NULL at first. Other than 0: close the connection
	 * once reply is sent.
	 */
	int (*answer)(void *arg, void **state, struct mr_span request, struct mr_buf *reply);
	/* The connection is over: release what answer() left in *state. NULL: nothing ever is. */
	void (*forget)(void *arg, void *state);
	void *arg;
};

#endif
