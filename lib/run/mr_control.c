#include "lib/run/mr_control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_sock.h"

#define CONNECT_MS 5000 /* a program that is busy, not one that is away */

/* -- grammar --------------------------------------------------------------------------------- */

enum words { NO_WORD, MAY_WORD, WORD_AND_SWITCH };

static const struct {
	const char *text;
	enum mr_control_verb verb;
	enum words words;
} commands[] = {
	{ "status", MR_CONTROL_STATUS, NO_WORD }, { "stats", MR_CONTROL_STATS, NO_WORD },
	{ "trace", MR_CONTROL_TRACE, MAY_WORD },  { "reload", MR_CONTROL_RELOAD, NO_WORD },
	{ "drain", MR_CONTROL_DRAIN, NO_WORD },   { "debug", MR_CONTROL_DEBUG, WORD_AND_SWITCH },
};

static struct mr_span next_word(struct mr_cur *c)
{
	struct mr_span word;

	mr_cur_take(c, MR_WSP);
	word = mr_cur_until(c, ' ');
	mr_cur_take(c, MR_WSP);
	return word;
}

/* A queue id or a name: what can stand in "id=..." of a log line without quotes. */
static int plain_word(struct mr_span word, struct mr_span *word_out)
{
	if (word.len == 0 || !mr_span_only(word, MR_ALNUM | MR_UNDERSCORE | MR_HYPHEN | MR_DOT))
		return MR_ESYNTAX;
	if (word.len > MR_CONTROL_WORD_MAX)
		return MR_ELIMIT;
	*word_out = word;
	return 0;
}

/* The words behind the command's name. */
static int parse_words(struct mr_cur *c, enum words words, struct mr_control_cmd *cmd)
{
	struct mr_span word = next_word(c);
	int err = 0;

	if (words == MAY_WORD && word.len > 0 && !mr_span_eq(word, MR_SPAN("--json"))) {
		if (!mr_span_eq(word, MR_SPAN("all")))
			err = plain_word(word, &cmd->word);
		word = next_word(c);
	}
	if (words == WORD_AND_SWITCH) {
		err = plain_word(word, &cmd->word);
		word = next_word(c);
		cmd->on = mr_span_eq(word, MR_SPAN("on"));
		if (!cmd->on && !mr_span_eq(word, MR_SPAN("off")))
			return MR_ESYNTAX;
		word = next_word(c);
	}
	cmd->json = mr_span_eq(word, MR_SPAN("--json"));
	if (err < 0)
		return err;
	return (word.len > 0 && !cmd->json) || mr_cur_left(c) > 0 ? MR_ESYNTAX : 0;
}

int mr_control_parse(struct mr_span line, struct mr_control_cmd *cmd_out)
{
	struct mr_control_cmd cmd = { .word = MR_SPAN("") };
	struct mr_cur c = mr_cur(line);
	struct mr_span verb;
	int err;

	if (line.len > MR_CONTROL_LINE_MAX)
		return MR_ELIMIT;
	verb = next_word(&c);
	for (size_t i = 0; i < MR_COUNT(commands); i++) {
		if (!mr_span_eq(verb, mr_span_str(commands[i].text)))
			continue;
		cmd.verb = commands[i].verb;
		err = parse_words(&c, commands[i].words, &cmd);
		if (err == 0)
			*cmd_out = cmd;
		return err;
	}
	return MR_ESYNTAX;
}

int mr_control_path(const char *run_dir, const char *word, char out[MR_PATH_MAX])
{
	int len = snprintf(out, MR_PATH_MAX, "%s/%s.ctl", run_dir, word);

	return len < 0 || len >= MR_PATH_MAX ? MR_ELIMIT : 0;
}

/* -- client ---------------------------------------------------------------------------------- */

/* Read more into in. MR_ECLOSED: the other side ended; MR_ETEMP: nothing came in time. */
static int read_more(int fd, int timeout_ms, struct mr_buf *in)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	char room[4096];
	ssize_t n;
	int ready;

	do {
		ready = poll(&poller, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return MR_ETEMP;
	do {
		n = read(fd, room, sizeof(room));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return mr_err_from_errno(errno);
	return n == 0 ? MR_ECLOSED : mr_buf_add(in, mr_span(room, (size_t)n));
}

/* 0: go on; 1: the conversation is over, well. */
static int take_line(struct mr_span line, mr_control_sink *sink, void *arg, struct mr_buf *error)
{
	if (line.len > MR_CONTROL_REPLY_MAX)
		return MR_ELIMIT;
	if (mr_span_has_prefix(line, MR_SPAN(" ")))
		return sink(arg, mr_span_sub(line, 1, line.len)) ? 0 : 1;
	if (mr_span_eq(line, MR_SPAN("OK")))
		return 1;
	if (!mr_span_has_prefix(line, MR_SPAN("ERROR ")))
		return MR_ESYNTAX;
	mr_buf_add(error, mr_span_sub(line, 6, line.len));
	return MR_EINVAL;
}

/* All whole lines of in; what is left of a line stays. */
static int take_lines(struct mr_buf *in, mr_control_sink *sink, void *arg, struct mr_buf *error)
{
	struct mr_span line, rest = mr_buf_span(in);
	struct mr_span tail;
	int done = 0;

	while (done == 0 && mr_span_split(rest, '\n', &line, &tail)) {
		done = take_line(line, sink, arg, error);
		rest = tail;
	}
	mr_buf_drop(in, in->len - rest.len);
	return done == 0 && rest.len > MR_CONTROL_REPLY_MAX ? MR_ELIMIT : done;
}

int mr_control_ask(const char *path, const char *command, int timeout_ms, mr_control_sink *sink,
		   void *arg, struct mr_buf *error)
{
	char name[MR_PATH_MAX + 8];
	MR_AUTO_FD fd = -1;
	MR_AUTO_BUF in = MR_BUF(4 * MR_CONTROL_REPLY_MAX);
	int err, done = 0;

	snprintf(name, sizeof(name), "unix:%s", path);
	if ((err = mr_sock_connect(name, CONNECT_MS, &fd)) < 0)
		return err == MR_EINVAL ? MR_ENOENT : err;
	if ((err = mr_buf_printf(&in, "%s\n", command)) < 0)
		return err;
	/* It fits a fresh socket. A server that has closed already may have said why: read on. */
	if (send(fd, in.p, in.len, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return mr_err_from_errno(errno);
	mr_buf_reset(&in);
	while (done == 0) {
		if ((err = read_more(fd, timeout_ms, &in)) < 0)
			return err;
		done = take_lines(&in, sink, arg, error);
	}
	return done < 0 ? done : 0;
}
