#include "lib/run/mr_rights.h"

#include <sys/stat.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_folders.h"
#include "lib/run/mr_spool.h"

/* The one that is missing is worth a line of its own. */
static void log_missing(const struct mr_folder_list *write)
{
	for (size_t i = 0; i < write->count; i++) {
		struct stat st;

		if (stat(write->path[i], &st) < 0)
			mr_log(MR_LOG_ERROR, "cannot open folder", MR_KV("path", write->path[i]));
	}
}

static int enter(struct mr_run *run)
{
	const struct mr_settings *set = &run->now->set;
	MR_AUTO(mr_folders) *folders = NULL;
	bool landlock = false;
	int err;

	if ((err = mr_folders_new(run, set, &folders)) < 0)
		return err;
	err = mr_sandbox_enter(
		mr_folders_sandbox(run, set),
		&(struct mr_sandbox_paths){ folders->read.path, folders->write.path }, &landlock);
	if (err < 0) {
		log_missing(&folders->write);
		return err;
	}
	mr_log(landlock ? MR_LOG_INFO : MR_LOG_WARN, "sandbox",
	       MR_KV("landlock", landlock ? "yes" : "no: the kernel has none"));
	if (landlock)
		run->folders = MR_TAKE(folders);
	return 0;
}

/* What check() could not see: as root, everything can be written. */
static int spool_dir_check(const struct mr_run *run)
{
	const char *dir = run->now->set.spool_dir;
	int err = run->program->sandbox & MR_SANDBOX_SPOOL ? mr_spool_check(dir) : 0;

	if (err < 0)
		mr_log(MR_LOG_ERROR, "cannot write to spool_dir", MR_KV("path", dir),
		       MR_KV_ERR(err));
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
	if ((err = spool_dir_check(run)) < 0)
		return err;
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

int mr_rights_suffice(const struct mr_run *run, const struct mr_settings *next,
		      struct mr_buf *error)
{
	MR_AUTO(mr_folders) *wanted = NULL;
	const char *setting, *path;
	int err;

	if (!run->folders)
		return 0;
	if ((err = mr_folders_new(run, next, &wanted)) < 0)
		return err;
	if (mr_folders_cover(run->folders, wanted, &setting, &path))
		return 0;
	return mr_run_refuse(error, setting, path,
			     "the sandbox was not given this folder at the start; restart the "
			     "program to change it");
}
