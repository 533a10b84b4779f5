#include "lib/mail/mr_maildirsize.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_cur.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_random.h"
#include "lib/mail/mr_maildir_dir.h"

#define FILE_NAME  "maildirsize"
#define FILE_MODE  0600
#define COUNTS_MAX 3 /* of a mailbox that changes meanwhile */
#define APPENDS    3 /* to a file that is replaced meanwhile */
#define LINE_SIZE  64

/* -- the text --------------------------------------------------------------------------------- */

/* "1000S,20C": a kind that nobody knows, or no number, is no limit. */
static void limits_parse(struct mr_span line, struct mr_maildir_sum *limit_out)
{
	*limit_out = (struct mr_maildir_sum){ 0, 0 };
	while (line.len > 0) {
		struct mr_span one;
		uint64_t number;

		mr_span_split(line, ',', &one, &line);
		one = mr_span_trim(one);
		if (one.len == 0 ||
		    mr_span_u64(mr_span_sub(one, 0, one.len - 1), INT64_MAX, &number) < 0)
			continue;
		if (one.p[one.len - 1] == 'S')
			limit_out->octets = (int64_t)number;
		else if (one.p[one.len - 1] == 'C')
			limit_out->messages = (int64_t)number;
	}
}

/* *WSP ["-"] 1*DIGIT, added to *sum_inout. */
static int number_add(struct mr_cur *c, int64_t *sum_inout)
{
	uint64_t number;
	struct mr_span digits;
	int64_t signed_number;
	bool minus;

	mr_cur_take(c, MR_WSP);
	minus = mr_cur_byte(c, '-');
	digits = mr_cur_take(c, MR_DIGIT);
	if (mr_span_u64(digits, INT64_MAX, &number) < 0)
		return MR_ESYNTAX;
	signed_number = minus ? -(int64_t)number : (int64_t)number;
	return __builtin_add_overflow(*sum_inout, signed_number, sum_inout) ? MR_ESYNTAX : 0;
}

static int line_add(struct mr_span line, struct mr_maildir_sum *used_inout)
{
	struct mr_cur c = mr_cur(line);
	const char *at;

	if (number_add(&c, &used_inout->octets) < 0)
		return MR_ESYNTAX;
	at = c.p; /* a blank stands between the two */
	mr_cur_take(&c, MR_WSP);
	if (c.p == at || number_add(&c, &used_inout->messages) < 0)
		return MR_ESYNTAX;
	mr_cur_take(&c, MR_WSP);
	return mr_cur_left(&c) == 0 ? 0 : MR_ESYNTAX;
}

int mr_maildirsize_parse(struct mr_span text, struct mr_maildirsize *size_out)
{
	struct mr_maildir_sum limit, used = { 0, 0 };
	struct mr_span line, rest;
	unsigned lines = 0;

	if (!mr_span_split(text, '\n', &line, &rest) || mr_span_find(line, '\0') < line.len)
		return MR_ESYNTAX;
	limits_parse(line, &limit);
	while (mr_span_split(rest, '\n', &line, &rest)) {
		if (line_add(line, &used) < 0)
			return MR_ESYNTAX;
		lines++;
	}
	/* Without a line nobody has counted. */
	if (lines == 0 || used.octets < 0 || used.messages < 0)
		return MR_ESYNTAX;
	size_out->limit = limit;
	size_out->used = used;
	size_out->lines = lines;
	return 0;
}

/* -- the file --------------------------------------------------------------------------------- */

/* A plain file with one name. MR_ESYNTAX: it is something else; MR_ECONFLICT: it was just replaced.
 * O_NONBLOCK: a FIFO must not hold us. */
static int file_open(int dir_fd, int flags, int *fd_out, struct stat *st_out)
{
	MR_AUTO_FD fd = -1;

	do {
		fd = openat(dir_fd, FILE_NAME, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EISDIR))
		return MR_ESYNTAX;
	if (fd < 0)
		return errno == ENOENT ? MR_ENOENT : mr_maildir_temporary(mr_err_from_errno(errno));
	if (fstat(fd, st_out) < 0)
		return MR_ETEMP;
	if (!S_ISREG(st_out->st_mode) || st_out->st_nlink > 1)
		return MR_ESYNTAX;
	if (st_out->st_nlink == 0)
		return MR_ECONFLICT;
	*fd_out = fd;
	fd = -1;
	return 0;
}

static int file_read(int dir_fd, char *text, size_t *len_out, struct stat *st_out)
{
	MR_AUTO_FD fd = -1;
	size_t len = 0;
	ssize_t n;
	int err = file_open(dir_fd, O_RDONLY, &fd, st_out);

	if (err < 0)
		return err;
	while (len < MR_MAILDIRSIZE_MAX) {
		n = read(fd, text + len, MR_MAILDIRSIZE_MAX - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return MR_ETEMP;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*len_out = len;
	return len == MR_MAILDIRSIZE_MAX ? MR_ELIMIT : 0;
}

int mr_maildirsize_read(int dir_fd, struct mr_maildirsize *size_out)
{
	char text[MR_MAILDIRSIZE_MAX];
	struct mr_maildirsize size;
	struct stat st;
	size_t len = 0;
	int err = MR_ECONFLICT;

	for (int i = 0; i < APPENDS && err == MR_ECONFLICT; i++)
		err = file_read(dir_fd, text, &len, &st);
	if (err == MR_ECONFLICT)
		return MR_ETEMP;
	if (err < 0 || (err = mr_maildirsize_parse(mr_span(text, len), &size)) < 0)
		return err;
	size.file = st.st_ino;
	size.size = len;
	size.written_s = st.st_mtim.tv_sec;
	*size_out = size;
	return 0;
}

int mr_maildirsize_add(int dir_fd, struct mr_maildir_sum change)
{
	char line[LINE_SIZE];
	int len = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 "\n", change.octets,
			   change.messages);
	struct stat st;
	int err = MR_ECONFLICT;

	MR_ASSERT(len > 0 && len < (int)sizeof(line));
	for (int i = 0; i < APPENDS && err == MR_ECONFLICT; i++) {
		MR_AUTO_FD fd = -1;
		ssize_t n = -1;

		if ((err = file_open(dir_fd, O_WRONLY | O_APPEND, &fd, &st)) < 0)
			continue;
		/* In one call, so that no other line comes between. */
		do {
			n = write(fd, line, (size_t)len);
		} while (n < 0 && errno == EINTR);
		if (n != len)
			return n < 0 ? mr_maildir_temporary(mr_err_from_errno(errno)) : MR_ETEMP;
		/* Where it was replaced just now the line is gone, and most likely right so: our
		 * message was there before it. */
		return 0;
	}
	if (err == MR_ESYNTAX)
		return MR_ENOENT;
	return err == MR_ECONFLICT ? MR_ETEMP : err;
}

/* The line of limits, as Dovecot writes it: it compares numbers, and makes the file anew when they
 * are not its own. */
static int text_make(struct mr_maildir_sum limit, struct mr_maildir_sum used, char *text,
		     size_t size)
{
	char octets[LINE_SIZE] = "", messages[LINE_SIZE] = "";
	int len;

	if (limit.octets != 0 || limit.messages == 0)
		snprintf(octets, sizeof(octets), "%" PRId64 "S", limit.octets);
	if (limit.messages != 0)
		snprintf(messages, sizeof(messages), "%s%" PRId64 "C", octets[0] ? "," : "",
			 limit.messages);
	len = snprintf(text, size, "%s%s\n%" PRId64 " %" PRId64 "\n", octets, messages, used.octets,
		       used.messages);
	MR_ASSERT(len > 0 && (size_t)len < size);
	return len;
}

int mr_maildirsize_write(int dir_fd, struct mr_maildir_sum limit, struct mr_maildir_sum used)
{
	char text[4 * LINE_SIZE], name[MR_ID_SIZE];
	int len = text_make(limit, used, text, sizeof(text)), err;
	MR_AUTO_FD tmp_fd = -1;
	MR_AUTO_FD fd = -1;
	struct stat st;

	mr_random_id(name);
	err = mr_maildir_dir(dir_fd, "tmp", false, NULL, &tmp_fd);
	/* Somebody is just making the mailbox, or has removed its tmp/. */
	if (err == MR_ENOENT && (err = mr_maildir_subdirs(dir_fd)) == 0)
		err = mr_maildir_dir(dir_fd, "tmp", false, NULL, &tmp_fd);
	if (err < 0 || (err = mr_create_at(tmp_fd, name, FILE_MODE, &fd)) < 0)
		return mr_maildir_temporary(err);
	/* By root it must be readable for whoever has the mailbox. */
	if (geteuid() == 0 && (fstat(dir_fd, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0))
		err = MR_ETEMP;
	/* No fsync: it can be counted anew, and a file that came out empty is. */
	if (err == 0)
		err = mr_write_all(fd, mr_span(text, (size_t)len));
	if (err == 0 && renameat(tmp_fd, name, dir_fd, FILE_NAME) < 0)
		err = mr_err_from_errno(errno);
	if (err < 0)
		unlinkat(tmp_fd, name, 0);
	return mr_maildir_temporary(err);
}

/* -- together --------------------------------------------------------------------------------- */

/* Nothing more fits: somebody may have made room without a word in the file. */
static bool is_full(const struct mr_maildirsize *s)
{
	return (s->limit.octets > 0 && s->used.octets >= s->limit.octets) ||
	       (s->limit.messages > 0 && s->used.messages >= s->limit.messages);
}

static bool is_good(const struct mr_maildirsize *s, struct mr_maildir_sum limit, int64_t now_s)
{
	if (s->limit.octets != limit.octets || s->limit.messages != limit.messages)
		return false;
	return !is_full(s) || (s->lines == 1 && s->written_s >= now_s - MR_MAILDIRSIZE_STALE_S);
}

int mr_maildirsize_get(int dir_fd, struct mr_maildir_sum limit, int64_t now_s,
		       struct mr_maildirsize *size_out)
{
	struct mr_maildirsize size;
	struct mr_maildir_sum used;
	int err = mr_maildirsize_read(dir_fd, &size);

	if (err == 0 && is_good(&size, limit, now_s)) {
		*size_out = size;
		return 0;
	}
	if (err < 0 && err != MR_ENOENT && err != MR_ESYNTAX && err != MR_ELIMIT)
		return err;
	err = MR_ECONFLICT;
	for (int i = 0; i < COUNTS_MAX && err == MR_ECONFLICT; i++)
		err = mr_maildirsize_count(dir_fd, &used);
	if (err < 0 && err != MR_ECONFLICT)
		return err;
	if ((err = mr_maildirsize_write(dir_fd, limit, used)) < 0)
		return err;
	/* As it is now: somebody may have appended already. */
	if (mr_maildirsize_read(dir_fd, &size) < 0)
		size = (struct mr_maildirsize){
			.limit = limit, .used = used, .lines = 1, .written_s = now_s
		};
	*size_out = size;
	return 0;
}
