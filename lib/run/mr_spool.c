#include "lib/run/mr_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_random.h"

int mr_spool_check(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return mr_err_from_errno(errno);
	if (!S_ISDIR(st.st_mode))
		return MR_EINVAL;
	return faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0 ? mr_err_from_errno(errno) : 0;
}

void mr_spool_init(struct mr_spool *s, size_t memory_max, const char *dir)
{
	*s = (struct mr_spool){ .dir = dir, .memory_max = memory_max, .fd = -1 };
	mr_buf_init(&s->memory, memory_max);
}

void mr_spool_done(struct mr_spool *s)
{
	mr_map_done(&s->map);
	mr_buf_done(&s->memory);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->size = 0;
}

/* For file systems without O_TMPFILE: a name that nobody else has, gone before it is used. */
static int open_named(const char *dir, int *fd_out)
{
	char path[MR_PATH_MAX], id[MR_ID_SIZE];
	int fd, err;

	mr_random_id(id);
	err = mr_path_join(dir, id, path);
	if (err < 0)
		return err;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return mr_err_from_errno(errno);
	unlink(path);
	*fd_out = fd;
	return 0;
}

static int open_file(const char *dir, int *fd_out)
{
	int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd >= 0) {
		*fd_out = fd;
		return 0;
	}
	/* EISDIR: a kernel before 3.11 that sees a directory opened for writing. */
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return mr_err_from_errno(errno);
	return open_named(dir, fd_out);
}

static int add(struct mr_spool *s, struct mr_span piece)
{
	int err;

	if (s->fd < 0 && piece.len <= s->memory_max - s->memory.len)
		return mr_buf_add(&s->memory, piece);
	if (s->fd < 0) {
		err = open_file(s->dir, &s->fd);
		if (err < 0)
			return err;
		err = mr_write_all(s->fd, mr_buf_span(&s->memory));
		if (err < 0)
			return err;
		mr_buf_done(&s->memory);
	}
	return mr_write_all(s->fd, piece);
}

int mr_spool_add(struct mr_spool *s, struct mr_span piece)
{
	if (s->err == 0)
		s->err = add(s, piece);
	if (s->err == 0)
		s->size += piece.len;
	return s->err;
}

int mr_spool_field(struct mr_spool *s, const char *name, const char *blank, const char *value)
{
	struct mr_span line, rest = mr_span_str(value);
	bool more;

	mr_spool_add(s, mr_span_str(name));
	mr_spool_add(s, MR_SPAN(":"));
	mr_spool_add(s, mr_span_str(blank));
	do {
		more = mr_span_split(rest, '\n', &line, &rest);
		if (more && line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		mr_spool_add(s, line);
		mr_spool_add(s, MR_SPAN("\r\n"));
	} while (more);
	return s->err;
}

uint64_t mr_spool_size(const struct mr_spool *s)
{
	return s->size;
}

int mr_spool_finish(struct mr_spool *s, struct mr_span *message_out)
{
	if (s->err < 0)
		return s->err;
	if (s->fd < 0) {
		*message_out = mr_buf_span(&s->memory);
		return 0;
	}
	s->err = mr_map_fd(s->fd, &s->map);
	if (s->err == 0)
		*message_out = s->map.span;
	return s->err;
}

struct mr_span mr_spool_kept(struct mr_spool *s)
{
	/* What could not be moved to the file is in memory yet. */
	if (s->fd < 0 || s->memory.len > 0)
		return mr_buf_span(&s->memory);
	if (!s->map.span.p && mr_map_fd(s->fd, &s->map) < 0)
		return mr_span("", 0);
	return mr_span_sub(s->map.span, 0,
			   s->size); /* behind it, a piece of the piece that failed */
}
