#include "tests/unit/mr_instance.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mr_io.h"
#include "lib/run/mr_control.h"

#define PATIENCE_MS 10000

static void pause_ms(long ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

bool mr_instance_settings(struct mr_instance *in, const char *more)
{
	MR_AUTO_BUF text = MR_BUF(100000);

	mr_buf_printf(&text, "run_dir = \"%s\"\n%s", in->dir, more);
	/* Its system calls are not ours. */
	if (getenv("MR_TEST_VALGRIND"))
		mr_buf_adds(&text, "sandbox = false\n");
	return mr_replace_file(in->settings, mr_buf_span(&text), 0600) == 0;
}

/* In builds for coverage alone: _exit() would lose what the program reached. */
__attribute__((weak)) int __llvm_profile_write_file(void);

static void child(const struct mr_instance *in, const struct mr_program *program,
		  const char *option)
{
	char log[MR_PATH_MAX + 8];
	const char *argv[] = { program->name, "-d", "-c", in->settings, option, NULL };
	int fd, code;

	/* A test that dies takes its program along, and no descriptor of whoever runs the tests (a
	 * lock, a pipe) stays open in it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (fd = 3; fd < 256; fd++) /* valgrind has its own above */
		close(fd);
	snprintf(log, sizeof(log), "%s/log", in->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, 2) < 0)
		_exit(99);
	/* Not exit(): the parent's folder is not this one's to remove. */
	code = mr_main(program, option ? 5 : 4, (char **)(uintptr_t)argv);
	if (__llvm_profile_write_file)
		__llvm_profile_write_file();
	_exit(code);
}

bool mr_instance_launch(struct mr_instance *in, const struct mr_program *program,
			const char *option)
{
	MR_AUTO_BUF answer = MR_BUF(100000);
	MR_AUTO_BUF error = MR_BUF(1000);

	fflush(NULL);
	in->pid = fork();
	if (in->pid == 0)
		child(in, program, option);
	for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
		siginfo_t info = { .si_pid = 0 };

		if (mr_instance_ask(in, "status", &answer, &error) == 0)
			return true;
		if (waitid(P_PID, (id_t)in->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    info.si_pid == in->pid)
			return false;
		pause_ms(10);
	}
	return false;
}

bool mr_instance_start(struct mr_t *t, struct mr_instance *in, const struct mr_program *program,
		       const char *more, const char *option)
{
	/* A start for each failing allocation would take minutes, and its leaks are not seen here. */
	if (t->oom || getenv("MR_TEST_OOM"))
		return false;
	snprintf(in->dir, sizeof(in->dir), "%s", mr_test_dir(t));
	if (mr_path_join(in->dir, "millrace.conf", in->settings) < 0 ||
	    mr_control_path(in->dir, program->word, in->control) < 0 ||
	    !mr_instance_settings(in, more))
		return false;
	return mr_instance_launch(in, program, option);
}

int mr_instance_end(struct mr_instance *in)
{
	int status = 0;

	for (int waited = 0; waitpid(in->pid, &status, WNOHANG) == 0; waited += 10) {
		if (waited >= PATIENCE_MS)
			kill(in->pid, SIGKILL);
		pause_ms(10);
	}
	in->pid = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool collect(void *arg, struct mr_span line)
{
	struct mr_buf *answer = arg;

	return mr_buf_add(answer, line) == 0 && mr_buf_addc(answer, '\n') == 0;
}

int mr_instance_ask(struct mr_instance *in, const char *command, struct mr_buf *answer,
		    struct mr_buf *error)
{
	mr_buf_reset(answer);
	mr_buf_reset(error);
	return mr_control_ask(in->control, command, PATIENCE_MS, collect, answer, error);
}

bool mr_instance_logs(struct mr_instance *in, const char *text)
{
	char path[MR_PATH_MAX];

	if (mr_path_join(in->dir, "log", path) < 0)
		return false;
	for (int waited = 0; waited < 5000; waited += 10) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(1 << 24);
		struct mr_span log;

		if (arena && mr_read_file(path, 1 << 20, arena, &log) == 0 &&
		    mr_span_search(log, mr_span_str(text)) < log.len)
			return true;
		pause_ms(10);
	}
	return false;
}
