#include "milters/spam/source.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"

#define INPUT_SIZE_MAX ((size_t)4 << 30) /* of one file, or of standard input: an operator's own */
#define READ_MIN       ((size_t)65536)

struct file {
	size_t name; /* offset in names */
	int tag;
	bool input; /* standard input; a file that is called "-" is not */
};

struct mr_spam_source {
	struct mr_buf names; /* each ends in NUL */
	struct file *file;
	size_t count, room;
	bool input_given; /* as a message or as a list: it can be read once */
};

struct mr_spam_source *mr_spam_source_new(void)
{
	struct mr_spam_source *s = mr_calloc(1, sizeof(*s));

	if (s != NULL)
		mr_buf_init(&s->names, MR_SPAM_SOURCE_SIZE_MAX);
	return s;
}

void mr_spam_source_free(struct mr_spam_source *s)
{
	if (s == NULL)
		return;
	mr_buf_done(&s->names);
	mr_free(s->file);
	mr_free(s);
}

size_t mr_spam_source_files(const struct mr_spam_source *s)
{
	return s->count;
}

static int add_file(struct mr_spam_source *s, struct mr_span name, int tag)
{
	size_t at = s->names.len;
	int err;

	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct file *file;

		if (s->count >= MR_SPAM_SOURCE_FILES_MAX)
			return MR_ELIMIT;
		if ((file = mr_realloc(s->file, room * sizeof(*file))) == NULL)
			return MR_ENOMEM;
		s->file = file;
		s->room = room;
	}
	if ((err = mr_buf_add(&s->names, name)) < 0 || (err = mr_buf_addc(&s->names, '\0')) < 0)
		return err;
	s->file[s->count++] = (struct file){ .name = at, .tag = tag };
	return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* fts(3) keeps its own list of folders: no recursion, and no folder is entered twice. */
static int add_folder(struct mr_spam_source *s, const char *path, int tag)
{
	char copy[MR_PATH_MAX];
	char *const roots[] = { copy, NULL };
	FTSENT *entry;
	FTS *fts;
	int err = mr_span_copyz(mr_span_str(path), copy, sizeof(copy));

	if (err < 0)
		return MR_ELIMIT;
	if ((fts = fts_open(roots, FTS_NOCHDIR | FTS_PHYSICAL, by_name)) == NULL)
		return mr_err_from_errno(errno);
	while (err == 0 && (entry = fts_read(fts)) != NULL) {
		if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
			(void)fts_set(fts, entry, FTS_SKIP);
			continue;
		}
		if (entry->fts_info == FTS_F)
			err = add_file(s, mr_span_str(entry->fts_path), tag);
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
			err = mr_err_from_errno(entry->fts_errno);
	}
	fts_close(fts);
	return err;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int input_take(struct mr_spam_source *s)
{
	if (s->input_given)
		return MR_EEXIST;
	s->input_given = true;
	return 0;
}

static int add_input(struct mr_spam_source *s, int tag)
{
	int err = input_take(s);

	if (err == 0)
		err = add_file(s, MR_SPAN("-"), tag);
	if (err == 0)
		s->file[s->count - 1].input = true;
	return err;
}

int mr_spam_source_add_list(struct mr_spam_source *s, int tag)
{
	char *line = NULL; /* getline's: released by free() */
	size_t room = 0;
	ssize_t len;
	int err = input_take(s);

	while (err == 0 && (len = getline(&line, &room, stdin)) >= 0) {
		struct mr_span name = mr_span(line, (size_t)len);

		if (name.len > 0 && name.p[name.len - 1] == '\n')
			name.len--;
		if (name.len > 0)
			err = add_file(s, name, tag);
	}
	free(line);
	return err;
}

int mr_spam_source_add(struct mr_spam_source *s, const char *path, int tag)
{
	char cur[MR_PATH_MAX], new[MR_PATH_MAX];
	struct stat st;
	int err;

	if (strcmp(path, "-") == 0)
		return add_input(s, tag);
	if (stat(path, &st) < 0)
		return mr_err_from_errno(errno);
	if (!S_ISDIR(st.st_mode))
		return add_file(s, mr_span_str(path), tag);
	if ((err = mr_path_join(path, "cur", cur)) < 0 ||
	    (err = mr_path_join(path, "new", new)) < 0)
		return err;
	if (!is_folder(cur) || !is_folder(new))
		return add_folder(s, path, tag);
	if ((err = add_folder(s, new, tag)) < 0)
		return err;
	return add_folder(s, cur, tag);
}

/* -- mbox ------------------------------------------------------------------------------------- */

static const struct mr_span from_line = { "From ", 5 };

/* "From sender date": a sentence of a message that begins so has no time of day in it. */
static bool is_from_line(struct mr_span at)
{
	struct mr_span line, rest;

	if (!mr_span_has_prefix(at, from_line))
		return false;
	mr_span_split(at, '\n', &line, &rest);
	for (size_t i = 2; i + 2 < line.len; i++) {
		if (line.p[i] == ':' && mr_is(line.p[i - 1], MR_DIGIT) &&
		    mr_is(line.p[i - 2], MR_DIGIT) && mr_is(line.p[i + 1], MR_DIGIT) &&
		    mr_is(line.p[i + 2], MR_DIGIT))
			return true;
	}
	return false;
}

/* Take the message at the start of rest, its "From " line dropped; it ends before the next line that
 * begins so behind an empty one. */
static struct mr_span mbox_next(struct mr_span *rest)
{
	struct mr_span line, in = *rest, at;
	const char *begin;
	bool empty = false;

	mr_span_split(in, '\n', &line, &in);
	begin = in.p;
	for (at = in; at.len > 0; at = in) {
		if (empty && is_from_line(at))
			break;
		mr_span_split(at, '\n', &line, &in);
		empty = line.len == 0 || (line.len == 1 && line.p[0] == '\r');
	}
	*rest = at;
	return mr_span(begin, (size_t)((at.len > 0 ? at.p : mr_span_end(in)) - begin));
}

/* ">From " at the start of a line loses its ">": a copy in arena, or raw where there is none. */
static int mbox_unquote(struct mr_span raw, struct mr_arena *arena, struct mr_span *raw_out)
{
	struct mr_span rest = raw, line;
	char *to, *copy;

	if (mr_span_search(raw, MR_SPAN("\n>From ")) == raw.len) {
		*raw_out = raw;
		return 0;
	}
	if ((to = copy = mr_arena_text(arena, raw.len)) == NULL)
		return MR_ENOMEM;
	while (rest.len > 0) {
		bool ended = mr_span_split(rest, '\n', &line, &rest);

		if (mr_span_has_prefix(line, MR_SPAN(">From ")))
			line = mr_span_sub(line, 1, line.len);
		if (line.len > 0)
			memcpy(to, line.p, line.len);
		to += line.len;
		if (ended)
			*to++ = '\n';
	}
	*raw_out = mr_span(copy, (size_t)(to - copy));
	return 0;
}

static int each_of_mbox(struct mr_spam_item *item, struct mr_span all, mr_spam_item_fn *each,
			void *arg)
{
	char name[MR_PATH_MAX + 32];
	const char *file = item->name;
	struct mr_span rest = all;
	int err = 0;

	for (unsigned long n = 1; rest.len > 0 && err == 0; n++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(all.len + 65536);
		struct mr_span raw = mbox_next(&rest);

		if (arena == NULL)
			return MR_ENOMEM;
		snprintf(name, sizeof(name), "%s:%lu", file, n); /* for people: may be cut */
		item->name = name;
		if ((err = mbox_unquote(raw, arena, &item->raw)) == 0)
			err = each(arg, item);
	}
	item->name = file;
	return err;
}

/* What one file after another is read into. */
struct reader {
	char *p;
	size_t room;
};

static int make_room(struct reader *r, size_t want)
{
	char *p;

	if (want <= r->room)
		return 0;
	if ((p = mr_realloc(r->p, want)) == NULL)
		return MR_ENOMEM;
	r->p = p;
	r->room = want;
	return 0;
}

/*
 * Read and not mapped: whoever makes a mapped file shorter (a mail program that rewrites its mbox) ends
 * the reader by SIGBUS. One octet more than the file has, so that its end is met without more room.
 */
static int read_whole(struct reader *r, const char *path, struct mr_span *content_out)
{
	MR_AUTO_FD fd = -1;
	size_t len = 0;
	struct stat st;
	ssize_t n = 1;
	int err;

	if ((err = mr_open_at(AT_FDCWD, path, &fd)) < 0)
		return err;
	if (fstat(fd, &st) < 0)
		return mr_err_from_errno(errno);
	if ((uint64_t)st.st_size > INPUT_SIZE_MAX)
		return MR_ELIMIT;
	err = make_room(r, (size_t)st.st_size < READ_MIN ? READ_MIN : (size_t)st.st_size + 1);
	while (err == 0 && n > 0) {
		n = read(fd, r->p + len, r->room - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			err = mr_err_from_errno(errno);
		else if ((len += (size_t)n) > INPUT_SIZE_MAX)
			err = MR_ELIMIT;
		else if (len == r->room)
			err = make_room(r, 2 * r->room); /* it has grown */
	}
	if (err == 0)
		*content_out = mr_span(r->p, len);
	return err;
}

int mr_spam_source_each(const struct mr_spam_source *s, mr_spam_item_fn *each, void *arg)
{
	struct reader reader = { NULL, 0 };
	int err = 0;

	for (size_t i = 0; i < s->count && err == 0; i++) {
		struct mr_spam_item item = { .name = s->names.p + s->file[i].name,
					     .tag = s->file[i].tag,
					     .file = i };
		MR_AUTO(mr_arena) *arena = NULL;

		if (s->file[i].input) {
			arena = mr_arena_new(INPUT_SIZE_MAX);
			item.err =
				arena ? mr_read_fd(STDIN_FILENO, INPUT_SIZE_MAX, arena, &item.raw)
				      : MR_ENOMEM;
		} else {
			item.err = read_whole(&reader, item.name, &item.raw);
		}
		if (item.err == 0 && is_from_line(item.raw))
			err = each_of_mbox(&item, item.raw, each, arg);
		else
			err = each(arg, &item);
	}
	mr_free(reader.p);
	return err;
}
