#include "lib/base/mr_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_random.h"

/* 0 for success, else what errno says. */
static int outcome(int result)
{
	return result < 0 ? mr_err_from_errno(errno) : 0;
}

int mr_write_all(int fd, struct mr_span s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.p, s.len);

		if (n < 0 && errno != EINTR)
			return mr_err_from_errno(errno);
		if (n > 0)
			s = mr_span_sub(s, (size_t)n, s.len);
	}
	return 0;
}

int mr_fsync(int fd)
{
	int result;

	do {
		result = fsync(fd);
	} while (result < 0 && errno == EINTR);
	return outcome(result);
}

int mr_fsync_at(int dir_fd, const char *name)
{
	MR_AUTO_FD fd = -1;
	int err = mr_open_dir_at(dir_fd, name, &fd);

	return err < 0 ? err : mr_fsync(fd);
}

static int open_at(int dir_fd, const char *name, int flags, mode_t mode, int *fd_out)
{
	int fd;

	do {
		fd = openat(dir_fd, name, flags | O_CLOEXEC, mode);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return mr_err_from_errno(errno);
	*fd_out = fd;
	return 0;
}

int mr_create_at(int dir_fd, const char *name, mode_t mode, int *fd_out)
{
	return open_at(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode, fd_out);
}

int mr_open_at(int dir_fd, const char *name, int *fd_out)
{
	MR_AUTO_FD fd = -1;
	struct stat st;
	/* Not blocking: name may be a FIFO that nobody writes to. */
	int err = open_at(dir_fd, name, O_RDONLY | O_NONBLOCK, 0, &fd);

	if (err < 0 || (err = outcome(fstat(fd, &st))) < 0)
		return err;
	if (!S_ISREG(st.st_mode))
		return MR_EPERM;
	*fd_out = fd;
	fd = -1;
	return 0;
}

int mr_open_dir_at(int dir_fd, const char *name, int *fd_out)
{
	return open_at(dir_fd, name, O_RDONLY | O_DIRECTORY, 0, fd_out);
}

int mr_link_at(int dir_fd, const char *from, const char *to)
{
	return outcome(linkat(dir_fd, from, dir_fd, to, 0));
}

int mr_mkdir_at(int dir_fd, const char *name, mode_t mode)
{
	int err = outcome(mkdirat(dir_fd, name, mode));

	return err == MR_EEXIST ? 0 : err;
}

int mr_read_fd(int fd, size_t size_max, struct mr_arena *arena, struct mr_span *content_out)
{
	size_t len = 0, room = 0;
	char *p = NULL;

	for (;;) {
		ssize_t n;

		/* One byte more than allowed tells a file of size_max from a larger one. */
		if (len == room) {
			int err = mr_arena_grow(arena, &p, &room, len + 4096, 1);

			if (err < 0)
				return err;
		}
		n = read(fd, p + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mr_err_from_errno(errno);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > size_max)
			return MR_ELIMIT;
	}
	*content_out = mr_span(p, len);
	return 0;
}

int mr_read_file(const char *path, size_t size_max, struct mr_arena *arena,
		 struct mr_span *content_out)
{
	MR_AUTO_FD fd = -1;
	int err = mr_open_at(AT_FDCWD, path, &fd);

	return err < 0 ? err : mr_read_fd(fd, size_max, arena, content_out);
}

/* The folder that path lies in; "." for a bare name. */
static int parent_of(const char *path, char out[MR_PATH_MAX])
{
	struct mr_span s = mr_span_str(path);
	size_t slash = mr_span_rfind(s, '/');

	if (slash == s.len)
		return mr_span_copyz(MR_SPAN("."), out, MR_PATH_MAX);
	return mr_span_copyz(mr_span_sub(s, 0, slash > 0 ? slash : 1), out, MR_PATH_MAX);
}

int mr_replace_file(const char *path, struct mr_span content, mode_t mode)
{
	char tmp[MR_PATH_MAX], parent[MR_PATH_MAX], id[MR_ID_SIZE];
	MR_AUTO_FD fd = -1;
	int err, len;

	mr_random_id(id);
	len = snprintf(tmp, sizeof(tmp), "%s.%s", path, id);
	if (len < 0 || (size_t)len >= sizeof(tmp))
		return MR_ELIMIT;
	if ((err = parent_of(path, parent)) < 0 ||
	    (err = mr_create_at(AT_FDCWD, tmp, mode, &fd)) < 0)
		return err;
	if ((err = outcome(fchmod(fd, mode))) < 0 || (err = mr_write_all(fd, content)) < 0 ||
	    (err = mr_fsync(fd)) < 0 || (err = outcome(rename(tmp, path))) < 0) {
		unlink(tmp);
		return err;
	}
	return mr_fsync_at(AT_FDCWD, parent);
}

int mr_map_fd(int fd, struct mr_map *map_out)
{
	struct stat st;
	void *p;
	int err = outcome(fstat(fd, &st));

	if (err < 0)
		return err;
	if (st.st_size == 0) {
		map_out->span = mr_span("", 0);
		return 0;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return mr_err_from_errno(errno);
	map_out->span = mr_span_bytes(p, (size_t)st.st_size);
	return 0;
}

int mr_map_file(const char *path, struct mr_map *map_out)
{
	MR_AUTO_FD fd = -1;
	int err = mr_open_at(AT_FDCWD, path, &fd);

	return err < 0 ? err : mr_map_fd(fd, map_out);
}

void mr_map_done(struct mr_map *map)
{
	if (map->span.len > 0)
		munmap((void *)(uintptr_t)map->span.p, map->span.len);
	map->span = mr_span("", 0);
}

int mr_path_join(const char *dir, const char *name, char out[MR_PATH_MAX])
{
	int len;

	if (name[0] == '/')
		return mr_span_copyz(mr_span_str(name), out, MR_PATH_MAX);
	len = snprintf(out, MR_PATH_MAX, "%s/%s", dir, name);
	return len < 0 || len >= MR_PATH_MAX ? MR_ELIMIT : 0;
}
