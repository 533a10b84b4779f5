/* Mail of our own: what becomes of it with an MTA that takes, refuses, or is not there. */
#include "lib/base/mr_err.h"
#include "lib/run/mr_own.h"
#include "tests/unit/mr_sink.h"

#define HELLO "220 mx\r\n250 mx\r\n"
#define THREE "250 ok\r\n250 ok\r\n250 ok\r\n"
#define GO    "354 go\r\n"

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
		struct mr_sink mta = { .listen_fd = -1 };
		struct mr_own_answer answer = { .code = 0 };
		MR_AUTO(mr_own) *own = NULL;
		int err;

		t->row = (long)i;
		MR_NEED(t, mr_sink_begin(t, &mta, rows[i].words));
		own = mr_own_new(mta.name, "mx.example.org", 2, mr_clock_real);
		err = own ? mr_own_send(own, &letter, &answer) : MR_ENOMEM;
		MR_CHECK_ALWAYS(t, err != 0 || rows[i].want == 0);
		if (!t->oom) {
			MR_CHECK_INT(t, rows[i].want, err);
			MR_CHECK_INT(t, rows[i].code, answer.code);
			MR_CHECK_STR(t, rows[i].status, answer.status);
			MR_CHECK_STR(t, rows[i].text, answer.text);
		}
		mr_sink_end(&mta);
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
	struct mr_sink mta = { .time = &time };
	struct mr_own_answer answer;
	MR_AUTO(mr_own) *own = NULL;
	int64_t until_ms;

	MR_NEED(t, mr_sink_begin(t, &mta, ""));
	own = mr_own_new(mta.name, "mx", 1, mr_clock_fake(&time));
	if (own && !t->oom)
		MR_CHECK_INT(t, MR_ETEMP, mr_own_send(own, &letter, &answer));
	mr_sink_end(&mta);
	if (!own || t->oom)
		return;
	until_ms = 1000 + MR_OWN_SEND_MS + MR_OWN_REST_MS;
	/* A server that takes it is there again, but nobody asks it yet. */
	mta.time = NULL;
	MR_NEED(t, mr_sink_begin(t, &mta, HELLO THREE GO "250 2.0.0 Queued\r\n"));
	time.now_ms = until_ms - 1;
	MR_CHECK_INT(t, MR_ETEMP, mr_own_send(own, &letter, &answer));
	time.now_ms = until_ms;
	MR_CHECK_INT(t, 0, mr_own_send(own, &letter, &answer));
	mr_sink_end(&mta);
}

/* Asked for the content, which comes while the MTA has our place: is there another one? */
struct nested {
	struct mr_own *own;
	struct mr_own_answer answer;
	int err;
	bool asked;
};

static int read_and_send(void *arg, char *to, size_t size, size_t *len_out)
{
	struct nested *n = arg;

	MR_ASSERT(size >= 2);
	*len_out = n->asked ? 0 : 2;
	memcpy(to, "x\n", *len_out);
	if (!n->asked)
		n->err = mr_own_send(n->own, &letter, &n->answer);
	n->asked = true;
	return 0;
}

/* Of those that wait for an MTA there are at_a_time at most; the place is free again afterwards. */
MR_TEST(own_at_a_time)
{
	struct mr_sink mta = { .listen_fd = -1 };
	struct nested n = { .err = 0 };
	struct mr_own_mail mail = letter;
	MR_AUTO(mr_own) *own = NULL;

	if (t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "own_answers");
	for (int i = 0; i < 2; i++) {
		MR_NEED(t, mr_sink_begin(t, &mta, HELLO THREE GO "250 2.0.0 Queued\r\n"));
		if (!own)
			own = mr_own_new(mta.name, "mx", 1, mr_clock_real);
		n = (struct nested){ .own = own };
		mail.read = read_and_send;
		mail.arg = &n;
		MR_CHECK(t, own && mr_own_send(own, &mail, NULL) == 0);
		MR_CHECK_INT(t, MR_ETEMP, n.err);
		MR_CHECK_STR(t, "4.3.2",
			     n.answer.status); /* RFC 3463 3.4: not accepting messages */
		mr_sink_end(&mta);
	}
}

/* The other setting is named where it is meant. */
MR_TEST(own_lmtp)
{
	MR_AUTO(mr_own) *none = mr_own_new_lmtp("", "mx", 1, mr_clock_real);
	struct mr_sink lmtp = { .listen_fd = -1 };
	struct mr_own_mail mail = letter;
	struct mr_own_answer answer;
	MR_AUTO(mr_own) *own = NULL;

	MR_NEED(t, none);
	MR_CHECK(t, mr_own_send(none, &letter, &answer) == MR_ETEMP &&
			    strstr(answer.text, "lmtp_handover"));
	mail.to_count = 1;
	MR_NEED(t, mr_sink_begin(t, &lmtp, HELLO "250 ok\r\n250 ok\r\n" GO "552 5.2.2 Quota\r\n"));
	own = mr_own_new_lmtp(lmtp.name, "mx", 1, mr_clock_real);
	if (own && !t->oom) {
		MR_CHECK_INT(t, MR_EPERM, mr_own_send(own, &mail, &answer));
		MR_CHECK_INT(t, 552, answer.code);
		MR_CHECK_STR(t, "5.2.2", answer.status);
	}
	mr_sink_end(&lmtp);
	if (own && !t->oom)
		MR_CHECK(t, strstr(lmtp.heard, "LHLO mx") != NULL);
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
