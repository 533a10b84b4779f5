/*
 * mr_notify: tell the supervisor what became of us: systemd's protocol (sd_notify(3)), one datagram
 * to the socket that NOTIFY_SOCKET names; a name that begins with "@" is abstract. For mr_main; one
 * thread at a time. Without NOTIFY_SOCKET nothing happens.
 */
#ifndef MR_NOTIFY_H
#define MR_NOTIFY_H

#include "lib/base/mr_def.h"

/*
 * A descriptor connected to the socket called name, NULL for the environment's NOTIFY_SOCKET, which
 * is then removed, so that nobody below us speaks for us. Opened before the sandbox, which forbids
 * connect(). -1: none, or not reachable: that is no reason not to work.
 */
int mr_notify_open(const char *name);

/* Send lines "READY=1"; fd may be -1. What cannot be sent is lost: the supervisor has its time-out. */
void mr_notify(int fd, const char *lines);
/* RELOADING=1 with the time that systemd asks for (Type=notify-reload); READY=1 must follow. */
void mr_notify_reloading(int fd);

#endif
