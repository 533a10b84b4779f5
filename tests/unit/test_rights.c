/*
 * Who may reach what a running program has: its sockets, its files, its memory. Some calls of libc are
 * this test's own, found before the library's: they see the moment between two of ours, or say what a
 * kernel elsewhere would.
 */
/* Under _FORTIFY_SOURCE some of these are inline functions. */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "lda/lmtpd/content.h"
#include "lda/lmtpd/server.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_spool.h"
#include "lib/store/mr_store.h"
#include "tests/unit/mr_instance.h"
#include "tests/unit/mr_test.h"

/* -- libc -------------------------------------------------------------------------------------- */

static mode_t mode_at_bind; /* of the socket's file, as soon as it is there */

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	int result = (int)syscall(SYS_bind, fd, addr, len);
	struct sockaddr_un un;
	struct stat st;

	if (result == 0 && addr->sa_family == AF_UNIX && len <= sizeof(un)) {
		memset(&un, 0, sizeof(un));
		memcpy(&un, addr, len);
		if (lstat(un.sun_path, &st) == 0)
			mode_at_bind = st.st_mode & 07777;
	}
	return result;
}

/* Shared with the programs that are started. */
struct shared {
	bool stranger; /* who is at the other end is another user */
	int undumpable; /* how often the process made itself so, with success */
};
static struct shared *shared;

/* The sandbox lets nobody ask for it later. */
int prctl(int option, ...)
{
	unsigned long arg[4];
	va_list args;
	int result;

	va_start(args, option);
	for (size_t i = 0; i < MR_COUNT(arg); i++)
		arg[i] = va_arg(args, unsigned long);
	va_end(args);
	result = (int)syscall(SYS_prctl, option, arg[0], arg[1], arg[2], arg[3]);
	if (option == PR_SET_DUMPABLE && shared && result == 0)
		shared->undumpable += syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
	return result;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	int result = (int)syscall(SYS_getsockopt, fd, level, name, value, len);

	if (result == 0 && level == SOL_SOCKET && name == SO_PEERCRED && shared && shared->stranger)
		((struct ucred *)value)->uid = 12345;
	return result;
}

static bool no_tmpfile; /* a file system without O_TMPFILE */

static int open_as_told(int dir_fd, const char *path, int flags, mode_t mode)
{
	if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, dir_fd, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_as_told(AT_FDCWD, path, flags, mode);
}

int openat(int dir_fd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_as_told(dir_fd, path, flags, mode);
}

/* -- files -------------------------------------------------------------------------------------- */

/* It is its user's alone, whatever the umask, and has no name. */
static void check_private(struct mr_t *t, int fd, const char *dir)
{
	struct stat st;

	MR_NEED(t, fstat(fd, &st) == 0);
	MR_CHECK_INT(t, 0600, st.st_mode & 07777);
	MR_CHECK_INT(t, 0, st.st_nlink);
	MR_CHECK_INT(t, 0, rmdir(dir)); /* nothing is in it */
}

MR_TEST(rights_milter_spool)
{
	mode_t mask = umask(0);

	for (int named = 0; named < 2; named++) {
		char dir[MR_PATH_MAX];
		struct mr_spool spool;

		t->row = named;
		snprintf(dir, sizeof(dir), "%s/spool", mr_test_dir(t));
		MR_CHECK_INT(t, 0, mkdir(dir, 0700));
		no_tmpfile = named;
		mr_spool_init(&spool, 2, dir);
		if (mr_spool_add(&spool, MR_SPAN("more than two")) == 0)
			check_private(t, spool.fd, dir);
		else
			MR_CHECK(t, t->oom);
		mr_spool_done(&spool);
		no_tmpfile = false;
	}
	umask(mask);
}

MR_TEST(rights_lmtpd_spool)
{
	mode_t mask = umask(0);
	struct mr_settings set;

	MR_NEED(t, mr_settings_default(&set) == 0);
	for (int named = 0; named < 2; named++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(1 << 20);
		struct mr_lmtp_mail mail = { .set = &set, .arena = arena };
		struct mr_content *c = NULL;
		struct mr_head head;
		char dir[MR_PATH_MAX];
		MR_AUTO_FD dir_fd = -1;
		bool made;

		t->row = named;
		snprintf(dir, sizeof(dir), "%s/mail", mr_test_dir(t));
		MR_CHECK_INT(t, 0, mkdir(dir, 0700));
		MR_CHECK_INT(t, 0, mr_open_dir_at(AT_FDCWD, dir, &dir_fd));
		no_tmpfile = named;
		mr_buf_init(&mail.content, 1000);
		if (arena && mr_buf_adds(&mail.content, "Subject: x\n\nbody\n") == 0)
			c = mr_content_of(&mail, &head, &made);
		if (c && mr_content_spool(&mail, c, dir_fd) == 0)
			check_private(t, c->write_fd, dir);
		else
			MR_CHECK(t, t->oom);
		if (c)
			mr_content_done(c);
		mr_buf_done(&mail.content);
		no_tmpfile = false;
	}
	mr_settings_done(&set);
	umask(mask);
}

/* -- sockets ------------------------------------------------------------------------------------ */

/* Between bind and a chmod anybody could connect: the rights are there from the first moment. */
MR_TEST(rights_socket_from_the_start)
{
	static const mode_t modes[] = { 0600, 0660, 0666 };
	static const mode_t masks[] = { 0, 022, 077 };
	char name[MR_PATH_MAX];

	snprintf(name, sizeof(name), "unix:%s/s", mr_test_dir(t));
	for (size_t i = 0; i < MR_COUNT(modes); i++) {
		for (size_t k = 0; k < MR_COUNT(masks); k++) {
			mode_t mask = umask(masks[k]);
			int fd = -1;

			t->row = (long)(i * MR_COUNT(masks) + k);
			mode_at_bind = 07777;
			MR_CHECK_INT(t, 0, mr_sock_listen(name, modes[i], &fd));
			MR_CHECK_INT(t, modes[i], mode_at_bind);
			mr_close_at(&fd);
			umask(mask);
		}
	}
}

/* -- a program ---------------------------------------------------------------------------------- */

static int stop_pipe[2];

static int demo_open(struct mr_run *run MR_UNUSED)
{
	return pipe(stop_pipe) < 0 ? MR_ETEMP : 0;
}

static int demo_serve(struct mr_run *run MR_UNUSED)
{
	char byte;

	return read(stop_pipe[0], &byte, 1) == 1 ? 0 : MR_ETEMP;
}

static void demo_stop(struct mr_run *run MR_UNUSED, bool drain MR_UNUSED)
{
	if (write(stop_pipe[1], "", 1) != 1)
		_exit(98);
}

static void demo_status(struct mr_run *run MR_UNUSED, struct mr_buf *out)
{
	mr_buf_printf(out, "umask %o\n", umask(027));
}

static const struct mr_program demo = {
	.name = "millrace-demo",
	.word = "demo",
	.open = demo_open,
	.serve = demo_serve,
	.stop = demo_stop,
	.status = demo_status,
};

static bool contains(const struct mr_buf *b, const char *text)
{
	return mr_span_search(mr_buf_span(b), mr_span_str(text)) < b->len;
}

static void share(struct mr_t *t)
{
	if (!shared)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MR_NEED(t, shared != MAP_FAILED);
	memset(shared, 0, sizeof(*shared));
}

static void end(struct mr_t *t, struct mr_instance *in)
{
	kill(in->pid, SIGTERM);
	MR_CHECK_INT(t, 0, mr_instance_end(in));
}

/* The rights of the file keep others out; should it be opened up, or handed on, the program asks who is there. */
MR_TEST(rights_control_of_strangers)
{
	struct mr_instance in;
	MR_AUTO_BUF answer = MR_BUF(10000);
	MR_AUTO_BUF error = MR_BUF(1000);

	share(t);
	if (!mr_instance_start(t, &in, &demo, "", NULL)) {
		MR_CHECK(t, getenv("MR_TEST_OOM") != NULL);
		return;
	}
	shared->stranger = true;
	MR_CHECK(t, mr_instance_ask(&in, "status", &answer, &error) < 0);
	MR_CHECK_INT(t, 0, answer.len);
	MR_CHECK(t, contains(&error, "not allowed"));
	MR_CHECK(t, mr_instance_ask(&in, "drain", &answer, &error) < 0);
	shared->stranger = false;
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "status", &answer, &error));
	end(t, &in);
}

/* Whoever scrapes the metrics is in the socket's group; nobody else reads them. */
MR_TEST(rights_metrics_socket)
{
	char settings[MR_PATH_MAX + 100], path[60];
	struct mr_instance in;
	struct stat st;

	snprintf(path, sizeof(path), "/tmp/mr-rights-%d.sock", (int)getpid());
	snprintf(settings, sizeof(settings), "metrics_listen = \"demo=unix:%s\"\n", path);
	if (!mr_instance_start(t, &in, &demo, settings, NULL)) {
		MR_CHECK(t, getenv("MR_TEST_OOM") != NULL);
		return;
	}
	MR_CHECK(t, lstat(path, &st) == 0);
	MR_CHECK_INT(t, 0660, st.st_mode & 07777);
	MR_CHECK(t, lstat(in.control, &st) == 0);
	MR_CHECK_INT(t, 0600, st.st_mode & 07777);
	end(t, &in);
	unlink(path);
}

/* As in service, without -d: no core, no debugger of the same user; files are not for everybody. */
MR_TEST(rights_of_the_process)
{
	struct mr_instance in;
	MR_AUTO_BUF answer = MR_BUF(10000);
	MR_AUTO_BUF error = MR_BUF(1000);
	const char *argv[] = { "millrace-demo", "-c", in.settings, NULL };
	mode_t mask;

	if (t->oom || getenv("MR_TEST_OOM"))
		return;
	snprintf(in.dir, sizeof(in.dir), "%s", mr_test_dir(t));
	MR_NEED(t, mr_path_join(in.dir, "millrace.conf", in.settings) == 0 &&
			   mr_path_join(in.dir, "demo.ctl", in.control) == 0 &&
			   mr_instance_settings(&in, ""));
	share(t);
	mask = umask(0);
	fflush(NULL);
	in.pid = fork();
	if (in.pid == 0) {
		prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL);
		_exit(mr_main(&demo, 3, (char **)(uintptr_t)argv));
	}
	umask(mask);
	for (int i = 0; i < 500 && mr_instance_ask(&in, "status", &answer, &error) < 0; i++)
		(void)poll(NULL, 0, 10);
	MR_CHECK(t, contains(&answer, "umask 27\n"));
	MR_CHECK_INT(t, 1, shared->undumpable);
	end(t, &in);
}

/* -- lmtpd -------------------------------------------------------------------------------------- */

static struct mr_program lmtpd = {
	.name = "millrace-lmtpd",
	.word = "lmtpd",
	.sandbox = MR_SANDBOX_NET | MR_SANDBOX_MAIL | MR_SANDBOX_STORE,
	.metrics = mr_lmtpd_metrics,
	.check = mr_lmtpd_check,
	.open = mr_lmtpd_open,
	.serve = mr_lmtpd_serve,
	.stop = mr_lmtpd_stop,
	.reload = mr_lmtpd_reload,
	.close = mr_lmtpd_close,
	.status = mr_lmtpd_status,
};

static void lmtpd_settings(const char *dir, const char *mail_dir, char out[3 * MR_PATH_MAX])
{
	snprintf(out, 3 * MR_PATH_MAX,
		 "sandbox = false\nstore = \"sqlite:%s/state\"\nmail_dir = \"%s/%s\"\n"
		 "lmtp_listen = \"unix:/tmp/mr-rights-%d.lmtp\"\nlmtp_connections_max = 2\n",
		 dir, dir, mail_dir, (int)getpid());
}

/* The first line that the server says; "" for none. */
static struct mr_span greeting(int fd, char *room, size_t size)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&poller, 1, 5000) == 1 ? read(fd, room, size) : 0;

	return mr_span(room, n > 0 ? (size_t)n : 0);
}

static void check_connections(struct mr_t *t, const char *socket)
{
	int fd[3] = { -1, -1, -1 };
	char room[200];

	for (int i = 0; i < 3; i++) {
		t->row = i;
		MR_CHECK_INT(t, 0, mr_sock_connect(socket, 5000, &fd[i]));
		MR_CHECK_SPAN(t, i < 2 ? "220 " : "421 ",
			      mr_span_sub(greeting(fd[i], room, sizeof(room)), 0, 4));
	}
	t->row = -1;
	for (int i = 0; i < 3; i++)
		mr_close_at(&fd[i]);
}

/* More connections than allowed are turned away; and where mail goes changes at a start alone, also where
 * no sandbox would have forbidden the new place. */
MR_TEST(rights_lmtpd_limits)
{
	static char settings[3 * MR_PATH_MAX];
	const char *dir = mr_test_dir(t);
	MR_AUTO_BUF answer = MR_BUF(10000);
	MR_AUTO_BUF error = MR_BUF(1000);
	char url[MR_PATH_MAX], base[MR_PATH_MAX], socket[100];
	struct mr_store *store = NULL;
	struct mr_instance in;
	struct stat st;

	if (t->oom || getenv("MR_TEST_OOM"))
		return;
	snprintf(base, sizeof(base), "%s", dir);
	snprintf(url, sizeof(url), "sqlite:%.4000s/state", base);
	MR_NEED(t, mr_store_open(url, MR_GROUP_ALL, MR_STORE_CREATE, &store) == 0);
	mr_store_close(store);
	lmtpd.metric_count = mr_lmtpd_metric_count;
	lmtpd_settings(base, "mail", settings);
	MR_NEED(t, mr_instance_start(t, &in, &lmtpd, settings, NULL));
	snprintf(socket, sizeof(socket), "unix:/tmp/mr-rights-%d.lmtp", (int)getpid());
	check_connections(t, socket);
	lmtpd_settings(base, "elsewhere", settings);
	MR_CHECK(t, mr_instance_settings(&in, settings));
	MR_CHECK(t, mr_instance_ask(&in, "reload", &answer, &error) < 0);
	snprintf(url, sizeof(url), "%.4000s/elsewhere", base);
	MR_CHECK(t, lstat(url, &st) < 0);
	lmtpd_settings(base, "mail", settings);
	MR_CHECK(t, mr_instance_settings(&in, settings));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "reload", &answer, &error));
	end(t, &in);
	unlink(socket + strlen("unix:"));
}
