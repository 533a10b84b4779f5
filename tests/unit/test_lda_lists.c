/* What friends and blocked senders make of a delivery: lda/lmtpd/lists.c, and sorting.c behind it. */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "lda/lmtpd/deliver.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "lib/store/mr_store_senders.h"
#include "tests/unit/mr_lda_test.h"
#include "tests/unit/mr_test.h"

#define S(text)  mr_span_str(text)
#define RECEIVED "Received: from c by mx.example.org with ESMTP id 1; today\n"
#define SCORED                                                                                     \
	"X-Spam-Flag: YES\nX-Spam-Score: 20.000\nX-Spam-Status: Yes, score=20.000 required=5.000 " \
	"scorer=millrace\n\tbecause: start +20.0\n"
#define AR    "Authentication-Results: mx.example.org;"
#define VALID AR " dkim=pass header.d=b.example\n"
#define BOB   "From: Bob <bob@b.example>\n\nText\n"

static struct mr_user_settings wishes;
static char logged[4000];

static void sink(void *arg MR_UNUSED, enum mr_log_level level, const char *line)
{
	size_t len = strlen(logged);

	if (level <= MR_LOG_INFO)
		snprintf(logged + len, sizeof(logged) - len, "%s\n", line);
}

static int settings_any(void *arg MR_UNUSED, struct mr_span local MR_UNUSED,
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
	struct mr_lmtp_rcpt rcpt;
	const char *dir;
	char url[MR_PATH_MAX + 16];
};

static bool fixture_init(struct mr_t *t, struct fixture *f)
{
	const char *dir = mr_test_dir(t);

	*f = (struct fixture){ .arena = mr_arena_new(8u << 20), .dir = dir };
	snprintf(f->url, sizeof(f->url), "sqlite:%s/store", dir);
	mr_user_settings_default(&wishes);
	logged[0] = '\0';
	f->deliver = (struct mr_deliver){ .directory = { mr_lda_test_names, settings_any, NULL },
					  .mail_fd = -1,
					  .host = "host.example",
					  .clock = mr_clock_real };
	f->deliver.lists = mr_lists_new(f->url, mr_clock_real);
	if (!f->arena || !f->deliver.lists || mr_settings_default(&f->set) < 0)
		return false;
	f->set.auth_milter = true;
	f->set.authserv_id = "mx.example.org";
	mr_log_sink(sink, NULL);
	return mr_open_dir_at(AT_FDCWD, dir, &f->deliver.mail_fd) == 0;
}

static void fixture_done(struct fixture *f)
{
	mr_log_sink(NULL, NULL);
	mr_lists_free(f->deliver.lists);
	mr_close_at(&f->deliver.mail_fd);
	f->set.authserv_id = NULL;
	mr_settings_done(&f->set);
	mr_arena_free(f->arena);
}

/* "ACTION ENTRY" of ann@example.org; empty: none, but the group is there. */
static int list(struct fixture *f, const char *text)
{
	MR_AUTO(mr_store) *store = NULL;
	struct mr_sender_entry e = { .action = MR_SENDER_FRIEND };
	struct mr_span action;
	int err = mr_store_open(f->url, MR_GROUP_SENDERS, MR_STORE_CREATE, &store);

	(void)mr_span_split(S(text), ' ', &action, &e.entry);
	while (e.action < MR_SENDER_DROP && !mr_span_eq(action, S(mr_sender_action_name(e.action))))
		e.action++;
	if (err == 0 && text[0])
		err = mr_store_sender_put(store, S("ann"), S("example.org"), &e, 1);
	return err < 0 ? err : 0;
}

/* Deliver text; "CODE FOLDER" with the folder it went to. */
static void deliver(struct fixture *f, const char *to, const char *from, struct mr_span text,
		    char got[64])
{
	struct mr_lmtp_mail mail = { .set = &f->set, .arena = f->arena, .rcpt = &f->rcpt };

	mail.mail.from.text = S(from);
	mr_buf_init(&mail.content, MR_LMTP_CONTENT_MAX + 1);
	f->rcpt = (struct mr_lmtp_rcpt){ .folder = NULL };
	if (mr_smtp_path_from_arg(S(to), f->arena, &f->rcpt.path) == 0)
		mr_recipient(&f->deliver, &mail, &f->rcpt);
	if (f->rcpt.reply.code == 250 && mr_buf_add(&mail.content, text) == 0) {
		mail.rcpt_count = 1;
		mr_deliver_store(&f->deliver, &mail);
	}
	mr_deliver_drop(&f->deliver, &mail);
	mr_buf_done(&mail.content);
	snprintf(got, 64, "%d %s", f->rcpt.reply.code, f->rcpt.folder ? f->rcpt.folder : "-");
}

/* Scored 20, unless it says otherwise. */
static const struct {
	const char *entry, *header, *from;
	enum mr_spam_place place;
	const char *want;
} rows[] = {
	{ "", SCORED VALID RECEIVED BOB, "bob@b.example", MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "friend bob@b.example", SCORED VALID RECEIVED BOB, "", MR_SPAM_PLACE_FOLDER,
	  "250 INBOX" },
	{ "friend bob@b.example", SCORED AR " spf=pass smtp.mailfrom=b.example\n" RECEIVED BOB,
	  "bob@b.example", MR_SPAM_PLACE_FOLDER, "250 INBOX" },
	/* no answer; of another domain; a failure; forged: below, another's id */
	{ "friend bob@b.example", SCORED RECEIVED BOB, "", MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "friend bob@b.example", SCORED AR " dkim=pass header.d=e.example\n" RECEIVED BOB, "",
	  MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "friend bob@b.example", SCORED AR " dkim=fail header.d=b.example\n" RECEIVED BOB, "",
	  MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "friend bob@b.example", SCORED RECEIVED VALID BOB, "", MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "friend bob@b.example",
	  SCORED "Authentication-Results: b.example; dkim=pass header.d=b.example\n" RECEIVED BOB,
	  "", MR_SPAM_PLACE_FOLDER, "250 Spam" },
	/* a virus filter's word goes further than a friend's */
	{ "friend bob@b.example", "X-Virus-Status: Infected (x)\n" SCORED VALID RECEIVED BOB, "",
	  MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "folder b.example", RECEIVED BOB, "", MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "folder b.example", RECEIVED BOB, "", MR_SPAM_PLACE_TAG, "250 INBOX" },
	{ "folder b.example", RECEIVED BOB, "", MR_SPAM_PLACE_INBOX, "250 Spam" },
	{ "", SCORED RECEIVED BOB, "", MR_SPAM_PLACE_INBOX, "250 INBOX" },
	{ "folder x@y.example", RECEIVED BOB, "x@y.example", MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "drop b.example", RECEIVED BOB, "", MR_SPAM_PLACE_FOLDER, "250 -" },
	/* a bounce goes to the envelope's sender, so that must be proven */
	{ "reject b.example", RECEIVED BOB, "bob@b.example", MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "reject b.example", VALID RECEIVED BOB, "bob@b.example", MR_SPAM_PLACE_FOLDER, "550 -" },
	{ "reject b.example", VALID RECEIVED BOB, "victim@v.example", MR_SPAM_PLACE_FOLDER,
	  "250 Spam" },
	{ "reject b.example", VALID RECEIVED BOB, "", MR_SPAM_PLACE_FOLDER, "250 Spam" },
	{ "drop *.org", RECEIVED "From: zoe@example.org\n\n", "zoe@example.org",
	  MR_SPAM_PLACE_FOLDER, "250 INBOX" },
};

MR_TEST(lists_decide)
{
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;
		char got[64] = "";

		/* Each delivery waits for a disk. */
		if ((t->oom || getenv("MR_TEST_OOM")) && i != 1)
			continue;
		t->row = (long)i;
		if (fixture_init(t, &f) && list(&f, rows[i].entry) == 0) {
			f.set.virus_milter = true;
			wishes.spam = rows[i].place;
			deliver(&f, "ann@example.org", rows[i].from, S(rows[i].header), got);
			MR_CHECK_STR(t, rows[i].want, got);
			MR_CHECK_STR(t, "", logged);
		}
		fixture_done(&f);
	}
}

/* Each writer left out: its field is anybody's. */
MR_TEST(lists_unbelieved)
{
	struct fixture f;
	char got[64] = "";

	if (fixture_init(t, &f) && list(&f, "friend bob@b.example") == 0) {
		f.set.auth_milter = false;
		deliver(&f, "ann@example.org", "bob@b.example", S(SCORED VALID RECEIVED BOB), got);
		MR_CHECK_STR(t, "250 Spam", got);
		/* whoever claims a virus must not stop a friend */
		f.set.auth_milter = true;
		deliver(&f, "ann@example.org", "bob@b.example",
			S("X-Virus-Status: Infected\n" SCORED VALID RECEIVED BOB), got);
		MR_CHECK_STR(t, "250 INBOX", got);
	}
	fixture_done(&f);
}

/* Another recipient's list is not his. */
MR_TEST(lists_of_one)
{
	struct fixture f;
	char got[64] = "";

	if (fixture_init(t, &f) && list(&f, "friend bob@b.example") == 0) {
		deliver(&f, "zoe@example.org", "bob@b.example", S(SCORED VALID RECEIVED BOB), got);
		MR_CHECK_STR(t, "250 Spam", got);
	}
	fixture_done(&f);
}

/* No group yet: nobody has entries. Once it is there, it counts, without a restart. */
MR_TEST(lists_come_later)
{
	struct fixture f;
	char got[64] = "";

	if (fixture_init(t, &f)) {
		deliver(&f, "ann@example.org", "bob@b.example", S(RECEIVED BOB), got);
		MR_CHECK_STR(t, "250 INBOX", got);
		MR_CHECK_STR(t, "", logged);
		if (list(&f, "folder b.example") == 0)
			deliver(&f, "ann@example.org", "bob@b.example", S(RECEIVED BOB), got);
		MR_CHECK_STR(t, "250 Spam", got);
	}
	fixture_done(&f);
}

/* What does not read is no empty list: mail waits, and the log says so once. */
MR_TEST(lists_away)
{
	struct fixture f;
	char got[64] = "", path[MR_PATH_MAX + 32];
	int fd = -1;

	if (t->oom || getenv("MR_TEST_OOM"))
		return;
	MR_NEED(t, fixture_init(t, &f));
	snprintf(path, sizeof(path), "%s/senders.db", f.url + strlen("sqlite:"));
	MR_NEED(t, list(&f, "") == 0);
	MR_NEED(t, mr_create_at(AT_FDCWD, path, 0600, &fd) < 0); /* it is there */
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	MR_NEED(t, fd >= 0 && mr_write_all(fd, S("this is no file of SQLite's, but a text")) == 0);
	close(fd);
	for (int i = 0; i < 2; i++) {
		deliver(&f, "ann@example.org", "bob@b.example", S(RECEIVED BOB), got);
		MR_CHECK_STR(t, "451 -", got);
	}
	MR_CHECK(t, strstr(logged, "mail waits"));
	MR_CHECK(t, strstr(logged, "mail waits") == strstr(logged, "lists of senders") +
							    strlen("lists of senders cannot be "
								   "read: "));
	fixture_done(&f);
}

/* The only message in a folder of ann's. */
static struct mr_span only(struct fixture *f, const char *folder)
{
	char path[MR_PATH_MAX + 64];
	struct mr_span content = MR_SPAN("");
	struct dirent *entry;
	DIR *d;

	snprintf(path, sizeof(path), "%s/example.org/ann/%snew", f->dir, folder);
	d = opendir(path);
	while (d && (entry = readdir(d))) {
		int fd = -1;

		if (entry->d_name[0] == '.')
			continue;
		if (mr_open_at(dirfd(d), entry->d_name, &fd) == 0 &&
		    mr_read_fd(fd, 1u << 20, f->arena, &content) < 0)
			content = MR_SPAN("");
		mr_close_at(&fd);
	}
	if (d)
		closedir(d);
	return content;
}

#define MARK    "X-Millrace-Delivery: "
#define MILD    "X-Spam-Flag: NO\nX-Spam-Score: 4.000\nX-Spam-Status: No, scorer=millrace\n"
#define LIST_OF "; score=20.000; threshold=5.000;\n\tlist=user; entry="

/* docs/HEADERS.md: where it went, and why. */
static const struct {
	const char *entry, *header;
	int threshold; /* thousandths */
	const char *folder, *want;
} marks[] = {
	{ "", RECEIVED BOB, 5000, "", "folder=INBOX; reason=unscored" },
	{ "", "X-Spam-Flag: YES\n" RECEIVED BOB, 5000, ".Spam/", "folder=Spam; reason=flag" },
	{ "", SCORED RECEIVED BOB, 5000, ".Spam/",
	  "folder=Spam; reason=score; score=20.000; threshold=5.000" },
	{ "", SCORED RECEIVED BOB, 20500, "",
	  "folder=INBOX; reason=threshold; score=20.000; threshold=20.500" },
	{ "", MILD RECEIVED BOB, 3000, ".Spam/",
	  "folder=Spam; reason=threshold; score=4.000; threshold=3.000" },
	{ "", MILD RECEIVED BOB, 5000, "",
	  "folder=INBOX; reason=score; score=4.000; threshold=5.000" },
	{ "friend bob@b.example", SCORED VALID RECEIVED BOB, 5000, "",
	  "folder=INBOX; reason=friend" LIST_OF "bob@b.example" },
	{ "friend bob@b.example", SCORED RECEIVED BOB, 5000, ".Spam/",
	  "folder=Spam; reason=score; score=20.000; threshold=5.000" },
	{ "folder *.example", RECEIVED BOB, 5000, ".Spam/",
	  "folder=Spam; reason=block;\n\tlist=user; entry=*.example" },
	/* "%" and what is no ASCII */
	{ "folder \xC3\xA4%@b.example", RECEIVED "From: \xC3\xA4%@b.example\n\n", 5000, ".Spam/",
	  "folder=Spam; reason=block;\n\tlist=user; entry=%C3%A4%25@b.example" },
};

MR_TEST(lists_mark)
{
	for (size_t i = 0; i < MR_COUNT(marks); i++) {
		struct fixture f;
		char got[64];

		if ((t->oom || getenv("MR_TEST_OOM")) && i != 6)
			continue;
		t->row = (long)i;
		if (fixture_init(t, &f) && list(&f, marks[i].entry) == 0) {
			MR_AUTO_BUF want = MR_BUF(4096);
			struct mr_span mark;

			wishes.spam_threshold = marks[i].threshold;
			deliver(&f, "ann@example.org", "", S(marks[i].header), got);
			(void)mr_lda_test_unmarked(only(&f, marks[i].folder), f.arena, &mark);
			(void)mr_buf_printf(&want, MARK "%s\n", marks[i].want);
			MR_CHECK_SPANS(t, mr_buf_span(&want), mark);
		}
		fixture_done(&f);
	}
}

/* Forged ones go, wherever they stand in the header; a hundred of them, and no more. */
MR_TEST(lists_mark_forged)
{
	static const struct {
		int above, below, code;
	} counts[] = {
		{ 0, 1, 250 }, { 1, 0, 250 }, { 2, 3, 250 }, { 50, 50, 250 }, { 50, 51, 554 }
	};

	for (size_t i = 0; i < MR_COUNT(counts); i++) {
		struct fixture f;
		MR_AUTO_BUF in = MR_BUF(65536);
		char got[64] = "";

		if ((t->oom || getenv("MR_TEST_OOM")) && i != 2)
			continue;
		t->row = (long)i;
		for (int k = 0; k < counts[i].above; k++)
			(void)mr_buf_adds(&in,
					  "x-millrace-delivery: folder=INBOX;\n reason=friend\n");
		(void)mr_buf_adds(&in, RECEIVED "To: a\n");
		for (int k = 0; k < counts[i].below; k++)
			(void)mr_buf_adds(&in, MARK "folder=INBOX; reason=friend\nX-Other: y\n");
		(void)mr_buf_adds(&in, "\n" MARK "body\n");
		if (fixture_init(t, &f) && list(&f, "") == 0) {
			struct mr_span copy, mark;

			deliver(&f, "ann@example.org", "", mr_buf_span(&in), got);
			MR_CHECK_INT(t, counts[i].code, f.rcpt.reply.code);
			copy = mr_lda_test_unmarked(only(&f, ""), f.arena, &mark);
			MR_CHECK_SPAN(t,
				      counts[i].code == 250 ? MARK "folder=INBOX; reason=unscored\n"
							    : "",
				      mark);
			MR_CHECK(t, mr_span_search(copy, S("reason=friend")) == copy.len);
			MR_CHECK(t,
				 counts[i].code != 250 ||
					 mr_span_search(copy, S("\n\n" MARK "body\n")) < copy.len);
		}
		fixture_done(&f);
	}
}

/* What the log is told. */
MR_TEST(lists_told)
{
	struct fixture f;
	char got[64];

	if (fixture_init(t, &f) && list(&f, "drop b.example") == 0) {
		deliver(&f, "ann@example.org", "bob@b.example", S(RECEIVED BOB), got);
		MR_CHECK_STR(t, "250 -", got);
		MR_CHECK_STR(t, "block", f.rcpt.reason);
		MR_CHECK_STR(t, "b.example", f.rcpt.entry);
		deliver(&f, "zoe@example.org", "bob@b.example", S(SCORED RECEIVED BOB), got);
		MR_CHECK_STR(t, "score", f.rcpt.reason);
		MR_CHECK_STR(t, "20.000", f.rcpt.score);
		MR_CHECK_STR(t, "5.000", f.rcpt.threshold);
		MR_CHECK(t, !f.rcpt.entry);
	}
	fixture_done(&f);
}
