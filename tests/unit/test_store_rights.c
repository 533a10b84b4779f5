/*
 * A group of the store in a folder of its own (SQLite): who may do what is what that folder says. Needs
 * root, who alone can become the others.
 */
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/store/mr_store.h"
#include "tests/unit/mr_test.h"

/* Ids that need no names. */
#define READER   61001
#define WRITER   61002
#define STRANGER 61003
#define READERS  61101
#define WRITERS  61102

struct place {
	char folder[MR_PATH_MAX], url[MR_PATH_MAX + 16];
};

/* folder/directory is root's, read by one group; folder/spam is written by another. */
static bool make(struct mr_t *t, struct place *p)
{
	static const struct {
		const char *group;
		gid_t gid;
		mode_t mode;
	} rows[] = { { "directory", READERS, 0750 }, { "spam", WRITERS, 0770 } };
	char path[MR_PATH_MAX];

	if (geteuid() != 0 || t->oom || getenv("MR_TEST_OOM") || getenv("MR_TEST_STORE"))
		return false;
	/* mkdtemp() lets nobody else through. */
	if (mr_span_copyz(mr_span_str(mr_test_dir(t)), p->folder, sizeof(p->folder)) < 0 ||
	    mr_path_join(p->folder, "..", path) < 0 || chmod(path, 0711) < 0 ||
	    chmod(p->folder, 0711) < 0)
		return false;
	snprintf(p->url, sizeof(p->url), "sqlite:%s", p->folder);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		if (mr_path_join(p->folder, rows[i].group, path) < 0 ||
		    mkdir(path, rows[i].mode) < 0 || chown(path, 0, rows[i].gid) < 0 ||
		    chmod(path, rows[i].mode | S_ISGID) < 0)
			return false;
	}
	return true;
}

/* The mode of a file in a group's folder; 0: there is none. */
static unsigned mode_of(const struct place *p, const char *name)
{
	char path[MR_PATH_MAX];
	struct stat st;

	if (mr_path_join(p->folder, name, path) < 0 || stat(path, &st) < 0)
		return 0;
	return st.st_mode & 07777;
}

/* What fn returns to somebody else, of one group besides his own; MR_EBUG: it ended otherwise. */
static int as(uid_t uid, gid_t gid, int (*fn)(const char *url), const char *url)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (setgroups(1, &gid) < 0 || setresgid(65000, 65000, 65000) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			_exit(255);
		_exit(-fn(url));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return -255;
	return -WEXITSTATUS(status);
}

static int domain_there(const char *url)
{
	MR_AUTO(mr_store) *st = NULL;
	int err = mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_READ, &st);

	return err < 0 ? err : mr_store_domain_exists(st, mr_span_str("a.example"));
}

static int domain_new(const char *url)
{
	MR_AUTO(mr_store) *st = NULL;
	int err = mr_store_open(url, MR_GROUP_DIRECTORY, MR_STORE_WRITE, &st);

	return err < 0 ? err : mr_store_domain_add(st, mr_span_str("b.example"));
}

static int lesson_new(const char *url)
{
	struct mr_lesson lesson = { .digest = { 1 }, .features = mr_span_str("x") };
	MR_AUTO(mr_store) *st = NULL;
	int err = mr_store_open(url, MR_GROUP_SPAM, MR_STORE_WRITE, &st);

	return err < 0 ? err : mr_store_lesson_put(st, &lesson);
}

static int lesson_any(const char *url)
{
	MR_AUTO(mr_store) *st = NULL;
	int err = mr_store_open(url, MR_GROUP_SPAM, MR_STORE_READ, &st);

	return err < 0 ? err
		       : mr_store_lesson_remove(st, mr_span_str(""),
						(const uint8_t[MR_DIGEST_SIZE]){ 1 });
}

MR_TEST(store_rights_of_folders)
{
	struct place p;
	struct mr_store *st = NULL;

	if (!make(t, &p))
		MR_SKIP(t, "needs root, memory and files");
	MR_NEED(t, mr_store_open(p.url, MR_GROUP_ALL, MR_STORE_CREATE, &st) == 0);
	MR_CHECK_INT(t, 0, mr_store_domain_add(st, mr_span_str("a.example")));
	MR_CHECK_INT(t, 0640, mode_of(&p, "directory/directory.db"));
	MR_CHECK_INT(t, 0660, mode_of(&p, "spam/spam.db"));
	/* Beside one that writes, and after the last one has left. */
	for (int i = 0; i < 2; i++) {
		MR_CHECK_INT(t, 0, as(READER, READERS, domain_there, p.url));
		MR_CHECK_INT(t, MR_EPERM, as(READER, READERS, domain_new, p.url));
		MR_CHECK_INT(t, MR_EPERM, as(STRANGER, STRANGER, domain_there, p.url));
		MR_CHECK_INT(t, MR_EPERM, as(READER, READERS, lesson_any, p.url));
		MR_CHECK_INT(t, 0, as(WRITER, WRITERS, lesson_new, p.url));
		MR_CHECK_INT(t, 0, as(WRITER, WRITERS, lesson_any, p.url));
		MR_CHECK_INT(t, MR_EPERM, as(WRITER, WRITERS, domain_there, p.url));
		mr_store_close(st);
		st = NULL;
		MR_CHECK_INT(t, 0640, mode_of(&p, "directory/directory.db-wal"));
		MR_CHECK_INT(t, 0640, mode_of(&p, "directory/directory.db-shm"));
	}
}

/* What the only reader has open does not keep root from writing, and he sees it at once. */
MR_TEST(store_rights_reader_follows)
{
	struct place p;
	MR_AUTO(mr_store) *st = NULL;
	int pipe_fd[2], status = 0;
	char octet = 0;
	pid_t child = -1;

	if (!make(t, &p))
		MR_SKIP(t, "needs root, memory and files");
	MR_NEED(t, mr_store_open(p.url, MR_GROUP_ALL, MR_STORE_CREATE, &st) == 0);
	mr_store_close(st);
	st = NULL;
	MR_NEED(t, socketpair(AF_UNIX, SOCK_STREAM, 0, pipe_fd) == 0 && (child = fork()) >= 0);
	if (child == 0) {
		gid_t gid = READERS;
		int bad = setgroups(1, &gid) < 0 || setresgid(65000, 65000, 65000) < 0 ||
			  setresuid(READER, READER, READER) < 0;

		bad |= mr_store_open(p.url, MR_GROUP_DIRECTORY, MR_STORE_READ, &st) < 0 ||
		       mr_store_domain_exists(st, mr_span_str("a.example")) != MR_ENOENT;
		bad |= write(pipe_fd[1], "r", 1) != 1 || read(pipe_fd[1], &octet, 1) != 1;
		bad |= mr_store_domain_exists(st, mr_span_str("a.example")) != 0;
		_exit(bad);
	}
	MR_CHECK_INT(t, 1, read(pipe_fd[0], &octet, 1));
	MR_CHECK_INT(t, 0, mr_store_open(p.url, MR_GROUP_DIRECTORY, MR_STORE_WRITE, &st));
	MR_CHECK_INT(t, 0, mr_store_domain_add(st, mr_span_str("a.example")));
	mr_store_close(st);
	st = NULL;
	MR_CHECK_INT(t, 1, write(pipe_fd[0], "w", 1));
	MR_CHECK_INT(t, child, waitpid(child, &status, 0));
	MR_CHECK_INT(t, 0, status);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}
