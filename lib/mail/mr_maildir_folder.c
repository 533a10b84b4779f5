#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_maildir_dir.h"
#include "lib/mail/mr_maildir_entry.h"

#define DIR_MODE  0700
#define FILE_MODE 0600
#define NAME_SIZE 256 /* of one component, with its NUL: NAME_MAX of Linux */

int mr_maildir_temporary(int err)
{
	return err >= 0 || err == MR_ENOMEM || err == MR_EFULL ? err : MR_ETEMP;
}

/* O_NOFOLLOW with O_DIRECTORY: a link fails with ENOTDIR or ELOOP. */
static int open_dir(int dir_fd, const char *name, int *fd_out)
{
	int fd;

	do {
		fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno == ENOENT ? MR_ENOENT : MR_ETEMP;
	*fd_out = fd;
	return 0;
}

/* Make the directory; its entry must survive what the message survives. Another one may be quicker. */
static int make_dir(int dir_fd, const char *name, bool *made_out)
{
	if (mkdirat(dir_fd, name, DIR_MODE) < 0)
		return errno == EEXIST ? mr_maildir_entry_synced(dir_fd, name, mr_time_s())
				       : mr_err_from_errno(errno);
	if (made_out)
		*made_out = true;
	return mr_fsync(dir_fd);
}

int mr_maildir_dir(int dir_fd, const char *name, bool create, bool *made_out, int *fd_out)
{
	MR_AUTO_FD fd = -1;
	int err = open_dir(dir_fd, name, &fd);

	if (create && err == 0)
		err = mr_maildir_entry_synced(dir_fd, name, mr_time_s());
	if (create && err == MR_ENOENT && (err = make_dir(dir_fd, name, made_out)) == 0)
		err = open_dir(dir_fd, name, &fd);
	if (err < 0)
		return !create && err == MR_ENOENT ? err : mr_maildir_temporary(err);
	*fd_out = fd;
	fd = -1;
	return 0;
}

int mr_maildir_subdirs(int dir_fd)
{
	static const char *const names[] = { "tmp", "new", "cur" };
	bool made = false;

	for (size_t i = 0; i < MR_COUNT(names); i++) {
		if (mkdirat(dir_fd, names[i], DIR_MODE) == 0)
			made = true;
		else if (errno != EEXIST)
			return mr_maildir_temporary(mr_err_from_errno(errno));
	}
	/* What stays in the mailbox is in new/. */
	return made ? mr_maildir_temporary(mr_fsync(dir_fd))
		    : mr_maildir_entry_synced(dir_fd, "new", mr_time_s());
}

/* The next component of a path, as a C string. MR_EINVAL: one that would lead elsewhere. */
static int next_component(struct mr_span *path, char out[NAME_SIZE])
{
	struct mr_span head;
	bool more = mr_span_split(*path, '/', &head, path);

	if (head.len == 0 || mr_span_eq(head, MR_SPAN(".")) || mr_span_eq(head, MR_SPAN("..")) ||
	    (more && path->len == 0))
		return MR_EINVAL;
	return mr_span_copyz(head, out, NAME_SIZE);
}

/* All of them, before the first is made. */
static int check_path(struct mr_span path)
{
	char component[NAME_SIZE];
	int err;

	do {
		err = next_component(&path, component);
	} while (err == 0 && path.len > 0);
	return err;
}

int mr_maildir_open(int parent_fd, const char *name, unsigned flags, int *dir_fd_out)
{
	struct mr_span path = mr_span_str(name);
	char component[NAME_SIZE];
	MR_AUTO_FD fd = -1;
	int at_fd = parent_fd, err = check_path(path);

	if (err < 0)
		return err;
	do {
		int next_fd = -1;

		if ((err = next_component(&path, component)) < 0 ||
		    (err = mr_maildir_dir(at_fd, component, flags & MR_MAILDIR_CREATE, NULL,
					  &next_fd)) < 0)
			return err;
		if (fd >= 0)
			close(fd);
		at_fd = fd = next_fd;
	} while (path.len > 0);
	if ((flags & MR_MAILDIR_CREATE) && (err = mr_maildir_subdirs(fd)) < 0)
		return err;
	*dir_fd_out = fd;
	fd = -1;
	return 0;
}

/* RFC 3501 5.1.3: a run of what is not printable ASCII, as base64 of UTF-16 between "&" and "-". */
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

struct base64 {
	uint32_t bits;
	unsigned have; /* how many of them are not written */
	bool open;
};

static int base64_units(struct base64 *b, uint32_t unit, struct mr_buf *out)
{
	int err = 0;

	if (!b->open)
		err = mr_buf_addc(out, '&');
	b->open = true;
	b->bits = b->bits << 16 | unit;
	for (b->have += 16; b->have >= 6 && err == 0; b->have -= 6)
		err = mr_buf_addc(out, digits[b->bits >> (b->have - 6) & 63]);
	return err;
}

static int base64_end(struct base64 *b, struct mr_buf *out)
{
	int err = 0;

	if (b->open && b->have > 0)
		err = mr_buf_addc(out, digits[b->bits << (6 - b->have) & 63]);
	if (b->open && err == 0)
		err = mr_buf_addc(out, '-');
	*b = (struct base64){ .open = false };
	return err;
}

/* One character. */
static int utf7_add(struct base64 *b, uint32_t code, struct mr_buf *out)
{
	int err;

	if (code >= 0x10000) { /* RFC 2781 2.1 */
		if ((err = base64_units(b, 0xD800 | (code - 0x10000) >> 10, out)) < 0)
			return err;
		return base64_units(b, 0xDC00 | ((code - 0x10000) & 0x3FF), out);
	}
	if (code >= 0x80)
		return base64_units(b, code, out);
	if ((err = base64_end(b, out)) < 0)
		return err;
	return code == '&' ? mr_buf_adds(out, "&-") : mr_buf_addc(out, (char)code);
}

int mr_maildir_utf7(struct mr_span utf8, struct mr_buf *out)
{
	struct mr_cur c = mr_cur(utf8);
	struct base64 b = { .open = false };
	int32_t code;
	bool valid;
	int err = 0;

	while (err == 0 && (code = mr_utf8_next(&c, &valid)) >= 0) {
		if (!valid || code < 0x20 || code == 0x7F)
			return MR_EINVAL;
		err = utf7_add(&b, (uint32_t)code, out);
	}
	return err < 0 ? err : base64_end(&b, out);
}

int mr_maildir_folder_name(struct mr_span name, struct mr_buf *out)
{
	unsigned levels = 0;
	bool more;
	int err;

	if (mr_span_eq_nocase(name, MR_SPAN("INBOX"))) /* RFC 3501 5.1 */
		return 0;
	do {
		struct mr_span level;

		more = mr_span_split(name, '.', &level, &name);
		if (level.len == 0 || mr_span_find(level, '/') < level.len)
			return MR_EINVAL;
		if (++levels > MR_MAILDIR_LEVELS_MAX)
			return MR_ELIMIT;
		if ((err = mr_buf_addc(out, '.')) < 0 || (err = mr_maildir_utf7(level, out)) < 0)
			return err;
	} while (more);
	return 0;
}

/* It is what tells a folder from a mailbox (Maildir++). What is there already stays, link or not. */
static int mark_folder(int folder_fd)
{
	MR_AUTO_FD fd = -1;
	int err = mr_create_at(folder_fd, "maildirfolder", FILE_MODE, &fd);

	if (err == MR_EEXIST)
		return 0;
	return mr_maildir_temporary(err < 0 ? err : mr_fsync(folder_fd));
}

int mr_maildir_folder(int dir_fd, struct mr_span name, unsigned flags, int *folder_fd_out)
{
	bool create = flags & MR_MAILDIR_CREATE;
	MR_AUTO_FD fd = -1;
	MR_AUTO_BUF dir = MR_BUF(MR_MAILDIR_FOLDER_MAX);
	int err;

	if ((err = mr_maildir_folder_name(name, &dir)) < 0)
		return err;
	if (dir.len == 0) {
		fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? MR_ETEMP : 0;
	} else {
		err = mr_maildir_dir(dir_fd, mr_buf_str(&dir), create, NULL, &fd);
	}
	if (err == 0 && create)
		err = mr_maildir_subdirs(fd);
	if (err == 0 && create && dir.len > 0)
		err = mark_folder(fd);
	if (err < 0)
		return err;
	*folder_fd_out = fd;
	fd = -1;
	return 0;
}
