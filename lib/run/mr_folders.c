#include "lib/run/mr_folders.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/mr_arena.h"
#include "lib/base/mr_err.h"
#include "lib/store/mr_store.h"

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

/* A list under construction. */
struct filling {
	struct mr_folder_list *list;
	struct mr_arena *arena;
	const char *setting; /* that names what is added */
};

static int add_span(struct filling *f, struct mr_span path)
{
	struct mr_folder_list *l = f->list;

	if (l->count == MR_FOLDERS_MAX)
		return MR_ELIMIT;
	/* A copy: settings go at the next reload. */
	if (!(l->path[l->count] = mr_arena_strz(f->arena, path)))
		return MR_ENOMEM;
	l->setting[l->count++] = f->setting;
	return 0;
}

static int add(struct filling *f, const char *path)
{
	return add_span(f, mr_span_str(path));
}

/* path if it is a folder, else the one it lies in: a file that is replaced must be found again. */
static int add_folder_of(struct filling *f, const char *path)
{
	struct mr_span s = mr_span_str(path);
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		s = mr_span_sub(s, 0, mr_span_rfind(s, '/'));
	/* A bare name lies in ".", a file in "/" would open all. */
	if (s.len == 0 || s.p[0] != '/')
		return 0;
	return add_span(f, s);
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

static int add_settings(struct filling *f, const char *word, const struct mr_settings *set)
{
	size_t count;
	const struct mr_setting *rows = mr_settings_rows(&count);
	int err = 0;

	for (size_t i = 0; err == 0 && i < count; i++) {
		const char *value;

		if (rows[i].type != MR_SETTING_STR || !is_for(rows[i].programs, word))
			continue;
		value = *(const mr_setting_str *)(const void *)((const char *)set + rows[i].offset);
		f->setting = rows[i].name;
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

unsigned mr_folders_sandbox(const struct mr_run *run, const struct mr_settings *set)
{
	unsigned sets = run->program->sandbox;

	if ((sets & MR_SANDBOX_STORE) && mr_store_is_remote(set->store))
		sets = (sets & ~(unsigned)MR_SANDBOX_STORE) | MR_SANDBOX_CONNECT;
	if ((sets & MR_SANDBOX_OWN) &&
	    (set->reinject[0] || set->srs_domain[0] || set->lmtp_handover[0]))
		sets |= MR_SANDBOX_CONNECT;
	return sets & ~(unsigned)MR_SANDBOX_OWN;
}

static int fill_read(struct filling *f, const struct mr_run *run, const struct mr_settings *set)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < MR_COUNT(system_read); i++)
		err = add(f, system_read[i]);
	for (size_t i = 0; err == 0 && i < run->read.count; i++)
		err = add(f, run->read.path[i]);
	if (err == 0 && run->settings_path)
		err = add_folder_of(f, run->settings_path);
	f->setting = "store";
	if (err == 0 && (run->program->sandbox & MR_SANDBOX_STORE))
		err = mr_store_files(set->store, add_store_file, f);
	return err < 0 ? err : add_settings(f, run->program->word, set);
}

static int fill_write(struct filling *f, const struct mr_run *run, const struct mr_settings *set)
{
	static const struct mr_span scheme = MR_SPAN("sqlite:");
	unsigned sets = mr_folders_sandbox(run, set);
	int err = 0;

	for (size_t i = 0; err == 0 && i < run->write.count; i++)
		err = add(f, run->write.path[i]);
	f->setting = "mail_dir";
	if (err == 0 && (sets & MR_SANDBOX_MAIL))
		err = add(f, set->mail_dir);
	f->setting = "spool_dir";
	if (err == 0 && (sets & MR_SANDBOX_SPOOL))
		err = add(f, set->spool_dir);
	f->setting = "store";
	if (err == 0 && (sets & MR_SANDBOX_STORE) &&
	    mr_span_has_prefix(mr_span_str(set->store), scheme))
		err = add(f, set->store + scheme.len);
	return err;
}

int mr_folders_new(const struct mr_run *run, const struct mr_settings *set,
		   struct mr_folders **folders_out)
{
	struct mr_arena *arena = mr_arena_new(ARENA_MAX);
	struct mr_folders *folders = arena ? mr_arena_alloc(arena, sizeof(*folders)) : NULL;
	int err = MR_ENOMEM;

	if (folders) {
		struct filling read = { &folders->read, arena, NULL };
		struct filling write = { &folders->write, arena, NULL };

		folders->arena = arena;
		if ((err = fill_read(&read, run, set)) == 0)
			err = fill_write(&write, run, set);
	}
	if (err < 0)
		mr_arena_free(arena);
	else
		*folders_out = folders;
	return err;
}

void mr_folders_free(struct mr_folders *folders)
{
	if (folders)
		mr_arena_free(folders->arena);
}

/* path itself, or below it. Landlock goes by what a path leads to, not by how it is written. */
static bool is_below(const char *folder, const char *path)
{
	char real_folder[PATH_MAX], real_path[PATH_MAX];
	struct mr_span f = mr_span_str(realpath(folder, real_folder) ? real_folder : folder);
	struct mr_span p = mr_span_str(realpath(path, real_path) ? real_path : path);
	struct mr_span rest = mr_span_sub(p, f.len, p.len);

	return mr_span_has_prefix(p, f) &&
	       (rest.len == 0 || mr_span_has_prefix(rest, MR_SPAN("/")));
}

static bool is_in(const struct mr_folder_list *given, const char *path)
{
	for (size_t i = 0; i < given->count; i++) {
		if (is_below(given->path[i], path))
			return true;
	}
	return false;
}

bool mr_folders_cover(const struct mr_folders *given, const struct mr_folders *next,
		      const char **setting_out, const char **path_out)
{
	const struct mr_folder_list *lists[] = { &next->read, &next->write };

	for (size_t k = 0; k < MR_COUNT(lists); k++) {
		for (size_t i = 0; i < lists[k]->count; i++) {
			const char *path = lists[k]->path[i], *setting = lists[k]->setting[i];

			/* What no setting names does not change; run_dir is only used at the start. */
			if (!setting || strcmp(setting, "run_dir") == 0)
				continue;
			if (is_in(&given->write, path) || (k == 0 && is_in(&given->read, path)))
				continue;
			*setting_out = setting;
			*path_out = path;
			return false;
		}
	}
	return true;
}
