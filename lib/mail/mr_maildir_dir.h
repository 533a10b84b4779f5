/*
 * mr_maildir_dir: directories of a mailbox, opened so that nothing which a user planted leads
 * elsewhere. For mr_maildir.c and mr_maildir_folder.c alone.
 */
#ifndef MR_MAILDIR_DIR_H
#define MR_MAILDIR_DIR_H

#include "lib/base/mr_def.h"

/*
 * Open the directory name, one component, below dir_fd; made first where it is missing and create
 * says so (*made_out, if not NULL, is then true). A symbolic link, or what is no directory, is
 * MR_ETEMP, as is all else but MR_ENOENT and MR_EFULL.
 */
MR_MUST_USE int mr_maildir_dir(int dir_fd, const char *name, bool create, bool *made_out,
			       int *fd_out);

/* Make those of tmp/, new/, cur/ that are missing, and fsync dir_fd then. MR_ETEMP, MR_EFULL. */
MR_MUST_USE int mr_maildir_subdirs(int dir_fd);

/* A failure that waiting can mend, whatever it is: MR_ENOMEM and MR_EFULL stay, other errors are MR_ETEMP. */
MR_MUST_USE int mr_maildir_temporary(int err);

#endif
