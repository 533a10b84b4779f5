/*
 * talk: one connection's conversation in a protocol of ask.h, as pure logic: requests are found in what comes in,
 * and answered in their order. lib/net/mr_conns.h says what each call means and on which thread it runs; server.c
 * hands them on, tests and the fuzzer call them as they like.
 *
 * A connection costs at most a request, MR_CONNS_INPUT_MAX octets of input, and MR_TALK_OUT_MAX and one
 * answer of output.
 */
#ifndef TALK_H
#define TALK_H

#include "lda/mapd/ask.h"

#define MR_TALK_OUT_MAX 65536 /* octets of answers that wait to be read: then no more is read */
#define MR_TALK_ANSWER_MAX                                                                         \
	131072 /* octets of one answer; a longer one is none, and the connection is closed */

struct mr_talking;

/* ask must outlive it; a client that is silent for timeout_ms is left. NULL: out of memory. */
MR_MUST_USE struct mr_talking *mr_talk_new(const struct mr_ask *ask, int64_t timeout_ms,
					   int64_t now_ms);
void mr_talk_free(struct mr_talking *t);
bool mr_talk_reads(const struct mr_talking *t);
void mr_talk_input(struct mr_talking *t, struct mr_span in, int64_t now_ms);
bool mr_talk_busy(const struct mr_talking *t);
void mr_talk_work(struct mr_talking *t);
void mr_talk_worked(struct mr_talking *t, int64_t now_ms);
int64_t mr_talk_deadline_ms(const struct mr_talking *t);
void mr_talk_tick(struct mr_talking *t, int64_t now_ms);
struct mr_span mr_talk_output(const struct mr_talking *t);
void mr_talk_sent(struct mr_talking *t, size_t n, int64_t now_ms);
bool mr_talk_closed(const struct mr_talking *t);
/* What came whole is answered first, also without drain: it is little. */
void mr_talk_stop(struct mr_talking *t);

#endif
