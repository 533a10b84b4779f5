/* When a folder that was found needs a sync of the one above, and when it is on the disk already. Time is
 * handed in; births and changes are the kernel's, of this very moment. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_maildir_entry.h"
#include "tests/unit/disk.h"
#include "tests/unit/mr_test.h"

#define STEP_US 20000 /* further apart than two ticks of the kernel's clock */

static int open_dir(struct mr_t *t)
{
	int fd = -1;

	MR_CHECK_INT(t, 0, mr_open_dir_at(AT_FDCWD, mr_test_dir(t), &fd));
	return fd;
}

/* How many calls it took, once it succeeded. */
static unsigned calls_for(struct mr_t *t, int dir_fd, int64_t now_s)
{
	unsigned before = disk_calls();

	MR_CHECK_INT(t, 0, mr_maildir_entry_synced(dir_fd, "new", now_s));
	return disk_calls() - before;
}

/* Another delivery made it, and has not synced it. */
MR_TEST(durable_entry_young)
{
	MR_AUTO_FD dir_fd = open_dir(t);

	disk_begin();
	MR_CHECK_INT(t, 0, mkdirat(dir_fd, "new", 0700));
	MR_CHECK(t, !disk_keeps(dir_fd, "new"));
	MR_CHECK_INT(t, 1, (int)calls_for(t, dir_fd, mr_time_s()));
	MR_CHECK(t, disk_keeps(dir_fd, "new"));
	disk_end();
}

/* One that is older than a minute was synced long ago, whatever else was made in the mailbox. */
MR_TEST(durable_entry_old)
{
	MR_AUTO_FD dir_fd = open_dir(t);
	int64_t now_s;

	MR_CHECK_INT(t, 0, mkdirat(dir_fd, "new", 0700));
	now_s = mr_time_s();
	disk_begin();
	MR_CHECK_INT(t, 0, (int)calls_for(t, dir_fd, now_s + MR_MAILDIR_RECENT_S + 2));
	MR_CHECK_INT(t, 1, (int)calls_for(t, dir_fd, now_s + MR_MAILDIR_RECENT_S - 2));
	disk_end();
}

/* A clock that was set back by an hour: what was just made is in the future. */
MR_TEST(durable_entry_clock_set_back)
{
	MR_AUTO_FD dir_fd = open_dir(t);

	disk_begin();
	MR_CHECK_INT(t, 0, mkdirat(dir_fd, "new", 0700));
	for (int i = 0; i < 2; i++)
		MR_CHECK_INT(t, 1, (int)calls_for(t, dir_fd, mr_time_s() - 3600));
	disk_end();
}

/* The second delivery within the minute knows that the first one's sync did it; until something changes. */
MR_TEST(durable_entry_known)
{
	MR_AUTO_FD dir_fd = open_dir(t);
	int64_t now_s;

	disk_begin();
	MR_CHECK_INT(t, 0, mkdirat(dir_fd, "new", 0700));
	now_s = mr_time_s() + MR_MAILDIR_STEP_S + 1;
	MR_CHECK_INT(t, 1, (int)calls_for(t, dir_fd, now_s));
	MR_CHECK_INT(t, 0, (int)calls_for(t, dir_fd, now_s));
	usleep(STEP_US);
	MR_CHECK_INT(t, 0, mkdirat(dir_fd, "cur", 0700));
	MR_CHECK_INT(t, 1, (int)calls_for(t, dir_fd, now_s));
	MR_CHECK(t, disk_keeps(dir_fd, "cur"));
	disk_end();
}

/* A change may have the time stamp of the one before: what is as young as that is not remembered. */
MR_TEST(durable_entry_same_tick)
{
	MR_AUTO_FD dir_fd = open_dir(t);

	disk_begin();
	MR_CHECK_INT(t, 0, mkdirat(dir_fd, "new", 0700));
	for (int i = 0; i < 3; i++)
		MR_CHECK_INT(t, 1, (int)calls_for(t, dir_fd, mr_time_s()));
	disk_end();
}

/* A sync that failed did not do it. */
MR_TEST(durable_entry_failing)
{
	static const int errors[] = { EIO, ENOSPC };
	MR_AUTO_FD dir_fd = open_dir(t);
	int64_t now_s;

	disk_begin();
	MR_CHECK_INT(t, 0, mkdirat(dir_fd, "new", 0700));
	now_s = mr_time_s() + MR_MAILDIR_STEP_S + 1;
	for (size_t i = 0; i < MR_COUNT(errors); i++) {
		t->row = (long)i;
		disk_fail(1, errors[i]);
		MR_CHECK_INT(t, MR_ETEMP, mr_maildir_entry_synced(dir_fd, "new", now_s));
		MR_CHECK(t, !disk_keeps(dir_fd, "new"));
	}
	MR_CHECK_INT(t, 1, (int)calls_for(t, dir_fd, now_s));
	MR_CHECK(t, disk_keeps(dir_fd, "new"));
	disk_end();
}

/* Each folder on the way to a mailbox, whoever made it. */
MR_TEST(durable_entry_mailbox)
{
	MR_AUTO_FD dir_fd = open_dir(t);
	MR_AUTO_FD mailbox_fd = -1;

	disk_begin();
	MR_CHECK_INT(t, 0, mkdirat(dir_fd, "example.org", 0700));
	MR_CHECK_INT(t, 0,
		     mr_maildir_open(dir_fd, "example.org/ann", MR_MAILDIR_CREATE, &mailbox_fd));
	MR_CHECK(t, disk_keeps(dir_fd, "example.org/ann/new"));
	disk_end();
}
