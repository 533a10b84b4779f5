/* lib/net/mr_sock and mr_pool: unix sockets in a folder of the test's own, and threads. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/net/mr_pool.h"
#include "lib/net/mr_sock.h"
#include "tests/unit/mr_test.h"

MR_TEST(sock_names)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = {
		{ "", MR_EINVAL },
		{ "unix:", MR_EINVAL },
		{ "/run/x.sock", MR_EINVAL },
		{ "inet:24", MR_EINVAL },
		{ "inet::24", MR_EINVAL },
		{ "inet:127.0.0.1:", MR_EINVAL },
		{ "inet:127.0.0.1:x", MR_EINVAL },
		{ "inet:127.0.0.1:123456", MR_EINVAL },
		{ "inet:host.example:24", MR_EINVAL }, /* no look-ups */
		{ "unix:/nowhere/at/all.sock", MR_ENOENT },
	};
	char path[300];
	int fd;

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, mr_sock_listen(rows[i].name, 0600, &fd));
	}
	snprintf(path, sizeof(path), "unix:/%0200d", 1); /* sun_path has 108 */
	MR_CHECK_INT(t, MR_ELIMIT, mr_sock_listen(path, 0600, &fd));
}

MR_TEST(sock_mode)
{
	mode_t mode = 1;

	MR_CHECK_INT(t, 0, mr_sock_mode("0660", &mode));
	MR_CHECK_INT(t, 0660, mode);
	MR_CHECK_INT(t, 0, mr_sock_mode("666", &mode));
	MR_CHECK_INT(t, 0666, mode);
	MR_CHECK_INT(t, MR_EINVAL, mr_sock_mode("", &mode));
	MR_CHECK_INT(t, 0, mr_sock_mode("0777", &mode));
	MR_CHECK_INT(t, 0777, mode);
	MR_CHECK_INT(t, MR_EINVAL, mr_sock_mode("1000", &mode)); /* no rights */
	MR_CHECK_INT(t, MR_EINVAL, mr_sock_mode("0680", &mode));
	MR_CHECK_INT(t, MR_EINVAL, mr_sock_mode("rw", &mode));
	MR_CHECK_INT(t, MR_EINVAL, mr_sock_mode("00660", &mode));
}

/* Found before the C library's: it follows links, and a socket's folder may be anybody's. */
static int chmods;

int chmod(const char *path MR_UNUSED, mode_t mode MR_UNUSED)
{
	chmods++;
	return 0;
}

MR_TEST(sock_unix_mode)
{
	static const mode_t modes[] = { 0600, 0660, 0666, 0777 };
	char name[MR_PATH_MAX];
	mode_t mask = umask(027);
	struct stat st;

	snprintf(name, sizeof(name), "unix:%s/s", mr_test_dir(t));
	for (size_t i = 0; i < MR_COUNT(modes); i++) {
		int fd = -1;

		t->row = (long)i;
		MR_CHECK_INT(t, 0, mr_sock_listen(name, modes[i], &fd));
		MR_CHECK(t, stat(name + strlen("unix:"), &st) == 0);
		MR_CHECK_INT(t, modes[i], st.st_mode & 0777);
		close(fd); /* stale: the next one replaces it */
	}
	MR_CHECK_INT(t, 0, chmods);
	MR_CHECK_INT(t, 027, umask(mask));
}

MR_TEST(sock_unix)
{
	const char *dir = mr_test_dir(t);
	char name[MR_PATH_MAX], *path = name + strlen("unix:");
	int listen_fd = -1, fd = -1, other = -1, client = -1;
	struct stat st;

	snprintf(name, sizeof(name), "unix:%s/s", dir);
	MR_CHECK_INT(t, MR_ENOENT, mr_sock_connect(name, 100, &client));
	MR_CHECK_INT(t, 0, mr_sock_listen(name, 0620, &listen_fd));
	MR_CHECK(t, stat(path, &st) == 0 && (st.st_mode & 0777) == 0620);
	MR_CHECK_INT(t, MR_EAGAIN, mr_sock_accept(listen_fd, &fd));
	MR_CHECK_INT(t, 0, mr_sock_connect(name, 100, &client));
	MR_CHECK_INT(t, 0, mr_sock_accept(listen_fd, &fd));
	MR_CHECK_INT(t, 1, write(client, "x", 1));
	MR_CHECK_INT(t, 1, read(fd, path + strlen(path) + 1, 1));
	MR_CHECK(t, read(fd, path + strlen(path) + 1, 1) < 0 && errno == EAGAIN); /* no block */
	/* Somebody listens: it stays. Nobody does: it goes. A file of another kind stays. */
	MR_CHECK_INT(t, MR_EEXIST, mr_sock_listen(name, 0620, &other));
	close(listen_fd);
	MR_CHECK_INT(t, 0, mr_sock_listen(name, 0620, &listen_fd));
	close(listen_fd);
	MR_CHECK_INT(t, 0, unlink(path));
	MR_CHECK_INT(t, 0, mr_replace_file(path, MR_SPAN("x"), 0600));
	MR_CHECK_INT(t, MR_EEXIST, mr_sock_listen(name, 0620, &listen_fd));
	close(fd);
	close(client);
}

struct job {
	struct mr_pool_item item; /* first */
	_Atomic int *worked;
	int *done;
	int fd; /* work() waits until this can be read; -1: not at all */
};

static void job_work(struct mr_pool_item *item)
{
	struct job *job = (struct job *)item;
	struct pollfd p = { .fd = job->fd, .events = POLLIN };

	if (job->fd >= 0)
		poll(&p, 1, 10000);
	atomic_fetch_add(job->worked, 1);
}

static void job_done(struct mr_pool_item *item)
{
	struct job *job = (struct job *)item;

	(*job->done)++;
}

MR_TEST(pool_all_come_back)
{
	struct mr_pool *pool = mr_pool_new(4);
	struct job jobs[200];
	_Atomic int worked = 0;
	int done = 0;

	MR_NEED(t, pool);
	for (size_t i = 0; i < MR_COUNT(jobs); i++) {
		jobs[i] = (struct job){ { job_work, job_done, NULL }, &worked, &done, -1 };
		mr_pool_put(pool, &jobs[i].item);
	}
	while (done < (int)MR_COUNT(jobs)) {
		struct pollfd p = { .fd = mr_pool_fd(pool), .events = POLLIN };

		if (poll(&p, 1, 10000) <= 0)
			break;
		mr_pool_reap(pool);
	}
	MR_CHECK_INT(t, MR_COUNT(jobs), done);
	MR_CHECK_INT(t, MR_COUNT(jobs), atomic_load(&worked));
	mr_pool_free(pool);
}

/* What is being worked on is finished, what waits is not begun, and nobody hears of either. */
MR_TEST(pool_free_waits)
{
	struct mr_pool *pool = mr_pool_new(1);
	struct job jobs[3];
	_Atomic int worked = 0;
	int done = 0, pipe_fd[2];

	MR_NEED(t, pool);
	MR_ASSERT(pipe2(pipe_fd, 0) == 0);
	for (size_t i = 0; i < MR_COUNT(jobs); i++) {
		jobs[i] = (struct job){ { job_work, job_done, NULL }, &worked, &done, pipe_fd[0] };
		mr_pool_put(pool, &jobs[i].item);
	}
	MR_CHECK_INT(t, 1, write(pipe_fd[1], "x", 1));
	mr_pool_free(pool);
	MR_CHECK(t, atomic_load(&worked) <= (int)MR_COUNT(jobs));
	MR_CHECK_INT(t, 0, done);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}
