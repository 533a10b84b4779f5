#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_maildir_dir.h"

/* "1700000000.M5P6.host,S=7:2,FS": the time it begins with, or -1. */
static int64_t time_of(struct mr_span name)
{
	struct mr_span digits;
	uint64_t time_s;

	if (!mr_span_split(name, '.', &digits, &name) ||
	    mr_span_u64(digits, INT64_MAX, &time_s) < 0)
		return -1;
	return (int64_t)time_s;
}

/* The flags stand at the end, behind ":2,". */
static bool is_flagged(struct mr_span name)
{
	size_t at = mr_span_rfind(name, ':');
	struct mr_span info = mr_span_sub(name, at + 1, name.len);

	return mr_span_has_prefix(info, MR_SPAN("2,")) && mr_span_find(info, 'F') < info.len;
}

static bool is_due(int dir_fd, const char *name, int64_t before_s)
{
	struct mr_span s = mr_span_str(name);
	int64_t time_s = time_of(s);
	struct stat st;

	if (time_s < 0 || time_s >= before_s || is_flagged(s))
		return false;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static int expire_sub(int dir_fd, const char *sub, int64_t before_s, unsigned names_max)
{
	const struct dirent *entry;
	int sub_fd, removed = 0, err = mr_maildir_dir(dir_fd, sub, false, NULL, &sub_fd);
	DIR *dir;

	if (err < 0)
		return err == MR_ENOENT ? 0 : mr_maildir_temporary(err);
	dir = fdopendir(sub_fd);
	if (!dir) {
		close(sub_fd);
		return MR_ETEMP;
	}
	for (unsigned n = 0; n < names_max && (entry = readdir(dir)) != NULL; n++) {
		/* One that a client has just flagged has another name by now, and stays. */
		if (is_due(sub_fd, entry->d_name, before_s) &&
		    unlinkat(sub_fd, entry->d_name, 0) == 0)
			removed++;
	}
	closedir(dir); /* and sub_fd */
	return removed;
}

int mr_maildir_expire(int dir_fd, int64_t before_s, unsigned names_max)
{
	int seen, unseen = expire_sub(dir_fd, "new", before_s, names_max);

	if (unseen < 0)
		return unseen;
	seen = expire_sub(dir_fd, "cur", before_s, names_max);
	return seen < 0 ? seen : unseen + seen;
}
