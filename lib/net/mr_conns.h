/*
 * mr_conns: the loop of a daemon that answers on sockets: listeners, connections, timers, and a pool of
 * threads for what blocks. One loop moves the bytes of all connections, which costs little; while the
 * pool works for a connection, that connection is not read.
 *
 * What is said is a conversation (struct mr_talk): pure logic, into which bytes and time are handed.
 * lda/lmtpd has one for LMTP, lda/mapd one for its protocols.
 *
 *	new, listen		at the start, with the rights to bind
 *	serve			on the thread that then is the loop's, until it was stopped and is done
 *	stop, open		any thread
 *	free
 */
#ifndef MR_CONNS_H
#define MR_CONNS_H

#include <sys/types.h>

#include "lib/base/mr_span.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_pool.h"

#define MR_CONNS_LISTENERS_MAX 32
#define MR_CONNS_INPUT_MAX     65536 /* octets of one input() */

struct mr_conns;
struct event_base;

/* What a conversation can do. Calls about one of them come one at a time, on the loop's thread, but for
 * work(). After each call the loop asks reads, busy, output and closed again. */
struct mr_talk {
	/* For a new connection; which is that of mr_conns_listen(), open the number of the others.
	 * NULL: it is turned away. */
	void *(*begin)(void *arg, void *which, size_t open, int64_t now_ms);
	/* Not while work() runs; work that waits is given up. */
	void (*end)(void *talk);
	/* It wants to be fed: then input() may come, with MR_CONNS_INPUT_MAX octets at most. */
	bool (*reads)(const void *talk);
	void (*input)(void *talk, struct mr_span in, int64_t now_ms);
	/* There is work, which is done on a thread of the pool; worked() tells that it is. Between the
	 * two nothing else is called but deadline_ms, output, sent, reads, busy, closed, stop. */
	bool (*busy)(const void *talk);
	void (*work)(void *talk);
	void (*worked)(void *talk, int64_t now_ms);
	/* When tick() is due at the latest; INT64_MAX: not. */
	int64_t (*deadline_ms)(const void *talk);
	void (*tick)(void *talk, int64_t now_ms);
	/* What is to be sent; its first n octets were. */
	struct mr_span (*output)(const void *talk);
	void (*sent)(void *talk, size_t n, int64_t now_ms);
	/* Send the rest, for some seconds at most, then close. */
	bool (*closed)(const void *talk);
	/* The service ends: be closed as soon as may be; with drain, what was begun is finished first. */
	void (*stop)(void *talk, bool drain, int64_t now_ms);
};

enum mr_conns_news {
	MR_CONNS_OPENED,
	MR_CONNS_CLOSED,
	MR_CONNS_TURNED_AWAY,
	MR_CONNS_NO_DESCRIPTORS, /* accepting rests for a second */
	MR_CONNS_WORKED, /* the pool is done with a piece of work */
};

struct mr_conns_ops {
	struct mr_talk talk;
	/* Told on the loop's thread; open: connections there are now. */
	void (*news)(void *arg, enum mr_conns_news news, size_t open);
	/* serve() is about to run: the base and the pool are there. NULL: nobody asks. */
	void (*start)(void *arg);
	const char *full; /* what is sent to a connection that is turned away; "": nothing */
};

/* ops must outlive it. MR_ENOMEM, MR_ETEMP. */
MR_MUST_USE int mr_conns_new(const struct mr_conns_ops *ops, void *arg, struct mr_clock clock,
			     struct mr_conns **conns_out);
/* After serve(), or without it. NULL is allowed. */
void mr_conns_free(struct mr_conns *conns);

/* Listen at name, as mr_sock_listen() does, with its errors; MR_ELIMIT: too many. */
MR_MUST_USE int mr_conns_listen(struct mr_conns *conns, const char *name, mode_t mode, void *which);

/* Run until stop(), with so many threads for work. Work that is under way is finished even then. MR_ENOMEM. */
MR_MUST_USE int mr_conns_serve(struct mr_conns *conns, unsigned threads);
/* May be called twice, and before serve(). */
void mr_conns_stop(struct mr_conns *conns, bool drain);
bool mr_conns_stopping(const struct mr_conns *conns);
/* Connections that are open. */
size_t mr_conns_open(const struct mr_conns *conns);

/* Inside serve(), on its thread: the loop's base and pool, for a program's own timers and other work;
 * and for how many connections the pool works now. */
struct event_base *mr_conns_base(struct mr_conns *conns);
struct mr_pool *mr_conns_pool(struct mr_conns *conns);
size_t mr_conns_working(const struct mr_conns *conns);

#endif
