#include "lib/run/mr_milter.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_charset.h"
#include "lib/run/mr_milter_priv.h"

/* libmilter writes the answer after the callback has returned, so the process must not end at once. */
#define ANSWER_MS 200

struct mr_daemon mr_daemon = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.listen_fd = -1,
	.silent_fd = -1,
};

/*
 * libmilter starts a thread that waits in sigwait(3) for SIGHUP, SIGTERM and SIGINT and ends
 * smfi_main() at any of them, a reload included. Blocking the signals is not enough: the control
 * thread's signalfd and that thread would race for each. There is no switch, but there is a symbol:
 * this sigwait is found before the C library's, and for that set it never returns.
 */
int sigwait(const sigset_t *set, int *sig)
{
	int got;

	while (sigismember(set, SIGHUP) == 1)
		(void)poll(NULL, 0, -1);
	do {
		got = sigwaitinfo(set, NULL);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno;
	*sig = got;
	return 0;
}

static int milter_check(const struct mr_settings *set, struct mr_buf *error)
{
	const struct mr_stage *stage = mr_daemon.milter->stage;
	int err = mr_socket_check(mr_daemon.milter, set, error);

	if (err == 0 && (err = mr_spool_check(set->spool_dir)) < 0)
		return mr_run_refuse(error, "spool_dir", set->spool_dir,
				     err == MR_EINVAL ? "not a folder" : mr_err_text(err));
	return err == 0 && stage->check ? stage->check(set, error) : err;
}

static int milter_open(struct mr_run *run)
{
	const struct mr_settings *set = mr_run_settings_hold(run);
	int err;

	mr_charset_preload(); /* iconv reads files, which the sandbox will not let it */
	mr_daemon.run = run;
	mr_daemon.metrics = mr_run_metrics(run);
	err = mr_calls_register(mr_daemon.milter);
	if (err == 0 && smfi_settimeout((int)set->milter_timeout_s) != MI_SUCCESS)
		err = MR_EINVAL;
	if (err == 0 && (err = mr_generation_next(set)) < 0)
		mr_log(MR_LOG_ERROR, "stage not opened",
		       MR_KV("stage", mr_daemon.milter->stage->name), MR_KV_ERR(err));
	/* Last: from here MTAs connect, and wait until we serve. */
	if (err == 0)
		err = mr_socket_open(set);
	mr_run_settings_release(run, set);
	return err;
}

/* libmilter's main loop has a thread of its own: it looks only every five seconds whether it should
 * end, and the program should not wait for that. */
static void *listen_thread(void *arg)
{
	(void)smfi_main();
	/* We never stop it, so it has failed. */
	pthread_mutex_lock(&mr_daemon.lock);
	mr_daemon.failed = true;
	pthread_cond_broadcast(&mr_daemon.changed);
	pthread_mutex_unlock(&mr_daemon.lock);
	return arg;
}

/*
 * Until the stop: then until the callbacks at work are done, so that a message whose end was
 * reached gets its answer. Other connections see theirs closed when the process ends; the MTA
 * then tries the message again (milter_default_action = tempfail), so nothing is lost. After a
 * drain: until the MTAs have closed all connections by themselves.
 */
static int milter_serve(struct mr_run *run MR_UNUSED)
{
	pthread_t thread;
	bool failed;

	if (pthread_create(&thread, NULL, listen_thread, NULL) != 0)
		return MR_ETEMP;
	pthread_detach(thread);
	pthread_mutex_lock(&mr_daemon.lock);
	while (!mr_daemon.failed && !mr_daemon.stopping) {
		if (mr_daemon.draining && mr_daemon.sessions == 0)
			mr_daemon.stopping = true;
		else
			pthread_cond_wait(&mr_daemon.changed, &mr_daemon.lock);
	}
	mr_daemon.stopping = true;
	while (mr_daemon.busy > 0)
		pthread_cond_wait(&mr_daemon.changed, &mr_daemon.lock);
	failed = mr_daemon.failed;
	pthread_mutex_unlock(&mr_daemon.lock);
	(void)poll(NULL, 0, ANSWER_MS);
	if (failed)
		mr_log(MR_LOG_ERROR, "libmilter has ended",
		       MR_KV("milter", mr_daemon.milter->name));
	return failed ? MR_ETEMP : 0;
}

static void milter_stop(struct mr_run *run MR_UNUSED, bool drain)
{
	mr_socket_close();
	pthread_mutex_lock(&mr_daemon.lock);
	if (drain)
		mr_daemon.draining = true;
	else
		mr_daemon.stopping = true;
	pthread_cond_broadcast(&mr_daemon.changed);
	pthread_mutex_unlock(&mr_daemon.lock);
}

static int milter_reload(struct mr_run *run MR_UNUSED, const struct mr_settings *next)
{
	return mr_generation_next(next);
}

static void milter_close(struct mr_run *run MR_UNUSED)
{
	mr_generation_close();
}

static void milter_status(struct mr_run *run MR_UNUSED, struct mr_buf *out)
{
	size_t sessions, busy;

	pthread_mutex_lock(&mr_daemon.lock);
	sessions = mr_daemon.sessions;
	busy = mr_daemon.busy;
	pthread_mutex_unlock(&mr_daemon.lock);
	mr_buf_printf(out, "sessions %zu\nbusy %zu\n", sessions, busy);
}

static int milter_other_main(int argc, char **argv)
{
	return mr_milter_cli(mr_daemon.milter, argc, argv);
}

int mr_milter_main(const struct mr_milter *milter, int argc, char **argv)
{
	/* mr_main keeps the pointer for the life of the process. */
	static struct mr_program program;
	static const char *fixed[4];

	mr_daemon.milter = milter;
	fixed[0] = milter->listen_setting;
	fixed[1] = milter->socket_mode_setting;
	fixed[2] = "milter_timeout_s"; /* libmilter is told once */
	program = (struct mr_program){
		.name = milter->name,
		.word = milter->stage->name,
		.sandbox = milter->stage->sandbox | MR_SANDBOX_NET | MR_SANDBOX_SPOOL,
		.check = milter_check,
		.open = milter_open,
		.serve = milter_serve,
		.stop = milter_stop,
		.reload = milter_reload,
		.fixed = fixed,
		.close = milter_close,
		.status = milter_status,
		.other_main = milter_other_main,
	};
	program.metrics = mr_milter_metrics(milter->stage, &program.metric_count);
	return mr_main(&program, argc, argv);
}
