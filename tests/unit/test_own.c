/* Mail of our own: what becomes of it with an MTA that takes, refuses, or is not there. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_own.h"
#include "tests/unit/mr_test.h"

#define HELLO "220 mx\r\n250 mx\r\n"
#define THREE "250 ok\r\n250 ok\r\n250 ok\r\n"
#define GO    "354 go\r\n"
#define NAME_ 256

/* An MTA whose words are known beforehand, for one conversation. */
struct mta {
	int listen_fd;
	const char *words;
	char name[NAME_];
	struct mr_clock_fake
		*time; /* stands still but for this: NULL, or it moves before it hangs up */
	pthread_t thread;
};

static void *mta_run(void *arg)
{
	struct mta *mta = arg;
	int fd = -1;
	char in[4096];

	while (mr_sock_accept(mta->listen_fd, &fd) == MR_EAGAIN)
		usleep(1000);
	MR_ASSERT(fd >= 0);
	if (mta->time)
		mta->time->now_ms += MR_OWN_SEND_MS;
	(void)!mr_write_all(fd, mr_span_str(mta->words));
	/* Until QUIT, or the other side ends. */
	for (;;) {
		ssize_t n = mta->words[0] ? read(fd, in, sizeof(in)) : 0;

		if (n == 0 || (n < 0 && errno != EAGAIN) ||
		    (n > 0 && mr_span_search(mr_span(in, (size_t)n), MR_SPAN("QUIT")) < (size_t)n))
			break;
		usleep(1000);
	}
	close(fd);
	return NULL;
}

/* At a place of its own, but for one that was there before. */
static bool mta_begin(struct mr_t *t, struct mta *mta, const char *words)
{
	const char *dir = mta->name[0] ? "" : mr_test_dir(t);

	mta->words = words;
	if (!dir)
		return false;
	if (!mta->name[0]) /* the second time it is where it was */
		(void)snprintf(mta->name, sizeof(mta->name), "unix:%s/mta", dir);
	unlink(mta->name + strlen("unix:"));
	MR_ASSERT(mr_sock_listen(mta->name, 0600, &mta->listen_fd) == 0);
	MR_ASSERT(pthread_create(&mta->thread, NULL, mta_run, mta) == 0);
	return true;
}

static void mta_end(struct mta *mta)
{
	int fd;

	/* Nobody came: let it go. */
	if (mr_sock_connect(mta->name, 1000, &fd) == 0)
		close(fd);
	pthread_join(mta->thread, NULL);
	close(mta->listen_fd);
}

static const struct mr_span two[] = { MR_SPAN("ann@a.example"), MR_SPAN("bob@b.example") };
static const struct mr_own_mail letter = { .to = two,
					   .to_count = 2,
					   .head = MR_SPAN("X: 1\n\nx\n") };

MR_TEST(own_answers)
{
	static const struct {
		const char *words;
		int want, code;
		const char *status, *text;
	} rows[] = {
		{ HELLO THREE GO "250 2.0.0 Queued\r\n", 0, 250, "2.0.0", "Queued" },
		{ HELLO THREE GO "250 Queued\r\n", 0, 250, "2.0.0", "Queued" },
		{ HELLO THREE GO "554 5.7.1 No\x01\xfe !\r\n", MR_EPERM, 554, "5.7.1", "No?? !" },
		{ HELLO THREE GO "452 4.3.1 Full\r\n", MR_ETEMP, 452, "4.3.1", "Full" },
		/* One recipient refused: nobody has it, and a 4xx says so first. */
		{ HELLO "250 ok\r\n250 ok\r\n550 5.1.2 No\r\n", MR_EPERM, 550, "5.1.2", "No" },
		{ HELLO "250 ok\r\n550 5.1.1 No\r\n450 later\r\n", MR_ETEMP, 450, "4.0.0",
		  "later" },
		{ "421 4.3.2 Busy\r\n", MR_ETEMP, 421, "4.3.2", "Busy" },
		{ "what\r\n", MR_ETEMP, 451, "4.4.1", "The MTA at reinject does not answer" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mta mta = { .listen_fd = -1 };
		struct mr_own_answer answer = { .code = 0 };
		MR_AUTO(mr_own) *own = NULL;
		int err;

		t->row = (long)i;
		MR_NEED(t, mta_begin(t, &mta, rows[i].words));
		own = mr_own_new(mta.name, "mx.example.org", 2, mr_clock_real);
		err = own ? mr_own_send(own, &letter, &answer) : MR_ENOMEM;
		MR_CHECK_ALWAYS(t, err != 0 || rows[i].want == 0);
		if (!t->oom) {
			MR_CHECK_INT(t, rows[i].want, err);
			MR_CHECK_INT(t, rows[i].code, answer.code);
			MR_CHECK_STR(t, rows[i].status, answer.status);
			MR_CHECK_STR(t, rows[i].text, answer.text);
		}
		mta_end(&mta);
	}
}

/* No setting, nobody there: temporary, for an operator mends it. */
MR_TEST(own_nobody)
{
	MR_AUTO(mr_own) *none = mr_own_new("", "mx", 1, mr_clock_real);
	MR_AUTO(mr_own) *gone = mr_own_new("unix:/nowhere/at/all", "mx", 1, mr_clock_real);
	struct mr_own_answer answer;

	MR_NEED(t, none && gone);
	MR_CHECK(t, !mr_own_able(none) && !mr_own_able(NULL) && mr_own_able(gone));
	MR_CHECK(t, mr_own_send(none, &letter, &answer) == MR_ETEMP && answer.code == 451);
	MR_CHECK_STR(t, "4.3.5", answer.status); /* RFC 3463 3.4: system incorrectly configured */
	MR_CHECK(t, mr_own_send(gone, &letter, &answer) < 0 && answer.code == 451);
}

/* Whom an MTA let wait in vain does not wait again at once. */
MR_TEST(own_rests)
{
	struct mr_clock_fake time = { .now_ms = 1000 };
	struct mta mta = { .time = &time };
	struct mr_own_answer answer;
	MR_AUTO(mr_own) *own = NULL;
	int64_t until_ms;

	MR_NEED(t, mta_begin(t, &mta, ""));
	own = mr_own_new(mta.name, "mx", 1, mr_clock_fake(&time));
	if (own && !t->oom)
		MR_CHECK_INT(t, MR_ETEMP, mr_own_send(own, &letter, &answer));
	mta_end(&mta);
	if (!own || t->oom)
		return;
	until_ms = 1000 + MR_OWN_SEND_MS + MR_OWN_REST_MS;
	/* A server that takes it is there again, but nobody asks it yet. */
	mta.time = NULL;
	MR_NEED(t, mta_begin(t, &mta, HELLO THREE GO "250 2.0.0 Queued\r\n"));
	time.now_ms = until_ms - 1;
	MR_CHECK_INT(t, MR_ETEMP, mr_own_send(own, &letter, &answer));
	time.now_ms = until_ms;
	MR_CHECK_INT(t, 0, mr_own_send(own, &letter, &answer));
	mta_end(&mta);
}

MR_TEST(own_check)
{
	static const struct {
		const char *reinject;
		int want;
	} rows[] = {
		{ "", 0 },
		{ "127.0.0.1:10026", 0 },
		{ "[::1]:25", 0 },
		{ "localhost:25", 0 },
		{ "192.0.2.1:25", 0 },
		{ "unix:/run/x", 0 },
		{ "mx.example:25", MR_EINVAL },
		{ "127.0.0.1", MR_EINVAL },
		{ "25", MR_EINVAL },
		{ "inet:127.0.0.1:25", MR_EINVAL },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO_BUF error = MR_BUF(1000);

		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, mr_own_check(rows[i].reinject, &error));
		MR_CHECK(t, (rows[i].want < 0) == (error.len > 0) || t->oom);
	}
}
