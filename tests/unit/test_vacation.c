/* Automatic replies: RFC 3834, section by section, and what is sent. */
#include "lda/lmtpd/vacation.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lda/lmtpd/deliver.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "tests/unit/mr_lda_test.h"
#include "tests/unit/mr_sink.h"

#define ARENA_MAX (4 << 20)
#define NOW_S     1795564800 /* 2026-11-25T00:00:00Z */
#define DAY_S     86400

static struct mr_user_settings away(void)
{
	struct mr_user_settings s;

	mr_user_settings_default(&s);
	s.vacation.on = true;
	s.vacation.text = MR_SPAN("I am away.\n");
	return s;
}

static enum mr_vacation_why decide(struct mr_t *t, const struct mr_user_settings *settings,
				   const char *header, const char *from, bool spam)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_block) *in = mr_test_block(t, mr_span_str(header));
	struct mr_vacation_mail mail;
	struct mr_smtp_path path;

	if (!arena || !in || mr_vacation_read(mr_block_span(in), arena, &mail) < 0 ||
	    mr_smtp_path_from_arg(mr_span_str(from), arena, &path) < 0)
		return MR_VACATION_OFF;
	return mr_vacation_decide(settings, &mail, &path, MR_SPAN("ann"), MR_SPAN("example.org"),
				  spam, NOW_S);
}

MR_TEST(vacation_decide)
{
	static const struct {
		const char *header, *from;
		bool spam;
		enum mr_vacation_why want;
	} rows[] = {
		{ "To: ann@example.org\n\n", "s@far.example", false, MR_VACATION_ANSWER },
		/* 2: no answer to Auto-Submitted but "no" */
		{ "Auto-Submitted: auto-replied\n\n", "s@far.example", false,
		  MR_VACATION_AUTOMATIC },
		{ "auto-submitted:auto-generated\n\n", "s@far.example", false,
		  MR_VACATION_AUTOMATIC },
		{ "Auto-Submitted: auto-notified; owner-email=\"a@b\"\n\n", "s@far.example", false,
		  MR_VACATION_AUTOMATIC }, /* RFC 5436 2.7.1 */
		{ "Auto-Submitted: x-new\n\n", "s@far.example", false, MR_VACATION_AUTOMATIC },
		{ "Auto-Submitted:\n\n", "s@far.example", false, MR_VACATION_AUTOMATIC },
		/* 5: no, in any case, with what may follow */
		{ "Auto-Submitted: No\n\n", "s@far.example", false, MR_VACATION_ANSWER },
		{ "Auto-Submitted: no (by hand)\n\n", "s@far.example", false, MR_VACATION_ANSWER },
		{ "Auto-Submitted:\n no; x=y\n\n", "s@far.example", false, MR_VACATION_ANSWER },
		{ "Auto-Submitted: nobody\n\n", "s@far.example", false, MR_VACATION_AUTOMATIC },
		/* Of several, one is enough. */
		{ "Auto-Submitted: no\nAuto-Submitted: auto-replied\n\n", "s@far.example", false,
		  MR_VACATION_AUTOMATIC },
		/* 2: Precedence, for those who know it */
		{ "Precedence: bulk\n\n", "s@far.example", false, MR_VACATION_BULK },
		{ "Precedence: List\n\n", "s@far.example", false, MR_VACATION_BULK },
		{ "Precedence: junk\n\n", "s@far.example", false, MR_VACATION_BULK },
		{ "Precedence: first-class\n\n", "s@far.example", false, MR_VACATION_ANSWER },
		/* 2: List-* (RFC 2369, 2919) */
		{ "List-Id: <x.y>\n\n", "s@far.example", false, MR_VACATION_LIST },
		{ "List-Unsubscribe: <mailto:a@b>\n\n", "s@far.example", false, MR_VACATION_LIST },
		{ "list-new: x\n\n", "s@far.example", false, MR_VACATION_LIST },
		{ "Mailing-List: x\n\n", "s@far.example", false, MR_VACATION_LIST },
		{ "X-List: x\n\n", "s@far.example", false, MR_VACATION_ANSWER },
		/* 2: no Return-Path to answer to */
		{ "\n", "", false, MR_VACATION_NULL_SENDER },
		{ "\n", "root", false, MR_VACATION_NULL_SENDER },
		/* 2: owner-*, *-request, MAILER-DAEMON */
		{ "\n", "MAILER-DAEMON@far.example", false, MR_VACATION_ROBOT },
		{ "\n", "mailer-daemon@far.example", false, MR_VACATION_ROBOT },
		{ "\n", "owner-list@far.example", false, MR_VACATION_ROBOT },
		{ "\n", "List-Request@far.example", false, MR_VACATION_ROBOT },
		{ "\n", "list-owner@far.example", false, MR_VACATION_ROBOT },
		{ "\n", "noreply@far.example", false, MR_VACATION_ROBOT },
		{ "\n", "ownership@far.example", false, MR_VACATION_ANSWER },
		{ "\n", "requests@far.example", false, MR_VACATION_ANSWER },
		/* To himself: a loop of one */
		{ "\n", "Ann@example.ORG", false, MR_VACATION_SELF },
		{ "\n", "ann@example.com", false, MR_VACATION_ANSWER },
		/* Answering spam confirms the address, to whom it may not concern. */
		{ "\n", "s@far.example", true, MR_VACATION_SPAM },
		{ "X-Auto-Response-Suppress: DR, OOF\n\n", "s@far.example", false,
		  MR_VACATION_AUTOMATIC },
		{ "X-Auto-Response-Suppress: None\n\n", "s@far.example", false,
		  MR_VACATION_ANSWER },
		{ "X-Auto-Response-Suppress: DR\n\n", "s@far.example", false, MR_VACATION_ANSWER },
		/* What stands in the body is no field. */
		{ "Subject: x\n\nAuto-Submitted: auto-replied\nList-Id: x\n", "s@far.example",
		  false, MR_VACATION_ANSWER },
	};
	const struct mr_user_settings settings = away();

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		enum mr_vacation_why why =
			decide(t, &settings, rows[i].header, rows[i].from, rows[i].spam);

		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].want, why);
		/* Without memory nobody is answered. */
		MR_CHECK_ALWAYS(t, why != MR_VACATION_ANSWER || rows[i].want == why);
	}
}

MR_TEST(vacation_when)
{
	static const struct {
		bool on;
		const char *text;
		int64_t from_s, until_s;
		enum mr_vacation_why want;
	} rows[] = {
		{ true, "x", INT64_MIN, INT64_MAX, MR_VACATION_ANSWER },
		{ false, "x", INT64_MIN, INT64_MAX, MR_VACATION_OFF },
		{ true, "", INT64_MIN, INT64_MAX, MR_VACATION_OFF },
		{ true, "x", NOW_S, INT64_MAX, MR_VACATION_ANSWER },
		{ true, "x", NOW_S + 1, INT64_MAX, MR_VACATION_OFF },
		{ true, "x", INT64_MIN, NOW_S + 1, MR_VACATION_ANSWER },
		{ true, "x", INT64_MIN, NOW_S, MR_VACATION_OFF },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct mr_user_settings settings = away();

		t->row = (long)i;
		settings.vacation.on = rows[i].on;
		settings.vacation.text = mr_span_str(rows[i].text);
		settings.vacation.from_s = rows[i].from_s;
		settings.vacation.until_s = rows[i].until_s;
		MR_CHECK_INT(t, rows[i].want, decide(t, &settings, "\n", "s@far.example", false));
	}
}

MR_TEST(vacation_references)
{
	static const struct {
		const char *header, *id, *references;
	} rows[] = {
		{ "Message-ID: <a@b>\n\n", "<a@b>", "" },
		{ "Message-ID: <a@b>\nReferences: <c@d>\n\t<e@f>\n\n", "<a@b>", "<c@d> <e@f>" },
		/* RFC 5322 3.6.4: In-Reply-To where there are no References */
		{ "In-Reply-To: <c@d>\nMessage-ID: <a@b>\n\n", "<a@b>", "<c@d>" },
		{ "References: <c@d>\nIn-Reply-To: <x@y>\n\n", "", "<c@d>" },
		{ "In-Reply-To: <x@y>\nReferences: <c@d>\n\n", "", "<c@d>" },
		{ "In-Reply-To: Your mail of <today> noon\n\n", "", "<today>" },
		/* Nothing that could become a line or another field */
		{ "Message-ID: <a\n b@c>\n\n", "", "" },
		{ "Message-ID: <\xc3\xbc@c>\n\n", "", "" },
		{ "Message-ID: none\n\n", "", "" },
		{ "Message-ID: <>\n\n", "", "" },
		{ "References: <a b> <c@d\n\n", "", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].header);
		struct mr_vacation_mail mail;

		MR_NEED(t, arena && in && mr_vacation_read(mr_block_span(in), arena, &mail) == 0);
		MR_CHECK_SPAN(t, rows[i].id, mail.message_id);
		MR_CHECK_SPAN(t, rows[i].references, mail.references);
	}
}

/* Of many the last ones, within bounds. */
MR_TEST(vacation_references_many)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO_BUF header = MR_BUF(1 << 20);
	struct mr_vacation_mail mail;

	MR_NEED(t, arena);
	(void)mr_buf_adds(&header, "References:");
	for (int i = 0; i < 5000; i++)
		(void)mr_buf_printf(&header, " <%0100d@x>\n", i);
	(void)mr_buf_adds(&header, "\n");
	MR_NEED(t, mr_buf_err(&header) == 0 &&
			   mr_vacation_read(mr_buf_span(&header), arena, &mail) == 0);
	MR_CHECK(t, mail.references.len > 1000 && mail.references.len <= MR_VACATION_REFS_MAX);
	MR_CHECK(t, mr_span_has_suffix_nocase(mail.references, MR_SPAN("04999@x>")));
}

/* -- the whole of it -------------------------------------------------------------------------- */

static struct mr_user_settings wishes;

static int any_settings(void *arg MR_UNUSED, struct mr_span local MR_UNUSED,
			struct mr_span domain MR_UNUSED, struct mr_arena *arena MR_UNUSED,
			struct mr_user_settings *settings_out)
{
	*settings_out = wishes;
	return 0;
}

struct fixture {
	struct mr_settings set;
	struct mr_deliver deliver;
	struct mr_arena *arena;
	struct mr_sink sink;
	struct mr_clock_fake time;
	char url[300];
};

static bool fixture_init(struct mr_t *t, struct fixture *f)
{
	const char *dir = mr_test_dir(t);

	memset(f, 0, sizeof(*f));
	wishes = away();
	f->time.time_s = NOW_S;
	f->arena = mr_arena_new(ARENA_MAX);
	if (!dir || !f->arena || mr_settings_default(&f->set) < 0) {
		mr_arena_free(f->arena);
		return false;
	}
	(void)snprintf(f->url, sizeof(f->url), "sqlite:%s/state", dir);
	f->deliver = (struct mr_deliver){
		.directory = { mr_lda_test_names, any_settings, NULL },
		.mail_fd = -1,
		.host = "host.example",
		.vacation = mr_vacation_new(f->url, mr_clock_fake(&f->time)),
		.clock = mr_clock_fake(&f->time),
	};
	MR_ASSERT(mr_open_dir_at(AT_FDCWD, dir, &f->deliver.mail_fd) == 0);
	return true;
}

static void fixture_done(struct fixture *f)
{
	mr_vacation_free(f->deliver.vacation);
	close(f->deliver.mail_fd);
	mr_settings_done(&f->set);
	mr_arena_free(f->arena);
}

#define TAKES MR_SINK_HELLO MR_SINK_OK MR_SINK_OK MR_SINK_GO MR_SINK_TAKEN

/* What the MTA heard when text came for ann. */
static const char *answer_to(struct mr_t *t, struct fixture *f, const char *words, const char *text)
{
	struct mr_lmtp_rcpt rcpt = { .folder = NULL };
	struct mr_lmtp_mail mail = {
		.set = &f->set, .arena = f->arena, .rcpt = &rcpt, .rcpt_count = 1
	};
	struct mr_own *own;

	if (!mr_sink_begin(t, &f->sink, words))
		return "";
	own = f->deliver.own = mr_own_new(f->sink.name, "mx.example.org", 2, f->deliver.clock);
	mr_buf_init(&mail.content, MR_LMTP_CONTENT_MAX + 1);
	rcpt.reply.code = 451;
	if (mr_smtp_path_from_arg(MR_SPAN("S@far.example"), f->arena, &mail.mail.from) == 0 &&
	    mr_smtp_path_from_arg(MR_SPAN("ann@example.org"), f->arena, &rcpt.path) == 0 &&
	    mr_buf_adds(&mail.content, text) == 0) {
		mr_recipient(&f->deliver, &mail, &rcpt);
		if (rcpt.reply.code == 250)
			mr_deliver_store(&f->deliver, &mail);
		/* Answered or not: it is delivered. */
		MR_CHECK_INT(t, 250, rcpt.reply.code);
	}
	mr_deliver_drop(&f->deliver, &mail);
	mr_buf_done(&mail.content);
	mr_sink_end(&f->sink);
	mr_own_free(own);
	return f->sink.heard;
}

#define MAIL_                                                                                      \
	"To: Ann <ann@example.org>\nSubject: Gr\xc3\xbc\xc3\x9f"                                   \
	"e\nMessage-ID: <a@b>\nReferences: <c@d>\n\nx\n"

MR_TEST(vacation_answer)
{
	struct fixture f;
	const char *heard;

	MR_NEED(t, fixture_init(t, &f));
	heard = answer_to(t, &f, TAKES, MAIL_);
	/* 3.3, 4: from nobody, to the Return-Path */
	MR_CHECK(t, strstr(heard, "MAIL FROM:<> BODY=8BITMIME\r\nRCPT TO:<S@far.example>\r\n"));
	/* 3.1: who answers, whom, to what */
	MR_CHECK(t, strstr(heard, "\r\nFrom: ann@example.org\r\nTo: S@far.example\r\n"
				  "Subject: =?utf-8?q?Auto=3A=20Gr=C3=BC=C3=9Fe?=\r\n"));
	MR_CHECK(t, strstr(heard, "\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: <a@b>\r\n"
				  "References: <c@d>\r\n <a@b>\r\n"));
	MR_CHECK(t, strstr(heard, "\r\n\r\nI am away.\r\n.\r\n"));
	/* 2: once in the period */
	MR_CHECK_STR(t, "", answer_to(t, &f, TAKES, MAIL_));
	f.time.time_s = NOW_S + 7 * DAY_S - 1;
	MR_CHECK_STR(t, "", answer_to(t, &f, TAKES, MAIL_));
	f.time.time_s = NOW_S + 7 * DAY_S;
	MR_CHECK(t, strstr(answer_to(t, &f, TAKES, MAIL_), "I am away"));
	fixture_done(&f);
}

/* The MTA is not there for it: the next message is answered instead. */
MR_TEST(vacation_answer_refused)
{
	struct fixture f;

	MR_NEED(t, fixture_init(t, &f));
	MR_CHECK_STR(t, "QUIT\r\n", answer_to(t, &f, "451 4.3.0 No\r\n", MAIL_));
	wishes.vacation.subject = MR_SPAN("Away");
	MR_CHECK(t, strstr(answer_to(t, &f, TAKES, MAIL_), "\r\nSubject: Away\r\n"));
	fixture_done(&f);
}

MR_TEST(vacation_addressed)
{
	static const struct {
		const char *text;
		bool answered;
	} rows[] = {
		{ "To: bob@example.com, Ann@Example.Org\n\n", true },
		{ "Cc: \"x, y\" <ann@example.org>\n\n", true },
		{ "Resent-To: ann@example.org\nTo: list@far.example\n\n", true },
		{ "Bcc: ann@example.org\n\n", true },
		{ "To: list@far.example\n\n", false },
		{ "To: undisclosed-recipients:;\n\n", false },
		{ "Subject: x\n\nTo: ann@example.org\n", false },
		{ "From: ann@example.org\n\n", false },
		{ "", false },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;

		t->row = (long)i;
		MR_NEED(t, fixture_init(t, &f));
		MR_CHECK_INT(t, rows[i].answered,
			     strstr(answer_to(t, &f, TAKES, rows[i].text), "I am away") != NULL);
		fixture_done(&f);
	}
}
