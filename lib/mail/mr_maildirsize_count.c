#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_maildir_dir.h"
#include "lib/mail/mr_maildirsize.h"

/* Two looks at the same mailbox, of which the first one counts. */
struct look {
	bool counts;
	uint64_t sign; /* of all directories: which, and when they were changed */
	struct mr_maildir_sum sum;
};

/* FNV-1a's step, on 64 bits at once: it need not be good, only to differ. */
static void sign_add(struct look *look, uint64_t number)
{
	look->sign = (look->sign ^ number) * UINT64_C(0x100000001B3);
	look->sign ^= look->sign >> 29;
}

static void sign_dir(struct look *look, const struct stat *st)
{
	sign_add(look, st->st_ino);
	sign_add(look, (uint64_t)st->st_mtim.tv_sec);
	sign_add(look, (uint64_t)st->st_mtim.tv_nsec);
}

/* Of ",S=1234" and what ends it, as Dovecot reads it: the first one counts. -1: it is not there. */
static int64_t size_in(const char *name)
{
	const char *at = strstr(name, ",S=");
	struct mr_span digits = { at ? at + 3 : NULL, 0 };
	uint64_t size;

	if (!at)
		return -1;
	while (mr_is(digits.p[digits.len], MR_DIGIT))
		digits.len++;
	if (digits.p[digits.len] != '\0' && digits.p[digits.len] != ':' &&
	    digits.p[digits.len] != ',')
		return -1;
	return mr_span_u64(digits, (uint64_t)1 << 60, &size) < 0 ? -1 : (int64_t)size;
}

static void file_count(struct look *look, int dir_fd, const char *name)
{
	int64_t size = size_in(name);
	struct stat st;

	if (size < 0) {
		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			return;
		size = st.st_size;
	}
	if (__builtin_add_overflow(look->sum.octets, size, &look->sum.octets))
		look->sum.octets = INT64_MAX;
	look->sum.messages++;
}

/* NULL: as err says; closes fd. */
static DIR *dir_take(int fd, int *err_out)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		*err_out = errno == ENOMEM ? MR_ENOMEM : MR_ETEMP;
		mr_close_at(&fd);
	}
	return dir;
}

/* new or cur. A folder without it holds nothing. */
static int sub_look(struct look *look, int folder_fd, const char *sub)
{
	const struct dirent *entry;
	struct stat st;
	int fd, err = mr_maildir_dir(folder_fd, sub, false, NULL, &fd);
	DIR *dir;

	if (err < 0)
		return err == MR_ENOENT ? 0 : err;
	if (fstat(fd, &st) < 0) {
		mr_close_at(&fd);
		return MR_ETEMP;
	}
	sign_dir(look, &st);
	if (!look->counts) {
		mr_close_at(&fd);
		return 0;
	}
	if (!(dir = dir_take(fd, &err)))
		return err;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strncmp(entry->d_name, "..", 2) != 0)
			file_count(look, fd, entry->d_name);
	}
	closedir(dir); /* and fd */
	return 0;
}

static int folder_look(struct look *look, int folder_fd)
{
	int err = sub_look(look, folder_fd, "new");

	return err < 0 ? err : sub_look(look, folder_fd, "cur");
}

/* ".name"; Dovecot moves what it removes to "..name". What cannot be a folder is none: a link, a
 * file. */
static int entry_look(struct look *look, int dir_fd, const struct dirent *entry)
{
	const char *name = entry->d_name;
	MR_AUTO_FD fd = -1;
	struct stat st;
	int err;

	if (name[0] != '.' || name[1] == '\0' || name[1] == '.')
		return 0;
	if (entry->d_type != DT_DIR &&
	    (entry->d_type != DT_UNKNOWN || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	     !S_ISDIR(st.st_mode)))
		return 0;
	err = mr_maildir_dir(dir_fd, name, false, NULL, &fd);
	if (err < 0)
		return err == MR_ENOENT ? 0 : err;
	return folder_look(look, fd);
}

static int mailbox_look(struct look *look, int dir_fd)
{
	const struct dirent *entry;
	unsigned folders = 0;
	int fd, err = folder_look(look, dir_fd);
	DIR *dir;

	if (err < 0)
		return err;
	/* A descriptor of its own: reading moves its offset. */
	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mr_maildir_temporary(mr_err_from_errno(errno));
	if (!(dir = dir_take(fd, &err)))
		return err;
	while (err == 0 && (entry = readdir(dir)))
		err = ++folders > MR_MAILDIRSIZE_FOLDERS ? MR_ELIMIT
							 : entry_look(look, dir_fd, entry);
	closedir(dir); /* and fd */
	return err;
}

int mr_maildirsize_count(int dir_fd, struct mr_maildir_sum *sum_out)
{
	struct look first = { .counts = true }, second = { .counts = false };
	int err = mailbox_look(&first, dir_fd);

	if (err == 0)
		err = mailbox_look(&second, dir_fd);
	if (err < 0)
		return err;
	*sum_out = first.sum;
	return first.sign == second.sign ? 0 : MR_ECONFLICT;
}
