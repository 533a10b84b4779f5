/*
 * mr_err: what can go wrong. A function that can fail returns 0 or a count, or one of these, which
 * are negative. Temporary and permanent differ from here up: what is temporary makes mail wait
 * (SMTP 4xx), and in doubt an error is temporary, since mail that waits is not lost.
 */
#ifndef MR_ERR_H
#define MR_ERR_H

#include "lib/base/mr_def.h"

enum mr_err {
	/* Temporary: the same call may succeed later. */
	MR_ETEMP = -1, /* a resource is away: peer silent, server down */
	MR_ENOMEM = -2, /* out of memory, or an arena's bound reached */
	MR_ECONFLICT = -3, /* somebody else changed it; a transaction may run again */
	MR_EAGAIN = -4, /* nothing to do yet: would block */
	MR_EFULL = -5, /* no room left on the disk, or in a quota of the file system */
	/* Permanent: the same call fails again. */
	MR_ELIMIT = -10, /* a named limit is reached */
	MR_ESYNTAX = -11, /* not what the grammar allows */
	MR_ENOENT = -12, /* no such thing */
	MR_EEXIST = -13, /* is there already */
	MR_EPERM = -14, /* not allowed */
	MR_EINVAL = -15, /* a value that makes no sense here; from outside, e.g. a setting */
	MR_ECLOSED = -16, /* the peer ended the conversation */
	MR_ECORRUPT = -17 /* what we wrote ourselves does not read back */
};

/* True for the first group; false for 0 and counts. */
bool mr_err_temporary(int err);

/* A short English text without a full stop, never NULL: "out of memory". */
const char *mr_err_text(int err);

/*
 * Map an errno: ENOMEM to MR_ENOMEM; EAGAIN to MR_EAGAIN; ENOENT to MR_ENOENT; EEXIST to MR_EEXIST;
 * EACCES, EPERM and EROFS to MR_EPERM; ENAMETOOLONG, E2BIG and EFBIG to MR_ELIMIT; EPIPE and
 * ECONNRESET to MR_ECLOSED; ENOSPC and EDQUOT to MR_EFULL; all others to MR_ETEMP. Delivery code turns MR_EPERM of a file into a
 * temporary failure, since waiting can mend it: an operator corrects the rights.
 */
MR_MUST_USE int mr_err_from_errno(int errno_value);

#endif
