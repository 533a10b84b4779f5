#include "lib/run/mr_server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_command.h"
#include "lib/run/mr_scrape.h"

#define CONNS     (MR_SERVER_CONTROL_MAX + MR_SERVER_HTTP_MAX)
#define PAUSE_MS  1000 /* without descriptors: accept again after this */
#define TRACE_MAX 262144 /* bytes of trace that wait for one peer */
#define NEVER     INT64_MAX

enum { AT_SIGNAL, AT_WAKE, AT_CONTROL, AT_HTTP, AT_CONNS };

struct conn {
	int fd; /* -1: free */
	bool http, tracing, json, closing;
	char id[MR_CONTROL_WORD_MAX + 1]; /* tracing this message; empty: all */
	char in[MR_SCRAPE_REQUEST_MAX];
	size_t in_len;
	struct mr_buf out;
	int64_t deadline_ms;
	uint64_t lost; /* lines that did not fit */
};

struct mr_server {
	struct mr_run *run;
	int fixed[AT_CONNS]; /* -1: none */
	struct conn conn[CONNS];
	int64_t accept_ms; /* not before */
	pthread_t thread;
	bool started;
	_Atomic bool end;
};

/* -- connections ------------------------------------------------------------------------------ */

static void conn_close(struct mr_server *s, struct conn *c)
{
	if (c->tracing)
		mr_trace_listen(&s->run->trace, -1);
	mr_buf_done(&c->out);
	close(c->fd);
	c->fd = -1;
}

/* The end of the answer: what is in out is sent, then the connection closes. */
static void conn_finish(struct conn *c)
{
	c->closing = true;
	c->deadline_ms = mr_now_ms() + MR_SERVER_PATIENCE_MS;
}

/* Root, or who could do anything to this process anyway. */
static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static struct conn *conn_free_slot(struct mr_server *s, bool http)
{
	struct conn *slot = NULL;
	unsigned count = 0;

	for (size_t i = 0; i < CONNS; i++) {
		if (s->conn[i].fd < 0)
			slot = slot ? slot : &s->conn[i];
		else if (s->conn[i].http == http)
			count++;
	}
	return count < (http ? MR_SERVER_HTTP_MAX : MR_SERVER_CONTROL_MAX) ? slot : NULL;
}

static void conn_open(struct mr_server *s, int fd, bool http)
{
	struct conn *c = conn_free_slot(s, http);

	if (!c || (!http && !is_allowed(fd))) {
		static const char no[] = "ERROR not allowed, or too many connections\n";

		/* One short line always fits an empty socket; if not, no harm is done. */
		if (!http && send(fd, no, sizeof(no) - 1, MSG_NOSIGNAL) < 0)
			mr_log(MR_LOG_DEBUG, "control client gone",
			       MR_KV("error", strerror(errno)));
		close(fd);
		return;
	}
	memset(c, 0, offsetof(struct conn, in));
	c->in_len = 0;
	c->lost = 0;
	c->fd = fd;
	c->http = http;
	c->deadline_ms = mr_now_ms() + MR_SERVER_PATIENCE_MS;
	mr_buf_init(&c->out, MR_SERVER_ANSWER_MAX);
}

static void accept_all(struct mr_server *s, int at)
{
	int fd, err;

	while ((err = mr_sock_accept(s->fixed[at], &fd)) == 0)
		conn_open(s, fd, at == AT_HTTP);
	if (err != MR_EAGAIN)
		s->accept_ms = mr_now_ms() + PAUSE_MS;
}

/* -- requests --------------------------------------------------------------------------------- */

static void trace_start(struct mr_server *s, struct conn *c, const struct mr_control_cmd *cmd)
{
	c->tracing = true;
	c->json = cmd->json;
	c->deadline_ms = NEVER;
	MR_ASSERT(mr_span_copyz(cmd->word, c->id, sizeof(c->id)) == 0);
	mr_trace_listen(&s->run->trace, 1);
}

/* Bytes of a control client: one line. False: close now. */
static bool on_command(struct mr_server *s, struct conn *c)
{
	struct mr_span line, rest;
	struct mr_control_cmd cmd;
	int err;

	if (!mr_span_split(mr_span(c->in, c->in_len), '\n', &line, &rest))
		return c->in_len < sizeof(c->in);
	err = mr_command_run(s->run, mr_span_rtrim(line), &c->out, &cmd);
	if (err < 0)
		return false;
	if (err == 1)
		trace_start(s, c, &cmd);
	else
		conn_finish(c);
	return true;
}

static bool on_http(struct mr_server *s, struct conn *c)
{
	int err = mr_scrape(mr_span(c->in, c->in_len), s->run->metrics, &c->out);

	if (err == 1)
		conn_finish(c);
	return err >= 0;
}

/* False: close. What comes behind the request is read and dropped, so that an end is seen. */
static bool on_readable(struct mr_server *s, struct conn *c)
{
	bool done = c->tracing || c->closing;
	char dropped[512];
	ssize_t n = done ? read(c->fd, dropped, sizeof(dropped))
			 : read(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	/* A client may shut down its sending side and still want the answer. */
	if (n == 0)
		return c->closing && c->out.len > 0;
	if (done)
		return true;
	c->in_len += (size_t)n;
	return c->http ? on_http(s, c) : on_command(s, c);
}

/* False: close. */
static bool on_writable(struct conn *c)
{
	ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	mr_buf_drop(&c->out, (size_t)n);
	if (c->out.len > 0)
		c->deadline_ms = mr_now_ms() + MR_SERVER_PATIENCE_MS;
	else if (c->tracing)
		c->deadline_ms = NEVER;
	return c->out.len > 0 || !c->closing;
}

/* -- trace, signals ---------------------------------------------------------------------------- */

static void trace_lost(struct conn *c, uint64_t lost)
{
	char line[64];

	snprintf(line, sizeof(line), "trace lost lines=%llu", (unsigned long long)lost);
	mr_command_trace_line(&c->out, mr_span_str(line), c->json);
}

static void trace_send(struct conn *c, struct mr_span line)
{
	/* As JSON an octet may take six. */
	if (c->out.len + 6 * line.len > TRACE_MAX) {
		c->lost++;
		return;
	}
	if (c->lost > 0)
		trace_lost(c, c->lost);
	c->lost = 0;
	/* From here on the peer must read. */
	if (c->out.len == 0)
		c->deadline_ms = mr_now_ms() + MR_SERVER_PATIENCE_MS;
	mr_command_trace_line(&c->out, line, c->json);
}

static void on_wake(struct mr_server *s)
{
	uint64_t count, lost;
	MR_AUTO_BUF lines = MR_BUF(0);
	struct mr_span line, rest;

	if (read(s->fixed[AT_WAKE], &count, sizeof(count)) < 0 && errno != EAGAIN)
		mr_log(MR_LOG_ERROR, "control", MR_KV("error", strerror(errno)));
	lost = mr_trace_take(&s->run->trace, &lines);
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *c = &s->conn[i];

		if (c->fd < 0 || !c->tracing)
			continue;
		c->lost += lost;
		rest = mr_buf_span(&lines);
		while (mr_span_split(rest, '\n', &line, &rest)) {
			if (mr_trace_about(line, mr_span_str(c->id)))
				trace_send(c, line);
		}
	}
}

static void on_signal(struct mr_server *s)
{
	struct signalfd_siginfo info;
	MR_AUTO_BUF error = MR_BUF(4096);

	if (read(s->fixed[AT_SIGNAL], &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP)
		mr_run_stop(s->run, false);
	else if (mr_run_reload(s->run, &error) < 0)
		return; /* logged */
}

/* -- the loop ---------------------------------------------------------------------------------- */

static void log_sink(void *arg, enum mr_log_level level MR_UNUSED, const char *line)
{
	struct mr_run *run = arg;

	if (mr_trace_wanted(&run->trace))
		mr_trace_put(&run->trace, line);
}

/* What to wait for, and how long. */
static int prepare(struct mr_server *s, struct pollfd poller[AT_CONNS + CONNS])
{
	int64_t now_ms = mr_now_ms(), next_ms = now_ms + 60000;

	for (size_t i = 0; i < AT_CONNS; i++) {
		bool paused = i >= AT_CONTROL && now_ms < s->accept_ms;

		poller[i] = (struct pollfd){ .fd = paused ? -1 : s->fixed[i], .events = POLLIN };
		if (paused && s->accept_ms < next_ms)
			next_ms = s->accept_ms;
	}
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *c = &s->conn[i];

		poller[AT_CONNS + i] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
		if (c->fd < 0)
			continue;
		if (c->out.len > 0)
			poller[AT_CONNS + i].events |= POLLOUT;
		/* Behind a client's end there is nothing to read for ever. */
		if (c->closing)
			poller[AT_CONNS + i].events &= ~POLLIN;
		if (c->deadline_ms < next_ms)
			next_ms = c->deadline_ms;
	}
	return next_ms > now_ms ? (int)(next_ms - now_ms) : 0;
}

static void serve_conn(struct mr_server *s, struct conn *c, int events)
{
	bool keep = true;

	if (events & (POLLERR | POLLNVAL))
		keep = false;
	if (keep && (events & (POLLIN | POLLHUP)))
		keep = on_readable(s, c);
	if (keep && mr_buf_err(&c->out) < 0)
		keep = false; /* out of memory: half a line may be in it */
	if (keep && c->out.len > 0)
		keep = on_writable(c);
	if (keep && mr_now_ms() >= c->deadline_ms)
		keep = false;
	if (!keep)
		conn_close(s, c);
}

static void *control_main(void *arg)
{
	struct mr_server *s = arg;
	struct pollfd poller[AT_CONNS + CONNS];

	while (!atomic_load(&s->end)) {
		int timeout_ms = prepare(s, poller);

		if (poll(poller, MR_COUNT(poller), timeout_ms) < 0)
			continue; /* EINTR, or ENOMEM for a moment */
		if (poller[AT_SIGNAL].revents)
			on_signal(s);
		if (poller[AT_WAKE].revents)
			on_wake(s);
		for (size_t i = 0; i < CONNS; i++) {
			if (s->conn[i].fd >= 0)
				serve_conn(s, &s->conn[i], poller[AT_CONNS + i].revents);
		}
		/* Last: a new connection must not meet the events of the one that had its slot. */
		for (int at = AT_CONTROL; at <= AT_HTTP; at++) {
			if (poller[at].revents)
				accept_all(s, at);
		}
	}
	return NULL;
}

/* -- start and end ----------------------------------------------------------------------------- */

/* Listen where name says, local alone, and say why not. A unix socket is the program's user's. */
static int open_socket(struct mr_server *s, const char *name, mode_t mode, int at,
		       struct mr_buf *error)
{
	static const struct mr_span scheme = MR_SPAN("unix:");
	int err = mr_sock_is_local(name);

	if (err == 0) {
		mr_buf_printf(error, "%s: not a loopback address", name);
		return MR_EINVAL;
	}
	if (err > 0)
		err = mr_sock_listen(name, mode, &s->fixed[at]);
	if (err == 0 && mr_span_has_prefix(mr_span_str(name), scheme))
		err = mr_run_give(s->run, name + scheme.len);
	if (err < 0)
		mr_buf_printf(error, "%s: %s", name,
			      err == MR_EEXIST ? "in use" : mr_err_text(err));
	return err == MR_ELIMIT ? MR_EINVAL : err;
}

static int open_sockets(struct mr_server *s, struct mr_buf *error)
{
	const struct mr_settings *set = &s->run->now->set;
	char path[MR_PATH_MAX], name[MR_PATH_MAX + 8];
	const char *metrics;
	int err = mr_control_path(set->run_dir, s->run->program->word, path);

	if (err < 0)
		return err;
	snprintf(name, sizeof(name), "unix:%s", path);
	err = open_socket(s, name, 0600, AT_CONTROL, error);
	metrics = mr_run_metrics_address(set, s->run->program->word);
	if (err == 0 && !metrics) {
		mr_buf_adds(error, "metrics_listen: an item is not WORD=ADDRESS");
		err = MR_EINVAL;
	}
	if (err < 0 || !metrics[0])
		return err;
	return open_socket(s, metrics, 0660, AT_HTTP, error);
}

/* Blocked here, before any other thread, so in all of them. */
static int open_signals(struct mr_server *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return MR_ETEMP;
	signal(SIGPIPE, SIG_IGN);
	s->fixed[AT_SIGNAL] = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->fixed[AT_WAKE] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fixed[AT_SIGNAL] < 0 || s->fixed[AT_WAKE] < 0)
		return mr_err_from_errno(errno);
	s->run->trace.wake_fd = s->fixed[AT_WAKE];
	return 0;
}

int mr_server_open(struct mr_run *run, struct mr_server **server_out, struct mr_buf *error)
{
	struct mr_server *s = mr_calloc(1, sizeof(*s));
	int err;

	if (!s)
		return MR_ENOMEM;
	s->run = run;
	for (size_t i = 0; i < AT_CONNS; i++)
		s->fixed[i] = -1;
	for (size_t i = 0; i < CONNS; i++)
		s->conn[i].fd = -1;
	if ((err = open_signals(s)) < 0 || (err = open_sockets(s, error)) < 0) {
		mr_server_free(s);
		return err;
	}
	mr_log_sink(log_sink, run);
	*server_out = s;
	return 0;
}

int mr_server_start(struct mr_server *s)
{
	if (pthread_create(&s->thread, NULL, control_main, s) != 0)
		return MR_ETEMP;
	s->started = true;
	return 0;
}

void mr_server_free(struct mr_server *s)
{
	const uint64_t one = 1;

	if (!s)
		return;
	atomic_store(&s->end, true);
	if (s->started && write(s->fixed[AT_WAKE], &one, sizeof(one)) == sizeof(one))
		pthread_join(s->thread, NULL);
	mr_log_sink(NULL, NULL);
	s->run->trace.wake_fd = -1;
	for (size_t i = 0; i < CONNS; i++) {
		if (s->conn[i].fd >= 0)
			conn_close(s, &s->conn[i]);
	}
	for (size_t i = 0; i < AT_CONNS; i++) {
		if (s->fixed[i] >= 0)
			close(s->fixed[i]);
	}
	mr_free(s);
}
