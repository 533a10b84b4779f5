/*
 * wake: whoever watches mailboxes is told of a delivery, by a datagram (docs/WAKE.md), so that he need
 * not look again and again: the IMAP proxy, for IDLE and push. It is a hint: one that is lost costs a
 * watcher time, never mail, so nothing here waits, is tried again, or changes an answer.
 *
 * Any thread.
 */
#ifndef WAKE_H
#define WAKE_H

#include <stdatomic.h>

#include "lib/base/mr_span.h"
#include "lib/run/mr_settings.h"

#define MR_WAKE_SIZE_MAX 1024 /* octets of a datagram */

struct mr_wake {
	int fd; /* a socket without a name, opened before the sandbox */
	atomic_uint_fast64_t told, lost; /* datagrams, for status */
};

/* Open the socket. MR_ETEMP, MR_ELIMIT. */
MR_MUST_USE int mr_wake_init(struct mr_wake *wake);
void mr_wake_done(struct mr_wake *wake);

/* Can this be an item of lmtp_wake? "unix:/PATH", of a length that a socket's path may have. */
bool mr_wake_is_name(const char *name);

/*
 * Tell each of watchers (lmtp_wake) that the message file is in folder of local@domain. Who is not there,
 * has not read what he was told before, or is no datagram socket, is not told.
 */
void mr_wake_tell(struct mr_wake *wake, const struct mr_list *watchers, struct mr_span local,
		  struct mr_span domain, const char *folder, const char *file);

#endif
