/*
 * mr_folders: the folders that a program's settings name, to read and to write. The sandbox is entered
 * with those of the start; later settings must do with them. For mr_rights.
 */
#ifndef MR_FOLDERS_H
#define MR_FOLDERS_H

#include "lib/run/mr_run.h"

#define MR_FOLDERS_MAX 64 /* in each list */

struct mr_folder_list {
	const char *path[MR_FOLDERS_MAX + 1]; /* NULL ends it */
	const char *setting[MR_FOLDERS_MAX]; /* the one that names it; NULL: none */
	size_t count;
};

struct mr_folders {
	struct mr_folder_list read, write;
	struct mr_arena *arena; /* private: it and the paths live there */
};

/*
 * Those of the program in run under set:
 *   to read   /etc, /usr and a few of the system's; the settings file's; the folder of each absolute
 *             path that a setting of this program names; what mr_run_may_read() was told;
 *   to write  mail_dir, the store's folder, spool_dir, by the program's sets; mr_run_may_write().
 * MR_ENOMEM; MR_ELIMIT: more than MR_FOLDERS_MAX.
 */
MR_MUST_USE int mr_folders_new(const struct mr_run *run, const struct mr_settings *set,
			       struct mr_folders **folders_out);
void mr_folders_free(struct mr_folders *folders);
MR_AUTO_DECLARE(mr_folders, mr_folders_free)

/* The sets of the program; where its store is a server, it connects, and writes no files there. */
unsigned mr_folders_sandbox(const struct mr_run *run, const struct mr_settings *set);

/*
 * Whether whoever was given the first list reaches all that settings name in the second: what is to be
 * read may lie below a folder to write, too. False: setting_out and path_out say what is beyond; they
 * live as long as next.
 */
bool mr_folders_cover(const struct mr_folders *given, const struct mr_folders *next,
		      const char **setting_out, const char **path_out);

#endif
