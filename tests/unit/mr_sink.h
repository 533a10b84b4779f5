/* mr_sink: an MTA for tests: a thread that says what it was told to, for one conversation, and keeps what it hears. */
#ifndef MR_SINK_H
#define MR_SINK_H

#include <pthread.h>

#include "lib/base/mr_buf.h"
#include "lib/base/mr_time.h"
#include "tests/unit/mr_test.h"

/* What a friendly one says, to so many recipients. */
#define MR_SINK_HELLO "220 mx\r\n250-mx\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
#define MR_SINK_OK    "250 2.1.0 OK\r\n"
#define MR_SINK_GO    "354 go\r\n"
#define MR_SINK_TAKEN "250 2.0.0 Queued as Q1\r\n"

struct mr_sink {
	char name[256]; /* for mr_sock_connect(); made at the first begin, kept at the next one */
	struct mr_clock_fake *time; /* moves by 60 s before it hangs up; NULL: none does */
	char heard[65536]; /* by end */
	/* private */
	int listen_fd;
	size_t heard_len;
	const char *words;
	pthread_t thread;
};

/* False: no folder for it. */
bool mr_sink_begin(struct mr_t *t, struct mr_sink *sink, const char *words);
/* Wait until it is done; who did not come need not. */
void mr_sink_end(struct mr_sink *sink);

#endif
