/*
 * mr_sock: stream sockets by the names that settings give them:
 *
 *	unix:PATH		a socket in the file system
 *	inet:ADDRESS:PORT	an IPv4 address, an IPv6 address in brackets, or "localhost"
 *
 * No names are looked up. Descriptors are close-on-exec; those that accept() gives do not block.
 * Over TCP small writes go out at once (TCP_NODELAY).
 */
#ifndef MR_SOCK_H
#define MR_SOCK_H

#include <sys/types.h>

#include "lib/base/mr_span.h"

/*
 * Listen, not blocking. mode: rights of a unix socket, "0660" as a number; a path that is there is
 * replaced if it is a socket that nobody answers on. MR_EINVAL: no such form; MR_EEXIST: somebody
 * listens there, or the path is something else; MR_EPERM, MR_ENOENT: its folder; MR_ELIMIT: path too
 * long; MR_ETEMP.
 */
MR_MUST_USE int mr_sock_listen(const char *name, mode_t mode, int *fd_out);

/* 1: name is a unix socket or a loopback address (127.0.0.0/8, ::1); 0: it is another; MR_EINVAL,
 * MR_ELIMIT. */
MR_MUST_USE int mr_sock_is_local(const char *name);

/* The next connection; MR_EAGAIN: none waits; MR_ELIMIT: no descriptors are left; MR_ETEMP. */
MR_MUST_USE int mr_sock_accept(int listen_fd, int *fd_out);

/* Connect, for timeout_ms at most, then not blocking. MR_EINVAL, MR_ELIMIT as above; MR_ENOENT: nobody
 * listens there; MR_EPERM: the rights of a unix socket or its folder; all else is MR_ETEMP. Delivery
 * code takes each for temporary: an operator mends it. */
MR_MUST_USE int mr_sock_connect(const char *name, int64_t timeout_ms, int *fd_out);

/* An octal number of rights, "0660", up to 0777. MR_EINVAL. */
MR_MUST_USE int mr_sock_mode(const char *text, mode_t *mode_out);

#endif
