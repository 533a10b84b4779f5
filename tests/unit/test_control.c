#include "lib/run/mr_control.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_trace.h"
#include "tests/unit/mr_instance.h"
#include "tests/unit/mr_test.h"

/* -- the grammar ------------------------------------------------------------------------------ */

static const struct {
	const char *in;
	int want;
	enum mr_control_verb verb;
	const char *word;
	bool json, on;
} rows[] = {
	{ "status", 0, MR_CONTROL_STATUS, "", false, false },
	{ "  stats  --json ", 0, MR_CONTROL_STATS, "", true, false },
	{ "trace", 0, MR_CONTROL_TRACE, "", false, false },
	{ "trace all --json", 0, MR_CONTROL_TRACE, "", true, false },
	{ "trace --json", 0, MR_CONTROL_TRACE, "", true, false },
	{ "trace 4bXyZ1", 0, MR_CONTROL_TRACE, "4bXyZ1", false, false },
	{ "debug dns on", 0, MR_CONTROL_DEBUG, "dns", false, true },
	{ "debug all off --json", 0, MR_CONTROL_DEBUG, "all", true, false },
	{ "reload", 0, MR_CONTROL_RELOAD, "", false, false },
	{ "drain", 0, MR_CONTROL_DRAIN, "", false, false },
	{ "", MR_ESYNTAX, 0, "", false, false },
	{ "STATUS", MR_ESYNTAX, 0, "", false, false },
	{ "status now", MR_ESYNTAX, 0, "", false, false },
	{ "status --json --json", MR_ESYNTAX, 0, "", false, false },
	{ "trace a b", MR_ESYNTAX, 0, "", false, false },
	{ "trace a=b", MR_ESYNTAX, 0, "", false, false },
	{ "trace \"a\"", MR_ESYNTAX, 0, "", false, false },
	{ "debug", MR_ESYNTAX, 0, "", false, false },
	{ "debug dns", MR_ESYNTAX, 0, "", false, false },
	{ "debug dns perhaps", MR_ESYNTAX, 0, "", false, false },
	{ "trace 12345678901234567890123456789012345678901234567890123456789012345", MR_ELIMIT, 0,
	  "", false, false },
};

MR_TEST(control_grammar)
{
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_control_cmd cmd = { .word = MR_SPAN("") };

		MR_CHECK_INT(t, rows[i].want, mr_control_parse(mr_block_span(in), &cmd));
		MR_CHECK_INT(t, rows[i].verb, cmd.verb);
		MR_CHECK_SPAN(t, rows[i].word, cmd.word);
		MR_CHECK_INT(t, rows[i].json, cmd.json);
		MR_CHECK_INT(t, rows[i].on, cmd.on);
	}
}

MR_TEST(control_about)
{
	MR_CHECK(t, mr_trace_about(MR_SPAN("delivered id=4bX size=1"), MR_SPAN("4bX")));
	MR_CHECK(t, mr_trace_about(MR_SPAN("delivered size=1 id=4bX"), MR_SPAN("4bX")));
	MR_CHECK(t, mr_trace_about(MR_SPAN("a id=4b id=4bX"), MR_SPAN("4bX")));
	MR_CHECK(t, !mr_trace_about(MR_SPAN("delivered id=4bXX size=1"), MR_SPAN("4bX")));
	MR_CHECK(t, !mr_trace_about(MR_SPAN("delivered uid=4bX"), MR_SPAN("4bX")));
	MR_CHECK(t, !mr_trace_about(MR_SPAN(""), MR_SPAN("4bX")));
	MR_CHECK(t, mr_trace_about(MR_SPAN(""), MR_SPAN("")));
}

/* -- a program -------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool stopped;

/* Works on one message after another, until it is stopped. */
static int demo_serve(struct mr_run *run)
{
	struct timespec until;
	int n = 0;

	pthread_mutex_lock(&lock);
	while (!stopped) {
		const struct mr_settings *set = mr_run_settings_hold(run);

		pthread_mutex_unlock(&lock);
		mr_run_trace(run, n++ % 2 ? "odd" : "even", "folder \"%s\"", set->spam_folder);
		mr_metrics_add(mr_run_metrics(run), 0, 1);
		mr_run_settings_release(run, set);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 2000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_mutex_lock(&lock);
		pthread_cond_timedwait(&changed, &lock, &until);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static void demo_stop(struct mr_run *run MR_UNUSED, bool drain MR_UNUSED)
{
	pthread_mutex_lock(&lock);
	stopped = true;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static int demo_reload(struct mr_run *run MR_UNUSED, const struct mr_settings *next)
{
	return strcmp(next->spam_folder, "Refused") == 0 ? MR_ETEMP : 0;
}

static void demo_status(struct mr_run *run, struct mr_buf *out)
{
	const struct mr_settings *set = mr_run_settings_hold(run);

	mr_buf_printf(out, "folder %s\nconnections 7\n", set->spam_folder);
	mr_run_settings_release(run, set);
}

static const struct mr_metric demo_metrics[] = {
	{ MR_METRIC_COUNTER, "demo_total", "", "Rounds." },
};

static const struct mr_program demo = {
	.name = "millrace-demo",
	.word = "demo",
	.metrics = demo_metrics,
	.metric_count = MR_COUNT(demo_metrics),
	.serve = demo_serve,
	.stop = demo_stop,
	.reload = demo_reload,
	.status = demo_status,
};

static bool has(const struct mr_buf *b, const char *text)
{
	return strstr(mr_buf_str(b), text) != NULL;
}

MR_TEST(control_program)
{
	struct mr_instance in;
	MR_AUTO_BUF answer = MR_BUF(100000);
	MR_AUTO_BUF error = MR_BUF(1000);
	struct stat st;

	MR_NEED(t, mr_instance_start(t, &in, &demo, "spam_folder = One\n", NULL));
	MR_CHECK(t, lstat(in.control, &st) == 0 && (st.st_mode & 07777) == 0600);
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "status", &answer, &error));
	MR_CHECK(t, has(&answer, "program millrace-demo\n"));
	MR_CHECK(t, has(&answer, "state serving\n"));
	MR_CHECK(t, has(&answer, "folder One\n"));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "status --json", &answer, &error));
	MR_CHECK(t, has(&answer, "{\"program\":\"millrace-demo\",\"version\":\"")); /* text */
	MR_CHECK(t, has(&answer, "\"connections\":7}\n"));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "stats", &answer, &error));
	MR_CHECK(t, mr_span_has_prefix(mr_buf_span(&answer), MR_SPAN("demo_total ")));
	MR_CHECK_INT(t, MR_EINVAL, mr_instance_ask(&in, "format disk", &answer, &error));
	MR_CHECK(t, has(&error, "no such command"));

	/* An empty file is the defaults; a broken one changes nothing. */
	MR_NEED(t, mr_instance_settings(&in, "spam_folder = Two\n"));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "reload", &answer, &error));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "status", &answer, &error));
	MR_CHECK(t, has(&answer, "folder Two\n") && has(&answer, "reloads 1\n"));
	MR_NEED(t, mr_instance_settings(&in, "spam_folder = Three\n\nnonsense = 1\n"));
	MR_CHECK_INT(t, MR_EINVAL, mr_instance_ask(&in, "reload", &answer, &error));
	MR_CHECK(t, has(&error, "millrace.conf:4: "));
	MR_NEED(t, mr_instance_settings(&in, "spam_folder = Refused\n"));
	MR_CHECK_INT(t, MR_EINVAL, mr_instance_ask(&in, "reload", &answer, &error));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "status", &answer, &error));
	MR_CHECK(t, has(&answer, "folder Two\n") && has(&answer, "reload_errors 2\n"));

	MR_NEED(t, mr_instance_settings(&in, "spam_folder = Four\n"));
	kill(in.pid, SIGHUP);
	MR_CHECK(t, mr_instance_logs(&in, "settings reloaded"));
	for (int i = 0; i < 500 && !has(&answer, "folder Four\n"); i++)
		MR_CHECK_INT(t, 0, mr_instance_ask(&in, "status", &answer, &error));
	MR_CHECK(t, has(&answer, "folder Four\n"));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "drain", &answer, &error));
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
	MR_CHECK(t, mr_instance_logs(&in, "draining"));
	MR_CHECK_INT(t, MR_ENOENT, mr_instance_ask(&in, "status", &answer, &error));
}

MR_TEST(control_stops_on_sigterm)
{
	struct mr_instance in;

	MR_NEED(t, mr_instance_start(t, &in, &demo, "", NULL));
	kill(in.pid, SIGTERM);
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
}

/* Ends after five lines. */
static bool five(void *arg, struct mr_span line)
{
	struct mr_buf *lines = arg;

	mr_buf_add(lines, line);
	mr_buf_addc(lines, '\n');
	return mr_span_find(mr_buf_span(lines), '5') == lines->len;
}

static bool count_three(void *arg, struct mr_span line)
{
	struct mr_buf *lines = arg;

	if (!mr_span_has_prefix(line, MR_SPAN("trace id=even ")))
		mr_buf_adds(lines, "wrong: ");
	mr_buf_add(lines, line);
	mr_buf_addc(lines, '|');
	return lines->len < 100;
}

MR_TEST(control_trace)
{
	struct mr_instance in;
	MR_AUTO_BUF lines = MR_BUF(100000);
	MR_AUTO_BUF error = MR_BUF(1000);

	MR_NEED(t, mr_instance_start(t, &in, &demo, "", NULL));
	MR_CHECK_INT(t, 0,
		     mr_control_ask(in.control, "trace even", 5000, count_three, &lines, &error));
	/* Text is quoted as in the log. */
	MR_CHECK_SPAN(t, "trace id=even text=\"folder \\\"Spam\\\"\"|",
		      mr_span_sub(mr_buf_span(&lines), 0, 37));
	MR_CHECK(t, !has(&lines, "wrong"));
	mr_buf_reset(&lines);
	/* Log lines are there as well: SIGHUP makes one; its text ends this conversation. */
	MR_NEED(t, mr_instance_settings(&in, "spam_folder = S5\n"));
	kill(in.pid, SIGHUP);
	MR_CHECK_INT(t, 0, mr_control_ask(in.control, "trace", 5000, five, &lines, &error));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "debug trace on", &lines, &error));
	MR_CHECK(t, mr_instance_logs(&in, "trace id=odd"));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "debug trace off", &lines, &error));
	kill(in.pid, SIGTERM);
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
}

/* Clients that say nothing, half a line, or never read do not keep others waiting. */
MR_TEST(control_bad_clients)
{
	struct mr_instance in;
	MR_AUTO_BUF answer = MR_BUF(100000);
	MR_AUTO_BUF error = MR_BUF(1000);
	int fd[24];
	char name[MR_PATH_MAX + 8];
	size_t count = 0;

	MR_NEED(t, mr_instance_start(t, &in, &demo, "", NULL));
	snprintf(name, sizeof(name), "unix:%s", in.control);
	for (; count < 15; count++) {
		static const struct mr_span says[] = { MR_SPAN(""), MR_SPAN("sta"),
						       MR_SPAN("trace\n") };

		MR_NEED(t, mr_sock_connect(name, 5000, &fd[count]) == 0);
		MR_CHECK_INT(t, 0, mr_write_all(fd[count], says[count % 3]));
	}
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "status", &answer, &error));
	MR_CHECK(t, has(&answer, "state serving\n"));
	/* Sixteen are too many, and are told so. */
	for (; count < 20; count++)
		MR_NEED(t, mr_sock_connect(name, 5000, &fd[count]) == 0);
	MR_CHECK_INT(t, MR_EINVAL, mr_instance_ask(&in, "status", &answer, &error));
	while (count > 0)
		close(fd[--count]);
	for (int i = 0; i < 100 && mr_instance_ask(&in, "status", &answer, &error) < 0; i++)
		usleep(10000);
	MR_CHECK(t, has(&answer, "state serving\n"));
	kill(in.pid, SIGTERM);
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
}
