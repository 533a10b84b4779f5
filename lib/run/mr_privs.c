#include "lib/run/mr_privs.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/mr_err.h"

#define PASSWD_ROOM 16384 /* bytes of one entry; the largest that directories are known to send */
/* In containers the hard limit may be 2^30, and libraries size tables by it. */
#define DESCRIPTORS_MAX 1048576

int mr_account_find(const char *name, struct mr_account *user_out, struct mr_buf *error)
{
	char room[PASSWD_ROOM];
	struct passwd entry, *found = NULL;
	struct mr_account user;
	int errno_value = getpwnam_r(name, &entry, room, sizeof(room), &found);

	if (!found) {
		mr_buf_printf(error, "user %s: %s", name,
			      errno_value ? strerror(errno_value) : "no such user");
		return errno_value ? MR_ETEMP : MR_ENOENT;
	}
	user.uid = entry.pw_uid;
	user.gid = entry.pw_gid;
	if (mr_span_copyz(mr_span_str(name), user.name, sizeof(user.name)) < 0)
		return MR_ENOENT;
	*user_out = user;
	return 0;
}

/* The order matters: without the user id there is no right left to change the groups. */
int mr_privs_drop(const struct mr_account *user)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (geteuid() == user->uid && getuid() == user->uid && getegid() == user->gid)
		return 0;
	if (initgroups(user->name, user->gid) < 0 ||
	    setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return MR_EPERM;
	if (getresuid(&r, &e, &s) < 0 || r != user->uid || e != user->uid || s != user->uid ||
	    getresgid(&rg, &eg, &sg) < 0 || rg != user->gid || eg != user->gid || sg != user->gid)
		return MR_EPERM;
	if (user->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return MR_EPERM;
	return 0;
}

int mr_privs_harden(bool debug)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return MR_EPERM;
	if (!debug && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return MR_EPERM;
	return 0;
}

uint64_t mr_privs_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	return limit.rlim_cur;
}
