/* millrace-deliver: its command line, its exit codes, and what it says to lmtpd. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lda/deliver/client.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX (1 << 20)

/* 255 octets: the longest queue id that is told */
#define TEN     "0123456789"
#define FIFTY   TEN TEN TEN TEN TEN
#define LONGEST FIFTY FIFTY FIFTY FIFTY FIFTY "01234"

MR_TEST(deliver_args)
{
	static const struct {
		const char *argv[10];
		int want;
		const char *from, *to, *id;
	} rows[] = {
		{ { "-f", "a@b", "-r", "c@d", "-q", "4bX" }, 0, "a@b", "c@d", "4bX" },
		{ { "-fa@b", "-rc@d" }, 0, "a@b", "c@d", "" },
		{ { "-f", "", "-r", "c@d" }, 0, "", "c@d", "" }, /* pipe(8): the null sender */
		{ { "-f", "<>", "-r", "c@d" }, 0, "", "c@d", "" }, /* null_sender= as given */
		{ { "-f", "MAILER-DAEMON", "-r", "c@d" },
		  0,
		  "",
		  "c@d",
		  "" }, /* pipe(8)'s default */
		/* A value is what stands behind its option, whatever it looks like. */
		{ { "-f", "-r", "-r", "-s@d" }, 0, "-r", "-s@d", "" },
		{ { "-f", "-c/etc/passwd", "-r", "c@d" }, 0, "-c/etc/passwd", "c@d", "" },
		{ { "-f", "a b@c", "-r", "\"x y\"@d" }, 0, "\"a b\"@c", "\"x y\"@d", "" },
		/* The MTA took such senders; whom nobody can answer is the null sender. */
		{ { "-f", "a\n@b", "-r", "c@d" }, 0, "", "c@d", "" },
		{ { "-f", "a@b\r\nDATA", "-r", "c@d" }, 0, "", "c@d", "" },
		{ { "-f", "a@b#c.com", "-r", "c@d" }, 0, "a@b#c.com", "c@d", "" },
		{ { "-f", "x y@b#c.com", "-r", "c@d" }, 0, "\"x y\"@b#c.com", "c@d", "" },
		{ { "-f", "a@b", "-r", "c\r\nDATA\r\n@d" }, MR_ESYNTAX, "", "", "" },
		/* The queue id is for the log: without a good one the mail goes on. */
		{ { "-f", "a@b", "-r", "c@d", "-q", "x y" }, 0, "a@b", "c@d", "" },
		{ { "-f", "a@b", "-r", "c@d", "-q", "x\n" }, 0, "a@b", "c@d", "" },
		{ { "-f", "a@b", "-r", "c@d", "-q", "\xC3\xA4" }, 0, "a@b", "c@d", "" },
		{ { "-f", "a@b", "-r", "c@d", "-q", "\x7F" }, 0, "a@b", "c@d", "" },
		{ { "-f", "a@b", "-r", "c@d", "-q", "" }, 0, "a@b", "c@d", "" },
		{ { "-q", LONGEST, "-f", "a@b", "-r", "c@d" }, 0, "a@b", "c@d", LONGEST },
		{ { "-q", LONGEST "1", "-f", "a@b", "-r", "c@d" }, 0, "a@b", "c@d", "" },
		{ { "-f", "a@b", "-r", "" }, MR_EINVAL, "", "", "" },
		{ { "-f", "a@b", "-r" }, MR_EINVAL, "", "", "" },
		{ { "-r", "c@d" }, MR_EINVAL, "", "", "" },
		{ { "-f", "a@b", "-r", "c@d", "e@f" }, MR_EINVAL, "", "", "" },
		{ { "-f", "a@b", "-r", "c@d", "-x", "1" }, MR_EINVAL, "", "", "" },
		{ { "-f", "a@b", "-r", "c@d", "-t", "0" }, MR_EINVAL, "", "", "" },
		{ { "-f", "a@b", "-r", "c@d", "-" }, MR_EINVAL, "", "", "" },
		/* What ends with 0 without a delivery stands alone, or mail would be lost for it. */
		{ { "--help", "-f", "a@b", "-r", "c@d" }, MR_EINVAL, "", "", "" },
		{ { "-f", "a@b", "-r", "c@d", "--version" }, MR_EINVAL, "", "", "" },
		{ { "-V", "-f", "a@b", "-r", "c@d" }, MR_EINVAL, "", "", "" },
		{ { "--helpful" }, MR_EINVAL, "", "", "" },
		{ { "-f", "--help", "-r", "-V" }, 0, "--help", "-V", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		struct mr_deliver_args args = { .timeout_ms = 0 };
		const char *error = NULL;
		char *argv[12] = { (char *)"millrace-deliver" };
		int argc = 1;

		t->row = (long)i;
		for (; rows[i].argv[argc - 1]; argc++)
			argv[argc] = (char *)rows[i].argv[argc - 1];
		MR_NEED(t, arena);
		MR_CHECK_INT(t, rows[i].want, mr_deliver_args(argc, argv, arena, &args, &error));
		MR_CHECK_SPAN(t, rows[i].from, args.from.text);
		MR_CHECK_SPAN(t, rows[i].to, args.to.text);
		MR_CHECK_SPAN(t, rows[i].id, args.queue_id);
		MR_CHECK(t, rows[i].want == 0 || error);
	}
}

MR_TEST(deliver_args_ask)
{
	static const struct {
		const char *word;
		enum mr_deliver_ask want;
	} rows[] = {
		{ "--help", MR_DELIVER_HELP },
		{ "--version", MR_DELIVER_VERSION },
		{ "-V", MR_DELIVER_VERSION },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		char *argv[] = { (char *)"millrace-deliver", (char *)rows[i].word };
		struct mr_deliver_args args;
		const char *error;

		t->row = (long)i;
		MR_NEED(t, arena);
		MR_NEED(t, mr_deliver_args(2, argv, arena, &args, &error) == 0);
		MR_CHECK_INT(t, rows[i].want, args.ask);
	}
}

/* A typing error in master.cf must not bounce mail. */
MR_TEST(deliver_args_exit)
{
	MR_CHECK_INT(t, 75, mr_deliver_args_exit(MR_EINVAL));
	MR_CHECK_INT(t, 75, mr_deliver_args_exit(MR_ENOMEM));
	MR_CHECK_INT(t, 64, mr_deliver_args_exit(MR_ESYNTAX));
}

MR_TEST(deliver_exit)
{
	static const struct {
		const char *reply;
		int code; /* sysexits.h */
	} rows[] = {
		{ "250 2.0.0 Saved", 0 },
		{ "450 4.2.1 Disabled", 75 },
		{ "421 4.3.2 Ends", 75 },
		{ "550 5.1.1 No such user", 67 },
		{ "550 5.1.2 No domain", 69 },
		{ "552 5.3.4 Too large", 69 },
		{ "554 5.4.6 Loop", 69 },
		{ "550 5.7.1 Not for you", 77 },
		{ "550 what", 69 },
		{ "354 go on", 75 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_smtp_reply reply;

		t->row = (long)i;
		MR_CHECK_INT(t, 0, mr_smtp_reply(mr_span_str(rows[i].reply), &reply));
		MR_CHECK_INT(t, rows[i].code, mr_deliver_exit(&reply));
	}
}

/*
 * The server's words wait in the socket before they are asked for: a client reads one reply for each
 * thing it says. What it said lies in the other direction, to be compared at the end.
 */
static void converse(struct mr_t *t, const char *server, const char *message, int want, int code,
		     const char *said)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_deliver_args args = { .queue_id = MR_SPAN("4bX+1") };
	struct mr_smtp_reply reply = { .code = 0 };
	struct mr_span got;
	int pair[2], message_fd[2], err;

	MR_NEED(t, arena && mr_smtp_path_from_arg(MR_SPAN("a@b"), arena, &args.from) == 0 &&
			   mr_smtp_path_from_arg(MR_SPAN("\xc3\xbc@d"), arena, &args.to) == 0);
	MR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	MR_ASSERT(pipe2(message_fd, O_CLOEXEC) == 0);
	MR_CHECK_INT(t, 0, mr_write_all(pair[1], mr_span_str(server)));
	MR_CHECK_INT(t, 0, mr_write_all(message_fd[1], mr_span_str(message)));
	close(message_fd[1]);
	err = mr_client_deliver(pair[0], message_fd[0], &args, mr_now_ms() + 50, arena, &reply);
	MR_CHECK_INT(t, want, err < 0 ? err : 0);
	MR_CHECK_INT(t, code, reply.code);
	close(pair[0]);
	if (!t->oom && mr_read_fd(pair[1], ARENA_MAX / 4, arena, &got) == 0)
		MR_CHECK_SPANS(t, mr_span_str(said), got);
	close(pair[1]);
	close(message_fd[0]);
}

#define HELLO_                                                                                     \
	"220 mx LMTP\r\n250-mx\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 XFORWARD NAME IDENT\r\n250 " \
	"OK\r\n"
#define ENVELOPE_  "250 2.1.0 OK\r\n250 2.1.5 OK\r\n354 go\r\n"
#define SAID_HELLO "LHLO localhost\r\nXFORWARD IDENT=4bX+2B1\r\n"
#define SAID_MAIL  SAID_HELLO "MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<\xc3\xbc@d>\r\n"

MR_TEST(deliver_conversation)
{
	converse(t, HELLO_ ENVELOPE_ "250 2.0.0 Saved\r\n", "Subject: x\n\n.dot\nend", 0, 250,
		 SAID_MAIL "DATA\r\nSubject: x\r\n\r\n..dot\r\nend\r\n.\r\nQUIT\r\n");
	converse(t, HELLO_ "250 OK\r\n550-5.1.1 No\r\n550 5.1.1 No such user\r\n", "x\n", 0, 550,
		 SAID_MAIL "QUIT\r\n");
	converse(t, HELLO_ ENVELOPE_ "452 4.2.2 Full\r\n", "", 0, 452,
		 SAID_MAIL "DATA\r\n.\r\nQUIT\r\n");
	converse(t, "421 4.3.2 Too many\r\n", "x", 0, 421, "QUIT\r\n");
	/* Without XFORWARD the queue id is not told. */
	converse(t, "220 x\r\n250-x\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n550 no\r\n", "x", 0, 550,
		 "LHLO localhost\r\nMAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8\r\nQUIT\r\n");
}

/* mbox's line, in front of the header, is none of the message. */
MR_TEST(deliver_from_line)
{
	static const struct {
		const char *in, *content;
	} rows[] = {
		{ "From a@b Thu Jan  1 00:00:00 1970\nSubject: x\n\nFrom y\n",
		  "Subject: x\r\n\r\nFrom y\r\n" },
		{ "From: a\n", "From: a\r\n" },
		{ "From a", "" },
		{ "From a\n", "" },
		{ "Fro", "Fro\r\n" },
		{ "\nFrom x\n", "\r\nFrom x\r\n" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		char said[1000];

		t->row = (long)i;
		snprintf(said, sizeof(said), SAID_MAIL "DATA\r\n%s.\r\nQUIT\r\n", rows[i].content);
		converse(t, HELLO_ ENVELOPE_ "250 2.0.0 Saved\r\n", rows[i].in, 0, 250, said);
	}
}

/* The line comes alone in the first piece that is read; what follows is the message all the same. */
MR_TEST(deliver_from_line_alone)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_deliver_args args = { .queue_id = MR_SPAN("4bX+1") };
	struct mr_smtp_reply reply = { .code = 0 };
	struct mr_span got;
	int pair[2], message[2], err;

	MR_NEED(t, arena && mr_smtp_path_from_arg(MR_SPAN("a@b"), arena, &args.from) == 0 &&
			   mr_smtp_path_from_arg(MR_SPAN("\xc3\xbc@d"), arena, &args.to) == 0);
	MR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	/* Each write is a piece of its own. */
	MR_ASSERT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, message) == 0);
	MR_CHECK_INT(t, 0, mr_write_all(pair[1], MR_SPAN(HELLO_ ENVELOPE_ "250 2.0.0 Saved\r\n")));
	MR_CHECK_INT(t, 0, mr_write_all(message[1], MR_SPAN("From a@b\n")));
	MR_CHECK_INT(t, 0, mr_write_all(message[1], MR_SPAN("Subject: x\n")));
	close(message[1]);
	err = mr_client_deliver(pair[0], message[0], &args, mr_now_ms() + 50, arena, &reply);
	if (!t->oom)
		MR_CHECK_INT(t, 0, err);
	close(pair[0]);
	if (!t->oom && mr_read_fd(pair[1], ARENA_MAX / 4, arena, &got) == 0)
		MR_CHECK_SPAN(t, SAID_MAIL "DATA\r\nSubject: x\r\n.\r\nQUIT\r\n", got);
	close(pair[1]);
	close(message[0]);
}

/*
 * RFC 5321 4.3.2: DATA is answered by 354 or an error. A server that says 250 to everything has not
 * been given the message, however often it says so; nor is 354 an answer to the dot.
 */
MR_TEST(deliver_reply_out_of_place)
{
	static const struct {
		const char *server, *said;
	} rows[] = {
		{ HELLO_ "250 OK\r\n250 OK\r\n250 OK\r\n250 OK\r\n", SAID_MAIL "DATA\r\nQUIT\r\n" },
		{ "354 x\r\n", "QUIT\r\n" },
		{ "220 x\r\n354 x\r\n", "LHLO localhost\r\nQUIT\r\n" },
		{ HELLO_ "354 go\r\n",
		  SAID_HELLO "MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8\r\nQUIT\r\n" },
		{ HELLO_ "250 OK\r\n354 go\r\n", SAID_MAIL "QUIT\r\n" },
		{ HELLO_ ENVELOPE_ "354 go\r\n", SAID_MAIL "DATA\r\nx\r\n.\r\nQUIT\r\n" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		converse(t, rows[i].server, "x\n", MR_ETEMP, 0, rows[i].said);
	}
}

/* Silence, nonsense and a lost answer are all "nobody knows": 75 and a retry. */
MR_TEST(deliver_no_answer)
{
	converse(t, "", "x", MR_ETEMP, 0, "QUIT\r\n");
	converse(t, "what?\r\n", "x", MR_ETEMP, 0, "QUIT\r\n");
	converse(t, "220 x\n", "x", MR_ETEMP, 0, "QUIT\r\n");
	converse(t, HELLO_ ENVELOPE_, "x\n", MR_ETEMP, 0, SAID_MAIL "DATA\r\nx\r\n.\r\nQUIT\r\n");
}

/*
 * What is read fails in the middle: here a socket whose other end went away with octets unread, which
 * first gives what it has, and then ECONNRESET. Neither the dot nor an answer may follow: what has
 * no end was not sent.
 */
MR_TEST(deliver_message_cut_short)
{
	static const char server[] = HELLO_ ENVELOPE_ "250 2.0.0 Saved\r\n";
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_deliver_args args = { .queue_id = MR_SPAN("4bX+1") };
	struct mr_smtp_reply reply = { .code = 0 };
	struct mr_span got = MR_SPAN("");
	int pair[2], message[2], err;

	MR_NEED(t, arena && mr_smtp_path_from_arg(MR_SPAN("a@b"), arena, &args.from) == 0 &&
			   mr_smtp_path_from_arg(MR_SPAN("\xc3\xbc@d"), arena, &args.to) == 0);
	MR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	MR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, message) == 0);
	MR_CHECK_INT(t, 0, mr_write_all(pair[1], mr_span_str(server)));
	MR_CHECK_INT(t, 0, mr_write_all(message[1], MR_SPAN("Subject: x\n\nhalf of it\n")));
	MR_CHECK_INT(t, 0, mr_write_all(message[0], MR_SPAN("unread")));
	close(message[1]);
	err = mr_client_deliver(pair[0], message[0], &args, mr_now_ms() + 50, arena, &reply);
	MR_CHECK_ALWAYS(t, err < 0 && reply.code == 0);
	if (!t->oom)
		MR_CHECK_INT(t, MR_ETEMP, err);
	close(pair[0]);
	if (mr_read_fd(pair[1], ARENA_MAX / 4, arena, &got) == 0)
		MR_CHECK_ALWAYS(t, mr_span_search(got, MR_SPAN("\r\n.\r\n")) == got.len);
	close(pair[1]);
	close(message[0]);
}
