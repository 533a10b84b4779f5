#include "lib/mail/mr_maildirsize.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_maildir.h"
#include "tests/unit/mr_test.h"

#define NONE ((struct mr_maildir_sum){ 0, 0 })

/* After maildirquota(7). */
MR_TEST(maildirsize_text)
{
	static const struct {
		const char *text;
		int want;
		int64_t limit_octets, limit_messages, octets, messages;
		unsigned lines;
	} rows[] = {
		{ "1000S,20C\n500 2\n", 0, 1000, 20, 500, 2, 1 },
		{ "20C,1000S\n500 2\n-100 -1\n", 0, 1000, 20, 400, 1, 2 },
		{ "1000S\n500 2\n", 0, 1000, 0, 500, 2, 1 },
		{ "0S\n0 0\n", 0, 0, 0, 0, 0, 1 },
		{ "\n7 1\n", 0, 0, 0, 7, 1, 1 },
		{ "5X,9S\n7 1\n", 0, 9, 0, 7, 1, 1 }, /* kinds to come */
		{ "S,-4C,xS\n7 1\n", 0, 0, 0, 7, 1, 1 },
		/* Courier fills up with blanks */
		{ "9S\n     7     1\n    -3     -1   \n", 0, 9, 0, 4, 0, 2 },
		{ "9S\n7 1\n5", 0, 9, 0, 7, 1, 1 }, /* being written */
		{ "9S\n7 1\n5 1", 0, 9, 0, 7, 1, 1 },
		{ "9S\n9223372036854775807 1\n", 0, 9, 0, INT64_MAX, 1, 1 },
		/* differences may come before what they lessen */
		{ "9S\n-5 -1\n9 2\n", 0, 9, 0, 4, 1, 2 },
		{ "", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n7 1", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n7\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n7 1 2\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n7 x\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n7-1\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n\n7 1\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n+7 1\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n- 7 1\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n-7 1\n", MR_ESYNTAX, 0, 0, 0, 0, 0 }, /* less than nothing */
		{ "9S\n7 -1\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n9223372036854775808 1\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
		{ "9S\n9223372036854775807 1\n1 1\n", MR_ESYNTAX, 0, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].text);
		struct mr_maildirsize s = { .lines = 0 };

		MR_NEED(t, in);
		MR_CHECK_INT(t, rows[i].want, mr_maildirsize_parse(mr_block_span(in), &s));
		MR_CHECK_INT(t, rows[i].limit_octets, s.limit.octets);
		MR_CHECK_INT(t, rows[i].limit_messages, s.limit.messages);
		MR_CHECK_INT(t, rows[i].octets, s.used.octets);
		MR_CHECK_INT(t, rows[i].messages, s.used.messages);
		MR_CHECK_INT(t, rows[i].lines, s.lines);
	}
	MR_CHECK_INT(
		t, MR_ESYNTAX,
		mr_maildirsize_parse(mr_span("9S\0\n7 1\n", 8), &(struct mr_maildirsize){ 0 }));
	MR_CHECK_INT(
		t, MR_ESYNTAX,
		mr_maildirsize_parse(mr_span("9S\n7 1\0\n", 8), &(struct mr_maildirsize){ 0 }));
}

static void put(struct mr_t *t, int dir_fd, const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MR_CHECK(t, fd >= 0 && mr_write_all(fd, mr_span_str(text)) == 0);
	close(fd);
}

static void check_file(struct mr_t *t, int dir_fd, const char *want)
{
	char text[MR_MAILDIRSIZE_MAX] = "";
	int fd = openat(dir_fd, "maildirsize", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	close(fd);
	MR_CHECK_SPAN(t, want, mr_span(text, n > 0 ? (size_t)n : 0));
}

/* A mailbox of 10 + 200 octets in INBOX, 3000 in Spam, 40000 in a folder's folder; -1: none. */
static int mailbox(struct mr_t *t)
{
	int root = open(mr_test_dir(t), O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1, sub = -1;

	if (root < 0 || mr_maildir_open(root, "m", MR_MAILDIR_CREATE, &fd) < 0) {
		close(root);
		return -1;
	}
	close(root);
	put(t, fd, "new/1.a.host,S=10,W=12", "");
	put(t, fd, "cur/2.a.host,S=200:2,ST", ""); /* flagged as deleted: counts */
	put(t, fd, "tmp/3.a.host,S=7", ""); /* not delivered */
	if (mr_maildir_folder(fd, MR_SPAN("Spam"), MR_MAILDIR_CREATE, &sub) == 0) {
		put(t, sub, "new/4.a.host,S=3000", "");
		close(sub);
	}
	if (mr_maildir_folder(fd, MR_SPAN("a.b"), MR_MAILDIR_CREATE, &sub) == 0) {
		put(t, sub, "cur/5.a.host,S=40000,W=1:2,", "");
		close(sub);
	}
	return fd;
}

MR_TEST(maildirsize_counts)
{
	MR_AUTO_FD fd = mailbox(t);
	struct mr_maildir_sum sum = NONE;

	MR_NEED(t, fd >= 0);
	MR_CHECK_INT(t, 0, mr_maildirsize_count(fd, &sum));
	MR_CHECK_INT(t, 43210, sum.octets);
	MR_CHECK_INT(t, 4, sum.messages);
	/* Without a size in the name that of the file; a link and a folder are no messages. */
	put(t, fd, "new/6.a.host", "12345");
	put(t, fd, "new/7.a.host,S=9x", "123456");
	put(t, fd, "new/8.a.host,S=99999999999999999999", "1234567");
	MR_CHECK_INT(t, 0, symlinkat("7.a.host,S=9x", fd, "new/9.a.host"));
	MR_CHECK_INT(t, 0, mkdirat(fd, "new/sub", 0700));
	/* Neither are these folders: removed ones, links, files, ".." */
	MR_CHECK_INT(t, 0, symlinkat(".Spam", fd, ".Link"));
	put(t, fd, ".file", "x");
	MR_CHECK_INT(t, 0, mkdirat(fd, "..gone", 0700));
	MR_CHECK_INT(t, 0, mkdirat(fd, "..gone/new", 0700));
	put(t, fd, "..gone/new/1.a.host,S=5", "");
	MR_CHECK_INT(t, 0, mkdirat(fd, ".empty", 0700));
	MR_CHECK_INT(t, 0, mr_maildirsize_count(fd, &sum));
	MR_CHECK_INT(t, 43210 + 5 + 6 + 7, sum.octets);
	MR_CHECK_INT(t, 7, sum.messages);
}

/* Made where it is missing, appended to, made anew where the limits are others. */
MR_TEST(maildirsize_get)
{
	const struct mr_maildir_sum limit = { 100000, 50 }, less = { 100000, 0 };
	const int64_t now_s = mr_time_s();
	MR_AUTO_FD fd = mailbox(t);
	struct mr_maildirsize s;
	uint64_t file;

	MR_NEED(t, fd >= 0);
	MR_CHECK_INT(t, MR_ENOENT, mr_maildirsize_read(fd, &s));
	MR_CHECK_INT(t, MR_ENOENT, mr_maildirsize_add(fd, (struct mr_maildir_sum){ 1, 1 }));
	MR_NEED(t, mr_maildirsize_get(fd, limit, now_s, &s) == 0);
	MR_CHECK_INT(t, 43210, s.used.octets);
	check_file(t, fd, "100000S,50C\n43210 4\n");
	file = s.file;
	MR_CHECK_INT(t, 0, mr_maildirsize_add(fd, (struct mr_maildir_sum){ 5000, 1 }));
	MR_CHECK_INT(t, 0, mr_maildirsize_add(fd, (struct mr_maildir_sum){ -10, -2 }));
	MR_NEED(t, mr_maildirsize_get(fd, limit, now_s, &s) == 0);
	MR_CHECK_INT(t, 48200, s.used.octets);
	MR_CHECK_INT(t, 3, s.used.messages);
	MR_CHECK_INT(t, 3, s.lines);
	MR_CHECK_INT(t, file, s.file);
	MR_NEED(t, mr_maildirsize_get(fd, less, now_s, &s) == 0);
	check_file(t, fd, "100000S\n43210 4\n");
	MR_CHECK(t, s.file != file);
	MR_NEED(t, mr_maildirsize_get(fd, NONE, now_s, &s) == 0);
	check_file(t, fd, "0S\n43210 4\n");
	MR_NEED(t, mr_maildirsize_get(fd, (struct mr_maildir_sum){ 0, 4 }, now_s, &s) == 0);
	check_file(t, fd, "4C\n43210 4\n");
	/* Without tmp/, as where somebody is just making the mailbox. */
	MR_CHECK_INT(t, 0, unlinkat(fd, "tmp/3.a.host,S=7", 0));
	MR_CHECK_INT(t, 0, unlinkat(fd, "tmp", AT_REMOVEDIR));
	MR_NEED(t, mr_maildirsize_get(fd, limit, now_s, &s) == 0);
	/* Damaged. */
	put(t, fd, "maildirsize", "4C\n1 x\n");
	MR_NEED(t, mr_maildirsize_get(fd, (struct mr_maildir_sum){ 0, 4 }, now_s, &s) == 0);
	check_file(t, fd, "4C\n43210 4\n");
}

/* Over the limit, several lines or an old file are not believed. */
MR_TEST(maildirsize_over)
{
	const struct mr_maildir_sum limit = { 43000, 0 };
	const int64_t now_s = mr_time_s();
	MR_AUTO_FD fd = mailbox(t);
	struct mr_maildirsize s;

	MR_NEED(t, fd >= 0);
	put(t, fd, "maildirsize", "43000S\n99999 9\n");
	MR_NEED(t, mr_maildirsize_get(fd, limit, now_s + MR_MAILDIRSIZE_STALE_S - 5, &s) == 0);
	MR_CHECK_INT(t, 99999, s.used.octets);
	MR_NEED(t, mr_maildirsize_get(fd, limit, now_s + MR_MAILDIRSIZE_STALE_S + 5, &s) == 0);
	MR_CHECK_INT(t, 43210, s.used.octets);
	put(t, fd, "maildirsize", "43000S\n99998 8\n1 1\n");
	MR_NEED(t, mr_maildirsize_get(fd, limit, now_s, &s) == 0);
	MR_CHECK_INT(t, 43210, s.used.octets);
	/* At it, nothing fits either, and room that somebody made must be found. */
	put(t, fd, "maildirsize", "43000S\n42999 8\n1 1\n");
	MR_NEED(t, mr_maildirsize_get(fd, limit, now_s, &s) == 0);
	MR_CHECK_INT(t, 43210, s.used.octets);
	/* Below, any number of lines is believed. */
	put(t, fd, "maildirsize", "43000S\n42998 8\n1 1\n");
	MR_NEED(t, mr_maildirsize_get(fd, limit, now_s + 100000, &s) == 0);
	MR_CHECK_INT(t, 42999, s.used.octets);
}

/* 5120 octets are too many, 5119 are not. */
MR_TEST(maildirsize_long)
{
	const struct mr_maildir_sum limit = { 9, 0 };
	char text[MR_MAILDIRSIZE_MAX + 1];
	MR_AUTO_FD fd = mailbox(t);
	struct mr_maildirsize s;
	size_t len = 3;

	MR_NEED(t, fd >= 0);
	memcpy(text, "9S\n", 3);
	for (; len < MR_MAILDIRSIZE_MAX - 1; len += 4)
		memcpy(text + len, "0 0\n", 4);
	MR_CHECK_INT(t, MR_MAILDIRSIZE_MAX - 1, len);
	text[len] = '\0';
	put(t, fd, "maildirsize", text);
	MR_CHECK_INT(t, 0, mr_maildirsize_read(fd, &s));
	text[len] = '1';
	text[len + 1] = '\0';
	put(t, fd, "maildirsize", text);
	MR_CHECK_INT(t, MR_ELIMIT, mr_maildirsize_read(fd, &s));
	MR_NEED(t, mr_maildirsize_get(fd, limit, 0, &s) == 0);
	check_file(t, fd, "9S\n43210 4\n");
}

/* Whatever a user plants: nothing outside is read or written. */
MR_TEST(maildirsize_planted)
{
	const struct mr_maildir_sum one = { 1, 1 };
	MR_AUTO_FD fd = mailbox(t);
	struct mr_maildirsize s;

	MR_NEED(t, fd >= 0);
	put(t, fd, "outside", "9S\n7 1\n");
	MR_NEED(t, symlinkat("outside", fd, "maildirsize") == 0);
	MR_CHECK_INT(t, MR_ESYNTAX, mr_maildirsize_read(fd, &s));
	MR_CHECK_INT(t, MR_ENOENT, mr_maildirsize_add(fd, one));
	MR_CHECK_INT(t, 0, mr_maildirsize_get(fd, NONE, 0, &s));
	check_file(t, fd, "0S\n43210 4\n");
	MR_NEED(t, unlinkat(fd, "maildirsize", 0) == 0);
	MR_NEED(t, linkat(fd, "outside", fd, "maildirsize", 0) == 0);
	MR_CHECK_INT(t, MR_ESYNTAX, mr_maildirsize_read(fd, &s));
	MR_CHECK_INT(t, MR_ENOENT, mr_maildirsize_add(fd, one));
	check_file(t, fd, "9S\n7 1\n");
	MR_NEED(t, unlinkat(fd, "maildirsize", 0) == 0);
	MR_NEED(t, mkfifoat(fd, "maildirsize", 0600) == 0);
	MR_CHECK_INT(t, MR_ESYNTAX, mr_maildirsize_read(fd, &s));
	MR_CHECK_INT(t, MR_ENOENT, mr_maildirsize_add(fd, one));
	MR_CHECK_INT(t, 0, mr_maildirsize_get(fd, NONE, 0, &s));
	check_file(t, fd, "0S\n43210 4\n");
	MR_NEED(t, unlinkat(fd, "maildirsize", 0) == 0);
	MR_NEED(t, mkdirat(fd, "maildirsize", 0700) == 0);
	MR_CHECK_INT(t, MR_ESYNTAX, mr_maildirsize_read(fd, &s));
	MR_CHECK_INT(t, MR_ETEMP, mr_maildirsize_get(fd, NONE, 0, &s));
	MR_NEED(t, unlinkat(fd, "maildirsize", AT_REMOVEDIR) == 0);
	/* A folder's new/ that leads elsewhere makes mail wait, as in delivery. */
	MR_NEED(t, mkdirat(fd, ".x", 0700) == 0);
	MR_NEED(t, symlinkat("../new", fd, ".x/new") == 0);
	MR_CHECK_INT(t, MR_ETEMP, mr_maildirsize_get(fd, NONE, 0, &s));
}
