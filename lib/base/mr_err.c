#include "lib/base/mr_err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool mr_err_temporary(int err)
{
	return err == MR_ETEMP || err == MR_ENOMEM || err == MR_ECONFLICT || err == MR_EAGAIN ||
	       err == MR_EFULL;
}

const char *mr_err_text(int err)
{
	if (err >= 0)
		return "success";
	switch ((enum mr_err)err) {
	case MR_ETEMP:
		return "temporary failure";
	case MR_ENOMEM:
		return "out of memory";
	case MR_ECONFLICT:
		return "changed by somebody else";
	case MR_EAGAIN:
		return "would block";
	case MR_EFULL:
		return "no space left";
	case MR_ELIMIT:
		return "a limit is reached";
	case MR_ESYNTAX:
		return "syntax error";
	case MR_ENOENT:
		return "not found";
	case MR_EEXIST:
		return "exists already";
	case MR_EPERM:
		return "not permitted";
	case MR_EINVAL:
		return "invalid value";
	case MR_ECLOSED:
		return "closed by the peer";
	case MR_ECORRUPT:
		return "damaged";
	}
	return "unknown error";
}

int mr_err_from_errno(int errno_value)
{
	switch (errno_value) {
	case ENOMEM:
		return MR_ENOMEM;
	case EAGAIN:
		return MR_EAGAIN;
	case ENOENT:
		return MR_ENOENT;
	case EEXIST:
		return MR_EEXIST;
	case EACCES:
	case EPERM:
	case EROFS:
		return MR_EPERM;
	case ENAMETOOLONG:
	case E2BIG:
	case EFBIG:
		return MR_ELIMIT;
	case ENOSPC:
	case EDQUOT:
		return MR_EFULL;
	case EPIPE:
	case ECONNRESET:
		return MR_ECLOSED;
	default:
		return MR_ETEMP;
	}
}

void mr_assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, expr);
	abort();
}

void mr_close_at(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
