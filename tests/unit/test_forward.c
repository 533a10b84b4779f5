/* Mail that goes on: lda/lmtpd/recipient.c and forward.c, with an MTA that does as it is told. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lda/lmtpd/deliver.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "tests/unit/mr_lda_test.h"
#include "tests/unit/mr_sink.h"

#define ARENA_MAX (4 << 20)
#define TO1       MR_SINK_HELLO MR_SINK_OK MR_SINK_OK MR_SINK_GO MR_SINK_TAKEN
#define TO2       MR_SINK_HELLO MR_SINK_OK MR_SINK_OK MR_SINK_OK MR_SINK_GO MR_SINK_TAKEN

/* example.org is ours, with ann and bob; these are its aliases. */
static const struct {
	const char *local;
	const char *targets[3];
} aliases[] = {
	{ "one", { "ann@example.org" } },
	{ "out", { "x@far.example" } },
	{ "all", { "ann@example.org", "bob@example.org", "x@far.example" } },
	{ "both", { "bob+lists@example.org", "ann@example.org" } },
};

static int table_domain(void *arg MR_UNUSED, struct mr_span domain)
{
	return mr_span_eq_nocase(domain, MR_SPAN("example.org")) ? 0 : MR_ENOENT;
}

static int table_user(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
		      struct mr_arena *arena, struct mr_user *user_out)
{
	if (!mr_span_eq(local, MR_SPAN("ann")) && !mr_span_eq(local, MR_SPAN("bob")))
		return MR_ENOENT;
	return mr_lda_test_names.user(NULL, local, domain, arena, user_out);
}

static int table_alias(void *arg MR_UNUSED, struct mr_span local, struct mr_span domain,
		       struct mr_arena *arena, struct mr_alias *alias_out)
{
	struct mr_alias alias = { .local = local, .domain = domain };
	struct mr_span *target = mr_arena_array(arena, 3, sizeof(*target));

	if (!target)
		return MR_ENOMEM;
	for (size_t i = 0; i < MR_COUNT(aliases); i++) {
		if (!mr_span_eq_nocase(local, mr_span_str(aliases[i].local)))
			continue;
		while (alias.target_count < 3 && aliases[i].targets[alias.target_count]) {
			target[alias.target_count] =
				mr_span_str(aliases[i].targets[alias.target_count]);
			alias.target_count++;
		}
		alias.target = target;
		*alias_out = alias;
		return 0;
	}
	return MR_ENOENT;
}

/* Those of whoever is asked for; a test changes it. */
static struct mr_user_settings wishes;

static int table_settings(void *arg MR_UNUSED, struct mr_span local,
			  struct mr_span domain MR_UNUSED, struct mr_arena *arena MR_UNUSED,
			  struct mr_user_settings *settings_out)
{
	*settings_out = wishes;
	if (local.len == 0)
		settings_out->forward = MR_SPAN("");
	return 0;
}

struct fixture {
	struct mr_settings set;
	struct mr_deliver deliver;
	struct mr_lmtp_mail mail;
	struct mr_lmtp_rcpt rcpt;
	struct mr_arena *arena;
	struct mr_sink sink;
	struct mr_own *own;
};

static bool fixture_init(struct mr_t *t, struct fixture *f)
{
	const char *dir = mr_test_dir(t);

	memset(f, 0, sizeof(*f));
	mr_user_settings_default(&wishes);
	f->arena = mr_arena_new(ARENA_MAX);
	if (!dir || !f->arena || mr_settings_default(&f->set) < 0) {
		mr_arena_free(f->arena);
		return false;
	}
	f->deliver =
		(struct mr_deliver){ .directory = { { table_domain, table_user, table_alias, NULL },
						    table_settings,
						    NULL },
				     .mail_fd = -1,
				     .host = "host.example",
				     .clock = mr_clock_real };
	MR_ASSERT(mr_open_dir_at(AT_FDCWD, dir, &f->deliver.mail_fd) == 0);
	return true;
}

static void fixture_done(struct fixture *f)
{
	close(f->deliver.mail_fd);
	mr_settings_done(&f->set);
	mr_arena_free(f->arena);
}

/* Deliver text to address, with an MTA that says words (NULL: there is none); the code that is answered. */
static int deliver(struct mr_t *t, struct fixture *f, const char *words, const char *from,
		   const char *address, const char *text)
{
	bool mta = words && mr_sink_begin(t, &f->sink, words);

	if (mta)
		f->own = mr_own_new(f->sink.name, "mx.example.org", 2, mr_clock_real);
	f->deliver.own = f->own;
	f->mail = (struct mr_lmtp_mail){
		.set = &f->set, .arena = f->arena, .rcpt = &f->rcpt, .rcpt_count = 1
	};
	f->rcpt = (struct mr_lmtp_rcpt){ .folder = NULL };
	mr_buf_init(&f->mail.content, MR_LMTP_CONTENT_MAX + 1);
	f->rcpt.reply.code = 451;
	if (mr_smtp_path_from_arg(mr_span_str(from), f->arena, &f->mail.mail.from) == 0 &&
	    mr_smtp_path_from_arg(mr_span_str(address), f->arena, &f->rcpt.path) == 0 &&
	    mr_buf_adds(&f->mail.content, text) == 0) {
		mr_recipient(&f->deliver, &f->mail, &f->rcpt);
		if (f->rcpt.reply.code == 250)
			mr_deliver_store(&f->deliver, &f->mail);
	}
	mr_deliver_drop(&f->deliver, &f->mail);
	mr_buf_done(&f->mail.content);
	if (mta)
		mr_sink_end(&f->sink);
	mr_own_free(f->own);
	f->own = NULL;
	return f->rcpt.reply.code;
}

/* Messages in INBOX of a user. */
static int count_in(struct fixture *f, const char *folder)
{
	char path[200];
	struct dirent *entry;
	int count = 0, fd;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "example.org/%s/new", folder);
	fd = openat(f->deliver.mail_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

#define EHLO    "EHLO mx.example.org\r\n"
#define MAIL    "MAIL FROM:<s@far.example> BODY=8BITMIME\r\n"
#define MARK(a) "DATA\r\nDelivered-To: " a "\r\nX-Millrace-Forward: " a "\r\n"
#define TEXT    "Subject: x\n\nbody\n.\n"
#define SENT    "Subject: x\r\n\r\nbody\r\n..\r\n.\r\nQUIT\r\n"

MR_TEST(forward_alias)
{
	static const struct {
		const char *words, *address, *heard;
		int code, ann;
	} rows[] = {
		/* Exactly one mailbox: nobody is asked. */
		{ NULL, "one@example.org", "", 250, 1 },
		{ TO1, "out@example.org",
		  EHLO MAIL "RCPT TO:<x@far.example>\r\n" MARK("out@example.org") SENT, 250, 0 },
		/* All of them in one transaction */
		{ MR_SINK_HELLO MR_SINK_OK MR_SINK_OK MR_SINK_OK MR_SINK_OK MR_SINK_GO
			  MR_SINK_TAKEN,
		  "All@Example.org",
		  EHLO MAIL "RCPT TO:<ann@example.org>\r\nRCPT TO:<bob@example.org>\r\n"
			    "RCPT TO:<x@far.example>\r\n" MARK("all@example.org") SENT,
		  250, 0 },
		{ TO2, "both@example.org",
		  EHLO MAIL "RCPT TO:<bob+lists@example.org>\r\nRCPT TO:<ann@example.org>\r\n" MARK(
			  "both@example.org") SENT,
		  250, 0 },
		/* One of them refused: none has it. */
		{ MR_SINK_HELLO MR_SINK_OK MR_SINK_OK "450 4.2.1 Later\r\n", "both@example.org",
		  EHLO MAIL
		  "RCPT TO:<bob+lists@example.org>\r\nRCPT TO:<ann@example.org>\r\nQUIT\r\n",
		  450, 0 },
		{ "554 5.7.1 No\r\n", "out@example.org", "QUIT\r\n", 554, 0 },
		/* 421 ends a connection of the MTA's, not ours. */
		{ "421 4.3.2 No\r\n", "out@example.org", "QUIT\r\n", 451, 0 },
		/* No reinject */
		{ NULL, "out@example.org", "", 451, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;
		int code;

		t->row = (long)i;
		MR_NEED(t, fixture_init(t, &f));
		code = deliver(t, &f, rows[i].words, "s@far.example", rows[i].address, TEXT);
		MR_CHECK_ALWAYS(t, code != 250 || rows[i].code == 250);
		MR_CHECK_INT(t, rows[i].code, code);
		MR_CHECK_STR(t, rows[i].heard, f.sink.heard);
		MR_CHECK_INT(t, rows[i].ann, count_in(&f, "ann"));
		fixture_done(&f);
	}
}

#define FLAGGED "X-Spam-Flag: YES\nReceived: by us\n" TEXT
#define ONWARD  EHLO MAIL "RCPT TO:<x@far.example>\r\n" MARK("ann@example.org")
#define HOPS5                                                                                      \
	"X-Millrace-Forward: a\nX-Millrace-Forward: b\nX-Millrace-Forward: "                       \
	"c\nX-Millrace-Forward: d\nX-Millrace-Forward: e\n"

MR_TEST(forward_user)
{
	static const struct {
		const char *forward;
		bool keep, spam;
		const char *words, *text, *heard;
		int code, ann;
	} rows[] = {
		{ "x@far.example", true, false, TO1, TEXT, ONWARD SENT, 250, 1 },
		{ "x@far.example", false, false, TO1, TEXT, ONWARD SENT, 250, 0 },
		{ "x@far.example , y@far.example", false, false, TO2, TEXT,
		  EHLO MAIL "RCPT TO:<x@far.example>\r\nRCPT TO:<y@far.example>\r\n" MARK(
			  "ann@example.org") SENT,
		  250, 0 },
		/* He himself among them: a copy */
		{ "x@far.example,Ann@example.org", false, false, TO1, TEXT, ONWARD SENT, 250, 1 },
		{ "ann@example.org", false, false, NULL, TEXT, "", 250, 1 },
		/* For now: neither there nor here. */
		{ "x@far.example", true, false, "451 4.3.0 No\r\n", TEXT, "QUIT\r\n", 451, 0 },
		{ "x@far.example", false, false, "451 4.3.0 No\r\n", TEXT, "QUIT\r\n", 451, 0 },
		{ "x@far.example", true, false, NULL, TEXT, "", 451, 0 },
		/* For good: he has it here, if he wants one here. */
		{ "x@far.example", true, false, "554 5.7.1 No\r\n", TEXT, "QUIT\r\n", 250, 1 },
		{ "x@far.example", false, false, "554 5.7.1 No\r\n", TEXT, "QUIT\r\n", 554, 0 },
		/* The message has been there: it stays. */
		{ "x@far.example", false, false, TO1, "Delivered-To: X@far.example\n" TEXT, "", 250,
		  1 },
		{ "x@far.example,y@far.example", false, false, TO1,
		  "Delivered-To: y@far.example\n" TEXT,
		  ONWARD "Delivered-To: y@far.example\r\n" SENT, 250, 0 },
		/* Too many times */
		{ "x@far.example", false, false, TO1, HOPS5 HOPS5 TEXT, "", 250, 1 },
		/* RFC 5321 6.3: a loop all the same */
		{ "x@far.example", false, false, TO1, "Delivered-To: ann@example.org\n" TEXT, "",
		  554, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;
		int code;

		t->row = (long)i;
		MR_NEED(t, fixture_init(t, &f));
		wishes.forward = mr_span_str(rows[i].forward);
		wishes.forward_keep = rows[i].keep;
		wishes.forward_spam = rows[i].spam;
		code = deliver(t, &f, rows[i].words, "s@far.example", "ann@example.org",
			       rows[i].text);
		MR_CHECK_ALWAYS(t, code != 250 || rows[i].code == 250);
		MR_CHECK_INT(t, rows[i].code, code);
		MR_CHECK_STR(t, rows[i].heard, f.sink.heard);
		MR_CHECK_INT(t, rows[i].ann, count_in(&f, "ann"));
		fixture_done(&f);
	}
}

/* Spam is kept, unless it is wanted otherwise; behind an alias only ours get it. */
MR_TEST(forward_spam)
{
	static const struct {
		const char *address;
		bool wanted;
		const char *words, *rcpts;
		int code, spam;
	} rows[] = {
		{ "ann@example.org", false, TO1, NULL, 250, 1 },
		{ "ann@example.org", true, TO1, "RCPT TO:<x@far.example>\r\n", 250, 0 },
		{ "out@example.org", false, TO1, NULL, 550, 0 },
		{ "out@example.org", true, TO1, "RCPT TO:<x@far.example>\r\n", 250, 0 },
		{ "all@example.org", false, TO2,
		  "RCPT TO:<ann@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n", 250, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;

		t->row = (long)i;
		MR_NEED(t, fixture_init(t, &f));
		wishes.forward = MR_SPAN("x@far.example");
		wishes.forward_keep = false;
		wishes.forward_spam = rows[i].wanted;
		MR_CHECK_INT(
			t, rows[i].code,
			deliver(t, &f, rows[i].words, "s@far.example", rows[i].address, FLAGGED));
		MR_CHECK(t, rows[i].rcpts ? strstr(f.sink.heard, rows[i].rcpts) != NULL
					  : f.sink.heard[0] == '\0');
		MR_CHECK_INT(t, rows[i].spam, count_in(&f, "ann/.Spam"));
		fixture_done(&f);
	}
}

/* Without srsd nobody's sender is rewritten, so mail of strangers to strangers waits; a bounce too. */
MR_TEST(forward_no_srsd)
{
	static const struct {
		const char *from, *address;
		int code;
	} rows[] = {
		{ "s@far.example", "out@example.org", 451 },
		{ "", "out@example.org", 250 }, /* the null sender stays */
		{ "ann@example.org", "out@example.org", 250 }, /* ours: our SPF */
		{ "s@far.example", "both@example.org", 250 }, /* to ours */
		{ "", "SRS0=abcdefgh=JN=far.example=s@example.org", 451 },
		{ "s@far.example", "SRS0=abcdefgh=JN=far.example=s@example.org", 550 },
		{ "", "SRS0=abc=JN=far.example=s@example.org",
		  550 }, /* too short: not even asked */
		{ "", "SRS0=abc@example.org", 550 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;

		t->row = (long)i;
		MR_NEED(t, fixture_init(t, &f));
		f.set.srs_domain = "example.org";
		f.set.srs_socket = "unix:/nowhere/at/all";
		MR_CHECK_INT(
			t, rows[i].code,
			deliver(t, &f, i == 3 ? TO2 : TO1, rows[i].from, rows[i].address, TEXT));
		fixture_done(&f);
	}
}
