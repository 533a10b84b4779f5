/*
 * mr_dns_engine: who answers the questions of mr_dns.h: libunbound, or a table of a test. For lib/net and
 * tests.
 *
 * An engine gets a question, which it holds from then on, and lets go of it by exactly one call of
 * mr_dns_question_done(), on any thread, also from within ask(); or by returning true from cancel(), and
 * then it makes no such call.
 */
#ifndef MR_DNS_ENGINE_H
#define MR_DNS_ENGINE_H

#include "lib/net/mr_dns.h"

struct mr_dns_question;

struct mr_dns_engine {
	/* Begin. *id_out is for cancel(), and is set before mr_dns_question_done() is called. Below zero: the question
	 * is not held. */
	int (*ask)(void *arg, const char *name, enum mr_dns_type type,
		   struct mr_dns_question *question, int *id_out);
	/* Nobody waits any more. True: it will not be answered. */
	bool (*cancel)(void *arg, int id);
	void (*close)(void *arg);
	void *arg;
};
/* arg is closed with it; on failure it is not. MR_ENOMEM. */
MR_MUST_USE int mr_dns_new(const struct mr_dns_engine *engine, struct mr_dns **dns_out);

/* status is no timeout. The records are copied. */
void mr_dns_question_done(struct mr_dns_question *question, enum mr_dns_status status, bool secure,
			  const struct mr_span *record, size_t count);

#endif
