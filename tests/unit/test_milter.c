/*
 * The libmilter runner, against an MTA of ours (mr_mta.h) over a unix socket: a process of its own,
 * since libmilter is one per process. Not with MR_TEST_OOM: allocations that fail are here, not
 * there; the parts below the runner have their own tests.
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_arena.h"
#include "lib/base/mr_buf.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "tests/unit/mr_milter_proc.h"
#include "tests/unit/mr_mta.h"

#define SAID_MAX (1u << 20)

static const char *const rcpts[] = { "<old@example.org>", "<b@example.org> NOTIFY=NEVER", NULL };

static struct mr_mta_mail mail_of(const char *message)
{
	return (struct mr_mta_mail){ .addr = "192.0.2.1",
				     .host = "mx.example.net",
				     .helo = "helo.example.net",
				     .from = "<a@example.net> SIZE=100 SMTPUTF8",
				     .rcpt = rcpts,
				     .queue_id = "4bXyZ",
				     .message = mr_span_str(message) };
}

struct fixture {
	struct mr_milter_proc proc;
	struct mr_mta mta;
	struct mr_buf said;
};

static bool begin_with(struct mr_t *t, struct fixture *f, const char *more, const char *stage,
		       unsigned steps)
{
	mr_buf_init(&f->said, SAID_MAX);
	mr_milter_proc_start(t, &f->proc, mr_test_dir(t), "", more, stage);
	return mr_check(t, mr_mta_open(&f->mta, f->proc.socket) == 0, "open", __FILE__, __LINE__) &&
	       mr_check(t, mr_mta_negotiate(&f->mta, MR_MTA_ACTIONS, steps) == 0, "negotiate",
			__FILE__, __LINE__);
}

static bool begin(struct mr_t *t, struct fixture *f)
{
	return begin_with(t, f, "", NULL, MR_MTA_STEPS);
}

static void finish(struct mr_t *t, struct fixture *f)
{
	mr_mta_close(&f->mta);
	mr_buf_done(&f->said);
	if (f->proc.pid > 0)
		MR_CHECK_INT(t, 0, mr_milter_proc_stop(&f->proc));
	if (t->failed)
		mr_milter_proc_show(&f->proc);
}

/* What the milter says of a message, and that it says no more. */
static void check_mail(struct mr_t *t, struct fixture *f, const struct mr_mta_mail *mail,
		       const char *want)
{
	struct pollfd poller = { .fd = f->mta.fd, .events = POLLIN };

	mr_buf_reset(&f->said);
	MR_CHECK_INT(t, 0, mr_mta_mail(&f->mta, mail, &f->said));
	MR_CHECK_SPAN(t, want, mr_buf_span(&f->said));
	MR_CHECK_INT(t, 0, poll(&poller, 1, 0));
}

#define SKIP_OOM(t)                                                                                \
	if (getenv("MR_TEST_OOM"))                                                                 \
	MR_SKIP((t), "not with MR_TEST_OOM")

MR_TEST(milter_what_is_negotiated)
{
	struct fixture f;

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	/* The note stage has hooks for MAIL and RCPT: there it answers. */
	MR_CHECK_INT(t,
		     SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_HDR_LEADSPC |
			     SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_BODY,
		     f.mta.steps);
	MR_CHECK_INT(t,
		     SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_ADDRCPT | SMFIF_DELRCPT |
			     SMFIF_SETSYMLIST,
		     f.mta.actions);
	finish(t, &f);
	MR_NEED(t, begin_with(t, &f, "", "header", MR_MTA_STEPS));
	MR_CHECK(t, (f.mta.steps & SMFIP_NOBODY) && (f.mta.steps & SMFIP_NR_RCPT));
	finish(t, &f);
}

/* A port of the loopback that nobody listens on; 0: none. */
static int free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	MR_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return 0;
	return ntohs(addr.sin_port);
}

/*
 * An MTA that writes the envelope, and later the rest, waits in between for an acknowledgement
 * (Nagle's algorithm), which the kernel sends with an answer, or 40 ms later. So over TCP there is
 * an answer, to DATA; over a unix socket none is needed (milter_what_is_negotiated).
 */
MR_TEST(milter_tcp_answers_data)
{
	struct fixture f;
	struct mr_mta_mail mail = mail_of("Subject: x\r\n\r\nb\r\n");
	char socket[64];

	SKIP_OOM(t);
	mr_buf_init(&f.said, SAID_MAX);
	snprintf(socket, sizeof(socket), "inet:%d@127.0.0.1", free_port());
	mr_milter_proc_start(t, &f.proc, mr_test_dir(t), socket, "", NULL);
	MR_NEED(t, mr_mta_open(&f.mta, f.proc.socket) == 0 &&
			   mr_mta_negotiate(&f.mta, MR_MTA_ACTIONS, MR_MTA_STEPS) == 0 &&
			   mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	MR_CHECK_INT(t, 0, f.mta.steps & (SMFIP_NODATA | SMFIP_NR_DATA));
	for (int i = 0; i < 2; i++)
		check_mail(t, &f, &mail,
			   "mail continue\nrcpt continue\nrcpt continue\ndata continue\n"
			   "insert 0 X-Note: seen 17 by 1\ncontinue\n");
	finish(t, &f);
}

MR_TEST(milter_envelope_and_actions)
{
	struct fixture f;
	struct mr_mta_mail mail =
		mail_of("Subject:x\r\nX-Do: env\r\nX-Do: change\r\nX-Do: add8\r\n"
			"X-Do: body\r\nX-Do: rcpts\r\nx-note: forged\r\n\r\nb\r\n");

	SKIP_OOM(t);
	mail.auth = "user";
	MR_NEED(t, begin(t, &f));
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	/* 11 + 11 + 14 + 12 + 12 + 13 + 16 of fields, 2, 3 */
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\n"
		   "delete 1 X-Note\n"
		   "insert 0 X-Note: seen 94 by 1\n"
		   "add X-Env: 4bXyZ|192.0.2.1|mx.example.net|helo.example.net|a@example.net|user|"
		   "old@example.org|2|1\n"
		   "change 1 Subject: changed\\n and folded\n"
		   "add X-Raw: \xe4\xf6 \xc3\xa4\n"
		   "body 15\n"
		   "rcpt-add <new@example.org>\n"
		   "rcpt-remove <old@example.org>\n"
		   "continue\n");
	finish(t, &f);
}

/* An octet at a time, several messages on a connection, and one of IPv6 after XCLIENT. */
MR_TEST(milter_bytewise_and_again)
{
	struct fixture f;
	struct mr_mta_mail mail = mail_of("Subject: x\r\n folded\r\nX-Do: env\r\n\r\nb\r\n");

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	f.mta.bytewise = true;
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	for (int i = 0; i < 3; i++)
		check_mail(t, &f, &mail,
			   "mail continue\nrcpt continue\nrcpt continue\n"
			   "insert 0 X-Note: seen 37 by 1\n"
			   "add X-Env: 4bXyZ|192.0.2.1|mx.example.net|helo.example.net|"
			   "a@example.net||old@example.org|2|1\n"
			   "continue\n");
	mail.addr = "IPv6:2001:db8::1";
	mail.from = "<>";
	MR_NEED(t, mr_mta_quit(&f.mta, SMFIC_QUIT_NC) == 0);
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\n"
		   "insert 0 X-Note: seen 37 by 1\n"
		   "add X-Env: 4bXyZ|2001:db8::1|mx.example.net|helo.example.net|||"
		   "old@example.org|2|0\n"
		   "continue\n");
	finish(t, &f);
}

/* An MTA of protocol 2 waits for each answer, and puts the blank after the colon itself. */
MR_TEST(milter_old_mta)
{
	struct fixture f;
	struct mr_mta_mail mail = mail_of("Subject: x\r\nX-Note: forged\r\n\r\nb\r\n");

	SKIP_OOM(t);
	MR_NEED(t, begin_with(t, &f, "", NULL, MR_MTA_STEPS_OLD));
	MR_CHECK_INT(t, SMFIP_NOEOH, f.mta.steps);
	f.mta.burst = false;
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\n"
		   "delete 1 X-Note\ninsert 0 X-Note:seen 33 by 1\ncontinue\n");
	finish(t, &f);
}

/* The blank after the colon is negotiated by each connection for itself: one that negotiates after
 * another, and before that one's CONNECT, changes nothing there. */
MR_TEST(milter_negotiated_differently)
{
	/* "Subject: x" CR LF, an empty line, "b" CR LF: 17 octets, whoever puts the blank */
	static const char *const with = "insert 0 X-Note: seen 17 by 1\ncontinue\n",
				 *const without = "insert 0 X-Note:seen 17 by 1\ncontinue\n";
	struct mr_mta_mail mail = mail_of("Subject: x\r\n\r\nb\r\n");
	struct mr_mta mtas[3];
	struct fixture f;
	char want[200];

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	for (size_t i = 0; i < MR_COUNT(mtas); i++) /* without the blank, with it, without */
		MR_NEED(t,
			mr_mta_open(&mtas[i], f.proc.socket) == 0 &&
				mr_mta_negotiate(
					&mtas[i], MR_MTA_ACTIONS,
					i == 1 ? MR_MTA_STEPS
					       : MR_MTA_STEPS & ~(unsigned)SMFIP_HDR_LEADSPC) == 0);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MR_COUNT(mtas); i++) {
			t->row = (long)i;
			/* Another session on the connection, and a second CONNECT in one (XCLIENT). */
			if (round == 1)
				MR_NEED(t, mr_mta_quit(&mtas[i], SMFIC_QUIT_NC) == 0);
			MR_NEED(t, mr_mta_connect(&mtas[i], &mail, &f.said) == 0);
		}
		for (size_t i = 0; i < MR_COUNT(mtas); i++) {
			t->row = (long)i;
			mr_buf_reset(&f.said);
			snprintf(want, sizeof(want),
				 "mail continue\nrcpt continue\nrcpt continue\n%s",
				 i == 1 ? with : without);
			MR_CHECK_INT(t, 0, mr_mta_mail(&mtas[i], &mail, &f.said));
			MR_CHECK_SPAN(t, want, mr_buf_span(&f.said));
		}
	}
	for (size_t i = 0; i < MR_COUNT(mtas); i++)
		mr_mta_close(&mtas[i]);
	finish(t, &f);
}

MR_TEST(milter_verdicts)
{
	static const struct {
		const char *word, *want;
	} rows[] = {
		/* libmilter takes each line as a format: "%%" on the wire is "%" */
		{ "reject", "reply 550-5.7.1 100%% no\\r\\n550 5.7.1 and %%s never\n" },
		{ "tempfail", "reply 451 4.7.1 Later\n" },
		{ "discard", "discard\n" },
		{ "fail", "reply 451 4.7.1 Not decided; please try again later\n" },
	};
	struct fixture f;

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(4096 * 4);
		const char *text = mr_arena_printf(arena, "X-Do: %s\r\n\r\nb", rows[i].word);
		const char *want = mr_arena_printf(
			arena, "mail continue\nrcpt continue\nrcpt continue\n%s", rows[i].want);
		struct mr_mta_mail mail = mail_of(text);

		t->row = (long)i;
		if (i == 0)
			MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
		check_mail(t, &f, &mail, want);
	}
	MR_CHECK_INT(t, 1, mr_milter_proc_logged(&f.proc, "verdict=reject"));
	MR_CHECK_INT(t, 2, mr_milter_proc_logged(&f.proc, "verdict=tempfail"));
	finish(t, &f);
}

MR_TEST(milter_refuses_in_the_envelope)
{
	static const char *const some[] = { "<nobody@example.org>", "<later@example.org>",
					    "<old@example.org>", NULL };
	struct fixture f;
	struct mr_mta_mail mail = mail_of("X-Do: env\r\n\r\n");

	SKIP_OOM(t);
	mail.helo = "bad.example";
	MR_NEED(t, begin(t, &f));
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	mail.rcpt = NULL;
	MR_NEED(t, mr_mta_envelope(&f.mta, &mail, &f.said) == 0);
	MR_CHECK_SPAN(t, "mail reply 550 5.7.1 Not from there\n", mr_buf_span(&f.said));
	/* The next transaction, after a new HELO, is not touched by it. */
	mail.helo = "good.example";
	mail.rcpt = some;
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt reply 550 5.1.1 Nobody\nrcpt reply 451 4.2.1 Later\n"
		   "rcpt continue\n"
		   "insert 0 X-Note: seen 13 by 1\n"
		   "add X-Env: 4bXyZ|192.0.2.1|mx.example.net|good.example|a@example.net||"
		   "old@example.org|1|1\n"
		   "continue\n");
	finish(t, &f);
}

MR_TEST(milter_abort_and_death)
{
	struct fixture f;
	struct mr_mta_mail mail = mail_of("Subject: x\r\n\r\nb");
	struct mr_mta other;
	MR_AUTO_BUF answer = MR_BUF(SAID_MAX);

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	/* Aborted after each step, then a whole one. */
	MR_NEED(t, mr_mta_envelope(&f.mta, &mail, &f.said) == 0 && mr_mta_abort(&f.mta) == 0);
	MR_NEED(t, mr_mta_envelope(&f.mta, &mail, &f.said) == 0 &&
			   mr_mta_header(&f.mta, &mail, &f.said) == 0 &&
			   mr_mta_body(&f.mta, MR_SPAN("half"), &f.said) == 0 &&
			   mr_mta_abort(&f.mta) == 0);
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\ninsert 0 X-Note: seen 15 by 1\n"
		   "continue\n");
	/* An MTA that dies in the middle of a message takes its session away, nothing else. */
	MR_NEED(t, mr_mta_open(&other, f.proc.socket) == 0 &&
			   mr_mta_negotiate(&other, MR_MTA_ACTIONS, MR_MTA_STEPS) == 0 &&
			   mr_mta_connect(&other, &mail, &f.said) == 0 &&
			   mr_mta_envelope(&other, &mail, &f.said) == 0 &&
			   mr_mta_header(&other, &mail, &f.said) == 0);
	mr_mta_close(&other);
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\ninsert 0 X-Note: seen 15 by 1\n"
		   "continue\n");
	for (int i = 0; i < 200 && answer.len == 0; i++) {
		MR_NEED(t, mr_milter_proc_ask(&f.proc, "status", &answer) == 0);
		if (!strstr(mr_buf_str(&answer), "sessions 1\n")) {
			mr_buf_reset(&answer);
			(void)poll(NULL, 0, 10);
		}
	}
	MR_CHECK(t, answer.len > 0);
	finish(t, &f);
}

static const char *text_of(struct mr_arena *arena, size_t field, size_t body)
{
	char *p = mr_arena_text(arena, field + body + 32);
	size_t at = 0;

	if (!p)
		return NULL;
	memcpy(p, "X: ", 3);
	at = 3;
	for (size_t i = 0; i < field; i++)
		p[at++] = i % 80 == 79 ? ' ' : 'f';
	memcpy(p + at, "\r\n\r\n", 4);
	at += 4;
	memset(p + at, 'b', body);
	p[at + body] = '\0';
	return p;
}

/* One field above 64 KiB (Postfix sends up to 102,400 bytes), and a body that goes through a file. */
MR_TEST(milter_large)
{
	static const struct {
		size_t field, body;
		const char *want;
	} rows[] = {
		{ 100, 0, "seen 107 by 1" },
		{ 102400, 0, "seen 102407 by 1" },
		{ 100, 4000, "seen 4107 by 1" },
		{ 100, 300000, "seen 300107 by 1" }, /* pieces of 65,535 */
		{ 5000, 495000 - 7, "seen 500000 by 1" },
		{ 5000, 495000 - 6, "too large" }, /* message_size_max + 1 */
		{ 100, 2000000, "too large" },
	};
	struct fixture f;

	SKIP_OOM(t);
	MR_NEED(t, begin_with(t, &f, "spool_memory_max = 4096\nmessage_size_max = 500000", NULL,
			      MR_MTA_STEPS));
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(16u << 20);
		struct mr_mta_mail mail = mail_of(text_of(arena, rows[i].field, rows[i].body));
		const char *want = mr_arena_printf(arena,
						   "mail continue\nrcpt continue\nrcpt continue\n"
						   "insert 0 X-Note: %s\ncontinue\n",
						   rows[i].want);

		t->row = (long)i;
		if (i == 0)
			MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
		check_mail(t, &f, &mail, want);
	}
	finish(t, &f);
}

/* A spool that cannot be written (EFBIG here, as of a full disk): the stage has the header still, and a
 * forged field is removed. */
MR_TEST(milter_not_kept)
{
	MR_AUTO(mr_arena) *arena = NULL;
	const struct rlimit limit = { .rlim_cur = 5000, .rlim_max = 5000 };
	struct mr_mta_mail mail;
	struct fixture f;

	SKIP_OOM(t);
	MR_NEED(t, (arena = mr_arena_new(1u << 20)) != NULL);
	mail = mail_of(mr_arena_printf(arena, "X-Note: forged\r\n%s", text_of(arena, 100, 9000)));
	signal(SIGXFSZ, SIG_IGN); /* the milter inherits it: a write fails */
	MR_NEED(t, begin_with(t, &f, "spool_memory_max = 4096", NULL, MR_MTA_STEPS));
	MR_NEED(t, prlimit(f.proc.pid, RLIMIT_FSIZE, &limit, NULL) == 0);
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\n"
		   "delete 1 X-Note\ninsert 0 X-Note: too large\ncontinue\n");
	finish(t, &f);
}

/*
 * A spool that fails inside the header: a forged field behind the hole could not be removed, so the
 * mail waits, whatever the stage would do. What fits in memory needs no spool.
 */
MR_TEST(milter_header_not_kept)
{
	static const struct {
		size_t fields;
		const char *want;
	} rows[] = {
		{ 80, "reply 451 4.7.1 Not decided; please try again later\n" },
		{ 10, "delete 1 X-Note\ninsert 0 X-Note: seen 1058 by 1\ncontinue\n" },
	};
	MR_AUTO(mr_arena) *arena = NULL;
	const struct rlimit limit = { .rlim_cur = 0, .rlim_max = 0 };
	struct fixture f;

	SKIP_OOM(t);
	MR_NEED(t, (arena = mr_arena_new(1u << 20)) != NULL);
	signal(SIGXFSZ, SIG_IGN);
	MR_NEED(t, begin_with(t, &f, "spool_memory_max = 4096", NULL, MR_MTA_STEPS));
	MR_NEED(t, prlimit(f.proc.pid, RLIMIT_FSIZE, &limit, NULL) == 0);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		const char *text = "";
		struct mr_mta_mail mail;

		t->row = (long)i;
		for (size_t n = 0; text && n < rows[i].fields; n++)
			text = mr_arena_printf(arena, "%sX-Long: %090zu\r\n", text, n); /* 100 */
		mail = mail_of(mr_arena_printf(arena, "%sX-Note: forged\r\n\r\n%040d", text, 0));
		if (i == 0)
			MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
		check_mail(t, &f, &mail,
			   mr_arena_printf(arena, "mail continue\nrcpt continue\nrcpt continue\n%s",
					   rows[i].want));
	}
	finish(t, &f);
}

/* A message ends with the state that it began with; the next one has the new one. */
MR_TEST(milter_reload)
{
	struct fixture f;
	struct mr_mta_mail mail = mail_of("A: b\r\n\r\n");
	MR_AUTO_BUF answer = MR_BUF(SAID_MAX);

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	MR_NEED(t, mr_mta_envelope(&f.mta, &mail, &f.said) == 0);
	for (int i = 0; i < 3; i++)
		MR_NEED(t, mr_milter_proc_ask(&f.proc, "reload", &answer) == 0);
	mr_buf_reset(&f.said);
	MR_NEED(t, mr_mta_header(&f.mta, &mail, &f.said) == 0 && mr_mta_end(&f.mta, &mail) == 0 &&
			   mr_mta_answer(&f.mta, &f.said) == 0);
	MR_CHECK_SPAN(t, "insert 0 X-Note: seen 8 by 1\ncontinue\n", mr_buf_span(&f.said));
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\ninsert 0 X-Note: seen 8 by 4\n"
		   "continue\n");
	/* What cannot be read changes nothing. */
	mr_milter_proc_settings(&f.proc, "no_such_setting = 1");
	fprintf(stderr, "(an error of reload follows) ");
	MR_CHECK_INT(t, MR_EINVAL, mr_milter_proc_ask(&f.proc, "reload", &answer));
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\ninsert 0 X-Note: seen 8 by 4\n"
		   "continue\n");
	finish(t, &f);
}

static void write_settings(struct mr_milter_proc *p, const char *spool_dir, const char *more)
{
	MR_AUTO_BUF text = MR_BUF(4 * MR_PATH_MAX);

	mr_buf_printf(&text, "run_dir = \"%s\"\nspam_listen = \"%s\"\nspool_dir = \"%s\"\n%s\n",
		      p->dir, p->socket, spool_dir, more);
	MR_ASSERT(mr_replace_file(p->config, mr_buf_span(&text), 0600) == 0);
}

/* What would fail at each message is refused; what libmilter was told once is told by name. */
MR_TEST(milter_reload_of_what_it_cannot)
{
	struct fixture f;
	char file[MR_PATH_MAX];
	MR_AUTO_BUF answer = MR_BUF(SAID_MAX);

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	write_settings(&f.proc, "/nonexistent/spool", "");
	fprintf(stderr, "(two errors of reload follow) ");
	MR_CHECK_INT(t, MR_EINVAL, mr_milter_proc_ask(&f.proc, "reload", &answer));
	MR_CHECK_INT(t, 1, mr_milter_proc_logged(&f.proc, "spool_dir: /nonexistent/spool: "));
	snprintf(file, sizeof(file), "%.4000s/conf", f.proc.dir);
	write_settings(&f.proc, file, "");
	MR_CHECK_INT(t, MR_EINVAL, mr_milter_proc_ask(&f.proc, "reload", &answer));
	MR_CHECK_INT(t, 1, mr_milter_proc_logged(&f.proc, "not a folder"));
	snprintf(f.proc.socket, sizeof(f.proc.socket), "unix:%.4000s/s2", f.proc.dir);
	write_settings(&f.proc, f.proc.dir, "spam_socket_mode = \"0600\"\nmilter_timeout_s = 20\n");
	MR_CHECK_INT(t, 0, mr_milter_proc_ask(&f.proc, "reload", &answer));
	MR_CHECK_INT(t, 3, mr_milter_proc_logged(&f.proc, "takes effect at the next start"));
	finish(t, &f);
	/* The start refuses what reload and -n do. */
	write_settings(&f.proc, "/nonexistent/spool", "");
	mr_milter_proc_restart(&f.proc);
	MR_CHECK_INT(t, 78, mr_milter_proc_wait(&f.proc)); /* EX_CONFIG */
}

/* libmilter's own thread would end the milter at one SIGHUP in two. */
MR_TEST(milter_many_sighups)
{
	struct fixture f;
	struct mr_mta_mail mail = mail_of("A: b\r\n\r\n");

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	for (int i = 0; i < 100; i++) {
		mr_buf_reset(&f.said);
		MR_NEED(t, kill(f.proc.pid, SIGHUP) == 0);
		MR_NEED(t, mr_mta_mail(&f.mta, &mail, &f.said) == 0);
		MR_NEED(t, strstr(mr_buf_str(&f.said), "insert 0 X-Note: seen 8 by "));
	}
	finish(t, &f);
}

/* SIGTERM: what has reached its end is answered, and the process does not wait for the others. */
MR_TEST(milter_stop)
{
	struct fixture f;
	struct mr_mta_mail mail = mail_of("X-Do: slow\r\n\r\n");
	int64_t began_ms;

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0 &&
			   mr_mta_envelope(&f.mta, &mail, &f.said) == 0 &&
			   mr_mta_header(&f.mta, &mail, &f.said) == 0 &&
			   mr_mta_end(&f.mta, &mail) == 0);
	(void)poll(NULL, 0, 100); /* it sleeps for 400 ms in the stage */
	mr_buf_reset(&f.said);
	began_ms = mr_now_ms();
	MR_NEED(t, kill(f.proc.pid, SIGTERM) == 0);
	MR_CHECK_INT(t, 0, mr_mta_answer(&f.mta, &f.said));
	MR_CHECK_SPAN(t, "insert 0 X-Note: seen 14 by 1\ncontinue\n", mr_buf_span(&f.said));
	MR_CHECK_INT(t, 0, mr_milter_proc_wait(&f.proc));
	MR_CHECK(t, mr_now_ms() - began_ms < 3000);
	MR_CHECK(t, access(f.proc.socket + 5, F_OK) < 0);
	finish(t, &f);
}

/* Drain: nobody new, and those that are there go on until they leave. */
MR_TEST(milter_drain)
{
	struct fixture f;
	struct mr_mta_mail mail = mail_of("A: b\r\n\r\n");
	MR_AUTO_BUF answer = MR_BUF(SAID_MAX);

	SKIP_OOM(t);
	MR_NEED(t, begin(t, &f));
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\ninsert 0 X-Note: seen 8 by 1\n"
		   "continue\n");
	MR_NEED(t, mr_milter_proc_ask(&f.proc, "drain", &answer) == 0);
	for (int i = 0; i < 200 && access(f.proc.socket + 5, F_OK) == 0; i++)
		(void)poll(NULL, 0, 10);
	MR_CHECK(t, access(f.proc.socket + 5, F_OK) < 0);
	check_mail(t, &f, &mail,
		   "mail continue\nrcpt continue\nrcpt continue\ninsert 0 X-Note: seen 8 by 1\n"
		   "continue\n");
	MR_NEED(t, mr_mta_quit(&f.mta, SMFIC_QUIT) == 0);
	MR_CHECK_INT(t, 0, mr_milter_proc_wait(&f.proc));
	finish(t, &f);
}

/* A second instance must not take the mail away from the first; one that died is replaced. */
MR_TEST(milter_socket_in_use)
{
	struct fixture f;
	struct mr_milter_proc second;
	struct mr_mta_mail mail = mail_of("A: b\r\n\r\n");
	const char *want = "mail continue\nrcpt continue\nrcpt continue\n"
			   "insert 0 X-Note: seen 8 by 1\ncontinue\n";
	struct stat st;

	SKIP_OOM(t);
	MR_NEED(t, begin_with(t, &f, "spam_socket_mode = \"0620\"", NULL, MR_MTA_STEPS));
	MR_NEED(t, stat(f.proc.socket + 5, &st) == 0);
	MR_CHECK_INT(t, 0620, st.st_mode & 0777);
	mr_milter_proc_start(t, &second, mr_test_dir(t), f.proc.socket, "", NULL);
	MR_CHECK_INT(t, 1, mr_milter_proc_wait(&second));
	MR_CHECK_INT(t, 1, mr_milter_proc_logged(&second, "another program answers there"));
	MR_NEED(t, mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	check_mail(t, &f, &mail, want);

	MR_NEED(t, kill(f.proc.pid, SIGKILL) == 0);
	MR_CHECK_INT(t, -1, mr_milter_proc_wait(&f.proc));
	mr_mta_close(&f.mta);
	mr_milter_proc_start(t, &f.proc, mr_test_dir(t), f.proc.socket, "", NULL);
	for (int i = 0; i < 500 && mr_milter_proc_logged(&f.proc, "started") < 1; i++)
		(void)poll(NULL, 0, 10);
	MR_NEED(t, mr_mta_open(&f.mta, f.proc.socket) == 0 &&
			   mr_mta_negotiate(&f.mta, MR_MTA_ACTIONS, MR_MTA_STEPS) == 0 &&
			   mr_mta_connect(&f.mta, &mail, &f.said) == 0);
	check_mail(t, &f, &mail, want);
	finish(t, &f);
}
