/*
 * mr_control: how an operator talks to a running program, over the unix stream socket
 * run_dir/WORD.ctl (mode 0600; the peer must be root or the program's own user).
 *
 *	C: status                one command, one line of printable ASCII
 *	S:  program millrace-lmtpd	answer lines begin with a blank
 *	S:  uptime_s 4711
 *	S: OK                    the last line: "OK", or "ERROR text"
 *
 *	status              program, version, pid, uptime_s, settings, what the program says of itself
 *	stats               every metric: "name{label} value"
 *	trace [ID]          stays open: trace and log lines about the message with this queue id, or all;
 *	                    ends when the client closes, or the program ends
 *	reload              read the settings anew; a broken file changes nothing and is an ERROR
 *	drain               take no new work, end when idle
 *	debug NAME on|off   debug lines of one subsystem; "all" for all, "trace" writes trace to the log
 *
 * With --json as the last word, the answer is one line that holds a JSON object, with trace one for
 * each line: {"line":"..."}. The server is part of mr_main; here are the grammar, and the client.
 */
#ifndef MR_CONTROL_H
#define MR_CONTROL_H

#include "lib/base/mr_buf.h"

#define MR_CONTROL_LINE_MAX  200 /* bytes of a command */
#define MR_CONTROL_WORD_MAX  64 /* bytes of a queue id, or of a subsystem's name */
#define MR_CONTROL_REPLY_MAX 4096 /* bytes of one line of an answer */

enum mr_control_verb {
	MR_CONTROL_STATUS,
	MR_CONTROL_STATS,
	MR_CONTROL_TRACE,
	MR_CONTROL_RELOAD,
	MR_CONTROL_DRAIN,
	MR_CONTROL_DEBUG,
};

struct mr_control_cmd {
	enum mr_control_verb verb;
	bool json, on;
	struct mr_span word; /* of trace (empty: all) and debug; lies in the line */
};

/*
 * line: without its line ending. Words are separated by blanks; a word of trace or debug has letters,
 * digits, "_", "-" and "." alone. MR_ESYNTAX: no such command, or not its words; MR_ELIMIT: longer
 * than MR_CONTROL_LINE_MAX or MR_CONTROL_WORD_MAX.
 */
MR_MUST_USE int mr_control_parse(struct mr_span line, struct mr_control_cmd *cmd_out);

/* line, without the blank, lives during the call. False: enough, end the conversation. */
typedef bool mr_control_sink(void *arg, struct mr_span line);

/*
 * Send command to the program that listens at path, and hand each line of its answer to sink. For
 * the command `millrace`, and tests. timeout_ms: for each line; -1: wait for ever (trace). Returns 0
 * at OK, or when sink has enough; MR_EINVAL: the program says ERROR (its text is in error);
 * MR_ENOENT: nobody listens there; MR_EPERM: not to us; MR_ETEMP: silence; MR_ECLOSED: it ended meanwhile;
 * MR_ESYNTAX: that is no program of ours; MR_ELIMIT: a line is too long.
 */
MR_MUST_USE int mr_control_ask(const char *path, const char *command, int timeout_ms,
			       mr_control_sink *sink, void *arg, struct mr_buf *error);

/* run_dir/WORD.ctl. MR_ELIMIT. */
MR_MUST_USE int mr_control_path(const char *run_dir, const char *word, char out[MR_PATH_MAX]);

#endif
