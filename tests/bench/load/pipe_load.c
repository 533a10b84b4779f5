/*
 * pipe_load: starts a program for each message, several at once, as an MTA's pipe does, with the message
 * as a file on its standard input, and prints how long each took and what CPU it used, as one JSON line.
 * For the benchmark rows alone.
 *
 *	pipe_load USER AT_ONCE COUNT SIZE RECIPIENT PROGRAM [ARGUMENT...]
 *
 * It becomes USER first, as pipe(8) does. CPU is that of the programs and of what they started and waited
 * for (wait4(2)), from fork to end; a latency is as long as one lived.
 */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_io.h"
#include "tests/bench/load/message.h"

#define THREADS_MAX 200
#define SIZE_MAX_   (16 * 1024 * 1024)

static struct {
	const char *recipient;
	char **argv;
	long at_once, count, size;
} load;

static char path_variable[] = "PATH=/usr/bin:/bin";
static char *const environment[] = { path_variable, NULL };
static _Atomic long next_message, accepted;
static _Atomic int64_t cpu_us;
static int64_t *latency_us;

static int64_t in_us(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
}

/* The message as a file at its start; -1. */
static int message_file(struct mr_buf *b, long i)
{
	int fd = memfd_create("message", MFD_CLOEXEC);

	mr_buf_reset(b);
	load_header(b, load.recipient, i, "\n");
	load_fill(b, i, load.size, "\n");
	(void)mr_buf_adds(b, "\n");
	if (fd >= 0 && (mr_buf_err(b) < 0 || mr_write_all(fd, mr_buf_span(b)) < 0 ||
			lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool deliver_one(int fd, long i)
{
	posix_spawn_file_actions_t actions;
	struct rusage used;
	int64_t start;
	int status = -1, err;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	start = load_now_us();
	err = posix_spawn(&pid, load.argv[0], &actions, NULL, load.argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (err != 0 || wait4(pid, &status, 0, &used) != pid)
		return false;
	latency_us[i] = load_now_us() - start;
	cpu_us += in_us(used.ru_utime) + in_us(used.ru_stime);
	return status == 0;
}

static void *deliver_some(void *arg MR_UNUSED)
{
	struct mr_buf b;
	long i;

	mr_buf_init(&b, SIZE_MAX_ + 4096);
	while ((i = next_message++) < load.count) {
		int fd = message_file(&b, i);

		if (fd >= 0 && deliver_one(fd, i))
			accepted++;
		if (fd >= 0)
			close(fd);
	}
	mr_buf_done(&b);
	return NULL;
}

static int run(void)
{
	static pthread_t thread[THREADS_MAX];
	int64_t start = load_now_us(), took;

	latency_us = mr_calloc((size_t)load.count, sizeof(*latency_us));
	if (!latency_us)
		return 1;
	for (long i = 0; i < load.at_once; i++) {
		if (pthread_create(&thread[i], NULL, deliver_some, NULL) != 0)
			return 1;
	}
	for (long i = 0; i < load.at_once; i++)
		pthread_join(thread[i], NULL);
	took = load_now_us() - start;
	printf("{\"accepted\":%ld,\"seconds\":%.3f,\"cpu_ms\":%.4f,", accepted, (double)took / 1e6,
	       (double)cpu_us / 1e3 / (double)load.count);
	load_print_latencies(latency_us, load.count);
	printf("}\n");
	mr_free(latency_us);
	return accepted < load.count;
}

static int become(const char *name)
{
	const struct passwd *user = getpwnam(name);

	if (!user || initgroups(name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
	    setuid(user->pw_uid) < 0)
		return -1;
	return chdir("/");
}

int main(int argc, char **argv)
{
	if (argc < 7) {
		fputs("usage: pipe_load USER AT_ONCE COUNT SIZE RECIPIENT PROGRAM [ARGUMENT...]\n",
		      stderr);
		return 64;
	}
	load.at_once = strtol(argv[2], NULL, 10);
	load.count = strtol(argv[3], NULL, 10);
	load.size = strtol(argv[4], NULL, 10);
	load.recipient = argv[5];
	load.argv = argv + 6;
	if (load.at_once < 1 || load.at_once > THREADS_MAX || load.count < 1 || load.size < 1 ||
	    load.size > SIZE_MAX_)
		return 64;
	if (become(argv[1]) < 0) {
		perror(argv[1]);
		return 1;
	}
	return run();
}
