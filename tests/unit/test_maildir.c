#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mr_arena.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_maildir.h"
#include "tests/unit/mr_test.h"

#define HOST MR_SPAN("mx.example.org")
#define MAX  (1024 * 1024)

/* A new folder; -1: none. The caller closes it. */
static int new_dir(struct mr_t *t, const char **path_out)
{
	const char *path = mr_test_dir(t);

	if (path_out)
		*path_out = path;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* How many entries a directory has; -1: there is none. name_out, if not NULL: of the last one. */
static int entries(int dir_fd, const char *name, char name_out[MR_MAILDIR_NAME_SIZE])
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d)
		return -1;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' && strchr("./", e->d_name[1] ? e->d_name[1] : '.') &&
		    strlen(e->d_name) <= 2)
			continue;
		count++;
		if (name_out)
			snprintf(name_out, MR_MAILDIR_NAME_SIZE, "%.255s", e->d_name);
	}
	closedir(d);
	return count;
}

static bool matches(const char *text, const char *pattern)
{
	regex_t re;
	bool ok = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0;

	ok = ok && regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return ok;
}

static bool content_is(int dir_fd, const char *name, const char *want)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MAX);
	MR_AUTO_FD sub = openat(dir_fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MR_AUTO_FD fd = -1;
	struct mr_span got;

	return arena && sub >= 0 && mr_open_at(sub, name, &fd) == 0 &&
	       mr_read_fd(fd, MAX, arena, &got) == 0 && mr_span_eq(got, mr_span_str(want));
}

MR_TEST(maildir_deliver)
{
	static const struct {
		const char *pieces[3];
		const char *all, *sizes;
	} rows[] = {
		{ { "a\nb\n", "", "" }, "a\nb\n", ",S=4,W=6" }, /* two bare LFs cost one each */
		{ { "a\r\n", "b\r\n", "" }, "a\r\nb\r\n", ",S=6,W=6" },
		{ { "a\r", "\nb", "\n" }, "a\r\nb\n", ",S=5,W=6" }, /* CR LF in two pieces */
		{ { "\n", "\n", "" }, "\n\n", ",S=2,W=4" },
		{ { "", "", "" }, "", ",S=0,W=0" },
		{ { "x\r", "", "\n" }, "x\r\n", ",S=3,W=3" }, /* an empty piece between */
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_FD top = new_dir(t, NULL);
		MR_AUTO_FD dir = -1;
		char name[MR_MAILDIR_NAME_SIZE] = "", found[MR_MAILDIR_NAME_SIZE] = "";
		const struct mr_span pieces[] = { mr_span_str(rows[i].pieces[0]),
						  mr_span_str(rows[i].pieces[1]),
						  mr_span_str(rows[i].pieces[2]) };

		t->row = (long)i;
		MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
		MR_NEED(t, mr_maildir_deliver(dir, HOST, pieces, 3, name) == 0);
		MR_CHECK(t, matches(name, "^[0-9]{10}\\.M[0-9]{6}P[0-9]+Q[0-9]+_[0-9a-f]{8}"
					  "\\.mx\\.example\\.org,S=[0-9]+,W=[0-9]+$"));
		MR_CHECK_STR(t, rows[i].sizes, strchr(name, ','));
		MR_CHECK_INT(t, 1, entries(dir, "new", found));
		MR_CHECK_STR(t, name, found);
		MR_CHECK(t, content_is(dir, name, rows[i].all) || t->oom);
		MR_CHECK_INT(t, 0, entries(dir, "tmp", NULL));
		MR_CHECK_INT(t, 0, entries(dir, "cur", NULL));
	}
}

MR_TEST(maildir_modes)
{
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD dir = -1;
	char name[MR_MAILDIR_NAME_SIZE], path[MR_MAILDIR_NAME_SIZE + 8];
	struct stat st = { 0 };
	const struct mr_span msg = MR_SPAN("x");

	MR_NEED(t, mr_maildir_open(top, "a/b/Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	MR_NEED(t, mr_maildir_deliver(dir, HOST, &msg, 1, name) == 0);
	snprintf(path, sizeof(path), "new/%s", name);
	MR_NEED(t, fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0);
	MR_CHECK_INT(t, S_IFREG | 0600, st.st_mode);
	MR_CHECK_INT(t, 1, st.st_nlink);
	MR_NEED(t, fstatat(top, "a/b", &st, AT_SYMLINK_NOFOLLOW) == 0);
	MR_CHECK_INT(t, S_IFDIR | 0700, st.st_mode);
}

MR_TEST(maildir_names_are_unique)
{
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD dir = -1;
	const struct mr_span msg = MR_SPAN("x");

	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	for (int i = 0; i < 200; i++)
		MR_NEED(t, mr_maildir_deliver(dir, HOST, &msg, 1, NULL) == 0);
	MR_CHECK_INT(t, 200, entries(dir, "new", NULL));
}

/* "/" is \057 and ":" is \072 (the Maildir page); "," and blanks would end the name's part. */
MR_TEST(maildir_host)
{
	static const struct {
		struct mr_span host;
		const char *want;
	} rows[] = {
		{ MR_SPAN("a/b:c"), "\\.a\\\\057b\\\\072c,S=" },
		{ MR_SPAN(""), "\\.localhost,S=" },
		{ MR_SPAN("a,b c\0d\n"), "\\.a\\\\054b\\\\040c\\\\000d\\\\012,S=" },
		{ MR_SPAN("../../etc"), "\\.\\.\\.\\\\057\\.\\.\\\\057etc,S=" },
	};
	char longest[1000];
	const struct mr_span msg = MR_SPAN("x");
	char name[MR_MAILDIR_NAME_SIZE] = "";
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD dir = -1;

	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_NEED(t, mr_maildir_deliver(dir, rows[i].host, &msg, 1, name) == 0);
		MR_CHECK(t, matches(name, rows[i].want));
	}
	memset(longest, '/', sizeof(longest));
	MR_NEED(t, mr_maildir_deliver(dir, mr_span(longest, sizeof(longest)), &msg, 1, name) == 0);
	MR_CHECK(t, matches(name, "_[0-9a-f]{8}\\.(\\\\057){32},S=")); /* 32 * 4 = 128 */
}

MR_TEST(maildir_abort_leaves_nothing)
{
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD dir = -1;
	struct mr_maildir_file file;

	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	MR_NEED(t, mr_maildir_begin(dir, HOST, &file) == 0);
	MR_CHECK_INT(t, 0, mr_maildir_write(&file, MR_SPAN("half")));
	MR_CHECK_INT(t, 1, entries(dir, "tmp", NULL));
	mr_maildir_abort(&file);
	mr_maildir_abort(&file);
	MR_CHECK_INT(t, 0, entries(dir, "tmp", NULL));
	MR_CHECK_INT(t, 0, entries(dir, "new", NULL));
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_write(&file, MR_SPAN("more")));
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_commit(&file));
}

/* Two mailboxes take the same pieces; one fails, the other does not notice. */
MR_TEST(maildir_each_fails_alone)
{
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD a = -1;
	MR_AUTO_FD b = -1;
	struct mr_maildir_file files[2];

	MR_NEED(t, mr_maildir_open(top, "a", MR_MAILDIR_CREATE, &a) == 0);
	MR_NEED(t, mr_maildir_open(top, "b", MR_MAILDIR_CREATE, &b) == 0);
	MR_NEED(t, mr_maildir_begin(a, HOST, &files[0]) == 0);
	MR_NEED(t, mr_maildir_begin(b, HOST, &files[1]) == 0);
	for (int i = 0; i < 2; i++)
		MR_CHECK_INT(t, 0, mr_maildir_write(&files[i], MR_SPAN("same")));
	MR_NEED(t, unlinkat(files[0].tmp_fd, files[0].tmp, 0) == 0); /* its user did that */
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_commit(&files[0]));
	MR_CHECK_INT(t, 0, mr_maildir_commit(&files[1]));
	for (int i = 0; i < 2; i++)
		mr_maildir_abort(&files[i]);
	MR_CHECK_INT(t, 0, entries(a, "new", NULL));
	MR_CHECK(t, content_is(b, files[1].name, "same") || t->oom);
}

/* A write that fails half-way (EFBIG stands for a full disk): temporary, remembered, cleaned up. */
MR_TEST(maildir_disk_full)
{
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD dir = -1;
	struct mr_maildir_file file;
	struct rlimit old, small;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

	MR_NEED(t, getrlimit(RLIMIT_FSIZE, &old) == 0);
	small = (struct rlimit){ .rlim_cur = 3, .rlim_max = old.rlim_max };
	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	MR_NEED(t, mr_maildir_begin(dir, HOST, &file) == 0);
	MR_NEED(t, setrlimit(RLIMIT_FSIZE, &small) == 0);
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_write(&file, MR_SPAN("12345")));
	MR_NEED(t, setrlimit(RLIMIT_FSIZE, &old) == 0);
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_write(&file, MR_SPAN("6")));
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_commit(&file));
	mr_maildir_abort(&file);
	MR_CHECK_INT(t, 0, entries(dir, "tmp", NULL));
	MR_CHECK_INT(t, 0, entries(dir, "new", NULL));
	signal(SIGXFSZ, handler);
}

MR_TEST(maildir_missing_parts)
{
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD dir = -1;
	const struct mr_span msg = MR_SPAN("x");

	MR_CHECK_INT(t, MR_ENOENT, mr_maildir_open(top, "Maildir", 0, &dir));
	MR_CHECK_INT(t, -1, dir); /* untouched */
	MR_CHECK_INT(t, -1, entries(top, "Maildir", NULL));
	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	MR_NEED(t, unlinkat(dir, "new", AT_REMOVEDIR) == 0);
	MR_CHECK_INT(t, 0, mr_maildir_deliver(dir, HOST, &msg, 1, NULL));
	MR_CHECK_INT(t, 1, entries(dir, "new", NULL));
	MR_NEED(t, unlinkat(dir, "tmp", AT_REMOVEDIR) == 0);
	MR_CHECK_INT(t, 0, mr_maildir_deliver(dir, HOST, &msg, 1, NULL));
	MR_CHECK_INT(t, 2, entries(dir, "new", NULL));
	MR_NEED(t, unlinkat(dir, "tmp", AT_REMOVEDIR) == 0);
	MR_CHECK_INT(t, 0, mr_maildir_sweep(dir, mr_time_s(), 100));
}

/* What a user plants: a link in the place of each directory. Nothing arrives behind it. */
MR_TEST(maildir_planted_links)
{
	static const char *const places[] = { "tmp", "new" };
	const char *path;
	MR_AUTO_FD top = new_dir(t, &path);
	MR_AUTO_FD outside = -1;
	const struct mr_span msg = MR_SPAN("x");
	char target[MR_PATH_MAX];

	MR_NEED(t, mr_maildir_open(top, "outside", MR_MAILDIR_CREATE, &outside) == 0);
	MR_NEED(t, mr_path_join(path, "outside", target) == 0);
	for (size_t i = 0; i < MR_COUNT(places); i++) {
		const char *box = i == 0 ? "box0" : "box1";
		MR_AUTO_FD dir = -1;

		t->row = (long)i;
		MR_NEED(t, mr_maildir_open(top, box, MR_MAILDIR_CREATE, &dir) == 0);
		MR_NEED(t, unlinkat(dir, places[i], AT_REMOVEDIR) == 0);
		MR_NEED(t, symlinkat(target, dir, places[i]) == 0);
		MR_CHECK_INT(t, MR_ETEMP, mr_maildir_deliver(dir, HOST, &msg, 1, NULL));
		MR_CHECK_INT(t, MR_ETEMP * (i == 0),
			     mr_maildir_sweep(dir, mr_time_s() + 1000000, 100));
	}
	MR_NEED(t, symlinkat(target, top, "linked") == 0);
	for (unsigned flags = 0; flags <= MR_MAILDIR_CREATE; flags++) {
		int fd = -1;

		MR_CHECK_INT(t, MR_ETEMP, mr_maildir_open(top, "linked", flags, &fd));
		MR_CHECK_INT(t, MR_ETEMP, mr_maildir_open(top, "linked/sub", flags, &fd));
		MR_CHECK_INT(t, -1, fd);
	}
	MR_CHECK_INT(t, 3, entries(outside, ".", NULL)); /* tmp, new, cur */
	MR_CHECK_INT(t, 0, entries(outside, "new", NULL));
	MR_CHECK_INT(t, 0, entries(outside, "tmp", NULL));
}

MR_TEST(maildir_planted_folder)
{
	const char *path;
	MR_AUTO_FD top = new_dir(t, &path);
	MR_AUTO_FD outside = -1;
	MR_AUTO_FD dir = -1;
	MR_AUTO_FD folder = -1;
	char target[MR_PATH_MAX];
	struct stat st;
	int fd = -1;

	MR_NEED(t, mr_mkdir_at(top, "outside", 0700) == 0 &&
			   mr_open_dir_at(top, "outside", &outside) == 0);
	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	MR_NEED(t, mr_path_join(path, "outside", target) == 0);
	MR_NEED(t, symlinkat(target, dir, ".Spam") == 0);
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_folder(dir, MR_SPAN("Spam"), MR_MAILDIR_CREATE, &fd));
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_folder(dir, MR_SPAN("Spam"), 0, &fd));
	MR_CHECK_INT(t, -1, fd);
	/* A link that leads nowhere would be made a file, were it followed. */
	MR_NEED(t, mr_mkdir_at(dir, ".a", 0700) == 0);
	MR_NEED(t, mr_path_join(path, "outside/made", target) == 0);
	MR_NEED(t, symlinkat(target, dir, ".a/maildirfolder") == 0);
	MR_CHECK_INT(t, 0, mr_maildir_folder(dir, MR_SPAN("a"), MR_MAILDIR_CREATE, &folder));
	MR_CHECK(t, fstatat(outside, "made", &st, 0) < 0);
	MR_CHECK_INT(t, 0, entries(outside, ".", NULL));
	/* A file where a directory should be. */
	MR_NEED(t, symlinkat("x", dir, ".b") == 0 && unlinkat(dir, ".b", 0) == 0);
	MR_NEED(t, mr_create_at(dir, ".b", 0600, &fd) == 0 && close(fd) == 0);
	fd = -1;
	MR_CHECK_INT(t, MR_ETEMP, mr_maildir_folder(dir, MR_SPAN("b"), MR_MAILDIR_CREATE, &fd));
}

MR_TEST(maildir_folders)
{
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD dir = -1;
	MR_AUTO_FD folder = -1;
	MR_AUTO_FD again = -1;
	MR_AUTO_FD inbox = -1;
	struct stat st;
	const struct mr_span msg = MR_SPAN("x");
	int fd = -1;

	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	MR_CHECK_INT(t, MR_ENOENT, mr_maildir_folder(dir, MR_SPAN("lists.dev"), 0, &fd));
	MR_NEED(t, mr_maildir_folder(dir, MR_SPAN("lists.dev"), MR_MAILDIR_CREATE, &folder) == 0);
	MR_CHECK_INT(t, 0, fstatat(dir, ".lists.dev/maildirfolder", &st, AT_SYMLINK_NOFOLLOW));
	MR_CHECK_INT(t, S_IFREG | 0600, st.st_mode);
	MR_CHECK_INT(t, 0, mr_maildir_deliver(folder, HOST, &msg, 1, NULL));
	MR_CHECK_INT(t, 1, entries(dir, ".lists.dev/new", NULL));
	MR_CHECK_INT(t, 0, mr_maildir_folder(dir, MR_SPAN("lists.dev"), 0, &again));
	MR_NEED(t, mr_maildir_folder(dir, MR_SPAN("inbox"), 0, &inbox) == 0);
	MR_CHECK_INT(t, 0, mr_maildir_deliver(inbox, HOST, &msg, 1, NULL));
	MR_CHECK_INT(t, 1, entries(dir, "new", NULL));
}

MR_TEST(maildir_folder_names)
{
	static const struct {
		struct mr_span in;
		int err;
		const char *want;
	} rows[] = {
		{ MR_SPAN("Spam"), 0, ".Spam" },
		{ MR_SPAN("a.b"), 0, ".a.b" },
		{ MR_SPAN("INBOX"), 0, "" },
		{ MR_SPAN("inBox"), 0, "" },
		{ MR_SPAN("INBOX.x"), 0, ".INBOX.x" },
		{ MR_SPAN("Entw\xC3\xBCrfe"), 0, ".Entw&APw-rfe" }, /* U+00FC */
		{ MR_SPAN("a b"), 0, ".a b" },
		{ MR_SPAN(""), MR_EINVAL, "" },
		{ MR_SPAN("."), MR_EINVAL, "" },
		{ MR_SPAN(".."), MR_EINVAL, "" },
		{ MR_SPAN("a..b"), MR_EINVAL, "" },
		{ MR_SPAN(".a"), MR_EINVAL, "" },
		{ MR_SPAN("a."), MR_EINVAL, "" },
		{ MR_SPAN("a/b"), MR_EINVAL, "" },
		{ MR_SPAN("/"), MR_EINVAL, "" },
		{ MR_SPAN("../../etc"), MR_EINVAL, "" },
		{ MR_SPAN("a\0b"), MR_EINVAL, "" },
		{ MR_SPAN("a\nb"), MR_EINVAL, "" },
		{ MR_SPAN("a\x7F"), MR_EINVAL, "" },
		{ MR_SPAN("a\xFF"), MR_EINVAL, "" },
		{ MR_SPAN("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16"), 0,
		  ".1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16" },
		{ MR_SPAN("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17"), MR_ELIMIT, "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_block(t, rows[i].in);
		MR_AUTO_BUF out = MR_BUF(MR_MAILDIR_FOLDER_MAX);
		int err;

		t->row = (long)i;
		MR_NEED(t, in);
		err = mr_maildir_folder_name(mr_block_span(in), &out);
		MR_CHECK_INT(t, rows[i].err, err);
		if (err == 0)
			MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&out));
	}
}

/* 249 letters and the dot are the longest name. */
MR_TEST(maildir_folder_longest)
{
	char name[250];
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD folder = -1;
	int fd = -1;

	memset(name, 'x', sizeof(name));
	MR_CHECK_INT(t, 0, mr_maildir_folder(top, mr_span(name, 249), MR_MAILDIR_CREATE, &folder));
	MR_CHECK_INT(t, MR_ELIMIT,
		     mr_maildir_folder(top, mr_span(name, 250), MR_MAILDIR_CREATE, &fd));
	MR_CHECK_INT(t, -1, fd);
}

MR_TEST(maildir_utf7)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		/* RFC 3501 5.1.3: English, Chinese and Japanese; and "&Jjo-!" */
		{ "~peter/mail/\xE5\x8F\xB0\xE5\x8C\x97/\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E",
		  "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
		{ "\xE2\x98\xBA!", "&Jjo-!" },
		{ "&", "&-" },
		{ "A&B", "A&-B" },
		{ "\xC3\xBC&", "&APw-&-" }, /* "&" is no part of a run */
		{ "\xF0\x9F\x98\x80", "&2D3eAA-" }, /* U+1F600: D83D DE00 */
		{ "+-,", "+-," },
		{ "", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		MR_AUTO_BUF out = MR_BUF(MAX);

		MR_NEED(t, in);
		MR_CHECK_INT(t, 0, mr_maildir_utf7(mr_block_span(in), &out));
		MR_CHECK_SPAN(t, rows[i].want, mr_buf_span(&out));
	}
}

MR_TEST(maildir_paths_refused)
{
	static const char *const paths[] = { "",     "/",    "/Maildir", "a//b",   "..",
					     "../a", "a/..", "./a",      "a/../b", "a/" };
	MR_AUTO_FD top = new_dir(t, NULL);
	int fd = -1;

	for (size_t i = 0; i < MR_COUNT(paths); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, MR_EINVAL, mr_maildir_open(top, paths[i], 0, &fd));
		MR_CHECK_INT(t, -1, fd);
	}
}

/* What a crash left is removed after 36 hours, other things in tmp/ are not. */
MR_TEST(maildir_sweep)
{
	MR_AUTO_FD top = new_dir(t, NULL);
	MR_AUTO_FD dir = -1;
	struct mr_maildir_file file;
	int64_t now_s = mr_time_s();

	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	for (int i = 0; i < 5; i++) { /* killed between begin and commit */
		MR_NEED(t, mr_maildir_begin(dir, HOST, &file) == 0);
		close(file.fd);
		close(file.tmp_fd);
	}
	MR_NEED(t, mr_mkdir_at(dir, "tmp/folder", 0700) == 0);
	MR_NEED(t, symlinkat("nowhere", dir, "tmp/link") == 0);
	MR_CHECK_INT(t, 0, mr_maildir_sweep(dir, now_s + 36 * 3600 - 100, 100));
	MR_CHECK_INT(t, 7, entries(dir, "tmp", NULL));
	MR_CHECK_INT(t, 0, mr_maildir_sweep(dir, now_s + 36 * 3600 + 100, 0));
	MR_CHECK_INT(t, 5, mr_maildir_sweep(dir, now_s + 36 * 3600 + 100, 100));
	MR_CHECK_INT(t, 2, entries(dir, "tmp", NULL));
}

/* In a child without root's rights: what the folder's mode forbids is temporary. */
MR_TEST(maildir_read_only)
{
	const char *path;
	MR_AUTO_FD top = new_dir(t, &path);
	MR_AUTO_FD dir = -1;
	const struct mr_span msg = MR_SPAN("x");
	int status = -1;
	pid_t child;

	MR_NEED(t, mr_maildir_open(top, "Maildir", MR_MAILDIR_CREATE, &dir) == 0);
	MR_NEED(t, fchmodat(dir, "tmp", 0555, 0) == 0 && fchmodat(dir, ".", 0555, 0) == 0);
	child = fork();
	MR_NEED(t, child >= 0);
	if (child == 0) {
		int fd = -1, err = 0;

		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(99);
		if (mr_maildir_deliver(dir, HOST, &msg, 1, NULL) != MR_ETEMP)
			err |= 1;
		if (mr_maildir_folder(dir, MR_SPAN("a"), MR_MAILDIR_CREATE, &fd) != MR_ETEMP)
			err |= 2;
		_exit(err);
	}
	MR_NEED(t, waitpid(child, &status, 0) == child && WIFEXITED(status));
	fchmodat(dir, ".", 0700, 0);
	fchmodat(dir, "tmp", 0700, 0);
	if (WEXITSTATUS(status) == 99)
		MR_SKIP(t, "root without the right to become another user");
	MR_CHECK_INT(t, 0, WEXITSTATUS(status));
	MR_CHECK_INT(t, 0, entries(dir, "new", NULL));
}
