#include "lib/run/mr_rights.h"

#include <sys/stat.h>

#include "lib/base/mr_arena.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/store/mr_store.h"

#define PATHS_MAX 64
#define ARENA_MAX 1048576

/* Of the system: libraries that iconv loads, certificates, hosts, time zones, number of processors. */
static const char *const system_read[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/dev/null",
	"/dev/urandom",
	"/sys/devices/system/cpu",
	"/run/systemd/resolve", /* where resolv.conf often points */
};

struct folders {
	struct mr_arena *arena;
	const char *path[PATHS_MAX + 1]; /* NULL ends it */
	size_t count;
};

static int add(struct folders *f, const char *path)
{
	if (f->count == PATHS_MAX)
		return MR_ELIMIT;
	f->path[f->count++] = path;
	return 0;
}

/* path if it is a folder, else the one it lies in: a file that is replaced must be found again. */
static int add_folder_of(struct folders *f, const char *path)
{
	struct mr_span s = mr_span_str(path);
	struct stat st;
	const char *folder;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		s = mr_span_sub(s, 0, mr_span_rfind(s, '/'));
	/* A bare name lies in ".", a file in "/" would open all. */
	if (s.len == 0 || s.p[0] != '/')
		return 0;
	folder = mr_arena_strz(f->arena, s);
	return folder ? add(f, folder) : MR_ENOMEM;
}

/* word is one of the words that programs lists, or it lists all. */
static bool is_for(const char *programs, const char *word)
{
	struct mr_span one, rest = mr_span_str(programs);

	while (rest.len > 0) {
		mr_span_split(rest, ' ', &one, &rest);
		if (mr_span_eq(one, mr_span_str(word)) || mr_span_eq(one, MR_SPAN("all")))
			return true;
	}
	return false;
}

static int add_settings(struct folders *f, const struct mr_run *run)
{
	size_t count;
	const struct mr_setting *rows = mr_settings_rows(&count);
	int err = 0;

	for (size_t i = 0; err == 0 && i < count; i++) {
		const char *value;

		if (rows[i].type != MR_SETTING_STR || !is_for(rows[i].programs, run->program->word))
			continue;
		value = *(const mr_setting_str *)(const void *)((const char *)&run->now->set +
								rows[i].offset);
		if (value[0] == '/')
			err = add_folder_of(f, value);
	}
	return err;
}

/* A file that the store's client reads at each connection. */
static int add_store_file(void *arg, const char *path)
{
	return add_folder_of(arg, path);
}

/* The sets of the program; where its store is a server, it connects, and writes no files there. */
static unsigned sets_of(const struct mr_run *run)
{
	unsigned sets = run->program->sandbox;

	if ((sets & MR_SANDBOX_STORE) && mr_store_is_remote(run->now->set.store))
		sets = (sets & ~(unsigned)MR_SANDBOX_STORE) | MR_SANDBOX_CONNECT;
	return sets;
}

static int fill_read(struct folders *f, const struct mr_run *run)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < MR_COUNT(system_read); i++)
		err = add(f, system_read[i]);
	for (size_t i = 0; err == 0 && i < run->read.count; i++)
		err = add(f, run->read.path[i]);
	if (err == 0 && run->settings_path)
		err = add_folder_of(f, run->settings_path);
	if (err == 0 && (run->program->sandbox & MR_SANDBOX_STORE))
		err = mr_store_files(run->now->set.store, add_store_file, f);
	return err < 0 ? err : add_settings(f, run);
}

static int fill_write(struct folders *f, const struct mr_run *run)
{
	static const struct mr_span scheme = MR_SPAN("sqlite:");
	const struct mr_settings *set = &run->now->set;
	unsigned sets = sets_of(run);
	int err = 0;

	for (size_t i = 0; err == 0 && i < run->write.count; i++)
		err = add(f, run->write.path[i]);
	if (err == 0 && (sets & MR_SANDBOX_MAIL))
		err = add(f, set->mail_dir);
	if (err == 0 && (sets & MR_SANDBOX_SPOOL))
		err = add(f, set->spool_dir);
	if (err == 0 && (sets & MR_SANDBOX_STORE) &&
	    mr_span_has_prefix(mr_span_str(set->store), scheme))
		err = add(f, set->store + scheme.len);
	return err;
}

/* The one that is missing is worth a line of its own. */
static void log_missing(const struct folders *write)
{
	for (size_t i = 0; i < write->count; i++) {
		struct stat st;

		if (stat(write->path[i], &st) < 0)
			mr_log(MR_LOG_ERROR, "cannot open folder", MR_KV("path", write->path[i]));
	}
}

static int enter(struct mr_run *run)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct folders read = { .arena = arena }, write = { .arena = arena };
	struct mr_sandbox_paths paths = { read.path, write.path };
	bool landlock = false;
	int err;

	if (!arena)
		return MR_ENOMEM;
	if ((err = fill_read(&read, run)) < 0 || (err = fill_write(&write, run)) < 0)
		return err;
	err = mr_sandbox_enter(sets_of(run), &paths, &landlock);
	if (err < 0)
		log_missing(&write);
	else
		mr_log(landlock ? MR_LOG_INFO : MR_LOG_WARN, "sandbox",
		       MR_KV("landlock", landlock ? "yes" : "no: the kernel has none"));
	return err;
}

int mr_rights_drop(struct mr_run *run, bool debug)
{
	int err;

	if (run->becomes && (err = mr_privs_drop(&run->user)) < 0) {
		mr_log(MR_LOG_ERROR, "cannot become the user", MR_KV("user", run->user.name));
		return err;
	}
	if ((err = mr_privs_harden(debug)) < 0) {
		mr_log(MR_LOG_ERROR, "privileges", MR_KV_ERR(err));
		return err;
	}
	if (!run->now->set.sandbox || !mr_sandbox_built()) {
		mr_log(MR_LOG_WARN, "no sandbox",
		       MR_KV("why", mr_sandbox_built() ? "the settings say so"
						       : "built with a sanitizer"));
		return 0;
	}
	if ((err = enter(run)) < 0)
		mr_log(MR_LOG_ERROR, "sandbox", MR_KV_ERR(err));
	return err;
}
