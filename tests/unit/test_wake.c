/* Watchers of deliveries, on real sockets. What a datagram must say is docs/WAKE.md. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lda/lmtpd/wake.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "tests/unit/mr_test.h"

#define FILE_NAME "1795527619.M1P2Q3_0a0b0c0d.mx.example.org,S=4,W=5"
#define WATCHERS  3

struct room {
	const char *dir;
	char name[WATCHERS][MR_PATH_MAX]; /* "unix:PATH" */
	const char *item[WATCHERS];
	struct mr_wake wake;
};

static const char *path_of(const struct room *r, int n)
{
	return r->name[n] + strlen("unix:");
}

static bool room_init(struct mr_t *t, struct room *r)
{
	r->dir = mr_test_dir(t);
	for (int n = 0; n < WATCHERS; n++) {
		snprintf(r->name[n], sizeof(r->name[n]), "unix:%s/%d", r->dir, n);
		r->item[n] = r->name[n];
	}
	return mr_wake_init(&r->wake) == 0;
}

/* A watcher that listens; -1: none. */
static int watch(const char *path, int type)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	MR_ASSERT(fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
	return fd;
}

static void tell(struct room *r, size_t count, const char *folder)
{
	const struct mr_list list = { r->item, count };

	mr_wake_tell(&r->wake, &list, MR_SPAN("ann"), MR_SPAN("example.org"), folder, FILE_NAME);
}

/* What a watcher has been told, next; "": nothing. */
static const char *heard(int fd, char text[MR_WAKE_SIZE_MAX + 1])
{
	ssize_t len = recv(fd, text, MR_WAKE_SIZE_MAX, MSG_DONTWAIT);

	text[len < 0 ? 0 : len] = '\0';
	return text;
}

MR_TEST(wake_text)
{
	char text[MR_WAKE_SIZE_MAX + 1];
	struct room r;

	MR_NEED(t, room_init(t, &r));
	{
		MR_AUTO_FD fd = watch(path_of(&r, 0), SOCK_DGRAM);

		tell(&r, 1, "Spam");
		MR_CHECK_STR(t,
			     "millrace-wake 1\nmailbox ann@example.org\nfolder Spam\n"
			     "file " FILE_NAME "\n",
			     heard(fd, text));
		tell(&r, 1, "inbox"); /* RFC 3501 5.1: in any case */
		MR_CHECK_STR(t,
			     "millrace-wake 1\nmailbox ann@example.org\nfolder INBOX\n"
			     "file " FILE_NAME "\n",
			     heard(fd, text));
		MR_CHECK_STR(t, "", heard(fd, text));
		MR_CHECK_INT(t, 2, (long)r.wake.told);
	}
	mr_wake_done(&r.wake);
}

/* Two are there; the one between them is not, and then is. */
MR_TEST(wake_watchers)
{
	char text[MR_WAKE_SIZE_MAX + 1];
	struct room r;

	MR_NEED(t, room_init(t, &r));
	tell(&r, 0, "a");
	tell(&r, 3, "a");
	MR_CHECK_INT(t, 3, (long)r.wake.lost);
	{
		MR_AUTO_FD first = watch(path_of(&r, 0), SOCK_DGRAM);
		MR_AUTO_FD last = watch(path_of(&r, 2), SOCK_DGRAM);

		tell(&r, 3, "b");
		MR_CHECK_INT(t, 4, (long)r.wake.lost);
		MR_CHECK_INT(t, 2, (long)r.wake.told);
		{
			MR_AUTO_FD middle = watch(path_of(&r, 1), SOCK_DGRAM);

			tell(&r, 3, "c");
			MR_CHECK(t, strstr(heard(middle, text), "\nfolder c\n") != NULL);
		}
		for (const char *want = "bc"; *want; want++) {
			char line[] = "\nfolder x\n";

			line[8] = *want;
			MR_CHECK(t, strstr(heard(first, text), line) != NULL);
			MR_CHECK(t, strstr(heard(last, text), line) != NULL);
		}
	}
	MR_CHECK_INT(t, 5, (long)r.wake.told);
	mr_wake_done(&r.wake);
}

/* One that does not read is told what its queue has room for, costs the other nothing, and nobody time. */
MR_TEST(wake_full_queue)
{
	char text[MR_WAKE_SIZE_MAX + 1];
	struct room r;
	int64_t start_ms = mr_now_ms();
	long sleeper = 0, reader = 0;

	MR_NEED(t, room_init(t, &r));
	{
		MR_AUTO_FD asleep = watch(path_of(&r, 0), SOCK_DGRAM);
		MR_AUTO_FD awake = watch(path_of(&r, 1), SOCK_DGRAM);

		for (int i = 0; i < 2000; i++) {
			tell(&r, 2, "INBOX");
			reader += heard(awake, text)[0] != '\0';
		}
		while (heard(asleep, text)[0] != '\0')
			sleeper++;
		MR_CHECK_INT(t, 2000, reader);
		MR_CHECK(t, sleeper > 0 && sleeper < 2000);
		MR_CHECK_INT(t, 2000 - sleeper, (long)r.wake.lost);
		MR_CHECK(t, mr_now_ms() - start_ms < 5000);
		tell(&r, 2, "INBOX"); /* it is awake again */
		MR_CHECK(t, heard(asleep, text)[0] != '\0');
	}
	mr_wake_done(&r.wake);
}

/* What may be at a watcher's path: nothing is written to it, and nobody waits for it. */
MR_TEST(wake_hostile_paths)
{
	char target[MR_PATH_MAX], text[MR_WAKE_SIZE_MAX + 1];
	struct room r;
	struct stat st = { 0 };

	MR_NEED(t, room_init(t, &r));
	snprintf(target, sizeof(target), "%s/target", r.dir);
	MR_NEED(t, mkfifo(path_of(&r, 0), 0600) == 0);
	{
		MR_AUTO_FD file = open(target, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		MR_AUTO_FD stream = watch(path_of(&r, 1), SOCK_STREAM);

		MR_NEED(t, file >= 0 && listen(stream, 1) == 0);
		MR_NEED(t, symlink(target, path_of(&r, 2)) == 0);
		tell(&r, 3, "INBOX");
		MR_CHECK_INT(t, 3, (long)r.wake.lost);
		MR_CHECK_INT(t, 0, fstat(file, &st));
		MR_CHECK_INT(t, 0, (long)st.st_size);
		MR_CHECK(t, accept(stream, NULL, NULL) < 0 && errno == EAGAIN);
	}
	MR_NEED(t, unlink(path_of(&r, 0)) == 0 && mkdir(path_of(&r, 0), 0700) == 0);
	tell(&r, 1, "INBOX");
	MR_CHECK_INT(t, 4, (long)r.wake.lost);
	/* A line ending in a value would be a line of its own; and what is too long is not cut. */
	{
		MR_AUTO_FD fd = -1;
		char longest[MR_WAKE_SIZE_MAX];

		MR_NEED(t, rmdir(path_of(&r, 0)) == 0);
		fd = watch(path_of(&r, 0), SOCK_DGRAM);
		tell(&r, 1, "a\nmailbox bob@example.org");
		memset(longest, 'x', sizeof(longest));
		longest[sizeof(longest) - 1] = '\0';
		tell(&r, 1, longest);
		MR_CHECK_STR(t, "", heard(fd, text));
		MR_CHECK_INT(t, 6, (long)r.wake.lost);
	}
	mr_wake_done(&r.wake);
}

MR_TEST(wake_names)
{
	static const struct {
		const char *name;
		bool ok;
	} rows[] = {
		{ "unix:/run/millrace/imap.wake", true },
		{ "unix:relative", false },
		{ "unix:", false },
		{ "/run/x", false },
		{ "inet:127.0.0.1:1", false },
		{ "", false },
	};
	char name[200] = "unix:/"; /* a socket's path has 107 octets and a NUL */

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].ok, mr_wake_is_name(rows[i].name));
	}
	memset(name + 6, 'x', 106);
	MR_CHECK_INT(t, true, mr_wake_is_name(name));
	name[6 + 106] = 'x';
	MR_CHECK_INT(t, false, mr_wake_is_name(name));
}
