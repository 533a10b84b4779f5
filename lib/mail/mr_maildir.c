#include "lib/mail/mr_maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_random.h"
#include "lib/mail/mr_maildir_dir.h"

#define FILE_MODE     0600
#define RANDOM_OCTETS 4

/* A host name as a part of a file name: "/" and ":" by the rule of the Maildir page, and what else
 * would end the part or show badly. Returns its length; what is too long is cut. */
static size_t host_escape(struct mr_span host, char out[MR_MAILDIR_HOST_MAX + 1])
{
	size_t len = 0;

	if (host.len == 0)
		host = MR_SPAN("localhost");
	for (size_t i = 0; i < host.len; i++) {
		bool plain =
			mr_is(host.p[i], MR_ALNUM | MR_ATOM_PUNCT | MR_DOT) && host.p[i] != '/';
		size_t need = plain ? 1 : 4;

		if (len + need > MR_MAILDIR_HOST_MAX)
			break;
		if (plain)
			out[len] = host.p[i];
		else
			snprintf(out + len, need + 1, "\\%03o", (uint8_t)host.p[i]); /* fits */
		len += need;
	}
	out[len] = '\0';
	return len;
}

/* No two are alike: the counter tells those of one process apart, its id and the time those of one
 * host, and the random part what clones of a virtual machine might have in common. */
static void unique_name(struct mr_span host, char out[MR_MAILDIR_NAME_SIZE])
{
	static _Atomic uint64_t counter;
	char host_text[MR_MAILDIR_HOST_MAX + 1];
	uint8_t random[RANDOM_OCTETS];
	struct timespec now;
	int len;

	host_escape(host, host_text);
	mr_random(random, sizeof(random));
	MR_ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
	len = snprintf(out, MR_MAILDIR_NAME_SIZE,
		       "%" PRId64 ".M%06ldP%ldQ%" PRIu64 "_%02x%02x%02x%02x.%s",
		       (int64_t)now.tv_sec, now.tv_nsec / 1000, (long)getpid(),
		       atomic_fetch_add(&counter, 1), random[0], random[1], random[2], random[3],
		       host_text);
	MR_ASSERT(len > 0 && len < MR_MAILDIR_NAME_SIZE);
}

/* A sub-directory of a Maildir; a user may have removed it. */
static int open_sub(int dir_fd, const char *name, int *fd_out)
{
	int err = mr_maildir_dir(dir_fd, name, false, NULL, fd_out);

	if (err == MR_ENOENT && (err = mr_maildir_subdirs(dir_fd)) == 0)
		err = mr_maildir_dir(dir_fd, name, false, NULL, fd_out);
	return mr_maildir_temporary(err);
}

int mr_maildir_begin(int dir_fd, struct mr_span host, struct mr_maildir_file *file_out)
{
	struct mr_maildir_file *f = file_out;
	int err;

	*f = (struct mr_maildir_file){ .dir_fd = dir_fd, .tmp_fd = -1, .fd = -1 };
	unique_name(host, f->tmp);
	if ((err = open_sub(dir_fd, "tmp", &f->tmp_fd)) < 0 ||
	    (err = mr_create_at(f->tmp_fd, f->tmp, FILE_MODE, &f->fd)) < 0) {
		mr_maildir_abort(f);
		return mr_maildir_temporary(err);
	}
	return 0;
}

void mr_maildir_onto(int fd, struct mr_maildir_file *file_out)
{
	*file_out = (struct mr_maildir_file){ .dir_fd = -1, .tmp_fd = -1, .fd = fd };
}

/* Dovecot's W= is the size with each line ending in CR LF. */
static uint64_t bare_lf(struct mr_span piece, char before)
{
	uint64_t count = 0;
	const char *at = piece.p, *end = mr_span_end(piece);

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		count += (at > piece.p ? at[-1] : before) != '\r';
		at++;
	}
	return count;
}

int mr_maildir_write(struct mr_maildir_file *file, struct mr_span piece)
{
	MR_ASSERT(file->fd >= 0 || file->err < 0);
	if (file->err < 0 || piece.len == 0)
		return file->err;
	file->lines_lf += bare_lf(piece, file->last);
	file->last = piece.p[piece.len - 1];
	file->size += piece.len;
	file->err = mr_maildir_temporary(mr_write_all(file->fd, piece));
	return file->err;
}

static int final_name(const struct mr_maildir_file *f, char out[MR_MAILDIR_NAME_SIZE])
{
	int len = snprintf(out, MR_MAILDIR_NAME_SIZE, "%s,S=%" PRIu64 ",W=%" PRIu64, f->tmp,
			   f->size, f->size + f->lines_lf);

	MR_ASSERT(len > 0 && len < MR_MAILDIR_NAME_SIZE);
	return 0;
}

int mr_maildir_sync(struct mr_maildir_file *file)
{
	if (file->err == 0)
		file->err = mr_maildir_temporary(mr_fsync(file->fd));
	file->synced = file->err == 0;
	return file->err;
}

int mr_maildir_commit(struct mr_maildir_file *file)
{
	MR_AUTO_FD new_fd = -1;
	char name[MR_MAILDIR_NAME_SIZE];
	int err = file->err;

	MR_ASSERT(err < 0 || (file->fd >= 0 && file->name[0] == '\0')); /* once */
	if (err < 0 || (!file->synced && (err = mr_fsync(file->fd)) < 0) ||
	    (err = open_sub(file->dir_fd, "new", &new_fd)) < 0 ||
	    (err = final_name(file, name)) < 0)
		return mr_maildir_temporary(err);
	/* Not rename(2): it might overwrite. Not followed: the file may have been exchanged. */
	if (linkat(file->tmp_fd, file->tmp, new_fd, name, 0) < 0)
		return mr_maildir_temporary(mr_err_from_errno(errno));
	if ((err = mr_fsync(new_fd)) < 0) {
		/* The MTA will send it again. Should this fail, too, there are two copies: better
		 * than none. */
		unlinkat(new_fd, name, 0);
		return mr_maildir_temporary(err);
	}
	memcpy(file->name, name, sizeof(name));
	return 0;
}

void mr_maildir_abort(struct mr_maildir_file *file)
{
	if (file->fd >= 0) {
		unlinkat(file->tmp_fd, file->tmp, 0); /* what a crash leaves is swept later */
		close(file->fd); /* after fsync it has no news */
		file->fd = -1;
	}
	if (file->tmp_fd >= 0) {
		close(file->tmp_fd);
		file->tmp_fd = -1;
	}
	if (file->err == 0)
		file->err = MR_ETEMP; /* a write from now on fails */
}

int mr_maildir_deliver(int dir_fd, struct mr_span host, const struct mr_span *pieces, size_t count,
		       char name_out[MR_MAILDIR_NAME_SIZE])
{
	struct mr_maildir_file file;
	int err = mr_maildir_begin(dir_fd, host, &file);

	for (size_t i = 0; i < count && err == 0; i++)
		err = mr_maildir_write(&file, pieces[i]);
	if (err == 0)
		err = mr_maildir_commit(&file);
	if (err == 0 && name_out)
		memcpy(name_out, file.name, sizeof(file.name));
	mr_maildir_abort(&file);
	return err;
}

/* The later of both: a program may have given a file that it just made an old date. */
static bool is_stale(const struct stat *st, int64_t now_s)
{
	int64_t touched = st->st_mtime > st->st_ctime ? st->st_mtime : st->st_ctime;

	return S_ISREG(st->st_mode) && touched < now_s - MR_MAILDIR_STALE_S;
}

int mr_maildir_sweep(int dir_fd, int64_t now_s, unsigned entries_max)
{
	const struct dirent *entry;
	int tmp_fd, removed = 0;
	DIR *tmp;
	int err = mr_maildir_dir(dir_fd, "tmp", false, NULL, &tmp_fd);

	if (err < 0)
		return err == MR_ENOENT ? 0 : mr_maildir_temporary(err);
	tmp = fdopendir(tmp_fd);
	if (!tmp) {
		close(tmp_fd);
		return MR_ETEMP;
	}
	for (unsigned n = 0; n < entries_max && (entry = readdir(tmp)) != NULL; n++) {
		struct stat st;

		if (fstatat(tmp_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    is_stale(&st, now_s) && unlinkat(tmp_fd, entry->d_name, 0) == 0)
			removed++;
	}
	closedir(tmp); /* and tmp_fd */
	return removed;
}
