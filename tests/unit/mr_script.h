/*
 * mr_script: a conversation as a table. The test is the loop: it hands bytes and time to a
 * conversation and compares what it answers, line by line, with what the script expects.
 *
 *	static const struct mr_step script[] = {
 *		MR_GETS("220 "),
 *		MR_SENDS("LHLO mx"),
 *		MR_GETS("250-"), ...
 *		MR_PASSES_MS(300000),
 *		MR_GETS("421 4.4.2 "),
 *		MR_CLOSED,
 *	};
 *	mr_script_run(t, &peer, script, MR_COUNT(script));
 *
 * A script runs twice: the second time all that is sent comes in single bytes. Time stands still but
 * for MR_PASSES_MS. A line that no step expects is a failure, and so is one left over at the end.
 */
#ifndef MR_SCRIPT_H
#define MR_SCRIPT_H

#include "tests/unit/mr_test.h"

/* The conversation under test. */
struct mr_script_peer {
	void *(*open)(struct mr_t *t, int64_t now_ms); /* NULL: the test ends; only in OOM runs */
	void (*input)(void *conv, struct mr_span in, int64_t now_ms);
	void (*tick)(void *conv, int64_t now_ms); /* time has passed */
	struct mr_span (*output)(void *conv); /* what it wants to send */
	void (*sent)(void *conv, size_t n); /* its first n octets are gone */
	bool (*closed)(void *conv); /* it ended the conversation */
	/* A step of the test's own; NULL: none. */
	void (*special)(struct mr_t *t, void *conv, const char *word, int64_t now_ms);
	void (*close)(struct mr_t *t, void *conv);
};

enum mr_step_kind {
	MR_STEP_SENDS,
	MR_STEP_GETS,
	MR_STEP_PASSES,
	MR_STEP_QUIET,
	MR_STEP_CLOSED,
	MR_STEP_DOES
};

struct mr_step {
	enum mr_step_kind kind;
	struct mr_span text;
	int64_t ms;
	int line; /* of the test's source */
};

/* A line, without CR LF; octets as they are. */
#define MR_SENDS(text)                                                                             \
	{                                                                                          \
		MR_STEP_SENDS, MR_SPAN(text "\r\n"), 0, __LINE__                                   \
	}
#define MR_SENDS_RAW(text)                                                                         \
	{                                                                                          \
		MR_STEP_SENDS, MR_SPAN(text), 0, __LINE__                                          \
	}
/* The next line begins with start. */
#define MR_GETS(start)                                                                             \
	{                                                                                          \
		MR_STEP_GETS, MR_SPAN(start), 0, __LINE__                                          \
	}
/* Nothing more was answered, and the conversation goes on. */
#define MR_QUIET                                                                                   \
	{                                                                                          \
		MR_STEP_QUIET, { NULL, 0 }, 0, __LINE__                                            \
	}
#define MR_PASSES_MS(ms)                                                                           \
	{                                                                                          \
		MR_STEP_PASSES, { NULL, 0 }, (ms), __LINE__                                        \
	}
/* Nothing more was answered, and the conversation is over. */
#define MR_CLOSED                                                                                  \
	{                                                                                          \
		MR_STEP_CLOSED, { NULL, 0 }, 0, __LINE__                                           \
	}
/* peer->special(word). */
#define MR_DOES(word)                                                                              \
	{                                                                                          \
		MR_STEP_DOES, MR_SPAN(word), 0, __LINE__                                           \
	}

void mr_script_run_at(struct mr_t *t, const struct mr_script_peer *peer,
		      const struct mr_step *steps, size_t count, const char *file);
#define mr_script_run(t, peer, steps, count)                                                       \
	mr_script_run_at((t), (peer), (steps), (count), __FILE__)

#endif
