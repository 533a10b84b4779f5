/* Under _FORTIFY_SOURCE some of these are inline functions. */
#undef _FORTIFY_SOURCE
#include "tests/unit/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NODES_MAX   400
#define ENTRIES_MAX 800
#define NAME_SIZE   300

/* A file or folder. */
struct node {
	ino_t ino; /* 0: it is gone, and the number may mean another */
	bool dirty; /* octets were written and not synced */
	bool made; /* while we looked, so that its name counts */
};

/* A name. */
struct entry {
	size_t dir, node;
	char name[NAME_SIZE];
	bool synced, gone;
	bool final; /* by link or rename: whoever finds it takes it for whole */
};

static struct {
	bool on;
	unsigned calls, fail_in;
	int error;
	struct node node[NODES_MAX];
	struct entry entry[ENTRIES_MAX];
	size_t nodes, entries;
	char wrong[NAME_SIZE + 100];
} disk;

void disk_begin(void)
{
	disk.on = true;
	disk.calls = disk.fail_in = 0;
	disk.nodes = disk.entries = 0;
	disk.wrong[0] = '\0';
}

void disk_end(void)
{
	disk.on = false;
}

unsigned disk_calls(void)
{
	return disk.calls;
}

void disk_fail(unsigned nth, int error)
{
	disk.fail_in = nth;
	disk.error = error;
}

const char *disk_wrong(void)
{
	return disk.wrong[0] ? disk.wrong : NULL;
}

/* -- the model --------------------------------------------------------------------------------- */

static size_t node_add(ino_t ino, bool made)
{
	MR_ASSERT(disk.nodes < NODES_MAX);
	disk.node[disk.nodes] = (struct node){ .ino = ino, .made = made };
	return disk.nodes++;
}

static size_t node_of(const struct stat *st)
{
	for (size_t i = 0; i < disk.nodes; i++) {
		if (disk.node[i].ino == st->st_ino)
			return i;
	}
	return node_add(st->st_ino, false);
}

/* A number may have belonged to a file that is gone. */
static size_t node_new(const struct stat *st)
{
	for (size_t i = 0; i < disk.nodes; i++) {
		if (disk.node[i].ino == st->st_ino)
			disk.node[i].ino = 0;
	}
	return node_add(st->st_ino, true);
}

static size_t node_of_fd(int fd)
{
	struct stat st;

	MR_ASSERT(fstat(fd, &st) == 0);
	return node_of(&st);
}

/* The folder that path lies in, and its last component. */
static size_t place_of(int dir_fd, const char *path, const char **name_out)
{
	const char *slash = strrchr(path, '/');
	char dir[MR_PATH_MAX] = ".";
	struct stat st;

	*name_out = slash ? slash + 1 : path;
	if (slash && (size_t)(slash - path) < sizeof(dir)) {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
	}
	if (!slash && dir_fd != AT_FDCWD)
		return node_of_fd(dir_fd);
	MR_ASSERT(fstatat(dir_fd, dir[0] ? dir : "/", &st, 0) == 0);
	return node_of(&st);
}

static struct entry *entry_find(size_t dir, const char *name)
{
	for (size_t i = 0; i < disk.entries; i++) {
		struct entry *e = &disk.entry[i];

		if (!e->gone && e->dir == dir && strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static void entry_add(int dir_fd, const char *path, size_t node, bool final)
{
	const char *name;
	size_t dir = place_of(dir_fd, path, &name);
	struct entry *old = entry_find(dir, name), *e = &disk.entry[disk.entries];

	if (old)
		old->gone = true;
	MR_ASSERT(disk.entries < ENTRIES_MAX && strlen(name) < NAME_SIZE);
	*e = (struct entry){ .dir = dir, .node = node, .final = final };
	memcpy(e->name, name, strlen(name) + 1);
	disk.entries++;
}

static void entry_drop(int dir_fd, const char *path)
{
	const char *name;
	size_t dir = place_of(dir_fd, path, &name);
	struct entry *e = entry_find(dir, name);

	if (e)
		e->gone = true;
}

/* The entry that leads to node and is kept; a name that was there before we looked is. */
static const struct entry *kept_entry(size_t node)
{
	for (size_t i = 0; i < disk.entries; i++) {
		const struct entry *e = &disk.entry[i];

		if (!e->gone && e->node == node && e->synced)
			return e;
	}
	return NULL;
}

static bool is_dir_kept(size_t node)
{
	while (disk.node[node].made) {
		const struct entry *e = kept_entry(node);

		if (!e)
			return false;
		node = e->dir;
	}
	return true;
}

bool disk_keeps(int dir_fd, const char *name)
{
	const char *last;
	size_t dir = place_of(dir_fd, name, &last);
	const struct entry *e = entry_find(dir, last);

	return e && e->synced && !disk.node[e->node].dirty && is_dir_kept(dir);
}

unsigned disk_dirty(const char *except)
{
	unsigned count = 0;

	for (size_t i = 0; i < disk.entries; i++) {
		const struct entry *e = &disk.entry[i];
		size_t len = strlen(e->name), end = strlen(except);

		if (e->gone || (len >= end && strcmp(e->name + len - end, except) == 0))
			continue;
		if (!e->synced || disk.node[e->node].dirty) {
			fprintf(stderr, "not kept: %s\n", e->name);
			count++;
		}
	}
	return count;
}

/* What the power cut may leave right now. */
static void look(void)
{
	for (size_t i = 0; i < disk.entries && !disk.wrong[0]; i++) {
		const struct entry *e = &disk.entry[i];

		if (e->final && !e->gone && disk.node[e->node].dirty)
			snprintf(disk.wrong, sizeof(disk.wrong),
				 "after call %u a power cut leaves part of %s", disk.calls,
				 e->name);
	}
}

/* -- the calls ---------------------------------------------------------------------------------- */

/* True: this call fails. */
static bool fails(void)
{
	if (!disk.on)
		return false;
	disk.calls++;
	if (disk.fail_in == 0 || --disk.fail_in > 0)
		return false;
	errno = disk.error;
	return true;
}

static void noted(void)
{
	int saved = errno;

	look();
	errno = saved;
}

static int open_noted(int dir_fd, const char *path, int flags, mode_t mode)
{
	bool creates = disk.on && (flags & O_CREAT);
	struct stat st;
	bool there = creates && fstatat(dir_fd, path, &st, 0) == 0;
	int fd;

	if (fails())
		return -1;
	fd = (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	if (fd >= 0 && creates && !there && fstat(fd, &st) == 0) {
		entry_add(dir_fd, path, node_new(&st), false);
		noted();
	}
	return fd;
}

static int mkdir_noted(int dir_fd, const char *path, mode_t mode)
{
	struct stat st;

	if (fails())
		return -1;
	if (syscall(SYS_mkdirat, dir_fd, path, mode) < 0)
		return -1;
	if (disk.on && fstatat(dir_fd, path, &st, 0) == 0)
		entry_add(dir_fd, path, node_new(&st), false);
	return 0;
}

static int sync_noted(int fd, long call)
{
	size_t node;

	if (fails())
		return -1;
	if (!disk.on)
		return (int)syscall(call, fd);
	node = node_of_fd(fd);
	disk.node[node].dirty = false;
	for (size_t i = 0; i < disk.entries; i++)
		disk.entry[i].synced = disk.entry[i].synced || disk.entry[i].dir == node;
	noted();
	return 0;
}

/* Of a file, not of a socket or a terminal. */
static bool is_file(int fd)
{
	struct stat st;

	return disk.on && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static ssize_t write_noted(int fd, const void *p, size_t size, long call, off_t at)
{
	bool file = is_file(fd);

	if (file && fails())
		return -1;
	if (file) {
		disk.node[node_of_fd(fd)].dirty = true;
		noted();
	}
	return syscall(call, fd, p, size, at);
}

static ssize_t read_noted(int fd, void *p, size_t size, long call, off_t at)
{
	return is_file(fd) && fails() ? -1 : syscall(call, fd, p, size, at);
}

static int unlink_noted(int dir_fd, const char *path, int flags)
{
	if (fails())
		return -1;
	if (syscall(SYS_unlinkat, dir_fd, path, flags) < 0)
		return -1;
	if (disk.on)
		entry_drop(dir_fd, path);
	return 0;
}

/* -- in libc's place ---------------------------------------------------------------------------- */

#define MODE_OF(flags, mode)                                                                       \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		(mode) = (flags) & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;             \
		va_end(args);                                                                      \
	} while (0)

int open(const char *path, int flags, ...)
{
	mode_t mode;

	MODE_OF(flags, mode);
	return open_noted(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	mode_t mode;

	MODE_OF(flags, mode);
	return open_noted(AT_FDCWD, path, flags, mode);
}

int openat(int dir_fd, const char *path, int flags, ...)
{
	mode_t mode;

	MODE_OF(flags, mode);
	return open_noted(dir_fd, path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
	return mkdir_noted(AT_FDCWD, path, mode);
}

int mkdirat(int dir_fd, const char *path, mode_t mode)
{
	return mkdir_noted(dir_fd, path, mode);
}

int fsync(int fd)
{
	return sync_noted(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_noted(fd, SYS_fdatasync);
}

ssize_t write(int fd, const void *p, size_t size)
{
	return write_noted(fd, p, size, SYS_write, 0);
}

ssize_t pwrite64(int fd, const void *p, size_t size, off64_t at)
{
	return write_noted(fd, p, size, SYS_pwrite64, at);
}

ssize_t read(int fd, void *p, size_t size)
{
	return read_noted(fd, p, size, SYS_read, 0);
}

ssize_t pread(int fd, void *p, size_t size, off_t at)
{
	return read_noted(fd, p, size, SYS_pread64, at);
}

int unlink(const char *path)
{
	return unlink_noted(AT_FDCWD, path, 0);
}

int unlinkat(int dir_fd, const char *path, int flags)
{
	return unlink_noted(dir_fd, path, flags);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	struct stat st;

	if (fails())
		return -1;
	if (syscall(SYS_linkat, from_fd, from, to_fd, to, flags) < 0)
		return -1;
	if (disk.on && fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		entry_add(to_fd, to, node_of(&st), true);
		noted();
	}
	return 0;
}

int rename(const char *from, const char *to)
{
	struct stat st;

	if (fails())
		return -1;
	if (syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to) < 0)
		return -1;
	if (disk.on && fstatat(AT_FDCWD, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		entry_drop(AT_FDCWD, from);
		entry_add(AT_FDCWD, to, node_of(&st), true);
		noted();
	}
	return 0;
}
