/*
 * What a power cut leaves: a message that was answered with 250 is there, whole; a part of one is
 * never where a reader takes it for whole. disk.h is the disk. And with each call of the kernel failing
 * once, and each allocation (check-oom): what was answered 250 is what was sent, and what was answered 4xx is not there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lda/lmtpd/deliver.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_maildir_dir.h"
#include "lib/store/mr_store.h"
#include "tests/unit/disk.h"
#include "tests/unit/mr_lda_test.h"
#include "tests/unit/mr_test.h"

#define LARGE                                                                                      \
	300000 /* octets: lmtpd keeps 131,070 in memory, so there are two pieces in its file */
#define STATUS 6000 /* octets of its first field */
#define HEAD   "Return-Path: <a@example.net>\nDelivered-To: ann@example.org\n"

/* -- the wall clock, which somebody sets ---------------------------------------------------------- */

#define YEAR_S (365 * 24 * 3600)

static struct {
	bool set;
	struct timespec now; /* stands still */
} wall;

/* In the place of libc's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_REALTIME || !wall.set)
		return (int)syscall(SYS_clock_gettime, clock, now);
	*now = wall.now;
	return 0;
}

/* Let it stand, so many seconds from the true time. */
static void wall_set(int64_t from_now_s)
{
	wall.set = false;
	MR_ASSERT(clock_gettime(CLOCK_REALTIME, &wall.now) == 0);
	wall.now.tv_sec += (time_t)from_now_s;
	wall.set = true;
}

/* -- lmtpd, from what is sent to what is answered ----------------------------------------------- */

struct fixture {
	struct mr_settings set;
	struct mr_deliver deliver;
	struct mr_lmtp *lmtp;
	const char *dir; /* mail_dir */
};

static int ann_settings(void *arg MR_UNUSED, struct mr_span local MR_UNUSED,
			struct mr_span domain MR_UNUSED, struct mr_arena *arena MR_UNUSED,
			struct mr_user_settings *settings_out)
{
	mr_user_settings_default(settings_out);
	return 0;
}

static void do_rcpt(void *arg, struct mr_lmtp_mail *mail, struct mr_lmtp_rcpt *rcpt)
{
	mr_recipient(arg, mail, rcpt);
}

static int do_more(void *arg, struct mr_lmtp_mail *mail)
{
	return mr_deliver_more(arg, mail);
}

static void do_store(void *arg, struct mr_lmtp_mail *mail)
{
	mr_deliver_store(arg, mail);
}

static void do_told(void *arg MR_UNUSED, const struct mr_lmtp_mail *mail MR_UNUSED,
		    const struct mr_lmtp_rcpt *rcpt MR_UNUSED, int64_t now_ms MR_UNUSED)
{
}

static void do_drop(void *arg, struct mr_lmtp_mail *mail)
{
	mr_deliver_drop(arg, mail);
}

static bool fixture_init(struct mr_t *t, struct fixture *f, struct mr_lmtp_ops *ops)
{
	*f = (struct fixture){ .dir = mr_strdup(mr_test_dir(t)) };
	f->deliver = (struct mr_deliver){ .directory = { mr_lda_test_names, ann_settings, NULL },
					  .mail_fd = -1,
					  .host = "host.example",
					  .clock = mr_clock_real };
	*ops = (struct mr_lmtp_ops){ do_rcpt, do_more, do_store, do_told, do_drop, &f->deliver };
	if (!f->dir || mr_settings_default(&f->set) < 0) {
		mr_free((void *)(uintptr_t)f->dir);
		return false;
	}
	MR_CHECK_INT(t, 0, mr_open_dir_at(AT_FDCWD, f->dir, &f->deliver.mail_fd));
	f->lmtp = mr_lmtp_new(&f->set, "mail.example", ops, 0);
	return true; /* lmtp may be NULL */
}

static void fixture_done(struct fixture *f)
{
	mr_lmtp_free(f->lmtp);
	mr_settings_done(&f->set);
	close(f->deliver.mail_fd);
	mr_free((void *)(uintptr_t)f->dir);
}

/* The code of the last reply, once all of text is taken; 0: none, or the connection was closed. */
static int say(struct fixture *f, struct mr_span text)
{
	struct mr_span out;
	uint64_t code = 0;
	size_t line;

	while (!mr_lmtp_closed(f->lmtp) && (text.len > 0 || mr_lmtp_busy(f->lmtp))) {
		struct mr_span piece = mr_span_sub(text, 0, MR_LMTP_INPUT_MAX);

		if (mr_lmtp_busy(f->lmtp)) {
			mr_lmtp_work(f->lmtp);
			mr_lmtp_worked(f->lmtp, 0);
			continue;
		}
		mr_lmtp_input(f->lmtp, piece, 0);
		text = mr_span_sub(text, piece.len, text.len);
	}
	out = mr_lmtp_output(f->lmtp);
	line = out.len >= 2 ? mr_span_rfind(mr_span_sub(out, 0, out.len - 1), '\n') : 0;
	line = line + 1 < out.len ? line + 1 : 0;
	if (mr_span_u64(mr_span_sub(out, line, 3), 999, &code) < 0)
		code = 0;
	mr_lmtp_sent(f->lmtp, out.len, 0);
	return mr_lmtp_closed(f->lmtp) ? 0 : (int)code;
}

/* What is answered in the end. content ends in CR LF and has no line that begins with a dot. */
static int send_message(struct fixture *f, const char *to, struct mr_span content)
{
	char rcpt[100];

	if (!f->lmtp || say(f, MR_SPAN("LHLO x\r\n")) != 250 ||
	    say(f, MR_SPAN("MAIL FROM:<a@example.net>\r\n")) != 250)
		return 0;
	snprintf(rcpt, sizeof(rcpt), "RCPT TO:<%s>\r\n", to);
	if (say(f, mr_span_str(rcpt)) != 250 || say(f, MR_SPAN("DATA\r\n")) != 354)
		return 0;
	(void)say(f, content);
	return say(f, MR_SPAN(".\r\n"));
}

/* What was sent, as it is to be found: CR LF became LF. */
static size_t as_stored(const char *head, struct mr_span content, char *out)
{
	size_t len = strlen(head);

	memcpy(out, head, len);
	for (size_t i = 0; i < content.len; i++) {
		if (content.p[i] != '\r')
			out[len++] = content.p[i];
	}
	return len;
}

static bool file_is(int dir_fd, const char *name, struct mr_span want)
{
	static char got[LARGE + 1000];
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, got + len, sizeof(got) - len)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		close(fd);
	return fd >= 0 && mr_span_eq(want, mr_span(got, len));
}

/* How many files in sub are want, octet for octet, and survive a power cut; of all. */
static unsigned kept_files(const char *dir, const char *sub, struct mr_span want, unsigned *all_out)
{
	char path[MR_PATH_MAX];
	const struct dirent *entry;
	unsigned kept = 0;
	DIR *d;

	*all_out = 0;
	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	d = opendir(path);
	while (d && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		++*all_out;
		kept += disk_keeps(dirfd(d), entry->d_name) &&
			file_is(dirfd(d), entry->d_name, want);
	}
	if (d)
		closedir(d);
	return kept;
}

static struct mr_span large_message(void)
{
	static char text[LARGE];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i / 80 % 26);
	for (size_t i = 78; i + 1 < sizeof(text); i += 80)
		memcpy(text + i, "\r\n", 2);
	/* A long field, which is kept, so that memory must be had for it. */
	memset(text + 78, 'x', STATUS);
	memcpy(text, "X-Spam-Status: No, ", 19);
	memcpy(text + STATUS, "\r\nReceived: by us\r\nSubject: x\r\n\r\n", 33);
	memcpy(text + sizeof(text) - 2, "\r\n", 2);
	return mr_span(text, sizeof(text));
}

/* -- each way that a message takes --------------------------------------------------------------- */

#define SMALL "Received: by us\r\nSubject: x\r\n\r\nbody\r\n"
#define SPAM  "X-Spam-Flag: YES\r\n" SMALL

enum before { NOTHING, A_MESSAGE, FOLDERS_UNSYNCED, CLOCK_SET_BACK, NO_NEW };

static const struct way {
	const char *to, *content, *sub; /* content NULL: the large one */
	enum before before;
} ways[] = {
	{ "ann@example.org", SMALL, "example.org/ann/new", NOTHING },
	{ "ann@example.org", SMALL, "example.org/ann/new", A_MESSAGE },
	{ "ann@example.org", SMALL, "example.org/ann/new", FOLDERS_UNSYNCED },
	{ "ann@example.org", SMALL, "example.org/ann/new", CLOCK_SET_BACK },
	{ "ann@example.org", SMALL, "example.org/ann/new", NO_NEW },
	{ "ann@example.org", SPAM, "example.org/ann/.Spam/new", NOTHING },
	{ "ann@example.org", SPAM, "example.org/ann/.Spam/new", FOLDERS_UNSYNCED },
	{ "ann@example.org", NULL, "example.org/ann/new", NOTHING },
};

static void make_dirs(int mail_fd)
{
	static const char *const dirs[] = {
		"example.org",
		"example.org/ann",
		"example.org/ann/tmp",
		"example.org/ann/new",
		"example.org/ann/cur",
		"example.org/ann/.Spam",
		"example.org/ann/.Spam/tmp",
		"example.org/ann/.Spam/new",
		"example.org/ann/.Spam/cur",
	};

	for (size_t i = 0; i < MR_COUNT(dirs); i++)
		MR_ASSERT(mkdirat(mail_fd, dirs[i], 0700) == 0);
}

/* Everything up to the message that is looked at. */
static void go_before(struct fixture *f, enum before before)
{
	switch (before) {
	case NOTHING:
		break;
	case A_MESSAGE:
		(void)send_message(f, "ann@example.org", mr_span_str(SMALL "first\r\n"));
		break;
	case FOLDERS_UNSYNCED: /* another delivery has made them, and will sync them in a moment */
		make_dirs(f->deliver.mail_fd);
		break;
	case CLOCK_SET_BACK: /* what was made a moment ago seems to come from the next year */
		make_dirs(f->deliver.mail_fd);
		wall_set(-YEAR_S);
		break;
	case NO_NEW:
		make_dirs(f->deliver.mail_fd);
		(void)unlinkat(f->deliver.mail_fd, "example.org/ann/new", AT_REMOVEDIR);
		break;
	}
}

/* Send the message, with the call fail_nth (0: none) failing; returns how many calls it took. */
static unsigned go(struct mr_t *t, const struct way *way, unsigned fail_nth, int error)
{
	static char want[LARGE + 1000];
	struct mr_span content = way->content ? mr_span_str(way->content) : large_message();
	struct mr_lmtp_ops ops;
	struct fixture f;
	unsigned calls = 0, kept, all;
	size_t len =
		as_stored(strstr(way->sub, ".Spam")
				  ? HEAD "X-Millrace-Delivery: folder=Spam; reason=flag\n"
				  : HEAD "X-Millrace-Delivery: folder=INBOX; reason=unscored\n",
			  content, want);
	int code;

	if (!fixture_init(t, &f, &ops))
		return 0;
	disk_begin();
	go_before(&f, way->before);
	calls = disk_calls();
	disk_fail(fail_nth, error);
	code = send_message(&f, way->to, content);
	calls = disk_calls() - calls;
	disk_fail(0, 0);
	kept = kept_files(f.dir, way->sub, mr_span(want, len), &all);
	if (fail_nth == 0)
		MR_CHECK_INT(t, 250, code);
	MR_CHECK_ALWAYS(t, code == 250 || code == 0 || code / 100 == 4);
	MR_CHECK_ALWAYS(t, code != 250 || kept == 1);
	/* Without memory it may be stored and then not be answered: the connection ends, code 0. */
	if (code / 100 == 4 && !t->oom)
		MR_CHECK_INT(t, way->before == A_MESSAGE, (long)all);
	MR_CHECK_ALWAYS(t, code == 250 || all <= (way->before == A_MESSAGE) + 1u);
	MR_CHECK_ALWAYS(t, disk_wrong() == NULL);
	if (disk_wrong())
		fprintf(stderr, "%s\n", disk_wrong());
	if (code == 250 &&
	    strstr(way->sub, ".Spam")) /* Maildir++: it tells a folder from a mailbox */
		MR_CHECK_ALWAYS(
			t, disk_keeps(f.deliver.mail_fd, "example.org/ann/.Spam/maildirfolder"));
	disk_end();
	wall.set = false;
	fixture_done(&f);
	return calls;
}

MR_TEST(durable_message)
{
	for (size_t i = 0; i < MR_COUNT(ways); i++) {
		t->row = (long)i;
		go(t, &ways[i], 0, 0);
	}
}

/*
 * Each call fails once, in each way: what is then answered 250 is there nevertheless. EINTR is no
 * failure to whoever asks again.
 */
MR_TEST(durable_failing_calls)
{
	static const int errors[] = { EIO, ENOSPC, EINTR };

	for (size_t i = 0; i < MR_COUNT(ways) && !t->oom; i++) {
		unsigned calls = go(t, &ways[i], 0, 0);

		MR_CHECK(t, calls > 5);
		t->row = (long)i;
		for (unsigned n = 1; n <= calls; n++) {
			for (size_t k = 0; k < MR_COUNT(errors); k++)
				go(t, &ways[i], n, errors[k]);
		}
	}
}

/* -- names ---------------------------------------------------------------------------------------- */

#define NAMES     10
#define PROCESSES 2

/* Deliver NAMES messages to dir_fd; how many failed. */
static int deliver_many(int dir_fd)
{
	const struct mr_span message = MR_SPAN("x\n");
	int failed = 0;

	for (int i = 0; i < NAMES; i++)
		failed += mr_maildir_deliver(dir_fd, MR_SPAN("host"), &message, 1, NULL) < 0;
	return failed;
}

/*
 * A clock that stands still, is set back to where it was, and stands again, in several processes: each
 * message has a name of its own, so none takes another's place and none is put off.
 */
MR_TEST(durable_names_and_clock)
{
	const char *dir = mr_test_dir(t);
	MR_AUTO_FD dir_fd = -1;
	MR_AUTO_FD box_fd = -1;
	unsigned all;

	MR_NEED(t, mr_open_dir_at(AT_FDCWD, dir, &dir_fd) == 0 &&
			   mr_maildir_open(dir_fd, "box", MR_MAILDIR_CREATE, &box_fd) == 0);
	wall_set(0);
	MR_CHECK_INT(t, 0, deliver_many(box_fd));
	wall.now.tv_sec -= YEAR_S;
	MR_CHECK_INT(t, 0, deliver_many(box_fd));
	wall.now.tv_sec += YEAR_S;
	MR_CHECK_INT(t, 0, deliver_many(box_fd));
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;
		pid_t child = fork();

		MR_NEED(t, child >= 0);
		if (child == 0)
			_exit(deliver_many(box_fd) > 0);
		MR_CHECK(t, waitpid(child, &status, 0) == child);
		MR_CHECK_INT(t, 0, status);
	}
	wall.set = false;
	(void)kept_files(dir, "box/new", MR_SPAN(""), &all);
	MR_CHECK_INT(t, (3 + PROCESSES) * NAMES, all);
}

/* -- files that are replaced, and the store ------------------------------------------------------ */

MR_TEST(durable_replaced_file)
{
	MR_AUTO_FD dir_fd = -1;
	const char *dir = mr_test_dir(t);
	char path[MR_PATH_MAX];

	MR_CHECK_INT(t, 0, mr_open_dir_at(AT_FDCWD, dir, &dir_fd));
	snprintf(path, sizeof(path), "%s/model", dir);
	disk_begin();
	for (int i = 0; i < 2; i++) {
		MR_CHECK_INT(t, 0, mr_replace_file(path, MR_SPAN("content"), 0640));
		MR_CHECK(t, disk_keeps(dir_fd, "model"));
		MR_CHECK(t, file_is(dir_fd, "model", MR_SPAN("content")));
	}
	MR_CHECK(t, disk_wrong() == NULL);
	disk_end();
}

/* Each call fails once: the old file is there, or the new one; and success is never claimed of what is not
 * kept. */
MR_TEST(durable_replaced_file_failing)
{
	MR_AUTO_FD dir_fd = -1;
	const char *dir = mr_test_dir(t);
	char path[MR_PATH_MAX];
	unsigned calls = 1;

	MR_CHECK_INT(t, 0, mr_open_dir_at(AT_FDCWD, dir, &dir_fd));
	snprintf(path, sizeof(path), "%s/model", dir);
	for (unsigned n = 1; n <= calls; n++) {
		int err;

		t->row = (long)n;
		MR_CHECK_INT(t, 0, mr_replace_file(path, MR_SPAN("old"), 0640));
		disk_begin();
		disk_fail(n, EIO);
		err = mr_replace_file(path, MR_SPAN("new"), 0640);
		calls = n == 1 ? 20 : disk_calls(); /* the first one fails before the others */
		MR_CHECK(t, err < 0 || disk_keeps(dir_fd, "model"));
		MR_CHECK(t, file_is(dir_fd, "model", MR_SPAN("new")) ||
				    (err < 0 && file_is(dir_fd, "model", MR_SPAN("old"))));
		MR_CHECK(t, disk_wrong() == NULL);
		disk_end();
	}
	MR_CHECK(t, calls >= 5);
}

/* A user who was added, and a lesson that was taken, survive. */
MR_TEST(durable_store)
{
	struct mr_store *store = NULL;
	char url[MR_PATH_MAX + 16];
	int err;

	snprintf(url, sizeof(url), "sqlite:%s/state", mr_test_dir(t));
	disk_begin();
	err = mr_store_open(url, MR_GROUP_ALL, MR_STORE_CREATE, &store);
	MR_CHECK_INT(t, 0, err);
	for (int i = 0; err == 0 && i < 3; i++) {
		char local[20];

		snprintf(local, sizeof(local), "u%d", i);
		t->row = i;
		if (i == 0)
			MR_CHECK_INT(t, 0, mr_store_domain_add(store, MR_SPAN("example.org")));
		MR_CHECK_INT(
			t, 0,
			mr_store_user_add(store, mr_span_str(local), MR_SPAN("example.org"), 1));
		MR_CHECK_INT(t, 0, disk_dirty("-shm"));
	}
	mr_store_close(store);
	disk_end();
}
