#include "lib/run/mr_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_control.h"
#include "lib/run/mr_folders.h"
#include "lib/run/mr_run.h"
#include "tests/unit/mr_instance.h"
#include "tests/unit/mr_test.h"

/* -- programs --------------------------------------------------------------------------------- */

static int stop_pipe[2];

static int demo_open(struct mr_run *run)
{
	mr_run_set_state(run, &stop_pipe);
	return pipe(stop_pipe) < 0 ? MR_ETEMP : 0;
}

static int demo_serve(struct mr_run *run)
{
	int *fds = mr_run_state(run);
	char byte;

	return read(fds[0], &byte, 1) == 1 ? 0 : MR_ETEMP;
}

static void demo_stop(struct mr_run *run, bool drain MR_UNUSED)
{
	int *fds = mr_run_state(run);

	if (write(fds[1], "", 1) != 1)
		_exit(98);
}

static void demo_status(struct mr_run *run MR_UNUSED, struct mr_buf *out)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	mr_buf_printf(out, "uid %d\ngid %d\ngroups %d\numask %o\n", (int)getuid(), (int)getgid(),
		      getgroups(0, NULL), umask(027));
	mr_buf_printf(out, "files_all %d\n", files.rlim_cur == files.rlim_max);
}

static int demo_other(int argc, char **argv MR_UNUSED)
{
	return 40 + argc;
}

static const struct mr_program demo = {
	.name = "millrace-demo",
	.word = "demo",
	.sandbox = MR_SANDBOX_NET,
	.open = demo_open,
	.serve = demo_serve,
	.stop = demo_stop,
	.status = demo_status,
};

/* Refuses one value of a setting, before the rest is asked. */
static int picky_check(const struct mr_settings *set, struct mr_buf *error)
{
	return strcmp(set->spam_folder, "Bad") == 0
		       ? mr_run_refuse(error, "spam_folder", set->spam_folder, "not that one")
		       : 0;
}

static int never_open(struct mr_run *run MR_UNUSED)
{
	_exit(97);
}

static int never_reload(struct mr_run *run MR_UNUSED, const struct mr_settings *next MR_UNUSED)
{
	abort();
}

static const struct mr_program picky = {
	.name = "millrace-picky",
	.word = "picky",
	.check = picky_check,
	.open = never_open,
	.serve = demo_serve,
	.stop = demo_stop,
};

static const struct mr_program with_other = {
	.name = "millrace-other",
	.word = "other",
	.other_main = demo_other,
};

static int fail_open(struct mr_run *run MR_UNUSED)
{
	return MR_EPERM;
}

static const struct mr_program failing = {
	.name = "millrace-failing",
	.word = "failing",
	.open = fail_open,
	.serve = demo_serve,
	.stop = demo_stop,
};

/* -- options ---------------------------------------------------------------------------------- */

static int run_with(const struct mr_program *program, const char *const *args, int count)
{
	const char *argv[8] = { program->name };
	int status, null;
	pid_t pid;

	memcpy(argv + 1, args, (size_t)count * sizeof(*args));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_WRONLY);
		if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(99);
		_exit(mr_main(program, count + 1, (char **)(uintptr_t)argv));
	}
	MR_ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

MR_TEST(program_options)
{
	static const struct {
		const struct mr_program *program;
		const char *args[4];
		int count, want;
	} rows[] = {
		{ &demo, { "-V" }, 1, 0 },
		{ &demo, { "--help" }, 1, 0 },
		{ &demo, { "--version" }, 1, 0 },
		{ &demo, { "-x" }, 1, 64 }, /* EX_USAGE */
		{ &demo, { "-c" }, 1, 64 },
		{ &demo, { "-n", "more" }, 2, 64 },
		{ &demo, { "-c", "/nonexistent", "-n" }, 3, 78 }, /* EX_CONFIG */
		{ &with_other, { "-m", "x.eml" }, 2, 43 },
		{ &with_other, { "-d", "--ip", "192.0.2.1" }, 3, 44 },
		{ &with_other, { "-V" }, 1, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows) && !t->oom; i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want,
			     run_with(rows[i].program, rows[i].args, rows[i].count));
	}
}

MR_TEST(program_checks_settings)
{
	static const struct {
		const struct mr_program *program;
		const char *text;
		int want;
	} rows[] = {
		{ &demo, "user = \"\"\n", 0 },
		{ &demo, "nosuch = 1\n", 78 },
		{ &demo, "metrics_listen = \"demo=inet:127.0.0.1:9100\"\n", 0 },
		{ &demo, "metrics_listen = \"demo=inet:192.0.2.1:9100\"\n", 78 },
		{ &demo, "metrics_listen = \"9100\"\n", 78 },
		{ &demo,
		  "metrics_listen = { \"spam=inet:127.0.0.1:9101\", \"demo=inet:127.0.0.1:9100\" "
		  "}\n",
		  0 },
		{ &demo, "user = \"no such user\"\n", 78 },
		{ &picky, "spam_folder = Good\n", 0 },
		{ &picky, "spam_folder = Bad\n", 78 },
	};
	char path[MR_PATH_MAX];

	MR_NEED(t, mr_path_join(mr_test_dir(t), "x.conf", path) == 0);
	for (size_t i = 0; i < MR_COUNT(rows) && !t->oom; i++) {
		const char *args[] = { "-n", "-c", path };

		t->row = (long)i;
		MR_NEED(t, mr_replace_file(path, mr_span_str(rows[i].text), 0600) == 0);
		MR_CHECK_INT(t, rows[i].want, run_with(rows[i].program, args, 3));
	}
}

/* -- starts that fail ------------------------------------------------------------------------- */

MR_TEST(program_refuses_to_start)
{
	static const struct {
		const struct mr_program *program;
		const char *settings;
		int want;
		const char *says;
	} rows[] = {
		/* RFC 1122 3.2.1.3 (g): 127.0.0.0/8 alone is loopback */
		{ &demo, "metrics_listen = \"demo=inet:0.0.0.0:9100\"\n", 78,
		  "not a loopback address" },
		{ &demo, "metrics_listen = \"demo=inet:[::]:9100\"\n", 78,
		  "not a loopback address" },
		{ &demo, "metrics_listen = \"demo=inet:126.255.255.255:1\"\n", 78,
		  "not a loopback" },
		{ &demo, "metrics_listen = \"demo=9100\"\n", 78, "9100: " },
		{ &demo, "metrics_listen = \"inet:127.0.0.1:9100\"\n", 78, "WORD=ADDRESS" },
		{ &demo, "user = \"no such user\"\n", 78, "no such user" },
		{ &picky, "spam_folder = Bad\n", 78, "spam_folder: Bad: not that one" },
		{ &failing, "", 1, "cannot start error=" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_instance in;

		t->row = (long)i;
		if (t->oom || getenv("MR_TEST_OOM"))
			return;
		MR_CHECK(t, !mr_instance_start(t, &in, rows[i].program, rows[i].settings, NULL));
		MR_CHECK_INT(t, rows[i].want, mr_instance_end(&in));
		MR_CHECK(t, mr_instance_logs(&in, rows[i].says));
	}
}

MR_TEST(program_starts_once)
{
	struct mr_instance in;
	const char *args[] = { "-d", "-c", in.settings };

	MR_NEED(t, mr_instance_start(t, &in, &demo, "", NULL));
	MR_CHECK_INT(t, 1, run_with(&demo, args, 3)); /* the control socket is in use */
	kill(in.pid, SIGKILL);
	MR_CHECK_INT(t, -SIGKILL, mr_instance_end(&in));
	/* What it left behind does not stop the next one. */
	MR_CHECK(t, access(in.control, F_OK) == 0);
	MR_NEED(t, mr_instance_launch(&in, &demo, NULL));
	kill(in.pid, SIGTERM);
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
}

/* -- rights ----------------------------------------------------------------------------------- */

MR_TEST(program_becomes_user)
{
	struct mr_instance in;
	MR_AUTO_BUF answer = MR_BUF(10000);
	MR_AUTO_BUF error = MR_BUF(1000);
	struct stat st;

	if (getuid() != 0)
		MR_SKIP(t, "only root becomes somebody else");
	MR_NEED(t, mr_instance_start(t, &in, &demo, "user = nobody\n", NULL));
	MR_CHECK_INT(t, 0, mr_instance_ask(&in, "status", &answer, &error));
	MR_CHECK(t,
		 strstr(mr_buf_str(&answer), "uid 65534\ngid 65534\ngroups 1\numask 27\n") != NULL);
	MR_CHECK(t, strstr(mr_buf_str(&answer), "files_all 1\n") != NULL);
	/* The control socket is the user's own: he may ask, too. */
	MR_CHECK(t, lstat(in.control, &st) == 0 && st.st_uid == 65534);
	kill(in.pid, SIGTERM);
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
}

/* Root may write everywhere; who it becomes may not. Better no start than a message that fails. */
MR_TEST(program_wants_its_spool)
{
	static const struct mr_program spooling = {
		.name = "millrace-spooling",
		.word = "spooling",
		.sandbox = MR_SANDBOX_NET | MR_SANDBOX_SPOOL,
		.open = demo_open,
		.serve = demo_serve,
		.stop = demo_stop,
	};
	struct mr_instance in;

	if (getuid() != 0)
		MR_SKIP(t, "only root becomes somebody else");
	if (t->oom || getenv("MR_TEST_OOM"))
		return;
	MR_CHECK(t,
		 !mr_instance_start(t, &in, &spooling, "user = nobody\nspool_dir = /usr\n", NULL));
	MR_CHECK_INT(t, 1, mr_instance_end(&in));
	MR_CHECK(t, mr_instance_logs(&in, "cannot write to spool_dir"));
	MR_NEED(t, mr_instance_start(t, &in, &spooling, "user = nobody\nspool_dir = /tmp\n", NULL));
	kill(in.pid, SIGTERM);
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
}

/* -- metrics over HTTP ------------------------------------------------------------------------ */

MR_TEST(program_serves_metrics)
{
	struct mr_instance in;
	char settings[200], name[100], answer[4096];
	static const struct mr_span request = MR_SPAN("GET /metrics HTTP/1.1\r\n\r\n");
	int fd, half;
	ssize_t len = 0, n;

	snprintf(name, sizeof(name), "unix:/tmp/mr-%d.sock", (int)getpid());
	snprintf(settings, sizeof(settings), "metrics_listen = \"demo=%s\"\n", name);
	MR_NEED(t, mr_instance_start(t, &in, &demo, settings, NULL));
	MR_NEED(t,
		mr_sock_connect(name, 5000, &half) == 0); /* says nothing: keeps nobody waiting */
	MR_NEED(t, mr_sock_connect(name, 5000, &fd) == 0);
	for (size_t i = 0; i < request.len; i++)
		MR_CHECK_INT(t, 0, mr_write_all(fd, mr_span(request.p + i, 1)));
	/* It does not block: wait for each piece. */
	while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 5000) == 1 &&
	       (n = read(fd, answer + len, sizeof(answer) - (size_t)len)) > 0)
		len += n;
	MR_CHECK(t,
		 mr_span_has_prefix(mr_span(answer, (size_t)len), MR_SPAN("HTTP/1.1 200 OK\r\n")));
	close(fd);
	close(half);
	kill(in.pid, SIGTERM);
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
	unlink(name + 5);
}

/* -- sd_notify(3) ------------------------------------------------------------------------------ */

static bool next_datagram(int fd, char out[200])
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&poller, 1, 5000) != 1 || (n = recv(fd, out, 199, 0)) < 0)
		return false;
	out[n] = '\0';
	return true;
}

static void check_notify(struct mr_t *t, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct mr_instance in;
	char text[200];

	MR_NEED(t, mr_span_copyz(mr_span_str(name), addr.sun_path, sizeof(addr.sun_path)) == 0);
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	else
		len++;
	MR_NEED(t, bind(fd, (struct sockaddr *)&addr,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0);
	setenv("NOTIFY_SOCKET", name, 1);
	if (!mr_instance_start(t, &in, &demo, "", NULL)) {
		unsetenv("NOTIFY_SOCKET");
		close(fd);
		return;
	}
	unsetenv("NOTIFY_SOCKET");
	MR_CHECK(t, next_datagram(fd, text) && strcmp(text, "READY=1") == 0);
	kill(in.pid, SIGHUP);
	MR_CHECK(t, next_datagram(fd, text));
	MR_CHECK(t, strncmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
	MR_CHECK(t, next_datagram(fd, text) && strcmp(text, "READY=1") == 0);
	kill(in.pid, SIGTERM);
	MR_CHECK(t, next_datagram(fd, text) && strcmp(text, "STOPPING=1") == 0);
	MR_CHECK_INT(t, 0, mr_instance_end(&in));
	close(fd);
	if (name[0] == '/')
		unlink(name);
}

MR_TEST(program_notifies)
{
	char name[100];

	snprintf(name, sizeof(name), "@mr-test-%d", (int)getpid());
	check_notify(t, name);
	snprintf(name, sizeof(name), "/tmp/mr-notify-%d.sock", (int)getpid());
	check_notify(t, name);
}

/* -- settings across a reload ------------------------------------------------------------------ */

static void no_stop(struct mr_run *run MR_UNUSED, bool drain MR_UNUSED)
{
}

MR_TEST(program_settings_snapshots)
{
	static const struct mr_program plain = { .name = "plain",
						 .word = "plain",
						 .stop = no_stop };
	struct mr_settings set = { .owned = NULL };
	const struct mr_settings *old, *next;
	char path[MR_PATH_MAX];
	struct mr_run run;
	MR_AUTO_BUF error = MR_BUF(1000);

	MR_NEED(t, mr_path_join(mr_test_dir(t), "x.conf", path) == 0);
	MR_NEED(t, mr_replace_file(path, MR_SPAN("spam_folder = New\n"), 0600) == 0);
	MR_NEED(t, mr_settings_default(&set) == 0);
	if (mr_run_init(&run, &plain, path, &set) < 0) {
		mr_settings_done(&set);
		return;
	}
	old = mr_run_settings_hold(&run);
	if (mr_run_reload(&run, &error) == 0) {
		next = mr_run_settings_hold(&run);
		MR_CHECK_STR(t, "New", next->spam_folder);
		MR_CHECK(t, next != old);
		mr_run_settings_release(&run, next);
	}
	MR_CHECK_STR(t, "Spam", old->spam_folder); /* still there */
	mr_run_settings_release(&run, old);
	mr_run_done(&run);
}

static void note_fixed(void *arg, enum mr_log_level level, const char *line)
{
	static const struct mr_span event = MR_SPAN("takes effect at the next start setting=");
	struct mr_span s = mr_span_str(line);

	if (level == MR_LOG_WARN && mr_span_has_prefix(s, event)) {
		mr_buf_add(arg, mr_span_sub(s, event.len, s.len));
		mr_buf_addc(arg, ' ');
	}
}

/* What a reload cannot change is told by name, as long as it differs from what the start read. */
MR_TEST(program_reload_fixed)
{
	static const char *const fixed[] = { "lmtp_socket_mode", "milter_timeout_s", "lmtp_listen",
					     NULL };
	static const struct mr_program plain = {
		.name = "plain", .word = "plain", .stop = no_stop, .fixed = fixed
	};
	static const struct {
		const char *text, *warned;
	} rows[] = {
		{ "spam_folder = New\n", "" },
		{ "lmtp_socket_mode = \"0666\"\n", "lmtp_socket_mode " },
		{ "lmtp_socket_mode = \"0666\"\nspam_folder = New\n", "lmtp_socket_mode " },
		{ "milter_timeout_s = 20\nlmtp_listen = { \"unix:/y\" }\n",
		  "milter_timeout_s lmtp_listen " },
		{ "metrics_listen = { \"plain=unix:/m\" }\nsandbox = false\n",
		  "sandbox metrics_listen " },
		{ "metrics_listen = { \"other=unix:/m\" }\n", "" },
		{ "user = nobody\nrun_dir = /x\n", "run_dir user " },
		{ "", "" },
	};
	struct mr_settings set = { .owned = NULL };
	char path[MR_PATH_MAX];
	struct mr_run run;

	MR_NEED(t, mr_path_join(mr_test_dir(t), "x.conf", path) == 0);
	MR_NEED(t, mr_settings_default(&set) == 0);
	if (mr_run_init(&run, &plain, path, &set) < 0) {
		mr_settings_done(&set);
		return;
	}
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF error = MR_BUF(1000);
		MR_AUTO_BUF warned = MR_BUF(1000);

		t->row = (long)i;
		MR_NEED(t, mr_replace_file(path, mr_span_str(rows[i].text), 0600) == 0);
		mr_log_sink(note_fixed, &warned);
		if (mr_run_reload(&run, &error) == 0 && !t->oom)
			MR_CHECK_SPAN(t, rows[i].warned, mr_buf_span(&warned));
		mr_log_sink(NULL, NULL);
	}
	mr_run_done(&run);
}

/*
 * What a sandbox was given at the start is all there is: settings that want more are refused, by name.
 * Landlock itself is not needed: what it was given is known.
 */
MR_TEST(program_reload_within_sandbox)
{
	static const struct mr_program program = { .name = "millrace-spam",
						   .word = "spam",
						   .stop = no_stop,
						   .sandbox = MR_SANDBOX_SPOOL };
	static const struct {
		const char *text, *refused; /* NULL: taken */
	} rows[] = {
		{ "spam_model = /usr/share/x/model\n",
		  NULL }, /* below a folder that all may read */
		{ "spam_model = \"\"\n", NULL },
		{ "spam_model = /nonexistent/y/model\n", "spam_model: /nonexistent/y: " },
		{ "spool_dir = /usr\n", "spool_dir: /usr: " }, /* may be read, not written */
		{ "spool_dir = /var/lib/millrace/spool/\n", NULL },
		{ "spool_dir = /var/lib/millrace/spool2\n",
		  "spool_dir: /var/lib/millrace/spool2: " },
		{ "spool_dir = /var/lib/millrace/spool/deep\n", NULL },
		{ "spam_model = /var/lib/millrace/spam.model\n", NULL }, /* as at the start */
		{ "run_dir = /elsewhere\n",
		  NULL }, /* a restart is asked for, but nothing is lost */
	};
	struct mr_settings set = { .owned = NULL };
	char path[MR_PATH_MAX];
	struct mr_run run;

	MR_NEED(t, mr_path_join(mr_test_dir(t), "x.conf", path) == 0);
	MR_NEED(t, mr_settings_default(&set) == 0);
	if (mr_run_init(&run, &program, path, &set) < 0) {
		mr_settings_done(&set);
		return;
	}
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF error = MR_BUF(1000);
		int err;

		t->row = (long)i;
		if (!run.folders && mr_folders_new(&run, &run.now->set, &run.folders) < 0)
			continue;
		MR_NEED(t, mr_replace_file(path, mr_span_str(rows[i].text), 0600) == 0);
		err = mr_run_reload(&run, &error);
		if (t->oom)
			continue;
		MR_CHECK_INT(t, rows[i].refused ? MR_EINVAL : 0, err);
		if (rows[i].refused) {
			MR_CHECK(t, mr_span_has_prefix(mr_buf_span(&error),
						       mr_span_str(rows[i].refused)));
			MR_CHECK(t, strstr(mr_buf_str(&error), "restart") != NULL);
		}
	}
	mr_run_done(&run);
}

/* A link leads where it leads: Landlock sees that, and so do we. */
MR_TEST(program_folders_of_links)
{
	static const struct mr_program program = { .name = "millrace-spam",
						   .word = "spam",
						   .stop = no_stop,
						   .sandbox = MR_SANDBOX_SPOOL };
	char path[MR_PATH_MAX], link[MR_PATH_MAX], text[2 * MR_PATH_MAX];
	MR_AUTO_BUF error = MR_BUF(1000);
	struct mr_settings set = { .owned = NULL };
	struct mr_run run;

	MR_NEED(t, mr_path_join(mr_test_dir(t), "x.conf", path) == 0 &&
			   mr_path_join(mr_test_dir(t), "link", link) == 0);
	MR_NEED(t, symlink("/proc", link) == 0 || errno == EEXIST);
	MR_NEED(t, mr_settings_default(&set) == 0);
	if (mr_run_init(&run, &program, path, &set) < 0) {
		mr_settings_done(&set);
		return;
	}
	/* The settings file's own folder may be read; what a link in it leads to may not. */
	snprintf(text, sizeof(text), "spam_model = \"%s\"\n", link);
	if (mr_folders_new(&run, &run.now->set, &run.folders) == 0 &&
	    mr_replace_file(path, mr_span_str(text), 0600) == 0 && !t->oom)
		MR_CHECK_INT(t, MR_EINVAL, mr_run_reload(&run, &error));
	mr_run_done(&run);
}

MR_TEST(program_checks_at_reload)
{
	static const struct mr_program strict = { .name = "strict",
						  .word = "strict",
						  .check = picky_check,
						  .reload = never_reload,
						  .stop = no_stop };
	struct mr_settings set = { .owned = NULL };
	const struct mr_settings *now;
	char path[MR_PATH_MAX];
	struct mr_run run;
	MR_AUTO_BUF error = MR_BUF(1000);

	MR_NEED(t, mr_path_join(mr_test_dir(t), "x.conf", path) == 0);
	MR_NEED(t, mr_replace_file(path, MR_SPAN("spam_folder = Bad\n"), 0600) == 0);
	MR_NEED(t, mr_settings_default(&set) == 0);
	if (mr_run_init(&run, &strict, path, &set) < 0) {
		mr_settings_done(&set);
		return;
	}
	MR_CHECK(t, mr_run_reload(&run, &error) == MR_EINVAL || t->oom);
	MR_CHECK(t, t->oom || strcmp(mr_buf_str(&error), "spam_folder: Bad: not that one") == 0);
	now = mr_run_settings_hold(&run);
	MR_CHECK_STR(t, "Spam", now->spam_folder);
	mr_run_settings_release(&run, now);
	mr_run_done(&run);
}

/* -- addresses --------------------------------------------------------------------------------- */

MR_TEST(program_local_addresses)
{
	static const struct {
		const char *in;
		int want;
	} rows[] = {
		{ "unix:/run/x", 1 },
		{ "inet:127.0.0.1:24", 1 },
		{ "inet:127.255.255.254:24", 1 },
		{ "inet:128.0.0.1:24", 0 },
		{ "inet:126.255.255.255:24", 0 },
		{ "inet:0.0.0.0:24", 0 },
		{ "inet:localhost:24", 1 },
		{ "inet:[::1]:24", 1 },
		{ "inet:[::]:24", 0 },
		{ "inet:[::ffff:127.0.0.1]:24", 0 },
		{ "inet:[2001:db8::1]:24", 0 },
		{ "inet:mail.example.com:24", MR_EINVAL },
		{ "inet:127.0.0.1", MR_EINVAL },
		{ "inet:127.0.0.1:x", MR_EINVAL },
		{ "inet:127.0.0.1:", MR_EINVAL },
		{ "inet:127.0.0.1:65535", 1 },
		{ "inet:127.0.0.1:65536", MR_EINVAL },
		{ "unix:", MR_EINVAL },
		{ "tcp:127.0.0.1:24", MR_EINVAL },
		{ "", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, mr_sock_is_local(rows[i].in));
	}
}
