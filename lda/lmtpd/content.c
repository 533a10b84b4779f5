#include "lda/lmtpd/content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_random.h"

#define COPY_SIZE 65536 /* octets copied at a time from the file */

/* The value outlives the piece that it came in. */
static int keep(struct mr_arena *arena, const struct mr_head_field *field, size_t size_max,
		struct mr_head_field *kept_out)
{
	*kept_out = *field;
	return mr_arena_dup(arena, mr_span_sub(field->value, 0, size_max), &kept_out->value);
}

/* Of each only the place. */
static int foreign_keep(struct mr_arena *arena, const struct mr_head *head, struct mr_content *c)
{
	static const struct mr_head_field none;
	size_t size = head->foreign_count * sizeof(*head->foreign);
	struct mr_head_field *kept;

	c->foreign_count = head->foreign_count;
	c->foreign = head->foreign_count > MR_HEAD_FOREIGN_MAX ? NULL : &none;
	if (!c->foreign || head->foreign_count == 0)
		return 0;
	if (!(kept = mr_arena_alloc(arena, size)))
		return MR_ENOMEM;
	memcpy(kept, head->foreign, size);
	for (size_t i = 0; i < head->foreign_count; i++)
		kept[i].value = MR_SPAN("");
	c->foreign = kept;
	return 0;
}

static int look_at_header(struct mr_lmtp_mail *mail, struct mr_content *c, struct mr_head *head)
{
	struct mr_arena *arena = mail->arena;
	int err;

	mr_head_read(mr_buf_span(&mail->content), head);
	c->spam = head->spam && mail->set->spam_milter;
	/* For the log. Without memory the log line is poorer, and the mail arrives. */
	if (mail->queue_id.len == 0 && mr_arena_dup(arena, head->queue_id, &mail->queue_id) < 0)
		mail->queue_id = MR_SPAN("");
	if ((err = foreign_keep(arena, head, c)) < 0 ||
	    (err = keep(arena, &head->subject, MR_CONTENT_SUBJECT_MAX, &c->subject)) < 0 ||
	    !mail->set->spam_milter)
		return err;
	if ((err = keep(arena, &head->flag, SIZE_MAX, &c->flag)) < 0 ||
	    (err = keep(arena, &head->score, SIZE_MAX, &c->score)) < 0)
		return err;
	return keep(arena, &head->status, SIZE_MAX, &c->status);
}

struct mr_content *mr_content_of(struct mr_lmtp_mail *mail, struct mr_head *head_out,
				 bool *made_out)
{
	struct mr_content *c = mail->memo;

	*made_out = c == NULL;
	if (c)
		return c;
	c = mr_arena_alloc(mail->arena, sizeof(*c));
	if (!c || look_at_header(mail, c, head_out) < 0)
		return NULL;
	c->judged.id = mail->queue_id;
	c->origin = NULL;
	c->write_fd = c->read_fd = -1;
	mail->memo = c;
	return c;
}

static const struct mr_span named = MR_SPAN(".spool.");

/* Where the file system has no files without a name (NFS), its name goes at once. */
int mr_content_scratch(int dir_fd, int *write_fd_out, int *read_fd_out)
{
	char name[MR_ID_SIZE + 8] = ".spool.";
	int err;

	*write_fd_out = openat(dir_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (*write_fd_out >= 0) {
		*read_fd_out = fcntl(*write_fd_out, F_DUPFD_CLOEXEC, 0);
		return *read_fd_out < 0 ? mr_err_from_errno(errno) : 0;
	}
	/* EISDIR: a kernel before 3.11 that sees a directory opened for writing. */
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return mr_err_from_errno(errno);

	mr_random_id(name + strlen(name));
	if ((err = mr_create_at(dir_fd, name, 0600, write_fd_out)) < 0)
		return err;
	err = mr_open_at(dir_fd, name, read_fd_out);
	unlinkat(dir_fd, name, 0);
	return err;
}

int mr_content_sweep(int dir_fd)
{
	struct dirent *entry;
	int swept = 0, fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int err = mr_err_from_errno(errno);

		if (fd >= 0)
			close(fd);
		return err;
	}
	while ((entry = readdir(dir))) {
		if (mr_span_has_prefix(mr_span_str(entry->d_name), named) &&
		    unlinkat(dir_fd, entry->d_name, 0) == 0)
			swept++;
	}
	closedir(dir);
	return swept;
}

int mr_content_spool(struct mr_lmtp_mail *mail, struct mr_content *c, int dir_fd)
{
	struct mr_span piece = mr_buf_span(&mail->content);
	int err = c->write_fd < 0 ? mr_content_scratch(dir_fd, &c->write_fd, &c->read_fd) : 0;

	/* A piece that was cut short by a full disk is written over. */
	if (err == 0 && lseek(c->write_fd, (off_t)c->spooled, SEEK_SET) < 0)
		err = MR_ETEMP;
	if (err == 0)
		err = mr_write_all(c->write_fd, piece);
	if (err == 0)
		c->spooled += piece.len;
	return err;
}

size_t mr_content_size(const struct mr_lmtp_mail *mail)
{
	const struct mr_content *c = mail->memo;

	return c->spooled + mail->content.len;
}

static int copy_file(const struct mr_content *c, size_t from, size_t to,
		     struct mr_maildir_file *file)
{
	char piece[COPY_SIZE];
	int err = 0;

	while (err == 0 && from < to) {
		size_t want = to - from < sizeof(piece) ? to - from : sizeof(piece);
		ssize_t n = pread(c->read_fd, piece, want, (off_t)from);

		if (n <= 0) /* it is ours alone: nobody cuts it */
			return MR_ETEMP;
		err = mr_maildir_write(file, mr_span(piece, (size_t)n));
		from += (size_t)n;
	}
	return err;
}

int mr_content_copy(const struct mr_lmtp_mail *mail, size_t from, size_t to,
		    struct mr_maildir_file *file)
{
	const struct mr_content *c = mail->memo;
	struct mr_span rest = mr_buf_span(&mail->content);
	int err = 0;

	if (from < c->spooled)
		err = copy_file(c, from, to < c->spooled ? to : c->spooled, file);
	if (err < 0 || to <= c->spooled)
		return err;
	from = from > c->spooled ? from - c->spooled : 0;
	return mr_maildir_write(file, mr_span_sub(rest, from, to - c->spooled - from));
}

int mr_content_read(const struct mr_lmtp_mail *mail, size_t from, char *to, size_t size,
		    size_t *len_out)
{
	const struct mr_content *c = mail->memo;
	struct mr_span rest;
	ssize_t n;

	if (from < c->spooled) {
		n = pread(c->read_fd, to, size < c->spooled - from ? size : c->spooled - from,
			  (off_t)from);
		if (n <= 0) /* it is ours alone: nobody cuts it */
			return MR_ETEMP;
		*len_out = (size_t)n;
		return 0;
	}
	rest = mr_span_sub(mr_buf_span(&mail->content), from - c->spooled, size);
	if (rest.len > 0)
		memcpy(to, rest.p, rest.len);
	*len_out = rest.len;
	return 0;
}

int mr_content_whole(struct mr_lmtp_mail *mail, struct mr_span *whole_out)
{
	struct mr_content *c = mail->memo;
	int err = 0;

	if (c->spooled == 0) {
		*whole_out = mr_buf_span(&mail->content);
		return 0;
	}
	if (!c->map.span.p) {
		/* The end joins the rest: copies read it from there, too. */
		if (mail->content.len > 0 && (err = mr_content_spool(mail, c, -1)) == 0)
			mr_buf_reset(&mail->content);
		if (err == 0)
			err = mr_map_fd(c->read_fd, &c->map);
	}
	if (err == 0)
		*whole_out = mr_span_sub(c->map.span, 0, c->spooled);
	return err;
}

void mr_content_done(struct mr_content *c)
{
	if (c->map.span.p)
		mr_map_done(&c->map);
	mr_close_at(&c->write_fd);
	mr_close_at(&c->read_fd);
}
