/*
 * mr_io: files and descriptors, with our errors. Every call starts again after EINTR; every
 * descriptor is close-on-exec. Errors are those of mr_err_from_errno(), and what is named.
 */
#ifndef MR_IO_H
#define MR_IO_H

#include <sys/types.h>

#include "lib/base/mr_arena.h"
#include "lib/base/mr_span.h"

/* Write all of s. MR_EFULL: disk full. */
MR_MUST_USE int mr_write_all(int fd, struct mr_span s);
MR_MUST_USE int mr_fsync(int fd);
/* fsync the directory name below dir_fd, so that what was linked there stays. */
MR_MUST_USE int mr_fsync_at(int dir_fd, const char *name);

/* Create name below dir_fd for writing; MR_EEXIST: it is there. No symbolic link is followed. */
MR_MUST_USE int mr_create_at(int dir_fd, const char *name, mode_t mode, int *fd_out);
/* Open for reading; MR_ENOENT; MR_EPERM also for what is no regular file. */
MR_MUST_USE int mr_open_at(int dir_fd, const char *name, int *fd_out);
/* Open a directory. */
MR_MUST_USE int mr_open_dir_at(int dir_fd, const char *name, int *fd_out);
/* Link from to to, both below dir_fd; MR_EEXIST. */
MR_MUST_USE int mr_link_at(int dir_fd, const char *from, const char *to);
/* Make a directory; 0 also when it is there. */
MR_MUST_USE int mr_mkdir_at(int dir_fd, const char *name, mode_t mode);

/* Read the whole file into arena; MR_ELIMIT: more than size_max bytes. */
MR_MUST_USE int mr_read_file(const char *path, size_t size_max, struct mr_arena *arena,
			     struct mr_span *content_out);
MR_MUST_USE int mr_read_fd(int fd, size_t size_max, struct mr_arena *arena,
			   struct mr_span *content_out);

/*
 * Replace path by a file that holds content, whole or not at all: a temporary file beside it,
 * fsync, rename, fsync of the directory. Its rights are mode, whatever the umask: another user's program
 * may have to read it.
 */
MR_MUST_USE int mr_replace_file(const char *path, struct mr_span content, mode_t mode);

/* A file mapped read-only. An empty file is an empty span and no mapping. */
struct mr_map {
	struct mr_span span;
};
MR_MUST_USE int mr_map_fd(int fd, struct mr_map *map_out);
MR_MUST_USE int mr_map_file(const char *path, struct mr_map *map_out);
void mr_map_done(struct mr_map *map);

/* dir/name, or name alone if it begins with "/". MR_ELIMIT: does not fit MR_PATH_MAX. */
MR_MUST_USE int mr_path_join(const char *dir, const char *name, char out[MR_PATH_MAX]);

#endif
