/* What becomes of a message: lda/lmtpd/deliver.c and head.c, over a directory that is a table. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lda/lmtpd/content.h"
#include "lda/lmtpd/deliver.h"
#include "lda/lmtpd/head.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/mail/mr_name.h"
#include "tests/unit/mr_lda_test.h"
#include "tests/unit/mr_test.h"

#define ARENA_MAX (4 << 20)

static const struct {
	const char *local, *domain;
	int err;
	bool disabled;
} users[] = {
	{ "ann", "example.org", 0, false },
	{ "ann+exact", "example.org", 0, false },
	{ "bob", "example.org", 0, false },
	{ "off", "example.org", 0, true },
	{ "away", "example.org", MR_ETEMP, false },
	{ "rights", "example.org", MR_EPERM, false },
	{ "broken", "example.org", MR_ECORRUPT, false },
	{ "\xc3\xbc", "example.org", 0, false },
};

/* As the store: in any case, and names that nobody can have. */
static int table_find(void *arg MR_UNUSED, struct mr_span local_, struct mr_span domain_,
		      struct mr_arena *arena, struct mr_user *user_out)
{
	char name[MR_NAME_LOCAL_MAX + 1], host[MR_NAME_DOMAIN_MAX + 1];
	struct mr_span local, domain;

	if (mr_name_local(local_, name) < 0 || mr_name_domain(domain_, host) < 0)
		return MR_EINVAL;
	local = mr_span_str(name);
	domain = mr_span_str(host);
	for (size_t i = 0; i < MR_COUNT(users); i++) {
		struct mr_user user = { .disabled = users[i].disabled };

		if (!mr_span_eq(local, mr_span_str(users[i].local)) ||
		    !mr_span_eq(domain, mr_span_str(users[i].domain)))
			continue;
		if (users[i].err < 0)
			return users[i].err;
		if (mr_arena_dup(arena, local, &user.local) < 0 ||
		    mr_arena_dup(arena, domain, &user.domain) < 0)
			return MR_ENOMEM;
		*user_out = user;
		return 0;
	}
	return MR_ENOENT;
}

static int table_domain(void *arg MR_UNUSED, struct mr_span domain)
{
	char name[MR_NAME_DOMAIN_MAX + 1];

	if (mr_name_domain(domain, name) < 0)
		return MR_EINVAL;
	return strcmp(name, "example.org") == 0 ? 0 : MR_ENOENT;
}

/* Those of whoever is asked for; a test changes it. */
static struct mr_user_settings wishes;

static int table_settings(void *arg MR_UNUSED, struct mr_span local MR_UNUSED,
			  struct mr_span domain MR_UNUSED, struct mr_arena *arena MR_UNUSED,
			  struct mr_user_settings *settings_out)
{
	*settings_out = wishes;
	return 0;
}

/* A mail_dir of its own, and one message at a time. */
struct fixture {
	struct mr_settings set;
	struct mr_deliver deliver;
	struct mr_lmtp_mail mail;
	struct mr_lmtp_rcpt rcpt[4];
	struct mr_arena *arena;
};

static bool fixture_init(struct mr_t *t, struct fixture *f)
{
	const char *dir = mr_test_dir(t);

	*f = (struct fixture){ .arena = mr_arena_new(ARENA_MAX) };
	f->deliver = (struct mr_deliver){ .directory = { { table_domain, table_find,
							   mr_lda_test_alias, NULL },
							 table_settings,
							 NULL },
					  .mail_fd = -1,
					  .host = "host.example",
					  .clock = mr_clock_real };
	mr_user_settings_default(&wishes);
	if (!f->arena)
		return false;
	if (mr_settings_default(&f->set) < 0) {
		mr_arena_free(f->arena);
		return false;
	}
	MR_CHECK_INT(t, 0, mr_open_dir_at(AT_FDCWD, dir, &f->deliver.mail_fd));
	return true;
}

static void message_begin(struct fixture *f)
{
	f->mail = (struct mr_lmtp_mail){ .set = &f->set, .arena = f->arena, .rcpt = f->rcpt };
	f->mail.mail.from.text = MR_SPAN("sender@example.net");
	mr_buf_init(&f->mail.content, MR_LMTP_CONTENT_MAX + 1);
}

static void message_end(struct fixture *f)
{
	mr_deliver_drop(&f->deliver, &f->mail);
	mr_buf_done(&f->mail.content);
	mr_arena_reset(f->arena);
}

static void fixture_done(struct fixture *f)
{
	close(f->deliver.mail_fd);
	mr_settings_done(&f->set);
	mr_arena_free(f->arena);
}

/* As RCPT; the code that is answered, 0 when it is not even an address. */
static int rcpt_add(struct fixture *f, const char *address)
{
	struct mr_lmtp_rcpt *rcpt = &f->rcpt[f->mail.rcpt_count];

	*rcpt = (struct mr_lmtp_rcpt){ .folder = NULL };
	if (mr_smtp_path_from_arg(mr_span_str(address), f->arena, &rcpt->path) < 0)
		return 0;
	mr_recipient(&f->deliver, &f->mail, rcpt);
	if (rcpt->reply.code == 250)
		f->mail.rcpt_count++;
	return rcpt->reply.code;
}

/* Deliver text to address; the folder, or the reply's status. */
static const char *deliver_text(struct mr_t *t, struct fixture *f, const char *address,
				const char *text)
{
	const char *went = "nowhere";

	message_begin(f);
	if (rcpt_add(f, address) == 250 && mr_buf_adds(&f->mail.content, text) == 0) {
		static char folder[100];

		mr_deliver_store(&f->deliver, &f->mail);
		went = f->rcpt[0].reply.status;
		if (f->rcpt[0].folder &&
		    mr_span_copyz(mr_span_str(f->rcpt[0].folder), folder, sizeof(folder)) == 0)
			went = folder;
		MR_CHECK(t, (f->rcpt[0].folder != NULL) == (f->rcpt[0].reply.code == 250));
	}
	message_end(f);
	return went;
}

/* The only file in dir, read into arena; "" if there is not exactly one. */
static struct mr_span only_file(struct mr_t *t, struct fixture *f, const char *dir,
				struct mr_arena *arena)
{
	struct mr_span content = MR_SPAN("");
	int fd = openat(f->deliver.mail_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file,
	    count = 0;
	struct dirent *entry;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (mr_open_at(dirfd(d), entry->d_name, &file) == 0) {
			int err = mr_read_fd(file, ARENA_MAX / 4, arena, &content);

			MR_CHECK_INT(t, 0, err);
			close(file);
		}
	}
	if (d)
		closedir(d);
	MR_CHECK_INT(t, 1, count);
	return content;
}

MR_TEST(lda_recipients)
{
	static const struct {
		const char *address;
		int code;
		const char *status;
	} rows[] = {
		{ "ann@example.org", 250, "2.1.5" },
		{ "Ann@EXAMPLE.org", 250, "2.1.5" },
		{ "ann@example.org.", 250, "2.1.5" },
		{ "ann+lists@example.org", 250, "2.1.5" },
		{ "ann+@example.org", 250, "2.1.5" },
		{ "\xc3\xbc@example.org", 250, "2.1.5" },
		{ "nobody@example.org", 550, "5.1.1" },
		{ "ann@example.com", 550, "5.1.2" },
		{ "+ann@example.org", 550, "5.1.1" },
		{ "ann-lists@example.org", 550, "5.1.1" },
		{ "\"a/../b\"@example.org", 550, "5.1.1" },
		{ "\"..\"@example.org", 550, "5.1.1" },
		{ "ann", 550, "5.1.2" }, /* no lmtp_default_domain */
		{ "ann@[192.0.2.1]", 550, "5.1.2" },
		{ "off@example.org", 450, "4.2.1" }, /* RFC 3463 3.3 */
		{ "away@example.org", 451, "4.3.0" },
		{ "rights@example.org", 451, "4.3.0" }, /* an operator can mend these two */
		{ "broken@example.org", 451, "4.3.0" },
		{ "broken+x@example.org", 451, "4.3.0" },
	};
	struct fixture f;

	MR_NEED(t, fixture_init(t, &f));
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		message_begin(&f);
		MR_CHECK_INT(t, rows[i].code, rcpt_add(&f, rows[i].address));
		MR_CHECK_STR(t, rows[i].status, f.rcpt[0].reply.status);
		message_end(&f);
	}
	t->row = -1;
	f.set.lmtp_default_domain = "example.org";
	message_begin(&f);
	MR_CHECK_INT(t, 250, rcpt_add(&f, "ann"));
	message_end(&f);
	f.set.recipient_separator = "";
	message_begin(&f);
	MR_CHECK_INT(t, 550, rcpt_add(&f, "bob+x@example.org"));
	message_end(&f);
	f.set.recipient_separator = "+-";
	message_begin(&f);
	MR_CHECK_INT(t, 250, rcpt_add(&f, "bob-x@example.org"));
	message_end(&f);
	fixture_done(&f);
}

MR_TEST(lda_mailbox)
{
	struct fixture f;
	struct mr_arena *arena = mr_arena_new(ARENA_MAX);

	if (!arena || !fixture_init(t, &f)) {
		mr_arena_free(arena);
		return;
	}
	MR_CHECK_STR(t, "INBOX",
		     deliver_text(t, &f, "Ann+Lists@example.org", "Subject: x\n\nbody\n"));
	MR_CHECK_SPAN(t,
		      "Return-Path: <sender@example.net>\n"
		      "Delivered-To: ann+Lists@example.org\n"
		      "X-Millrace-Delivery: folder=INBOX; reason=unscored\n"
		      "Subject: x\n\nbody\n",
		      only_file(t, &f, "example.org/ann/new", arena));
	mr_arena_free(arena);
	fixture_done(&f);
}

/* user+folder: only what is there already; the spam folder is made. */
MR_TEST(lda_folders)
{
	static const char flagged[] = "X-Spam-Flag: YES\nReceived: by us\n\n";
	static const struct {
		const char *address, *text, *folder;
	} rows[] = {
		{ "ann@example.org", "Subject: x\n\n", "INBOX" },
		{ "ann+lists@example.org", "Subject: x\n\n", "lists" },
		{ "ann+Lists@example.org", "Subject: x\n\n", "INBOX" },
		{ "ann+none@example.org", "Subject: x\n\n", "INBOX" },
		{ "\"ann+../../bob\"@example.org", "Subject: x\n\n", "INBOX" },
		{ "\"ann+a/b\"@example.org", "Subject: x\n\n", "INBOX" },
		{ "ann+exact@example.org", "Subject: x\n\n", "INBOX" }, /* a user of that name */
		{ "ann+@example.org", "Subject: x\n\n", "INBOX" },
		{ "bob@example.org", flagged, "Spam" },
		{ "ann+lists@example.org", flagged, "Spam" },
		/* Forged: below what our MTA wrote. */
		{ "bob@example.org", "Received: by us\nX-Spam-Flag: YES\n\n", "INBOX" },
		{ "bob@example.org", "X-Spam-Flag: NO\nX-Spam-Flag: YES\nReceived: by us\n\n",
		  "INBOX" },
		{ "bob@example.org", "X-Spam-Flag: YES\nSubject: nobody received it\n\n", "INBOX" },
		{ "bob@example.org", "Subject: x\n\nX-Spam-Flag: YES\nReceived: body\n", "INBOX" },
	};
	struct fixture f;

	MR_NEED(t, fixture_init(t, &f));
	MR_CHECK_INT(t, 0, mr_mkdir_at(f.deliver.mail_fd, "example.org", 0700));
	MR_CHECK_INT(t, 0, mr_mkdir_at(f.deliver.mail_fd, "example.org/ann", 0700));
	MR_CHECK_INT(t, 0, mr_mkdir_at(f.deliver.mail_fd, "example.org/ann/.lists", 0700));
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_STR(t, rows[i].folder, deliver_text(t, &f, rows[i].address, rows[i].text));
	}
	t->row = -1;
	f.set.spam_milter = false; /* no milter of ours: nobody is believed */
	MR_CHECK_STR(t, "INBOX", deliver_text(t, &f, "bob@example.org", flagged));
	fixture_done(&f);
}

/* RFC 3463 5.4.6; Delivered-To is what tells. */
MR_TEST(lda_loop)
{
	static const struct {
		const char *address, *text, *went;
	} rows[] = {
		{ "ann@example.org", "Received: x\nDelivered-To: ann@example.org\n\n", "5.4.6" },
		{ "Ann@Example.org", "Delivered-to:ANN@example.org \n\n", "5.4.6" },
		{ "ann+x@example.org", "Delivered-To: ann@example.org\n\n", "INBOX" },
		{ "ann@example.org", "Delivered-To: bob@example.org\n\n", "INBOX" },
		{ "ann@example.org",
		  "Delivered-To: bob@example.org\nDelivered-To:\n\tann@example.org\n"
		  "\n",
		  "5.4.6" },
		{ "ann@example.org", "Subject: x\n\nDelivered-To: ann@example.org\n", "INBOX" },
	};
	struct fixture f;

	MR_NEED(t, fixture_init(t, &f));
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_STR(t, rows[i].went, deliver_text(t, &f, rows[i].address, rows[i].text));
	}
	fixture_done(&f);
}

/* Two recipients, each with a copy of his own; one whose mailbox is no directory waits alone. */
MR_TEST(lda_recipients_apart)
{
	struct fixture f;
	int fd = -1;

	MR_NEED(t, fixture_init(t, &f));
	MR_CHECK_INT(t, 0, mr_mkdir_at(f.deliver.mail_fd, "example.org", 0700));
	MR_CHECK_INT(t, 0, mr_create_at(f.deliver.mail_fd, "example.org/bob", 0600, &fd));
	mr_close_at(&fd);
	message_begin(&f);
	if (rcpt_add(&f, "bob@example.org") == 250 && rcpt_add(&f, "ann@example.org") == 250 &&
	    mr_buf_adds(&f.mail.content, "x\n") == 0) {
		mr_deliver_store(&f.deliver, &f.mail);
		MR_CHECK_INT(t, 451, f.rcpt[0].reply.code);
		MR_CHECK_INT(t, 250, f.rcpt[1].reply.code);
	} else {
		MR_CHECK(t, t->oom);
	}
	message_end(&f);
	fixture_done(&f);
}

/* A message that does not fit in memory is kept in a file that has no name. */
MR_TEST(lda_large)
{
	struct fixture f;
	struct mr_arena *arena = mr_arena_new(ARENA_MAX);
	static char piece[100000];
	int err = 0;

	if (!arena || !fixture_init(t, &f)) {
		mr_arena_free(arena);
		return;
	}
	memset(piece, 'x', sizeof(piece));
	memcpy(piece, "X-Spam-Flag: YES\nReceived: x\n\n", 30);
	message_begin(&f);
	MR_CHECK_INT(t, 250, rcpt_add(&f, "ann@example.org"));
	for (int i = 0; i < 3 && err == 0; i++) {
		err = mr_buf_add(&f.mail.content, mr_span(piece, sizeof(piece)));
		if (err == 0)
			err = mr_deliver_more(&f.deliver, &f.mail);
		mr_buf_reset(&f.mail.content);
	}
	if (err == 0 && f.mail.rcpt_count == 1 && mr_buf_adds(&f.mail.content, "end\n") == 0) {
		struct mr_span all;

		mr_deliver_store(&f.deliver, &f.mail);
		MR_CHECK_INT(t, 250, f.rcpt[0].reply.code);
		all = only_file(t, &f, "example.org/ann/.Spam/new", arena);
		MR_CHECK_INT(t, 300000 + 4 + 34 + 30 + 46, all.len); /* the three fields of ours */
		MR_CHECK_SPAN(t, "xxend\n", mr_span_sub(all, all.len - 6, 6));
		MR_CHECK(t, faccessat(f.deliver.mail_fd, "example.org/ann/new", R_OK, 0) == 0);
	} else {
		MR_CHECK(t, t->oom);
	}
	message_end(&f);
	mr_arena_free(arena);
	fixture_done(&f);
}

/* What a crash left in tmp/ goes, once it is old (36 hours, as Dovecot has it). */
/* A large message's file never has a name; what an older crash left goes, and nothing else. */
MR_TEST(lda_spool_leaves_nothing)
{
	static const char *const names[] = { ".spool.abc", ".spoolx", "example.org" };
	struct fixture f;
	char events[4096];
	int notify_fd;

	MR_NEED(t, fixture_init(t, &f));
	notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	MR_CHECK(t, inotify_add_watch(notify_fd, mr_test_dir(t), IN_CREATE) >= 0);
	message_begin(&f);
	if (mr_buf_adds(&f.mail.content, "A: b\n\nx\n") == 0)
		MR_CHECK(t, mr_deliver_more(&f.deliver, &f.mail) == 0 || t->oom);
	MR_CHECK_INT(t, -1, read(notify_fd, events, sizeof(events))); /* nothing happened */
	message_end(&f);
	close(notify_fd);
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		int fd = -1;

		(void)unlinkat(f.deliver.mail_fd, names[i], 0);
		MR_CHECK_INT(t, 0, mr_create_at(f.deliver.mail_fd, names[i], 0600, &fd));
		close(fd);
	}
	MR_CHECK_INT(t, 1, mr_content_sweep(f.deliver.mail_fd));
	for (size_t i = 0; i < MR_COUNT(names); i++)
		MR_CHECK_INT(t, i == 0 ? -1 : 0, faccessat(f.deliver.mail_fd, names[i], F_OK, 0));
	fixture_done(&f);
}

MR_TEST(lda_sweep)
{
	struct mr_clock_fake fake = { .time_s = mr_time_s() + 35 * 3600 };
	static const char left[] = "example.org/ann/tmp/left";
	struct fixture f;
	int fd = -1;

	MR_NEED(t, fixture_init(t, &f));
	f.deliver.clock = mr_clock_fake(&fake);
	f.deliver.sweep_every = 1;
	MR_CHECK_STR(t, "INBOX", deliver_text(t, &f, "ann@example.org", "x\n"));
	MR_CHECK_INT(t, 0, mr_create_at(f.deliver.mail_fd, left, 0600, &fd));
	mr_close_at(&fd);
	MR_CHECK_STR(t, "INBOX", deliver_text(t, &f, "ann@example.org", "x\n"));
	MR_CHECK(t, faccessat(f.deliver.mail_fd, left, F_OK, 0) == 0);
	fake.time_s += 2 * 3600;
	f.deliver.sweep_every = 0;
	MR_CHECK_STR(t, "INBOX", deliver_text(t, &f, "ann@example.org", "x\n"));
	MR_CHECK(t, faccessat(f.deliver.mail_fd, left, F_OK, 0) == 0);
	f.deliver.sweep_every = 1;
	MR_CHECK_STR(t, "INBOX", deliver_text(t, &f, "ann@example.org", "x\n"));
	MR_CHECK(t, faccessat(f.deliver.mail_fd, left, F_OK, 0) < 0);
	fixture_done(&f);
}

MR_TEST(lda_head)
{
	static const struct {
		const char *in;
		bool spam;
		size_t delivered;
	} rows[] = {
		{ "", false, 0 },
		{ "X-Spam-Flag: yes\nReceived: x", true, 0 }, /* cut off in the header */
		{ "x-spam-flag:\n YES\nReceived : x\n", true, 0 },
		{ "X-Spam-Flag: YES maybe\nReceived: x\n", false, 0 },
		{ " folded\nX-Spam-Flag: YES\nReceived: x\n", false, 0 }, /* no field: the body */
		{ "Delivered-To: a\nDelivered-To: b\n\nDelivered-To: c\n", false, 2 },
		{ "Delivered-To: a\nno colon\nDelivered-To: b\n", false, 1 },
		{ "\nX-Spam-Flag: YES\nReceived: x\n", false, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_head head;

		mr_head_read(mr_block_span(in), &head);
		MR_CHECK(t, t->oom || head.spam == rows[i].spam);
		MR_CHECK_INT(t, rows[i].delivered, head.delivered_count);
	}
}

/* RFC 5321 4.4, as Postfix and sendmail write it. */
MR_TEST(lda_head_queue_id)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "Received: from a.example (b.example [192.0.2.1])\n"
		  "\tby mx.example.org (Postfix) with ESMTPS id 4bXyZ12abc\n"
		  "\tfor <u@example.org>; Tue, 24 Nov 2026 10:00:00 +0000 (UTC)\n",
		  "4bXyZ12abc" },
		{ "Subject: x\nReceived: from a (b [192.0.2.1]) by mx (8.17.1.9/8.17.1.9) with "
		  "ESMTP id "
		  "6AOBjl3Z000258; Tue, 24 Nov 2026 10:00:00 GMT\nReceived: by c id other; x\n",
		  "6AOBjl3Z000258" },
		{ "Received: from id (id evil) by mx (id worse) id good; x\n", "good" },
		{ "Received: from a by b; id late\n", "" },
		{ "Received: by b\nReceived: by c id second; x\n", "" }, /* the topmost alone */
		{ "Received: from a (((((((( id x\n", "" },
		{ "Received: id\n", "" },
		{ "Received: by b id "
		  "12345678901234567890123456789012345678901234567890123456789012345\n",
		  "" },
		{ "Subject: id x\n", "" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_AUTO(mr_block) *in = mr_test_exact(t, i, rows[i].in);
		struct mr_head head;

		mr_head_read(mr_block_span(in), &head);
		MR_CHECK_SPAN(t, rows[i].want, head.queue_id);
	}
}
