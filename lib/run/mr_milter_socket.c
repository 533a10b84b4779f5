#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_milter_priv.h"

#define HOST_SIZE 256 /* a setting has 200 octets */
#define BACKLOG   512 /* the kernel cuts it to net.core.somaxconn */

/* "unix:PATH", "local:PATH" or "/PATH" as libmilter has it; NULL: another family. */
static const char *unix_path(const char *listen)
{
	struct mr_span s = mr_span_str(listen);

	if (mr_span_has_prefix_nocase(s, MR_SPAN("unix:")))
		return listen + 5;
	if (mr_span_has_prefix_nocase(s, MR_SPAN("local:")))
		return listen + 6;
	return listen[0] == '/' ? listen : NULL;
}

/*
 * Does somebody answer at path? libmilter removes a socket before it binds, so a second instance
 * would silently take the mail from a first one that is alive. MR_EEXIST: yes; 0: no, or there is
 * no such socket.
 */
static int probe(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	MR_AUTO_FD fd = -1;

	if (mr_span_copyz(mr_span_str(path), addr.sun_path, sizeof(addr.sun_path)) < 0)
		return MR_EINVAL;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mr_err_from_errno(errno);
	/* EAGAIN: it listens, and is too busy to answer. */
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN)
		return MR_EEXIST;
	return 0;
}

/* -- what libmilter will take ------------------------------------------------------------------ */

/* libmilter wants one octet more than the path and its NUL. */
static const char *why_not_path(const char *path)
{
	if (!path[0])
		return "no path";
	if (strlen(path) + 1 >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return "path too long";
	return NULL;
}

static bool is_address(const char *text, int family)
{
	static const struct mr_span tag = MR_SPAN("IPv6:");
	struct in6_addr in6;
	struct in_addr in;

	if (family == AF_INET)
		return inet_aton(text, &in) != 0;
	if (mr_span_has_prefix_nocase(mr_span_str(text), tag))
		text += tag.len;
	return inet_pton(AF_INET6, text, &in6) == 1;
}

/* Whether a name leads to an address is known at the start alone. */
static const char *why_not_host(struct mr_span host, int family)
{
	char text[HOST_SIZE];
	bool bracket = host.len > 0 && host.p[0] == '[', digits = true, colon = false;

	if (host.len == 0)
		return "no host after the @";
	for (size_t i = 0; i < host.len; i++) {
		if (host.p[i] <= ' ' || host.p[i] > '~')
			return "no host after the @";
		digits = digits && ((host.p[i] >= '0' && host.p[i] <= '9') || host.p[i] == '.');
		colon = colon || host.p[i] == ':';
	}
	if (bracket && host.p[host.len - 1] != ']')
		return "not an address in brackets";
	if (bracket)
		host = mr_span_sub(host, 1, host.len - 2);
	if (mr_span_copyz(host, text, sizeof(text)) < 0)
		return "host too long";
	if ((bracket || digits || colon) && !is_address(text, family))
		return family == AF_INET ? "not an address of IPv4" : "not an address of IPv6";
	return NULL;
}

static const char *why_not_inet(struct mr_span rest, int family)
{
	size_t at = mr_span_find(rest, '@');
	uint64_t port;

	if (mr_span_u64(mr_span_sub(rest, 0, at), UINT16_MAX, &port) < 0 || port == 0)
		return "no port from 1 to 65535 where libmilter wants it: inet:PORT@HOST";
	return at == rest.len ? NULL : why_not_host(mr_span_sub(rest, at + 1, rest.len), family);
}

static const char *why_not_listen(const char *listen)
{
	static const struct mr_span inet = MR_SPAN("inet:"), inet6 = MR_SPAN("inet6:");
	struct mr_span s = mr_span_str(listen);
	const char *path = unix_path(listen);

	/* What stands before the first colon is a family to libmilter, be it a path. */
	if (path && (path != listen || mr_span_find(s, ':') == s.len))
		return why_not_path(path);
	if (mr_span_has_prefix_nocase(s, inet))
		return why_not_inet(mr_span_sub(s, inet.len, s.len), AF_INET);
	if (mr_span_has_prefix_nocase(s, inet6))
		return why_not_inet(mr_span_sub(s, inet6.len, s.len), AF_INET6);
	return "neither unix:PATH nor inet:PORT@HOST";
}

int mr_socket_check(const struct mr_milter *milter, const struct mr_settings *set,
		    struct mr_buf *error)
{
	const char *listen = milter->listen(set), *mode_text = milter->socket_mode(set);
	const char *why = why_not_listen(listen);
	mode_t mode;

	if (why)
		return mr_run_refuse(error, milter->listen_setting, listen, why);
	if (mr_sock_mode(mode_text, &mode) < 0)
		return mr_run_refuse(error, milter->socket_mode_setting, mode_text,
				     "no octal number from 0 to 0777");
	return 0;
}

/* -- the socket -------------------------------------------------------------------------------- */

/*
 * libmilter keeps its descriptor to itself. The listening socket is the one that was not there
 * before: found by its number, since no other thread runs yet.
 */
static int listener_find(int *fd_out)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	if (!dir)
		return mr_err_from_errno(errno);
	while ((entry = readdir(dir))) {
		uint64_t number;
		int listens = 0;
		socklen_t size = sizeof(listens);

		if (mr_span_u64(mr_span_str(entry->d_name), INT32_MAX, &number) < 0)
			continue;
		if (getsockopt((int)number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
		    listens && (int)number > found)
			found = (int)number;
	}
	closedir(dir);
	if (found < 0)
		return MR_ENOENT;
	*fd_out = found;
	return 0;
}

/*
 * libmilter writes each action and the answer by a call of its own; Nagle's algorithm keeps the
 * second until the MTA acknowledges the first, which it delays by 40 ms. On Linux an accepted socket
 * inherits the option from the listening one, and that is the only one that we can reach.
 */
static void set_nodelay(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		mr_log(MR_LOG_WARN, "no TCP_NODELAY", MR_KV_ERR(mr_err_from_errno(errno)));
}

/* So that the user that we become, in its sandbox, can remove the socket at the end. Not for the root
 * directory: there it stays, and the next start removes it. */
static int may_remove(const char *path)
{
	struct mr_span s = mr_span_str(path);
	size_t slash = mr_span_rfind(s, '/');
	char dir[MR_PATH_MAX];
	int err;

	if (slash == 0)
		return 0;
	err = mr_span_copyz(slash == s.len ? MR_SPAN(".") : mr_span_sub(s, 0, slash), dir,
			    sizeof(dir));
	return err < 0 ? err : mr_run_may_write(mr_daemon.run, dir);
}

static int path_taken(const char *path)
{
	struct stat st;
	int err;

	if ((err = mr_run_give(mr_daemon.run, path)) < 0 || (err = may_remove(path)) < 0)
		return err;
	if (lstat(path, &st) < 0)
		return mr_err_from_errno(errno);
	mr_daemon.socket_dev = st.st_dev;
	mr_daemon.socket_ino = st.st_ino;
	return 0;
}

static int bad(const char *listen, int err, const char *why)
{
	mr_log(MR_LOG_ERROR, "cannot listen", MR_KV("socket", listen), MR_KV("why", why),
	       MR_KV_ERR(err));
	return err;
}

int mr_socket_open(const struct mr_settings *set)
{
	const char *listen = mr_daemon.milter->listen(set), *path = unix_path(listen);
	mode_t mode, old_mask;
	int err, opened;

	if (mr_sock_mode(mr_daemon.milter->socket_mode(set), &mode) < 0)
		return bad(listen, MR_EINVAL, "its mode is not octal");
	if (path && (err = probe(path)) < 0)
		return bad(listen, err, err == MR_EEXIST ? "another program answers there" : "");
	if (path && mr_span_copyz(mr_span_str(path), mr_daemon.socket_path,
				  sizeof(mr_daemon.socket_path)) < 0)
		return bad(listen, MR_EINVAL, "path too long");
	old_mask = umask(0777 & ~mode);
	(void)smfi_setbacklog(BACKLOG);
	opened = smfi_setconn((char *)(uintptr_t)listen) == MI_SUCCESS &&
		 smfi_opensocket(true) == MI_SUCCESS;
	umask(old_mask);
	if (!opened)
		return bad(listen, MR_EINVAL, "see libmilter's line in the system's log");
	if ((err = listener_find(&mr_daemon.listen_fd)) < 0)
		return bad(listen, err, "its descriptor was not found");
	mr_daemon.silent_fd = eventfd(0, EFD_CLOEXEC);
	if (mr_daemon.silent_fd < 0)
		return bad(listen, mr_err_from_errno(errno), "no eventfd");
	if (path)
		return path_taken(path);
	set_nodelay(mr_daemon.listen_fd);
	return 0;
}

/* The path leads to the socket that we bound, not to that of a successor. Ours stays bound until the
 * end, so no other file can have its number. */
static bool path_is_ours(void)
{
	struct stat st;

	return lstat(mr_daemon.socket_path, &st) == 0 && st.st_dev == mr_daemon.socket_dev &&
	       st.st_ino == mr_daemon.socket_ino;
}

void mr_socket_close(void)
{
	/* Where we may not unlink (any more), an MTA is refused and takes its default action. */
	if (mr_daemon.socket_path[0] && path_is_ours())
		unlink(mr_daemon.socket_path);
	/*
	 * libmilter ends all sessions if its listening socket goes away, so its descriptor gets a
	 * file that is never readable instead. At worst it was about to accept: then it logs one
	 * error and goes on.
	 */
	if (mr_daemon.silent_fd >= 0)
		(void)dup3(mr_daemon.silent_fd, mr_daemon.listen_fd, O_CLOEXEC);
}
