/*
 * mr_listen: a listening stream socket from a setting: "unix:PATH", "inet:ADDRESS:PORT",
 * "inet:[ADDRESS]:PORT" with IPv6. Addresses are numbers, or "localhost", which is 127.0.0.1: a name
 * server must not decide where we listen. At start, before threads.
 */
#ifndef MR_LISTEN_H
#define MR_LISTEN_H

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/types.h>

#include "lib/base/mr_buf.h"

struct mr_where {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage room;
	} addr;
	socklen_t len;
};

/* What where says. MR_EINVAL: neither of the forms (error, if not NULL, says so). */
MR_MUST_USE int mr_listen_parse(const char *where, struct mr_where *addr_out, struct mr_buf *error);

/* 127.0.0.0/8, ::1, or a unix socket. */
bool mr_listen_loopback(const struct mr_where *addr);

/*
 * Bind and listen; the descriptor is non-blocking and close-on-exec. mode: rights of a unix socket.
 * A socket file that nobody answers on is replaced. MR_EINVAL: see above; MR_EEXIST: another process
 * listens there, or the path is no socket; MR_EPERM, MR_ENOENT (no folder), MR_ETEMP.
 */
MR_MUST_USE int mr_listen_open(const struct mr_where *addr, mode_t mode, int *fd_out);

/* Both, and error says what failed. loopback_only: MR_EINVAL for any other address. */
MR_MUST_USE int mr_listen(const char *where, mode_t mode, bool loopback_only, int *fd_out,
			  struct mr_buf *error);

/* Accept one connection, non-blocking and close-on-exec. MR_EAGAIN: none; MR_ETEMP: no descriptors,
 * among others. */
MR_MUST_USE int mr_accept(int listen_fd, int *fd_out);

/* Connect a stream socket, waiting (unix sockets do not keep one waiting long). */
MR_MUST_USE int mr_connect_unix(const char *path, int *fd_out);

#endif
