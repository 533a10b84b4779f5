#include "lib/run/mr_program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_notify.h"
#include "lib/run/mr_privs.h"
#include "lib/run/mr_rights.h"
#include "lib/run/mr_run.h"
#include "lib/run/mr_server.h"

/* sysexits(3) */
#define EXIT_OK     0
#define EXIT_OTHER  1
#define EXIT_USAGE  64
#define EXIT_CONFIG 78

struct options {
	const char *settings_path; /* NULL: no file */
	char absolute[PATH_MAX]; /* what it points to: a reload must find it from anywhere */
	const char *user; /* NULL: by the settings */
	bool debug, check;
};

/* -- options ----------------------------------------------------------------------------------- */

static int usage(const struct mr_program *program, FILE *to, int code)
{
	fprintf(to,
		"usage: %s [-c FILE] [-u USER] [-dn]\n"
		"       %s -V\n"
		"  -c FILE  settings, in place of " MR_SETTINGS_FILE "\n"
		"  -u USER  become USER, in place of the setting user\n"
		"  -d       log to standard error\n"
		"  -n       check the settings and exit\n"
		"  -V       print the version; so does --version\n",
		program->name, program->name);
	return code;
}

static int version(const struct mr_program *program)
{
	printf("%s %s\n", program->name, mr_version());
	return EXIT_OK;
}

/* Returns -1 to go on, else what main returns. */
static int options_read(const struct mr_program *program, int argc, char **argv,
			struct options *o_out)
{
	struct options o = { .settings_path = NULL };
	int option;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)usage(program, stdout, EXIT_OK);
		return program->other_main ? program->other_main(argc, argv) : EXIT_OK;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return version(program);
	opterr = 0;
	optind = 1;
	while ((option = getopt(argc, argv, "+c:u:dnV")) != -1) {
		switch (option) {
		case 'c':
			o.settings_path = optarg;
			break;
		case 'u':
			o.user = optarg;
			break;
		case 'd':
			o.debug = true;
			break;
		case 'n':
			o.check = true;
			break;
		case 'V':
			return version(program);
		default:
			optind = 1;
			return program->other_main ? program->other_main(argc, argv)
						   : usage(program, stderr, EXIT_USAGE);
		}
	}
	if (optind < argc)
		return usage(program, stderr, EXIT_USAGE);
	if (!o.settings_path && access(MR_SETTINGS_FILE, F_OK) == 0)
		o.settings_path = MR_SETTINGS_FILE;
	*o_out = o;
	/* Where it cannot be resolved, reading it will say why. */
	if (o.settings_path && realpath(o.settings_path, o_out->absolute))
		o_out->settings_path = o_out->absolute;
	return -1;
}

/* -- start ------------------------------------------------------------------------------------- */

/* Once the log is open: say what failed and how the program ends. */
static int failed(const char *what, int err, struct mr_buf *error)
{
	mr_log(MR_LOG_ERROR, what,
	       MR_KV("error", error && error->len > 0 ? mr_buf_str(error) : mr_err_text(err)));
	return err == MR_EINVAL ? EXIT_CONFIG : EXIT_OTHER;
}

static int settings_read(const struct options *o, struct mr_settings *set_out)
{
	MR_AUTO_BUF error = MR_BUF(4096);
	int err;

	err = o->settings_path ? mr_settings_load(o->settings_path, set_out, &error)
			       : mr_settings_default(set_out);
	if (err < 0) {
		/* Not to the log: who starts us is looking, and systemd keeps it as well. */
		fprintf(stderr, "%s\n", error.len > 0 ? mr_buf_str(&error) : mr_err_text(err));
		return EXIT_CONFIG;
	}
	return -1;
}

int mr_run_refuse(struct mr_buf *error, const char *setting, const char *value, const char *why)
{
	(void)mr_buf_printf(error, "%s: %s: %s", setting, value, why);
	return MR_EINVAL;
}

static const struct mr_setting *row_of(const char *name)
{
	size_t count, i = 0;
	const struct mr_setting *rows = mr_settings_rows(&count);

	while (strcmp(rows[i].name, name) != 0)
		MR_ASSERT(++i < count);
	return &rows[i];
}

int mr_run_keep(struct mr_run *run, const struct mr_settings *next, const char *const *names,
		size_t count)
{
	const struct mr_settings *set = mr_run_settings_hold(run);
	size_t kept = 0;

	while (kept < count && mr_setting_same(row_of(names[kept]), set, next))
		kept++;
	mr_run_settings_release(run, set);
	if (kept == count)
		return 0;
	mr_log(MR_LOG_ERROR, "reload refused: this setting needs a restart",
	       MR_KV("setting", names[kept]));
	return MR_EINVAL;
}

/* Whom to become; nobody when neither option nor setting says. */
static int find_user(struct mr_run *run, const struct options *o, struct mr_buf *error)
{
	const char *name = o->user ? o->user : run->now->set.user;
	int err;

	if (!name[0])
		return 0;
	err = mr_account_find(name, &run->user, error);
	run->becomes = err == 0;
	return err == MR_ENOENT ? MR_EINVAL : err;
}

/* What needs the rights that we were started with. */
static int open_all(struct mr_run *run, const struct options *o, struct mr_server **server_out)
{
	MR_AUTO_BUF error = MR_BUF(4096);
	int err;

	if (run->program->check && (err = run->program->check(&run->now->set, &error)) < 0)
		return failed("settings", err, &error);
	if ((err = find_user(run, o, &error)) < 0)
		return failed("user", err, &error);
	run->notify_fd = mr_notify_open(NULL);
	if ((err = mr_server_open(run, server_out, &error)) < 0)
		return failed("control or metrics socket", err, &error);
	run->opened = true;
	if (run->program->open && (err = run->program->open(run)) < 0)
		return failed("cannot start", err, NULL);
	return -1;
}

static int serve(struct mr_run *run, struct mr_server *server)
{
	int err = mr_server_start(server);

	if (err < 0)
		return failed("control thread", err, NULL);
	mr_log(MR_LOG_INFO, "started", MR_KV("version", mr_version()),
	       MR_KV("settings", run->settings_path ? run->settings_path : "defaults"));
	mr_notify(run->notify_fd, "READY=1");
	err = run->program->serve(run);
	mr_notify(run->notify_fd, "STOPPING=1");
	return err < 0 ? failed("serve", err, NULL) : EXIT_OK;
}

static int run_program(struct mr_run *run, const struct options *o)
{
	struct mr_server *server = NULL;
	int code = open_all(run, o, &server);

	/* No way back from here. */
	if (code < 0 && mr_rights_drop(run, o->debug) < 0)
		code = EXIT_OTHER;
	if (code < 0)
		code = serve(run, server);
	/* First the thread that calls the hooks, then what they use. */
	mr_server_free(server);
	if (run->opened && run->program->close)
		run->program->close(run);
	if (code == EXIT_OK)
		mr_log(MR_LOG_INFO, "ended", MR_KV("version", mr_version()));
	return code;
}

/* -n: what the start would refuse, without touching anything. */
static int check(const struct mr_program *program, const struct options *o,
		 const struct mr_settings *set)
{
	const char *name = o->user ? o->user : set->user;
	const char *metrics = mr_run_metrics_address(set, program->word);
	MR_AUTO_BUF error = MR_BUF(4096);
	struct mr_account user;
	int err = 0, local = 1;

	if (!metrics) {
		mr_buf_adds(&error, "metrics_listen: an item is not WORD=ADDRESS");
		err = MR_EINVAL;
	} else if (metrics[0]) {
		local = mr_sock_is_local(metrics);
	}
	if (local <= 0)
		err = mr_run_refuse(&error, "metrics_listen", metrics,
				    local == 0 ? "not a loopback address" : mr_err_text(local));
	if (err == 0 && program->check)
		err = program->check(set, &error);
	if (err == 0 && name[0])
		err = mr_account_find(name, &user, &error);
	if (err < 0) {
		fprintf(stderr, "%s\n", error.len > 0 ? mr_buf_str(&error) : mr_err_text(err));
		return EXIT_CONFIG;
	}
	printf("%s: ok\n", o->settings_path ? o->settings_path : "defaults");
	return EXIT_OK;
}

int mr_main(const struct mr_program *program, int argc, char **argv)
{
	struct mr_settings set = { .owned = NULL };
	struct options o = { .settings_path = NULL };
	struct mr_run run;
	int code;

	if ((code = options_read(program, argc, argv, &o)) >= 0 ||
	    (code = settings_read(&o, &set)) >= 0)
		return code;
	if (o.check) {
		code = check(program, &o, &set);
		mr_settings_done(&set);
		return code;
	}
	umask(027);
	tzset(); /* syslog(3) needs it, and the sandbox may hide the file */
	mr_log_open(program->name, o.debug);
	mr_privs_descriptors();
	if (mr_run_init(&run, program, o.settings_path, &set) < 0) {
		mr_settings_done(&set);
		return failed("start", MR_ENOMEM, NULL);
	}
	code = run_program(&run, &o);
	mr_run_done(&run);
	return code;
}
