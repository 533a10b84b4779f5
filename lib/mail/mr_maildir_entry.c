#include "lib/mail/mr_maildir_entry.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"

#define SLOT_BITS 10

/* A folder in the state that is on the disk. A folder that takes its inode later has another time. */
struct known {
	dev_t dev;
	ino_t ino;
	struct timespec changed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct known table[1 << SLOT_BITS]; /* under lock; who comes later takes the slot */

static struct known *slot_of(const struct known *k)
{
	uint64_t mixed = ((uint64_t)k->ino ^ (uint64_t)k->dev << 32) * 0x9E3779B97F4A7C15u;

	return &table[mixed >> (64 - SLOT_BITS)];
}

static bool is_known(const struct known *k)
{
	const struct known *slot = slot_of(k);
	bool same;

	pthread_mutex_lock(&lock);
	same = slot->dev == k->dev && slot->ino == k->ino &&
	       slot->changed.tv_sec == k->changed.tv_sec &&
	       slot->changed.tv_nsec == k->changed.tv_nsec;
	pthread_mutex_unlock(&lock);
	return same;
}

static void remember(const struct known *k)
{
	pthread_mutex_lock(&lock);
	*slot_of(k) = *k;
	pthread_mutex_unlock(&lock);
}

/* Of a clock that was set back, what was made before is in the future, which counts as lately. */
static bool is_old(int64_t when_s, int64_t now_s)
{
	return now_s - when_s > MR_MAILDIR_RECENT_S;
}

int mr_maildir_entry_synced(int dir_fd, const char *name, int64_t now_s)
{
	struct known k;
	struct statx sx;
	struct stat st;

	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &sx) == 0 &&
	    (sx.stx_mask & STATX_BTIME) && is_old(sx.stx_btime.tv_sec, now_s))
		return 0;
	if (fstat(dir_fd, &st) < 0)
		return MR_ETEMP;
	if (is_old(st.st_ctim.tv_sec, now_s))
		return 0;
	k = (struct known){ .dev = st.st_dev, .ino = st.st_ino, .changed = st.st_ctim };
	if (is_known(&k))
		return 0;
	if (mr_fsync(dir_fd) < 0)
		return MR_ETEMP;
	if (now_s - st.st_ctim.tv_sec >= MR_MAILDIR_STEP_S)
		remember(&k);
	return 0;
}
