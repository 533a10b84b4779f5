/* The server's side of LMTP, as conversations. What must be answered is said by RFC 2033 and 5321. */
#include "lda/lmtpd/lmtp.h"
#include "lib/base/mr_err.h"
#include "tests/unit/mr_script.h"

#define RECIPIENTS_MAX 3
#define SIZE_MAX_      300000

/* One conversation over a delivery that only pretends. */
struct fixture {
	struct mr_t *t;
	struct mr_settings set;
	struct mr_lmtp *s;
	struct mr_buf wait; /* sent, but not read yet */
	struct mr_buf content; /* of the last message */
	char queue_id[64];
	bool hold; /* work waits for MR_DOES("work") */
	int open, stored, told, more;
	int more_err; /* what more() answers */
};

static void fake_rcpt(void *arg, struct mr_lmtp_mail *mail, struct mr_lmtp_rcpt *rcpt)
{
	struct fixture *f = arg;

	mail->memo = f;
	f->open = 1;
	if (mr_span_eq(rcpt->path.local, MR_SPAN("nobody")))
		rcpt->reply = (struct mr_lmtp_reply){ 550, "5.1.1", "No such user" };
	else if (mr_span_eq(rcpt->path.local, MR_SPAN("down")))
		rcpt->reply = (struct mr_lmtp_reply){ 451, "4.3.0", "Store is away" };
	else
		rcpt->reply = (struct mr_lmtp_reply){ 250, "2.1.5", "OK" };
}

static int fake_more(void *arg, struct mr_lmtp_mail *mail)
{
	struct fixture *f = arg;

	f->more++;
	if (f->more_err < 0)
		return f->more_err;
	return mr_buf_add(&f->content, mr_buf_span(&mail->content));
}

static void fake_store(void *arg, struct mr_lmtp_mail *mail)
{
	struct fixture *f = arg;

	f->stored++;
	(void)mr_buf_add(&f->content, mr_buf_span(&mail->content));
	MR_CHECK_INT(f->t, 0, mr_span_copyz(mail->queue_id, f->queue_id, sizeof(f->queue_id)));
	for (size_t i = 0; i < mail->rcpt_count; i++) {
		if (mr_span_eq(mail->rcpt[i].path.local, MR_SPAN("full")))
			mail->rcpt[i].reply =
				(struct mr_lmtp_reply){ 452, "4.2.2", "Mailbox full" };
		else
			mail->rcpt[i].reply = (struct mr_lmtp_reply){ 250, "2.0.0", "Saved" };
	}
}

static void fake_told(void *arg, const struct mr_lmtp_mail *mail, const struct mr_lmtp_rcpt *rcpt,
		      int64_t now_ms)
{
	struct fixture *f = arg;

	f->told++;
	MR_CHECK(f->t, rcpt->reply.code > 0 && mail->start_ms <= now_ms);
}

static void fake_drop(void *arg, struct mr_lmtp_mail *mail)
{
	struct fixture *f = arg;

	f->open = 0;
	MR_CHECK(f->t, !mail->memo || mail->memo == f);
}

static const struct mr_lmtp_ops fake = { fake_rcpt, fake_more, fake_store,
					 fake_told, fake_drop, NULL };

static void feed(struct fixture *f, int64_t now_ms)
{
	for (;;) {
		struct mr_span in = mr_span_sub(mr_buf_span(&f->wait), 0, MR_LMTP_INPUT_MAX);

		if (mr_lmtp_busy(f->s)) {
			if (f->hold)
				return;
			mr_lmtp_work(f->s);
			mr_lmtp_worked(f->s, now_ms);
		} else if (in.len > 0 && mr_lmtp_reads(f->s)) {
			mr_lmtp_input(f->s, in, now_ms);
			mr_buf_drop(&f->wait, in.len);
		} else {
			return;
		}
	}
}

static void *open_fixture(struct mr_t *t, int64_t now_ms)
{
	struct fixture *f = mr_calloc(1, sizeof(*f));
	static struct mr_lmtp_ops ops;

	if (!f)
		return NULL;
	f->t = t;
	mr_buf_init(&f->wait, 1 << 20);
	mr_buf_init(&f->content, 1 << 20);
	if (mr_settings_default(&f->set) == 0) {
		f->set.lmtp_recipients_max = RECIPIENTS_MAX;
		f->set.message_size_max = SIZE_MAX_;
		f->set.lmtp_errors_max = 5;
		ops = fake;
		ops.arg = f;
		f->s = mr_lmtp_new(&f->set, "mail.example", &ops, now_ms);
		if (f->s)
			return f;
		mr_settings_done(&f->set);
	}
	MR_CHECK(t, t->oom);
	mr_free(f);
	return NULL;
}

static void close_fixture(struct mr_t *t, void *conv)
{
	struct fixture *f = conv;

	if (mr_lmtp_busy(f->s)) {
		mr_lmtp_work(f->s);
		mr_lmtp_worked(f->s, 0);
	}
	mr_lmtp_free(f->s);
	MR_CHECK_INT(t, 0, f->open); /* each transaction was dropped */
	mr_settings_done(&f->set);
	mr_buf_done(&f->wait);
	mr_buf_done(&f->content);
	mr_free(f);
}

static void input(void *conv, struct mr_span in, int64_t now_ms)
{
	struct fixture *f = conv;

	(void)mr_buf_add(&f->wait, in);
	feed(f, now_ms);
}

static void tick(void *conv, int64_t now_ms)
{
	struct fixture *f = conv;

	mr_lmtp_tick(f->s, now_ms);
}

static struct mr_span output(void *conv)
{
	struct fixture *f = conv;

	return mr_lmtp_output(f->s);
}

static void sent(void *conv, size_t n)
{
	struct fixture *f = conv;

	mr_lmtp_sent(f->s, n, 0);
}

static bool is_closed(void *conv)
{
	struct fixture *f = conv;

	return mr_lmtp_closed(f->s);
}

/* "=text": the content stored last is this, and is forgotten. */
static void special(struct mr_t *t, void *conv, const char *word, int64_t now_ms)
{
	struct fixture *f = conv;

	if (word[0] == '=') {
		MR_CHECK_SPANS(t, mr_span_str(word + 1), mr_buf_span(&f->content));
		mr_buf_reset(&f->content);
	} else if (word[0] == '#') {
		MR_CHECK_STR(t, word + 1, f->queue_id);
	} else if (strcmp(word, "hold") == 0) {
		f->hold = true;
	} else if (strcmp(word, "work") == 0) {
		f->hold = false;
		feed(f, now_ms);
	} else if (strcmp(word, "stop") == 0) {
		mr_lmtp_stop(f->s, false, now_ms);
	} else if (strcmp(word, "drain") == 0) {
		mr_lmtp_stop(f->s, true, now_ms);
	}
}

static const struct mr_script_peer peer = { open_fixture, input,     tick,    output,
					    sent,         is_closed, special, close_fixture };

#define RUN(t, script) mr_script_run((t), &peer, (script), MR_COUNT(script))

#define HELLO                                                                                      \
	MR_GETS("220 mail.example LMTP"), MR_SENDS("LHLO mx"), MR_GETS("250-mail.example"),        \
		MR_GETS("250-PIPELINING"), MR_GETS("250-SIZE 300000"), MR_GETS("250-8BITMIME"),    \
		MR_GETS("250-SMTPUTF8"), MR_GETS("250-ENHANCEDSTATUSCODES"),                       \
		MR_GETS("250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")

MR_TEST(lmtp_one_message)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS("XFORWARD NAME=mx.example ADDR=192.0.2.1 IDENT=4b+2BXyZ"),
		MR_GETS("250 2.0.0 "),
		MR_SENDS("MAIL FROM:<a@example.org> SIZE=20 BODY=8BITMIME"),
		MR_GETS("250 2.1.0 "),
		MR_SENDS("RCPT TO:<ann@example.com>"),
		MR_GETS("250 2.1.5 "),
		MR_SENDS("DATA"),
		MR_GETS("354 "),
		MR_SENDS_RAW("Subject: x\r\n\r\n..dot\r\n"),
		MR_QUIET,
		MR_SENDS("."),
		MR_GETS("250 2.0.0 Saved"),
		MR_DOES("=Subject: x\n\n.dot\n"),
		MR_DOES("#4b+XyZ"),
		MR_SENDS("QUIT"),
		MR_GETS("221 2.0.0 "),
		MR_CLOSED,
	};

	RUN(t, script);
}

/* RFC 2033 4.2, the example of its section 4.4 in shape: one reply for each accepted recipient. */
MR_TEST(lmtp_replies_for_each)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS("MAIL FROM:<>"),
		MR_GETS("250 2.1.0"),
		MR_SENDS("RCPT TO:<ann@example.com>"),
		MR_GETS("250 2.1.5"),
		MR_SENDS("RCPT TO:<nobody@example.com>"),
		MR_GETS("550 5.1.1"),
		MR_SENDS("RCPT TO:<full@example.com>"),
		MR_GETS("250 2.1.5"),
		MR_SENDS("RCPT TO:<ann@example.com>"), /* twice: two replies */
		MR_GETS("250 2.1.5"),
		MR_SENDS("RCPT TO:<bob@example.com>"), /* lmtp_recipients_max is 3 */
		MR_GETS("452 4.5.3"),
		MR_SENDS("DATA"),
		MR_GETS("354 "),
		MR_SENDS_RAW("x\r\n.\r\n"),
		MR_GETS("250 2.0.0"),
		MR_GETS("452 4.2.2"),
		MR_GETS("250 2.0.0"),
		MR_QUIET,
		MR_SENDS("MAIL FROM:<b@c>"), /* and again */
		MR_GETS("250 2.1.0"),
		MR_SENDS("RCPT TO:<ann@example.com>"),
		MR_GETS("250 2.1.5"),
	};

	RUN(t, script);
}

/* RFC 2033 4.2: DATA without an accepted recipient is 503. */
MR_TEST(lmtp_no_recipient)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS_RAW(
			"MAIL FROM:<a@b>\r\nRCPT TO:<nobody@c>\r\nRCPT TO:<down@c>\r\nDATA\r\n"),
		MR_GETS("250 2.1.0"),
		MR_GETS("550 5.1.1"),
		MR_GETS("451 4.3.0"),
		MR_GETS("503 5.5.1"),
		MR_SENDS("RSET"),
		MR_GETS("250 2.0.0"),
		MR_SENDS("DATA"),
		MR_GETS("503 5.5.1"),
		MR_SENDS("RCPT TO:<ann@c>"),
		MR_GETS("503 5.5.1"),
		MR_QUIET,
	};

	RUN(t, script);
}

/* RFC 2920: a whole transaction, and the next one behind it, in one piece. */
MR_TEST(lmtp_pipelining)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS_RAW("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\none\r\n.\r\n"
			     "mail from:<a@b>\r\nrcpt to:<bob@c>\r\ndata\r\ntwo\r\n.\r\nQUIT\r\n"),
		MR_GETS("250 2.1.0"),
		MR_GETS("250 2.1.5"),
		MR_GETS("354 "),
		MR_GETS("250 2.0.0"),
		MR_GETS("250 2.1.0"),
		MR_GETS("250 2.1.5"),
		MR_GETS("354 "),
		MR_GETS("250 2.0.0"),
		MR_GETS("221 2.0.0"),
		MR_DOES("=one\ntwo\n"),
		MR_CLOSED,
	};

	RUN(t, script);
}

/* RFC 5321 4.1.4: what may be said when. */
MR_TEST(lmtp_order)
{
	static const struct mr_step script[] = {
		MR_GETS("220 "),      MR_SENDS("MAIL FROM:<a@b>"), /* RFC 2033 4.1: LHLO first */
		MR_GETS("503 5.5.1"), MR_SENDS("EHLO mx"), /* RFC 2033 4.1: must not succeed, 500 */
		MR_GETS("500 "),      MR_SENDS("HELO mx"),
		MR_GETS("500 "),      MR_SENDS("NOOP"), /* these at any time */
		MR_GETS("250 "),      MR_SENDS("RSET"),
		MR_GETS("250 "),      MR_SENDS("VRFY ann"),
		MR_GETS("252 "),      MR_SENDS("LHLO"),
		MR_GETS("501 "),      MR_SENDS("lhlo mx"),
		MR_GETS("250-"),      MR_GETS("250-"),
		MR_GETS("250-"),      MR_GETS("250-"),
		MR_GETS("250-"),      MR_GETS("250-"),
		MR_GETS("250 "),      MR_SENDS("MAIL FROM:<a@b>"),
		MR_GETS("250 "),      MR_SENDS("MAIL FROM:<a@b>"), /* nested */
		MR_GETS("503 5.5.1"), MR_SENDS("XFORWARD IDENT=1"),
		MR_GETS("503 5.5.1"), MR_SENDS("LHLO mx"), /* as RSET */
		MR_GETS("250-"),      MR_GETS("250-"),
		MR_GETS("250-"),      MR_GETS("250-"),
		MR_GETS("250-"),      MR_GETS("250-"),
		MR_GETS("250 "),      MR_SENDS("RCPT TO:<ann@c>"),
		MR_GETS("503 5.5.1"), MR_QUIET,
	};

	RUN(t, script);
}

MR_TEST(lmtp_syntax)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS("MAIL a@b"),
		MR_GETS("501 5.5.4"),
		MR_SENDS(
			"MAIL FROM:<a@b> RET=FULL"), /* DSN is never announced: RFC 5321 4.1.1.11 */
		MR_GETS("555 5.5.4"),
		MR_SENDS("FOO"),
		MR_GETS("500 5.5.2"),
		MR_SENDS("BDAT 3 LAST"),
		MR_GETS("502 5.5.1"),
		MR_SENDS("XFORWARD FOO=1"), /* the fifth: lmtp_errors_max */
		MR_GETS("501 5.5.4"),
		MR_GETS("421 4.7.0"),
		MR_CLOSED,
	};
	static const struct mr_step rcpt[] = {
		HELLO,
		MR_SENDS("MAIL FROM:<a@b>"),
		MR_GETS("250 "),
		MR_SENDS("RCPT TO:<>"),
		MR_GETS("501 5.1.3"),
		MR_SENDS("RCPT TO:<ann@c> NOTIFY=NEVER"),
		MR_GETS("555 5.5.4"),
		MR_SENDS("RCPT TO:<ann@c>"),
		MR_GETS("250 2.1.5"),
		MR_SENDS("DATA now"),
		MR_GETS("501 5.5.4"),
		MR_SENDS("DATA"),
		MR_GETS("354 "),
	};

	RUN(t, script);
	RUN(t, rcpt);
}

/* RFC 6531 3.4; and without the parameter, as MTAs hand on what they took: a refusal is mail lost. */
MR_TEST(lmtp_smtputf8)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS("MAIL FROM:<\xc3\xbc@example.org>"),
		MR_GETS("250 "),
		MR_SENDS("RCPT TO:<\xc3\xbc@example.com>"),
		MR_GETS("250 2.1.5"),
		MR_SENDS("RSET"),
		MR_GETS("250 "),
		MR_SENDS("MAIL FROM:<\xc3\xbc@example.org> SMTPUTF8"),
		MR_GETS("250 "),
		MR_SENDS("RCPT TO:<\xc3\xbc@example.com>"),
		MR_GETS("250 2.1.5"),
		MR_SENDS("RSET"),
		MR_GETS("250 "),
		MR_SENDS("MAIL FROM:<b\xfcro@example.net>"), /* Latin-1: sendmail takes it */
		MR_GETS("250 "),
		MR_QUIET,
	};

	RUN(t, script);
}

MR_TEST(lmtp_silent_client)
{
	static const struct mr_step script[] = {
		MR_GETS("220 "),
		MR_PASSES_MS(299999),
		MR_SENDS_RAW("LHLO mx"), /* half a line buys no time */
		MR_QUIET, /* RFC 5321 4.5.3.2.7: five minutes at least */
		MR_PASSES_MS(1),
		MR_GETS("421 4.4.2 "), /* RFC 3463 3.5: time-out */
		MR_CLOSED, /* RFC 5321 3.8 */
	};
	static const struct mr_step in_content[] = {
		HELLO,
		MR_SENDS_RAW("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"),
		MR_GETS("250 "),
		MR_GETS("250 "),
		MR_GETS("354 "),
		MR_PASSES_MS(299999),
		MR_SENDS_RAW("x"), /* content comes: that buys time */
		MR_PASSES_MS(299999),
		MR_QUIET,
		MR_PASSES_MS(1),
		MR_GETS("421 4.4.2 "),
		MR_CLOSED,
	};

	RUN(t, script);
	RUN(t, in_content);
}

/* While we work the client is not read, and its time does not run. */
MR_TEST(lmtp_slow_store)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS_RAW("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"),
		MR_GETS("250 "),
		MR_GETS("250 "),
		MR_GETS("354 "),
		MR_DOES("hold"),
		MR_SENDS_RAW("x\r\n.\r\nNOOP\r\n"),
		MR_PASSES_MS(3000000),
		MR_QUIET,
		MR_DOES("work"),
		MR_GETS("250 2.0.0 Saved"),
		MR_GETS("250 2.0.0 OK"),
		MR_PASSES_MS(299999),
		MR_QUIET,
	};

	RUN(t, script);
}

MR_TEST(lmtp_too_large)
{
	static const struct mr_step announced[] = {
		HELLO,
		MR_SENDS("MAIL FROM:<a@b> SIZE=300001"), /* RFC 1870 6.1 */
		MR_GETS("552 5.3.4"),
		MR_SENDS("MAIL FROM:<a@b> SIZE=300000"),
		MR_GETS("250 "),
	};

	RUN(t, announced);
}

/* Feed text to f, and require that a line that begins with want comes next. */
static void says(struct mr_t *t, struct fixture *f, struct mr_span text, const char *want)
{
	struct mr_span out;

	input(f, text, 0);
	out = mr_lmtp_output(f->s);
	MR_CHECK_SPANS(t, mr_span_str(want), mr_span_sub(out, 0, strlen(want)));
	mr_lmtp_sent(f->s, out.len, 0);
}

/* Size is counted as it comes, with CR LF; one line of 300,000 octets is no harm. */
static void content_of(struct mr_t *t, size_t size, const char *want, int more, bool line)
{
	static char text[SIZE_MAX_ + 10];
	struct fixture *f = open_fixture(t, 0);

	MR_NEED(t, f);
	memset(text, 'x', sizeof(text));
	for (size_t i = 78; !line && i + 1 < size; i += 80)
		memcpy(text + i, "\r\n", 2);
	memcpy(text + size - 2, "\r\n", 2);
	says(t, f, MR_SPAN("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"), "220 ");
	for (size_t at = 0; at < size; at += 1000)
		input(f, mr_span_sub(mr_span(text, size), at, 1000), 0);
	says(t, f, MR_SPAN(".\r\n"), want);
	says(t, f, MR_SPAN("NOOP\r\n"), "250 2.0.0 OK");
	MR_CHECK_INT(t, more, f->more);
	MR_CHECK_INT(t, want[0] == '2', f->stored);
	if (want[0] == '2' && line)
		MR_CHECK_INT(t, size - 1, f->content.len); /* CR LF became LF */
	close_fixture(t, f);
}

MR_TEST(lmtp_content_sizes)
{
	if (t->oom) /* half a minute for nothing new */
		return;
	content_of(t, 300000, "250 2.0.0", 2, true);
	content_of(t, 300000, "250 2.0.0", 2, false);
	content_of(t, 300002, "552 5.3.4", 2, true);
	content_of(t, 131000, "250 2.0.0", 0, false);
	content_of(t, 2, "250 2.0.0", 0, false);
}

/* What could not be kept: RFC 3463 3.4: 4.3.1 is a full mail system, and RFC 5321 4.2.3 has 452 for it;
 * anything else is 451. */
static void not_kept(struct mr_t *t, int err, const char *want)
{
	static char text[200000];
	struct fixture *f = open_fixture(t, 0);

	MR_NEED(t, f);
	f->more_err = err;
	memset(text, 'x', sizeof(text));
	says(t, f, MR_SPAN("LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"), "220 ");
	for (size_t at = 0; at < sizeof(text); at += 50000)
		input(f, mr_span(text + at, 50000), 0);
	says(t, f, MR_SPAN("\r\n.\r\n"), want);
	MR_CHECK_INT(t, 1, f->more);
	MR_CHECK_INT(t, 0, f->stored);
	close_fixture(t, f);
}

MR_TEST(lmtp_content_not_kept)
{
	if (t->oom)
		return;
	not_kept(t, MR_EFULL, "452 4.3.1 ");
	not_kept(t, MR_ETEMP, "451 4.3.0 ");
	not_kept(t, MR_ELIMIT, "451 4.3.0 "); /* not the client's limit */
}

/* Lines end in CR LF. A bare LF in a command would be two commands to somebody else. */
MR_TEST(lmtp_bare_lf)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS("MAIL FROM:<a@b\nRCPT TO:<victim@c>"),
		MR_GETS("500 5.5.2"),
		MR_CLOSED,
	};
	static const struct mr_step content[] = {
		HELLO,
		MR_SENDS_RAW("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"),
		MR_GETS("250 "),
		MR_GETS("250 "),
		MR_GETS("354 "),
		MR_SENDS_RAW("a\n.\nMAIL FROM:<x@y>\r\nb\n.\r\nc\r\n.\nd\r\n"),
		MR_QUIET,
		MR_SENDS_RAW(".\r\n"),
		MR_GETS("250 2.0.0 Saved"),
		MR_DOES("=a\n.\nMAIL FROM:<x@y>\nb\n.\nc\n\nd\n"),
		MR_QUIET,
	};

	RUN(t, script);
	RUN(t, content);
}

MR_TEST(lmtp_long_line)
{
	struct fixture *f = open_fixture(t, 0);
	char line[5000];

	MR_NEED(t, f);
	memset(line, 'x', sizeof(line));
	says(t, f, mr_span(line, 100), "220 ");
	says(t, f, mr_span(line, sizeof(line)), "500 5.5.2");
	MR_CHECK(t, mr_lmtp_closed(f->s));
	close_fixture(t, f);
}

/* A client that never reads is not read either. */
MR_TEST(lmtp_unread_replies)
{
	struct fixture *f = open_fixture(t, 0);

	MR_NEED(t, f);
	for (int i = 0; i < 40000 && !t->oom; i++)
		input(f, MR_SPAN("NOOP\r\n"), 0);
	if (!t->oom) {
		MR_CHECK(t, mr_lmtp_output(f->s).len < 70000);
		MR_CHECK(t, !mr_lmtp_reads(f->s));
		for (int replies = 0;;) {
			struct mr_span out = mr_lmtp_output(f->s);

			if (out.len == 0) {
				MR_CHECK_INT(t, 1 + 40000, replies);
				break;
			}
			for (size_t i = 0; i < out.len; i++)
				replies += out.p[i] == '\n';
			mr_lmtp_sent(f->s, out.len, 0);
			feed(f, 0);
		}
	}
	close_fixture(t, f);
}

/* SIGTERM: what is being stored is finished and answered, all else is told 421 (RFC 5321 3.8). */
MR_TEST(lmtp_stop)
{
	static const struct mr_step idle[] = {
		HELLO,
		MR_DOES("stop"),
		MR_GETS("421 4.3.2"),
		MR_CLOSED,
	};
	static const struct mr_step storing[] = {
		HELLO,
		MR_SENDS_RAW("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"),
		MR_GETS("250 "),
		MR_GETS("250 "),
		MR_GETS("354 "),
		MR_DOES("hold"),
		MR_SENDS_RAW("x\r\n.\r\n"),
		MR_DOES("stop"),
		MR_QUIET,
		MR_DOES("work"),
		MR_GETS("250 2.0.0 Saved"),
		MR_GETS("421 4.3.2"),
		MR_CLOSED,
	};
	static const struct mr_step content[] = {
		HELLO,
		MR_SENDS_RAW("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\nx"),
		MR_GETS("250 "),
		MR_GETS("250 "),
		MR_GETS("354 "),
		MR_DOES("stop"),
		MR_GETS("421 4.3.2"),
		MR_CLOSED,
	};
	static const struct mr_step drain[] = {
		HELLO,
		MR_SENDS("MAIL FROM:<a@b>"),
		MR_GETS("250 "),
		MR_DOES("drain"),
		MR_QUIET,
		MR_SENDS("RCPT TO:<ann@c>"),
		MR_GETS("250 "),
		MR_SENDS("DATA"),
		MR_GETS("354 "),
		MR_SENDS("."),
		MR_GETS("250 2.0.0 Saved"),
		MR_GETS("421 4.3.2"),
		MR_CLOSED,
	};

	RUN(t, idle);
	RUN(t, storing);
	RUN(t, content);
	RUN(t, drain);
}

/* XFORWARD tells about one message, and only what it can be believed in. */
MR_TEST(lmtp_xforward)
{
	static const struct mr_step script[] = {
		HELLO,
		MR_SENDS("XFORWARD IDENT=abc"),
		MR_GETS("250 "),
		MR_SENDS("XFORWARD HELO=[UNAVAILABLE] SOURCE=REMOTE PROTO=ESMTP PORT=25"),
		MR_GETS("250 "),
		MR_SENDS_RAW("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"),
		MR_GETS("250 "),
		MR_GETS("250 "),
		MR_GETS("354 "),
		MR_SENDS("."),
		MR_GETS("250 2.0.0 Saved"),
		MR_DOES("#abc"),
		MR_SENDS_RAW("MAIL FROM:<a@b>\r\nRCPT TO:<ann@c>\r\nDATA\r\n"),
		MR_GETS("250 "),
		MR_GETS("250 "),
		MR_GETS("354 "),
		MR_SENDS("."),
		MR_GETS("250 2.0.0 Saved"),
		MR_DOES("#"),
		MR_SENDS("XFORWARD IDENT=a+0D+0Ab"), /* no line of its own in our log */
		MR_GETS("501 "),
		MR_SENDS("XFORWARD"),
		MR_GETS("501 "),
		MR_QUIET,
	};

	RUN(t, script);
}
