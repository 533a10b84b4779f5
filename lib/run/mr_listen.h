/*
 * mr_listen: the sockets of a daemon that mr_conns.h serves, as its settings list them: "unix:PATH" or
 * "inet:HOST:PORT", loopback or not (mr_sock.h).
 */
#ifndef MR_LISTEN_H
#define MR_LISTEN_H

#include "lib/net/mr_conns.h"
#include "lib/run/mr_program.h"

/* For check(): the list of the setting called name, and the rights of its unix sockets, which the setting
 * called mode_name gives. MR_EINVAL: said in error. */
MR_MUST_USE int mr_listen_check(const char *name, struct mr_list list, const char *mode_name,
				const char *mode, struct mr_buf *error);

/*
 * For open(), after check(): listen at each, with the rights mode, and give unix sockets to the user that the
 * program will become. Below zero: logged, and the program must end.
 */
MR_MUST_USE int mr_listen_all(struct mr_run *run, struct mr_conns *conns, struct mr_list list,
			      const char *mode, void *which);

/* A descriptor for each connection, and a few more for each piece of work: as many as we may have. */
void mr_listen_descriptors(void);

/* Rows of the program's metrics: connections so far, now open, turned away. */
struct mr_listen_rows {
	size_t connections, open, turned_away;
};
/* For news() of mr_conns.h: what all programs say of it, in their metrics and the log. */
void mr_listen_news(struct mr_run *run, const struct mr_listen_rows *rows, enum mr_conns_news news,
		    size_t open);

#endif
