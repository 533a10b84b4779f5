#include "tests/unit/mr_milter_proc.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/run/mr_control.h"

#define END_MS    15000
#define LOG_MAX   (64u << 20)
#define SHOWN_MAX 4000

void mr_milter_proc_settings(struct mr_milter_proc *p, const char *more)
{
	char text[4 * MR_PATH_MAX];
	int len = snprintf(text, sizeof(text),
			   "run_dir = \"%s\"\nspool_dir = \"%s\"\nspam_listen = \"%s\"\n%s\n",
			   p->dir, p->dir, p->socket, more);

	MR_ASSERT(len > 0 && (size_t)len < sizeof(text));
	MR_ASSERT(mr_replace_file(p->config, mr_span(text, (size_t)len), 0600) == 0);
}

/* tests/fake/note_milter beside tests/unit/test_...: of the same build. */
static void milter_path(char out[MR_PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", out, MR_PATH_MAX - 1);

	MR_ASSERT(len > 0);
	for (int up = 0; up < 2; up++) {
		while (len > 0 && out[--len] != '/')
			;
	}
	out[len] = '\0';
	MR_ASSERT(snprintf(out + len, (size_t)(MR_PATH_MAX - len), "/fake/note_milter") > 0);
}

static void run_child(const struct mr_milter_proc *p, const char *stage)
{
	char path[MR_PATH_MAX];
	int fd = open(p->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	milter_path(path);
	dup2(fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (stage)
		setenv("NOTE_STAGE", stage, 1);
	execl(path, "note_milter", "-c", p->config, "-d", (char *)NULL);
	_exit(127);
}

void mr_milter_proc_start(struct mr_t *t, struct mr_milter_proc *p, const char *dir,
			  const char *socket, const char *more, const char *stage)
{
	(void)t;
	snprintf(p->dir, sizeof(p->dir), "%s", dir);
	snprintf(p->config, sizeof(p->config), "%.4000s/conf", dir);
	snprintf(p->log, sizeof(p->log), "%.4000s/log", dir);
	if (socket[0]) /* may be the one of a process before */
		memmove(p->socket, socket, strlen(socket) + 1);
	else
		snprintf(p->socket, sizeof(p->socket), "unix:%.4000s/s", dir);
	mr_milter_proc_settings(p, more);
	p->pid = fork();
	MR_ASSERT(p->pid >= 0);
	if (p->pid == 0)
		run_child(p, stage);
}

void mr_milter_proc_restart(struct mr_milter_proc *p)
{
	p->pid = fork();
	MR_ASSERT(p->pid >= 0);
	if (p->pid == 0)
		run_child(p, NULL);
}

int mr_milter_proc_wait(struct mr_milter_proc *p)
{
	int status;

	for (int waited_ms = 0; waited_ms < END_MS; waited_ms += 10) {
		if (waitpid(p->pid, &status, WNOHANG) == p->pid) {
			p->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		}
		(void)poll(NULL, 0, 10);
	}
	kill(p->pid, SIGKILL);
	waitpid(p->pid, &status, 0);
	p->pid = 0;
	return -1;
}

int mr_milter_proc_stop(struct mr_milter_proc *p)
{
	kill(p->pid, SIGTERM);
	return mr_milter_proc_wait(p);
}

static bool add_line(void *arg, struct mr_span line)
{
	mr_buf_add(arg, line);
	mr_buf_addc(arg, '\n');
	return true;
}

int mr_milter_proc_ask(struct mr_milter_proc *p, const char *command, struct mr_buf *answer)
{
	char path[MR_PATH_MAX];
	MR_AUTO_BUF error = MR_BUF(LOG_MAX);
	int err = mr_control_path(p->dir, "note", path);

	if (err == 0)
		err = mr_control_ask(path, command, END_MS, add_line, answer, &error);
	if (err < 0)
		fprintf(stderr, "%s: %s %s\n", command, mr_err_text(err), mr_buf_str(&error));
	return err;
}

int mr_milter_proc_logged(struct mr_milter_proc *p, const char *text)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(LOG_MAX);
	struct mr_span log, needle = mr_span_str(text);
	int count = 0;

	if (!arena || mr_read_file(p->log, LOG_MAX, arena, &log) < 0)
		return -1;
	for (;;) {
		size_t at = mr_span_search(log, needle);

		if (at == log.len)
			return count;
		count++;
		log = mr_span_sub(log, at + needle.len, log.len);
	}
}

void mr_milter_proc_show(struct mr_milter_proc *p)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(LOG_MAX);
	struct mr_span log;

	if (!arena || mr_read_file(p->log, LOG_MAX, arena, &log) < 0)
		return;
	if (log.len > SHOWN_MAX)
		log = mr_span_sub(log, log.len - SHOWN_MAX, SHOWN_MAX);
	fprintf(stderr, "%.*s\n", (int)log.len, log.p);
}
