#include "lib/net/mr_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_err.h"

#define BACKLOG      511
#define ADDRESS_SIZE 64 /* of an address as text, with its NUL; the longest has 45 */

/* -- what a setting says ------------------------------------------------------------------- */

static int parse_unix(struct mr_span path, struct mr_where *addr)
{
	addr->addr.un.sun_family = AF_UNIX;
	addr->len = sizeof(addr->addr.un);
	if (path.len == 0 || path.p[0] != '/')
		return MR_EINVAL;
	return mr_span_copyz(path, addr->addr.un.sun_path, sizeof(addr->addr.un.sun_path)) < 0
		       ? MR_EINVAL
		       : 0;
}

static int fill_inet(const char *host, in_port_t port, struct mr_where *addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memcpy(&addr->addr.room, &in, sizeof(in));
		addr->len = sizeof(in);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
		memcpy(&addr->addr.room, &in6, sizeof(in6));
		addr->len = sizeof(in6);
		return 0;
	}
	return MR_EINVAL;
}

/* HOST ":" PORT; the last colon counts, so IPv6 may stand with or without brackets. */
static int parse_inet(struct mr_span s, struct mr_where *addr)
{
	size_t colon = mr_span_rfind(s, ':');
	struct mr_span host = mr_span_sub(s, 0, colon);
	char text[ADDRESS_SIZE];
	uint64_t port;

	if (colon == s.len || mr_span_u64(mr_span_sub(s, colon + 1, s.len), 65535, &port) < 0)
		return MR_EINVAL;
	if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		host = mr_span_sub(host, 1, host.len - 2);
	if (mr_span_eq_nocase(host, MR_SPAN("localhost")))
		host = MR_SPAN("127.0.0.1");
	if (mr_span_copyz(host, text, sizeof(text)) < 0)
		return MR_EINVAL;
	return fill_inet(text, (in_port_t)port, addr);
}

int mr_listen_parse(const char *where, struct mr_where *addr_out, struct mr_buf *error)
{
	struct mr_where addr = { .len = 0 };
	struct mr_span kind, rest, s = mr_span_str(where);
	int err = MR_EINVAL;

	if (mr_span_split(s, ':', &kind, &rest)) {
		if (mr_span_eq(kind, MR_SPAN("unix")))
			err = parse_unix(rest, &addr);
		else if (mr_span_eq(kind, MR_SPAN("inet")))
			err = parse_inet(rest, &addr);
	}
	if (err < 0) {
		if (error)
			mr_buf_printf(error, "%s: want unix:/PATH or inet:ADDRESS:PORT", where);
		return err;
	}
	*addr_out = addr;
	return 0;
}

bool mr_listen_loopback(const struct mr_where *addr)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (addr->addr.any.sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		memcpy(&in, &addr->addr.room, sizeof(in));
		return (ntohl(in.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET; /* RFC 1122 3.2.1.3 g */
	case AF_INET6:
		memcpy(&in6, &addr->addr.room, sizeof(in6));
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
	default:
		return false;
	}
}

/* -- sockets --------------------------------------------------------------------------------- */

static int stream_socket(int family, int flags, int *fd_out)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return mr_err_from_errno(errno);
	*fd_out = fd;
	return 0;
}

static int connect_to(const struct mr_where *addr, int *fd_out)
{
	MR_AUTO_FD fd = -1;
	int err = stream_socket(addr->addr.any.sa_family, 0, &fd), result;

	if (err < 0)
		return err;
	do {
		result = connect(fd, &addr->addr.any, addr->len);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return mr_err_from_errno(errno);
	*fd_out = fd;
	fd = -1;
	return 0;
}

/* A socket file outlives its process. It is taken away only when nobody answers. */
static int remove_stale(const struct mr_where *addr)
{
	MR_AUTO_FD fd = -1;
	struct stat st;

	if (lstat(addr->addr.un.sun_path, &st) < 0)
		return errno == ENOENT ? 0 : mr_err_from_errno(errno);
	if (!S_ISSOCK(st.st_mode) || connect_to(addr, &fd) == 0 || errno != ECONNREFUSED)
		return MR_EEXIST;
	return unlink(addr->addr.un.sun_path) < 0 ? mr_err_from_errno(errno) : 0;
}

static int bind_and_listen(int fd, const struct mr_where *addr, mode_t mode)
{
	bool is_unix = addr->addr.any.sa_family == AF_UNIX;
	int on = 1;

	if (!is_unix && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return mr_err_from_errno(errno);
	if (addr->addr.any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return mr_err_from_errno(errno);
	if (bind(fd, &addr->addr.any, addr->len) < 0)
		return errno == EADDRINUSE ? MR_EEXIST : mr_err_from_errno(errno);
	/* Before listen(), so that nobody connects under the rights that the umask left. */
	if (is_unix && chmod(addr->addr.un.sun_path, mode) < 0)
		return mr_err_from_errno(errno);
	return listen(fd, BACKLOG) < 0 ? mr_err_from_errno(errno) : 0;
}

int mr_listen_open(const struct mr_where *addr, mode_t mode, int *fd_out)
{
	MR_AUTO_FD fd = -1;
	int err = 0;

	if (addr->addr.any.sa_family == AF_UNIX)
		err = remove_stale(addr);
	if (err < 0 || (err = stream_socket(addr->addr.any.sa_family, SOCK_NONBLOCK, &fd)) < 0 ||
	    (err = bind_and_listen(fd, addr, mode)) < 0)
		return err;
	*fd_out = fd;
	fd = -1;
	return 0;
}

int mr_listen(const char *where, mode_t mode, bool loopback_only, int *fd_out, struct mr_buf *error)
{
	struct mr_where addr;
	int err = mr_listen_parse(where, &addr, error);

	if (err < 0)
		return err;
	if (loopback_only && !mr_listen_loopback(&addr)) {
		mr_buf_printf(error, "%s: not a loopback address", where);
		return MR_EINVAL;
	}
	err = mr_listen_open(&addr, mode, fd_out);
	if (err < 0)
		mr_buf_printf(error, "%s: %s", where,
			      err == MR_EEXIST ? "in use" : mr_err_text(err));
	return err;
}

int mr_accept(int listen_fd, int *fd_out)
{
	int fd;

	do { /* ECONNABORTED: that client is gone already, the next one may be there */
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return mr_err_from_errno(errno);
	*fd_out = fd;
	return 0;
}

int mr_connect_unix(const char *path, int *fd_out)
{
	struct mr_where addr = { .len = 0 };
	int err = parse_unix(mr_span_str(path), &addr);

	return err < 0 ? err : connect_to(&addr, fd_out);
}
