#include "lib/net/mr_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"

#define BACKLOG   512
#define HOST_SIZE 64 /* the longest IPv6 address, and a scope */
#define PORT_SIZE 6

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	} at;
	socklen_t len;
};

static int address_unix(struct mr_span path, struct address *address)
{
	address->at.un.sun_family = AF_UNIX;
	address->len = sizeof(address->at.un);
	if (path.len == 0)
		return MR_EINVAL;
	return mr_span_copyz(path, address->at.un.sun_path, sizeof(address->at.un.sun_path));
}

static int address_inet(struct mr_span rest, struct address *address)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
					.ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char host[HOST_SIZE], port[PORT_SIZE];
	size_t colon = mr_span_rfind(rest, ':');
	struct mr_span name = mr_span_sub(rest, 0, colon);
	uint64_t number;

	if (name.len > 2 && name.p[0] == '[' && name.p[name.len - 1] == ']')
		name = mr_span_sub(name, 1, name.len - 2);
	if (mr_span_eq_nocase(name, MR_SPAN("localhost")))
		name = MR_SPAN("127.0.0.1");
	if (colon == rest.len || name.len == 0 || mr_span_copyz(name, host, sizeof(host)) < 0 ||
	    mr_span_copyz(mr_span_sub(rest, colon + 1, rest.len), port, sizeof(port)) < 0 ||
	    /* getaddrinfo(3) takes 65536 for 0 */
	    mr_span_u64(mr_span_str(port), UINT16_MAX, &number) < 0 ||
	    getaddrinfo(host, port, &hints, &found) != 0)
		return MR_EINVAL;
	memcpy(&address->at, found->ai_addr, found->ai_addrlen);
	address->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int address_parse(const char *name, struct address *address)
{
	static const struct mr_span unix_ = MR_SPAN("unix:"), inet_ = MR_SPAN("inet:");
	struct mr_span s = mr_span_str(name);

	memset(address, 0, sizeof(*address));
	if (mr_span_has_prefix(s, unix_))
		return address_unix(mr_span_sub(s, unix_.len, s.len), address);
	if (mr_span_has_prefix(s, inet_))
		return address_inet(mr_span_sub(s, inet_.len, s.len), address);
	return MR_EINVAL;
}

int mr_sock_is_local(const char *name)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct address address;
	int err = address_parse(name, &address);

	if (err < 0)
		return err;
	switch (address.at.any.sa_family) {
	case AF_INET: /* RFC 1122 3.2.1.3 (g) */
		memcpy(&in, &address.at, sizeof(in));
		return (ntohl(in.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
	case AF_INET6: /* RFC 4291 2.5.3; a mapped 127.0.0.1 is none: it listens beyond */
		memcpy(&in6, &address.at, sizeof(in6));
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) != 0;
	default:
		return address.at.any.sa_family == AF_UNIX;
	}
}

/* A socket that blocks is no use to anybody here. */
static int open_socket(const struct address *address, int *fd_out)
{
	int fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return mr_err_from_errno(errno);
	*fd_out = fd;
	return 0;
}

/* Cannot fail where it matters: on a unix socket it has no meaning. */
static void no_delay(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* The socket that lies at address was left by a process that is gone: remove it. MR_EEXIST: not so. */
static int remove_stale(const struct address *address)
{
	MR_AUTO_FD fd = -1;
	struct stat st;
	int err = open_socket(address, &fd);

	if (err < 0)
		return err;
	if (lstat(address->at.un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return MR_EEXIST;
	/* EAGAIN: its backlog is full, so somebody is there */
	if (connect(fd, &address->at.any, address->len) == 0 || errno != ECONNREFUSED)
		return MR_EEXIST;
	return unlink(address->at.un.sun_path) < 0 ? mr_err_from_errno(errno) : 0;
}

/*
 * The rights of the file are those that the socket has before bind(2), less the umask: so it is there with
 * them at once. The trap is chmod(2) afterwards: it follows a link that whoever may write to the
 * folder has put there meanwhile, and we may be root. The umask is the process's: no other thread makes
 * files while sockets are bound, at the start.
 */
static int bind_with_mode(int fd, const struct address *address, mode_t mode)
{
	mode_t old_mask = umask(0);
	int err = 0;

	if (fchmod(fd, mode) < 0 || bind(fd, &address->at.any, address->len) < 0)
		err = errno == EADDRINUSE ? MR_EEXIST : mr_err_from_errno(errno);
	umask(old_mask);
	return err;
}

static int bind_unix(int fd, const struct address *address, mode_t mode)
{
	int err = bind_with_mode(fd, address, mode);

	if (err != MR_EEXIST)
		return err;
	if ((err = remove_stale(address)) < 0)
		return err;
	return bind_with_mode(fd, address, mode);
}

static int bind_inet(int fd, const struct address *address)
{
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &address->at.any, address->len) == 0)
		return 0;
	return errno == EADDRINUSE ? MR_EEXIST : mr_err_from_errno(errno);
}

int mr_sock_listen(const char *name, mode_t mode, int *fd_out)
{
	MR_AUTO_FD fd = -1;
	struct address address;
	int err;

	if ((err = address_parse(name, &address)) < 0 || (err = open_socket(&address, &fd)) < 0)
		return err;
	err = address.at.any.sa_family == AF_UNIX ? bind_unix(fd, &address, mode)
						  : bind_inet(fd, &address);
	if (err < 0)
		return err;
	if (listen(fd, BACKLOG) < 0)
		return mr_err_from_errno(errno);
	*fd_out = fd;
	fd = -1;
	return 0;
}

int mr_sock_accept(int listen_fd, int *fd_out)
{
	int fd;

	do {
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		return MR_ELIMIT;
	if (fd < 0)
		return errno == EAGAIN ? MR_EAGAIN : MR_ETEMP;
	no_delay(fd);
	*fd_out = fd;
	return 0;
}

/* Why there is no connection. */
static int no_connection(int errno_value)
{
	switch (errno_value) {
	case ENOENT:
	case ECONNREFUSED:
		return MR_ENOENT;
	case EACCES:
	case EPERM:
		return MR_EPERM;
	default:
		return MR_ETEMP;
	}
}

int mr_sock_connect(const char *name, int64_t timeout_ms, int *fd_out)
{
	MR_AUTO_FD fd = -1;
	struct address address;
	struct pollfd wait = { .events = POLLOUT };
	int64_t deadline = mr_now_ms() + timeout_ms;
	int err, problem = 0, n;
	socklen_t len = sizeof(problem);

	if ((err = address_parse(name, &address)) < 0)
		return err;
	if (open_socket(&address, &fd) < 0)
		return MR_ETEMP;
	no_delay(fd);
	/* EAGAIN: a unix socket's backlog is full, and poll(2) would not tell when it no longer is. */
	while (connect(fd, &address.at.any, address.len) < 0) {
		if (errno == EINPROGRESS)
			break;
		if (errno != EAGAIN || mr_now_ms() >= deadline)
			return no_connection(errno);
		poll(NULL, 0, 10);
	}
	wait.fd = fd;
	do {
		int64_t left = deadline - mr_now_ms();

		n = poll(&wait, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) < 0)
		return MR_ETEMP;
	if (problem != 0)
		return no_connection(problem);
	*fd_out = fd;
	fd = -1;
	return 0;
}

int mr_sock_mode(const char *text, mode_t *mode_out)
{
	mode_t mode = 0;

	if (!text[0] || strlen(text) > 4)
		return MR_EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return MR_EINVAL;
		mode = mode * 8 + (mode_t)(*text - '0');
	}
	if (mode > 0777)
		return MR_EINVAL;
	*mode_out = mode;
	return 0;
}
