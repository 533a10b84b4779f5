#include "lib/run/mr_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/mr_err.h"

#define ABI_REFER    2
#define ABI_TRUNCATE 3
/* Newer than Debian 12's headers; version 3. */
#define ACCESS_FS_TRUNCATE (1ULL << 14)

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE                                                                                      \
	(READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                    \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                            \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | ACCESS_FS_TRUNCATE)
/* What nobody gets, but must be handled to be forbidden. */
#define NEVER                                                                                      \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                               \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                             \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
/* What a rule for something else than a folder may have. */
#define OF_A_FILE                                                                                  \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE)

int mr_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi >= ABI_REFER ? (int)abi : 0;
}

/* 0 also when path is not there. */
static int allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	MR_AUTO_FD fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return mr_err_from_errno(errno);
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_A_FILE;
	rule.parent_fd = fd;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
		       ? MR_ETEMP
		       : 0;
}

int mr_landlock_enter(const struct mr_sandbox_paths *paths)
{
	/* A right that the kernel does not know must not be asked for. */
	const uint64_t known = mr_landlock_abi() >= ABI_TRUNCATE ? ~0ULL : ~ACCESS_FS_TRUNCATE;
	const struct landlock_ruleset_attr attr = { .handled_access_fs = (WRITE | NEVER) & known };
	MR_AUTO_FD ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (ruleset < 0)
		return MR_ETEMP;
	for (const char *const *p = paths->read; p && *p; p++) {
		int err = allow(ruleset, *p, READ & known);

		/* What we may not look at now, we do not lose. */
		if (err < 0 && err != MR_ENOENT && err != MR_EPERM)
			return err;
	}
	for (const char *const *p = paths->write; p && *p; p++) {
		int err = allow(ruleset, *p, WRITE & known);

		if (err < 0)
			return err;
	}
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? MR_ETEMP : 0;
}
