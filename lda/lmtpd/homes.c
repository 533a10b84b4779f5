#include "lda/lmtpd/homes_private.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"

struct mr_homes {
	char domain[MR_NAME_DOMAIN_MAX + 1];
	pthread_mutex_t lock; /* one order at a time: the helper only forks */
	int sock;
};

/* -- what both sides say ---------------------------------------------------------------------- */

int homes_send(int sock, const void *p, size_t size, int fd)
{
	struct iovec part = { (void *)(uintptr_t)p, size };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
	}
	do {
		n = sendmsg(sock, &message, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : MR_ETEMP;
}

static int wait_for(int sock, int wait_ms)
{
	struct pollfd at = { .fd = sock, .events = POLLIN };
	int n;

	do {
		n = poll(&at, 1, wait_ms);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : MR_ETEMP;
}

int homes_recv(int sock, void *p, size_t size, int *fd_out, int wait_ms)
{
	struct iovec part = { p, size };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = fd_out ? &control : NULL,
				  .msg_controllen = fd_out ? sizeof(control) : 0 };
	const struct cmsghdr *head;
	ssize_t n;

	if (wait_for(sock, wait_ms) < 0)
		return MR_ETEMP;
	do {
		n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (fd_out) {
		*fd_out = -1;
		head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
		if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
		    head->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(fd_out, CMSG_DATA(head), sizeof(int));
	}
	if (n == 0)
		return MR_ECLOSED;
	if (n == (ssize_t)size)
		return 0;
	if (fd_out)
		mr_close_at(fd_out);
	return MR_ETEMP;
}

/* -- life ------------------------------------------------------------------------------------- */

int mr_homes_open(const char *domain, int64_t uid_min, struct mr_homes **homes_out)
{
	struct mr_homes *homes;
	int pair[2];
	pid_t child;

	if (geteuid() != 0)
		return MR_EPERM;
	homes = mr_calloc(1, sizeof(*homes));
	if (!homes)
		return MR_ENOMEM;
	if (mr_name_domain(mr_span_str(domain), homes->domain) <= 0) {
		mr_free(homes);
		return MR_EINVAL;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		mr_free(homes);
		return MR_ETEMP;
	}
	child = fork();
	if (child == 0)
		homes_helper(pair[1], uid_min);
	close(pair[1]);
	if (child < 0) {
		close(pair[0]);
		mr_free(homes);
		return MR_ETEMP;
	}
	homes->sock = pair[0];
	pthread_mutex_init(&homes->lock, NULL);
	*homes_out = homes;
	return 0;
}

void mr_homes_close(struct mr_homes *homes)
{
	if (!homes)
		return;
	close(homes->sock);
	pthread_mutex_destroy(&homes->lock);
	mr_free(homes);
}

bool mr_homes_has(const struct mr_homes *homes, struct mr_span domain)
{
	return homes && mr_span_eq(domain, mr_span_str(homes->domain));
}

/* -- one copy --------------------------------------------------------------------------------- */

/*
 * Have a writer made. A helper that is gone cannot be made again, for the rights are gone: so the program
 * ends, its supervisor starts it anew, and the MTA, which was promised nothing, tries again.
 */
static int order(struct mr_homes *homes, const struct homes_order *o, int *fd_out)
{
	char octet;
	int err;

	pthread_mutex_lock(&homes->lock);
	err = homes_send(homes->sock, o, sizeof(*o), -1);
	if (err == 0)
		err = homes_recv(homes->sock, &octet, sizeof(octet), fd_out, -1);
	pthread_mutex_unlock(&homes->lock);
	if (err < 0) {
		mr_log(MR_LOG_ERROR, "the helper for system users is gone: restart");
		abort();
	}
	return *fd_out < 0 ? MR_ETEMP : 0; /* it had no process, or no descriptor */
}

int mr_homes_begin(struct mr_homes *homes, struct mr_span local, struct mr_span name,
		   unsigned flags, struct mr_span host, struct mr_homes_writer *writer,
		   struct mr_maildir_file *file, bool *inbox_out)
{
	struct homes_order o = { .flags = flags };
	struct homes_begun begun = { .err = MR_ETEMP };
	int err;

	writer->fd = -1;
	*file = (struct mr_maildir_file){ .dir_fd = -1, .tmp_fd = -1, .fd = -1 };
	if (mr_span_copyz(local, o.local, sizeof(o.local)) < 0)
		return MR_ETEMP;
	/* No folder has such a name: INBOX. */
	if (mr_span_copyz(name, o.name, sizeof(o.name)) < 0)
		o.name[0] = '\0';
	(void)!mr_span_copyz(mr_span_sub(host, 0, sizeof(o.host) - 1), o.host, sizeof(o.host));
	if ((err = order(homes, &o, &writer->fd)) < 0 ||
	    (err = homes_recv(writer->fd, &begun, sizeof(begun), &file->fd, MR_HOMES_WAIT_MS)) < 0)
		return MR_ETEMP;
	if (begun.err == 0 && file->fd < 0)
		return MR_ETEMP;
	*inbox_out = begun.inbox;
	return begun.err;
}

int mr_homes_commit(struct mr_homes_writer *writer, struct mr_maildir_file *file)
{
	const struct homes_commit commit = { file->size, file->lines_lf, file->synced };
	struct homes_done done;
	int err = file->err;

	if (err < 0)
		return err;
	if (homes_send(writer->fd, &commit, sizeof(commit), -1) < 0 ||
	    homes_recv(writer->fd, &done, sizeof(done), NULL, MR_HOMES_WAIT_MS) < 0)
		return MR_ETEMP;
	done.name[sizeof(done.name) - 1] = '\0';
	memcpy(file->name, done.name, sizeof(file->name));
	return done.err;
}

void mr_homes_end(struct mr_homes_writer *writer)
{
	mr_close_at(&writer->fd); /* one that was not told to commit takes its file away now */
}
