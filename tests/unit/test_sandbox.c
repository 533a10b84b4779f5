#include "lib/run/mr_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/base/mr_io.h"
#include "lib/base/mr_random.h"
#include "lib/run/mr_landlock.h"
#include "tests/unit/mr_test.h"

#define SKIP_WITHOUT_SANDBOX(t)                                                                    \
	do {                                                                                       \
		if (!mr_sandbox_built())                                                           \
			MR_SKIP(t, "built with a sanitizer or profiling: no sandbox");             \
		if (getenv("MR_TEST_VALGRIND"))                                                    \
			MR_SKIP(t, "valgrind makes system calls of its own");                      \
		if (getenv("MR_TEST_OOM"))                                                         \
			return;                                                                    \
	} while (0)

/* What a case works with; made before the sandbox. */
static struct {
	char dir[MR_PATH_MAX], outside[MR_PATH_MAX];
	int listener;
	struct sockaddr_in addr;
} world;

typedef int case_fn(void); /* 0: as it should be */

/* Run fn in a child inside the sandbox: its result, or minus the signal that ended it; 99: the
 * sandbox could not be entered. */
static int run_inside(unsigned sets, case_fn *fn)
{
	const char *read[] = { "/etc", "/usr", "/lib", "/lib64", "/dev/null", NULL };
	const char *write[] = { world.dir, NULL };
	const struct mr_sandbox_paths paths = { read, write };
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		bool landlock;

		openlog("test", LOG_NDELAY, LOG_MAIL);
		tzset();
		_exit(mr_sandbox_enter(sets, &paths, &landlock) < 0 ? 99 : fn());
	}
	MR_ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void make_world(struct mr_t *t)
{
	socklen_t len = sizeof(world.addr);

	snprintf(world.dir, sizeof(world.dir), "%s", mr_test_dir(t));
	snprintf(world.outside, sizeof(world.outside), "%s", mr_test_dir(t));
	world.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	world.addr = (struct sockaddr_in){ .sin_family = AF_INET };
	world.addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MR_ASSERT(bind(world.listener, (struct sockaddr *)&world.addr, len) == 0);
	MR_ASSERT(listen(world.listener, 5) == 0);
	MR_ASSERT(getsockname(world.listener, (struct sockaddr *)&world.addr, &len) == 0);
}

/* -- what kills --------------------------------------------------------------------------------- */

static int do_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return 1;
}

static int do_connect(void)
{
	/* On a socket that exists: a new one is refused before. */
	connect(world.listener, (struct sockaddr *)&world.addr, sizeof(world.addr));
	return 1;
}

static int do_kill(void)
{
	return kill(getppid(), SIGCONT) == 0; /* signals to others */
}

static int do_mkdir(void)
{
	mkdir("/tmp/x", 0700);
	return 1;
}

static int do_write_and_execute(void)
{
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED;
}

static int do_setuid(void)
{
	return setuid(0);
}

static int do_listen(void)
{
	return listen(world.listener, 5);
}

static const struct {
	const char *name;
	unsigned sets;
	case_fn *fn;
} kills[] = {
	{ "execve", ~0u, do_exec },
	{ "fork", ~0u, do_fork },
	{ "connect without CONNECT", ~0u & ~(unsigned)MR_SANDBOX_CONNECT, do_connect },
	{ "kill", ~0u, do_kill },
	{ "mkdir without a set that writes", MR_SANDBOX_NET | MR_SANDBOX_CONNECT, do_mkdir },
	{ "writable and executable memory", ~0u, do_write_and_execute },
	{ "setuid", ~0u, do_setuid },
	{ "listen", ~0u, do_listen },
};

MR_TEST(sandbox_kills)
{
	SKIP_WITHOUT_SANDBOX(t);
	make_world(t);
	for (size_t i = 0; i < MR_COUNT(kills); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, -SIGSYS, run_inside(kills[i].sets, kills[i].fn));
	}
	close(world.listener);
}

/* -- what works --------------------------------------------------------------------------------- */

static void *thread_main(void *arg)
{
	pthread_mutex_t *lock = arg;

	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return arg;
}

static int do_threads(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread[8];
	void *result;

	for (int i = 0; i < 8; i++) {
		if (pthread_create(&thread[i], NULL, thread_main, &lock) != 0)
			return 1;
	}
	for (int i = 0; i < 8; i++) {
		if (pthread_join(thread[i], &result) != 0 || result != &lock)
			return 2;
	}
	return 0;
}

static int do_memory(void)
{
	char *p = malloc(1 << 24), id[MR_ID_SIZE];
	char *q;

	if (!p)
		return 1;
	memset(p, 1, 1 << 24);
	q = realloc(p, 1 << 25);
	if (!q)
		return 2;
	free(q);
	mr_random_id(id);
	return id[0] ? 0 : 3;
}

static int do_read_files(void)
{
	struct mr_map map;

	if (mr_map_file("/etc/passwd", &map) < 0 || map.span.len == 0)
		return 1;
	mr_map_done(&map);
	return 0;
}

/* iconv loads its tables with dlopen(3). */
static int do_iconv(void)
{
	iconv_t cd = iconv_open("UTF-8", "KOI8-R");

	if (cd == (iconv_t)-1)
		return 1;
	return iconv_close(cd) == 0 ? 0 : 2;
}

static int do_syslog(void)
{
	syslog(LOG_MAIL | LOG_DEBUG, "millrace sandbox test");
	closelog();
	/* Now without a socket: it asks for a new one, is refused, and goes on. */
	syslog(LOG_MAIL | LOG_DEBUG, "millrace sandbox test");
	return 0;
}

static int do_refused_files(void)
{
	char path[MR_PATH_MAX];

	if (mr_path_join(world.dir, "x", path) < 0)
		return 1;
	if (open(path, O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES)
		return 2;
	return open("/etc/passwd", O_RDWR) < 0 && errno == EACCES ? 0 : 3;
}

static int do_refused_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM ? 0 : 1;
}

static int do_connect_well(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), peer, on = 1;
	char byte = 'x';

	if (fd < 0 || connect(fd, (struct sockaddr *)&world.addr, sizeof(world.addr)) < 0)
		return 1;
	peer = accept4(world.listener, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0 || setsockopt(peer, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0)
		return 2;
	if (send(peer, &byte, 1, 0) != 1 || recv(fd, &byte, 1, 0) != 1)
		return 3;
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? 4 : 5; /* not reached */
}

static int do_maildir(void)
{
	int dir, err;
	int fd = -1;

	if (mr_open_dir_at(AT_FDCWD, world.dir, &dir) < 0 || mr_mkdir_at(dir, "new", 0700) < 0 ||
	    mr_mkdir_at(dir, "tmp", 0700) < 0)
		return 1;
	err = mr_create_at(dir, "tmp/1", 0600, &fd);
	if (err < 0 || mr_write_all(fd, MR_SPAN("x")) < 0 || mr_fsync(fd) < 0)
		return 2;
	/* Between folders: what Landlock calls REFER. */
	if (mr_link_at(dir, "tmp/1", "new/1") < 0 || renameat(dir, "new/1", dir, "tmp/2") < 0)
		return 3;
	return unlinkat(dir, "tmp/1", 0) < 0 || mr_fsync_at(dir, "new") < 0 ? 4 : 0;
}

static int do_sqlite(void)
{
	char path[MR_PATH_MAX];
	sqlite3 *db;
	int code;

	if (mr_path_join(world.dir, "db", path) < 0 || sqlite3_open(path, &db) != SQLITE_OK)
		return 1;
	code = sqlite3_exec(db,
			    "PRAGMA journal_mode = WAL; CREATE TABLE t (a);"
			    "INSERT INTO t VALUES (1); PRAGMA wal_checkpoint(TRUNCATE);"
			    "PRAGMA mmap_size = 1000000; SELECT * FROM t;"
			    "PRAGMA journal_mode = DELETE; UPDATE t SET a = 2; VACUUM;",
			    NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return 2;
	return sqlite3_close(db) == SQLITE_OK ? 0 : 3;
}

static int do_spool(void)
{
	char path[MR_PATH_MAX];
	int fd;

	if (mr_path_join(world.dir, "spool", path) < 0)
		return 1;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || unlink(path) < 0 || ftruncate(fd, 100000) < 0)
		return 2;
	return mmap(NULL, 100000, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED ? 0 : 3;
}

static const struct {
	const char *name;
	unsigned sets;
	case_fn *fn;
} works[] = {
	{ "threads", 0, do_threads },
	{ "memory", 0, do_memory },
	{ "reading", 0, do_read_files },
	{ "iconv", 0, do_iconv },
	{ "syslog", 0, do_syslog },
	{ "files refused", MR_SANDBOX_NET | MR_SANDBOX_CONNECT, do_refused_files },
	{ "socket refused", MR_SANDBOX_NET, do_refused_socket },
	{ "maildir", MR_SANDBOX_MAIL, do_maildir },
	{ "sqlite", MR_SANDBOX_STORE, do_sqlite },
	{ "spool", MR_SANDBOX_SPOOL, do_spool },
};

MR_TEST(sandbox_allows)
{
	SKIP_WITHOUT_SANDBOX(t);
	make_world(t);
	for (size_t i = 0; i < MR_COUNT(works); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, 0, run_inside(works[i].sets, works[i].fn));
	}
	/* It works, and then dies of a family that is not allowed. */
	MR_CHECK_INT(t, -SIGSYS, run_inside(MR_SANDBOX_CONNECT, do_connect_well));
	close(world.listener);
}

/* -- Landlock ------------------------------------------------------------------------------------ */

static int do_outside(void)
{
	char path[MR_PATH_MAX], inside[MR_PATH_MAX];
	int fd;

	if (mr_path_join(world.outside, "secret", path) < 0 ||
	    mr_path_join(world.dir, "copy", inside) < 0)
		return 1;
	if (open(path, O_RDONLY) >= 0 || errno != EACCES)
		return 2;
	if (open(path, O_WRONLY) >= 0 || errno != EACCES)
		return 3;
	if (unlink(path) == 0 || errno != EACCES)
		return 4;
	if (link(path, inside) == 0)
		return 5;
	if (open("/etc/passwd", O_WRONLY) >= 0)
		return 6;
	fd = open(inside, O_WRONLY | O_CREAT, 0600);
	return fd < 0 || ftruncate(fd, 0) < 0 ? 7 : 0;
}

MR_TEST(sandbox_landlock)
{
	char path[MR_PATH_MAX];

	SKIP_WITHOUT_SANDBOX(t);
	if (mr_landlock_abi() == 0)
		MR_SKIP(t, "this kernel has no Landlock");
	make_world(t);
	MR_NEED(t, mr_path_join(world.outside, "secret", path) == 0);
	MR_NEED(t, mr_replace_file(path, MR_SPAN("x"), 0600) == 0);
	MR_CHECK_INT(t, 0, run_inside(MR_SANDBOX_MAIL, do_outside));
	snprintf(world.dir, sizeof(world.dir), "/nonexistent/x");
	MR_CHECK_INT(t, 99, run_inside(MR_SANDBOX_MAIL, do_outside)); /* nothing to write to */
	close(world.listener);
}
