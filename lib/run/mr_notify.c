#include "lib/run/mr_notify.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mr_span.h"

int mr_notify_open(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct mr_span path = mr_span_str(name ? name : getenv("NOTIFY_SOCKET"));
	socklen_t len;
	int fd;

	if (path.len < 2 || (path.p[0] != '/' && path.p[0] != '@') ||
	    mr_span_copyz(path, addr.sun_path, sizeof(addr.sun_path)) < 0)
		return -1;
	/* An abstract name is as long as it is, and has no NUL at its end. */
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
	if (path.p[0] == '@')
		addr.sun_path[0] = '\0';
	else
		len++;
	if (!name)
		unsetenv("NOTIFY_SOCKET");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, len) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void mr_notify(int fd, const char *lines)
{
	if (fd >= 0 && send(fd, lines, strlen(lines), MSG_NOSIGNAL) < 0)
		return; /* lost */
}

void mr_notify_reloading(int fd)
{
	char lines[80];
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	mr_notify(fd, lines);
}
