/* What one recipient's settings and lessons make of a message: lda/lmtpd/sorting.c, judge.c. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "lda/lmtpd/deliver.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "milters/spam/correction.h"
#include "milters/spam/extract.h"
#include "tests/unit/mr_lda_test.h"
#include "tests/unit/mr_spam_test.h"

#define ARENA_MAX (8 << 20)
#define STATUS                                                                                     \
	"X-Spam-Status: Yes, score=7.000 required=5.000 scorer=millrace\n\tbecause: start +7.0\n"
/* What the milter writes of a message with 7 points, and the MTA's own Received. */
#define FLAGGED   "X-Spam-Flag: YES\nX-Spam-Score: 7.000\n" STATUS
#define RECEIVED  "Received: from c by mx.example.org with ESMTP id 1; today\n"
#define MAIL      "From: a@b\nSubject: hello\n\nA text\n"
#define DELIVERED "Return-Path: <sender@example.net>\nDelivered-To: ann@example.org\n"

static struct mr_user_settings wishes;
static char warned[2000];
static struct mr_span marked; /* X-Millrace-Delivery of the last copy */

static void warn_sink(void *arg MR_UNUSED, enum mr_log_level level, const char *line)
{
	if (level <= MR_LOG_WARN)
		snprintf(warned, sizeof(warned), "%s", line);
}

static int settings_any(void *arg MR_UNUSED, struct mr_span local MR_UNUSED,
			struct mr_span domain MR_UNUSED, struct mr_arena *arena MR_UNUSED,
			struct mr_user_settings *settings_out)
{
	*settings_out = wishes;
	return 0;
}

/* Each delivery waits for a disk, so of what takes the same way only one row is run with failing
 * allocations. */
static bool skipped(const struct mr_t *t, size_t i, size_t row)
{
	return (t->oom || getenv("MR_TEST_OOM")) && i != row;
}

struct fixture {
	struct mr_settings set;
	struct mr_deliver deliver;
	struct mr_arena *arena;
	struct mr_lmtp_mail mail;
	struct mr_lmtp_rcpt rcpt;
	char dir[MR_PATH_MAX], store[MR_PATH_MAX + 16], model[MR_PATH_MAX + 16];
	unsigned mails;
};

static bool fixture_init(struct mr_t *t, struct fixture *f)
{
	*f = (struct fixture){ .arena = mr_arena_new(ARENA_MAX) };
	snprintf(f->dir, sizeof(f->dir), "%s", mr_test_dir(t));
	snprintf(f->store, sizeof(f->store), "sqlite:%s/store", f->dir);
	snprintf(f->model, sizeof(f->model), "%s/model", f->dir);
	mr_user_settings_default(&wishes);
	warned[0] = '\0';
	f->deliver = (struct mr_deliver){ .directory = { mr_lda_test_names, settings_any, NULL },
					  .mail_fd = -1,
					  .host = "host.example",
					  .clock = mr_clock_real };
	f->deliver.judge = mr_judge_new(f->store, f->model, mr_clock_real);
	if (!f->arena || !f->deliver.judge || mr_spam_test_model(f->model, 7.0) < 0 ||
	    mr_settings_default(&f->set) < 0)
		return false;
	mr_log_sink(warn_sink, NULL);
	return mr_open_dir_at(AT_FDCWD, f->dir, &f->deliver.mail_fd) == 0;
}

static void fixture_done(struct fixture *f)
{
	mr_log_sink(NULL, NULL);
	mr_judge_free(f->deliver.judge);
	mr_close_at(&f->deliver.mail_fd);
	mr_settings_done(&f->set);
	mr_arena_free(f->arena);
}

/* Bytes of a correction that changes every score by so many points. */
static int correction_bytes(double by, struct mr_buf *out)
{
	struct mr_spam_correction k = {
		.ham_count = 1,
		.bits = { MR_SPAM_TABLE_BITS_MIN, MR_SPAM_TABLE_BITS_MIN },
		.bias = { by, 0 },
	};

	return mr_spam_correction_write(&k, out);
}

static int teach(struct fixture *f, const char *owner, int64_t made_s, struct mr_span bytes)
{
	MR_AUTO(mr_store) *store = NULL;
	int err = mr_store_open(f->store, MR_GROUP_SPAM, MR_STORE_CREATE, &store);

	return err < 0 ? err : mr_store_correction_put(store, mr_span_str(owner), made_s, bytes);
}

static int teach_by(struct fixture *f, const char *owner, int64_t made_s, double by)
{
	MR_AUTO_BUF bytes = MR_BUF(4096);
	int err = correction_bytes(by, &bytes);

	return err < 0 ? err : teach(f, owner, made_s, mr_buf_span(&bytes));
}

/* The only file in the mailbox's folder, read into the arena and removed; empty: there is none. */
static struct mr_span take_file(struct fixture *f, const char *folder)
{
	struct mr_span content = MR_SPAN("");
	int fd = openat(f->deliver.mail_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file;
	struct dirent *entry;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		if (mr_open_at(dirfd(d), entry->d_name, &file) == 0) {
			if (mr_read_fd(file, ARENA_MAX / 2, f->arena, &content) < 0)
				content = MR_SPAN("");
			close(file);
		}
		unlinkat(dirfd(d), entry->d_name, 0);
	}
	if (d)
		closedir(d);
	return content;
}

/* Deliver text to ann@example.org, in pieces of piece octets; what is then in INBOX or Spam. */
static struct mr_span deliver(struct mr_t *t, struct fixture *f, struct mr_span text, size_t piece,
			      const char **folder_out)
{
	struct mr_span content = MR_SPAN("");
	int err = 0;

	*folder_out = "nowhere";
	f->mail = (struct mr_lmtp_mail){ .set = &f->set, .arena = f->arena, .rcpt = &f->rcpt };
	f->mail.mail.from.text = MR_SPAN("sender@example.net");
	mr_buf_init(&f->mail.content, MR_LMTP_CONTENT_MAX + 1);
	f->rcpt = (struct mr_lmtp_rcpt){ .folder = NULL };
	if (mr_smtp_path_from_arg(MR_SPAN("ann@example.org"), f->arena, &f->rcpt.path) == 0)
		mr_recipient(&f->deliver, &f->mail, &f->rcpt);
	if (f->rcpt.reply.code == 250) {
		f->mail.rcpt_count = 1;
		for (; text.len > piece && err == 0; text = mr_span_sub(text, piece, text.len)) {
			err = mr_buf_add(&f->mail.content, mr_span_sub(text, 0, piece));
			if (err == 0)
				err = mr_deliver_more(&f->deliver, &f->mail);
			mr_buf_reset(&f->mail.content);
		}
		if (err == 0 && mr_buf_add(&f->mail.content, text) == 0)
			mr_deliver_store(&f->deliver, &f->mail);
		MR_CHECK_INT(t, 250, f->rcpt.reply.code);
		if (f->rcpt.folder)
			*folder_out = strcmp(f->rcpt.folder, "Spam") == 0 ? "Spam" : "INBOX";
		content =
			take_file(f, strcmp(*folder_out, "Spam") == 0 ? "example.org/ann/.Spam/new"
								      : "example.org/ann/new");
	}
	mr_deliver_drop(&f->deliver, &f->mail);
	mr_buf_done(&f->mail.content);
	return mr_lda_test_unmarked(content, f->arena, &marked);
}

/* The milter gave 7 points. Each score by hand: 7 and what the lessons add. */
MR_TEST(sort_corrections)
{
	static const struct {
		double user, domain; /* 0: taught nothing */
		int threshold;
		const char *folder, *fields;
	} rows[] = {
		{ 0, 0, 5000, "Spam", FLAGGED },
		{ -4, 0, 5000, "INBOX",
		  "X-Spam-Flag: NO\nX-Spam-Score: 3.000\n"
		  "X-Spam-Status: No, score=3.000 required=5.000 scorer=millrace shared=7.000\n"
		  "\tbecause: start +7.0,\n\tlessons -4.0\n" },
		{ 0, -4, 5000, "INBOX",
		  "X-Spam-Flag: NO\nX-Spam-Score: 3.000\n"
		  "X-Spam-Status: No, score=3.000 required=5.000 scorer=millrace shared=7.000\n"
		  "\tbecause: start +7.0,\n\tlessons -4.0\n" },
		{ -3, 1.5, 5000, "Spam",
		  "X-Spam-Flag: YES\nX-Spam-Score: 5.500\n"
		  "X-Spam-Status: Yes, score=5.500 required=5.000 scorer=millrace shared=7.000\n"
		  "\tbecause: start +7.0,\n\tlessons -1.5\n" },
		{ -8, 0, 5000, "INBOX",
		  "X-Spam-Flag: NO\nX-Spam-Score: -1.000\n"
		  "X-Spam-Status: No, score=-1.000 required=5.000 scorer=millrace shared=7.000\n"
		  "\tbecause: start +7.0,\n\tlessons -8.0\n" },
		{ 0, 0, 7000, "Spam",
		  "X-Spam-Flag: YES\nX-Spam-Score: 7.000\n"
		  "X-Spam-Status: Yes, score=7.000 required=7.000 scorer=millrace\n"
		  "\tbecause: start +7.0\n" },
		{ 0, 0, 7001, "INBOX",
		  "X-Spam-Flag: NO\nX-Spam-Score: 7.000\n"
		  "X-Spam-Status: No, score=7.000 required=7.001 scorer=millrace\n"
		  "\tbecause: start +7.0\n" },
		{ 1, 0, 7500, "Spam",
		  "X-Spam-Flag: YES\nX-Spam-Score: 8.000\n"
		  "X-Spam-Status: Yes, score=8.000 required=7.500 scorer=millrace shared=7.000\n"
		  "\tbecause: start +7.0,\n\tlessons +1.0\n" },
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;
		const char *folder;

		t->row = (long)i;
		if (skipped(t, i, 3))
			continue;
		if (fixture_init(t, &f) &&
		    (rows[i].user == 0 || teach_by(&f, "ann@example.org", 1, rows[i].user) == 0) &&
		    (rows[i].domain == 0 || teach_by(&f, "@example.org", 1, rows[i].domain) == 0)) {
			MR_AUTO_BUF want = MR_BUF(4096);
			struct mr_span got;

			wishes.spam_threshold = rows[i].threshold;
			got = deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
			mr_buf_printf(&want, DELIVERED "%s" RECEIVED MAIL, rows[i].fields);
			MR_CHECK_STR(t, rows[i].folder, folder);
			MR_CHECK_SPANS(t, mr_buf_span(&want), got);
			MR_CHECK_STR(t, "", warned);
		}
		fixture_done(&f);
	}
}

/* What is not our milter's verdict is not ours to correct: the flag counts as it is. */
MR_TEST(sort_not_scored_by_us)
{
	static const char *const rows[] = {
		"X-Spam-Flag: YES\nX-Spam-Score: 7.000\nX-Spam-Status: Yes, score=7.000 by "
		"others\n",
		"X-Spam-Flag: YES\n" STATUS,
		"X-Spam-Flag: YES\nX-Spam-Score: 7\n" STATUS,
		"X-Spam-Flag: YES\nX-Spam-Score: many.000\n" STATUS,
		"X-Spam-Flag: YES\n",
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;
		const char *folder;

		t->row = (long)i;
		if (skipped(t, i, 0))
			continue;
		if (fixture_init(t, &f) && teach_by(&f, "ann@example.org", 1, -9) == 0) {
			MR_AUTO_BUF in = MR_BUF(4096);
			MR_AUTO_BUF want = MR_BUF(4096);
			struct mr_span got;

			wishes.spam_threshold = 90000;
			mr_buf_printf(&in, "%s" RECEIVED MAIL, rows[i]);
			mr_buf_printf(&want, DELIVERED "%s" RECEIVED MAIL, rows[i]);
			got = deliver(t, &f, mr_buf_span(&in), SIZE_MAX, &folder);
			MR_CHECK_STR(t, "Spam", folder);
			MR_CHECK_SPANS(t, mr_buf_span(&want), got);
		}
		fixture_done(&f);
	}
}

/* Forged below the MTA's own Received, or nobody's at all. */
MR_TEST(sort_forged)
{
	static const char *const rows[] = {
		RECEIVED FLAGGED MAIL,
		FLAGGED MAIL,
	};

	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		struct fixture f;
		const char *folder;

		t->row = (long)i;
		if (skipped(t, i, 0))
			continue;
		if (fixture_init(t, &f) && teach_by(&f, "ann@example.org", 1, 9) == 0) {
			MR_AUTO_BUF want = MR_BUF(4096);
			struct mr_span got =
				deliver(t, &f, mr_span_str(rows[i]), SIZE_MAX, &folder);

			mr_buf_printf(&want, DELIVERED "%s", rows[i]);
			MR_CHECK_STR(t, "INBOX", folder);
			MR_CHECK_SPANS(t, mr_buf_span(&want), got);
		}
		fixture_done(&f);
	}
}

/* A correction that does not read, or is of another version: the milter's word, and one line. */
MR_TEST(sort_broken_correction)
{
	struct fixture f;
	const char *folder;

	if (skipped(t, 1, 0))
		return;
	if (fixture_init(t, &f) && teach(&f, "ann@example.org", 1, MR_SPAN("rubbish")) == 0) {
		(void)deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "Spam", folder);
		MR_CHECK(t, t->oom || strstr(warned, "ann@example.org"));
		warned[0] = '\0';
		(void)deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "Spam", folder);
		MR_CHECK_STR(t, "", warned); /* once */
		/* The domain's still counts. */
		MR_CHECK_INT(t, 0, teach_by(&f, "@example.org", 1, -4));
		(void)deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "INBOX", folder);
	}
	fixture_done(&f);
}

MR_TEST(sort_broken_model)
{
	struct fixture f;
	const char *folder;

	if (fixture_init(t, &f) && teach_by(&f, "ann@example.org", 1, -4) == 0 &&
	    mr_replace_file(f.model, MR_SPAN("no model"), 0600) == 0) {
		(void)deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "Spam", folder);
		MR_CHECK(t, t->oom || warned[0] != '\0');
	}
	fixture_done(&f);
}

/* The store has no group of that name before anybody taught anything, and then it has. */
MR_TEST(sort_at_once)
{
	struct mr_clock_fake fake = { .time_s = 1000 };
	struct fixture f;
	const char *folder;

	if (skipped(t, 1, 0))
		return;
	if (fixture_init(t, &f)) {
		mr_judge_free(f.deliver.judge);
		f.deliver.judge = mr_judge_new(f.store, f.model, mr_clock_fake(&fake));
		MR_CHECK(t, t->oom || f.deliver.judge);
		(void)deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "Spam", folder);
		/* Three times within one second. */
		MR_CHECK_INT(t, 0, teach_by(&f, "ann@example.org", 1000, -4));
		(void)deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "INBOX", folder);
		MR_CHECK_INT(t, 0, teach_by(&f, "ann@example.org", 1000, -1));
		(void)deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "Spam", folder);
		fake.time_s = 2000;
		MR_CHECK_INT(t, 0, teach_by(&f, "ann@example.org", 2000, -4));
		(void)deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "INBOX", folder);
	}
	fixture_done(&f);
}

/* A message in a file, judged: the octets behind the header are those that came. */
MR_TEST(sort_large)
{
	static char text[300000];
	struct fixture f;
	const char *folder;
	size_t head = strlen(FLAGGED RECEIVED MAIL);

	memset(text, 'x', sizeof(text));
	memcpy(text, FLAGGED RECEIVED MAIL, head);
	memcpy(text + sizeof(text) - 4, "end\n", 4);
	if (fixture_init(t, &f) && teach_by(&f, "ann@example.org", 1, -4) == 0) {
		struct mr_span got = deliver(t, &f, mr_span(text, sizeof(text)), 100000, &folder),
			       body = mr_span_sub(got, mr_span_search(got, MR_SPAN("\n\n")),
						  got.len);

		MR_CHECK_STR(t, "INBOX", folder);
		MR_CHECK_INT(t, sizeof(text) - strlen(FLAGGED RECEIVED "From: a@b\nSubject: hello"),
			     body.len);
		MR_CHECK_SPAN(t, "xxend\n", mr_span_sub(got, got.len - 6, 6));
		MR_CHECK(t, t->oom || mr_span_search(got, MR_SPAN("X-Spam-Flag: NO")) < got.len);
	}
	fixture_done(&f);
}

/* -- where spam goes -------------------------------------------------------------------------- */

#define TAGGED(tag) "X-Spam-Tag: " tag "\n" FLAGGED RECEIVED

#define S1 "\xF0\x9F\x9A\xAB"
#define S4 S1 S1 S1 S1
#define Q1 "=F0=9F=9A=AB"
#define W4 "=?utf-8?q?" Q1 Q1 Q1 Q1 "?="
#define W2 "=?utf-8?q?" Q1 Q1 "?="
_Static_assert(sizeof("X-Spam-Tag: " W4) - 1 <= 76, "RFC 2047 2");

/* RFC 2047 2, 6.2: an encoded word is set apart by white space, which is not shown between two. */
static const struct {
	enum mr_spam_place place;
	const char *tag, *in, *folder, *want;
} places[] = {
	{ MR_SPAM_PLACE_INBOX, "[SPAM]", "Subject: hello\n", "INBOX",
	  FLAGGED RECEIVED "Subject: hello\n" },
	{ MR_SPAM_PLACE_TAG, "[SPAM]", "Subject: hello\n", "INBOX",
	  TAGGED("[SPAM]") "Subject: [SPAM] hello\n" },
	{ MR_SPAM_PLACE_TAG, "[SPAM]", "subject:hello\n", "INBOX",
	  TAGGED("[SPAM]") "subject: [SPAM] hello\n" },
	{ MR_SPAM_PLACE_TAG, "[SPAM]", "Subject:\n =?utf-8?q?h=C3=A9?=\n x\n", "INBOX",
	  TAGGED("[SPAM]") "Subject: [SPAM]\n =?utf-8?q?h=C3=A9?=\n x\n" },
	{ MR_SPAM_PLACE_TAG, "[SPAM]", "Subject: [SPAM] hello\n", "INBOX",
	  FLAGGED RECEIVED "Subject: [SPAM] hello\n" },
	{ MR_SPAM_PLACE_TAG, "[SPAM]", "Subject: =?utf-8?b?W1NQQU1dIGhl?= llo\n", "INBOX",
	  FLAGGED RECEIVED "Subject: =?utf-8?b?W1NQQU1dIGhl?= llo\n" },
	{ MR_SPAM_PLACE_TAG, "[SPAM]", "Subject: Re: [SPAM] hello\n", "INBOX",
	  TAGGED("[SPAM]") "Subject: [SPAM] Re: [SPAM] hello\n" },
	{ MR_SPAM_PLACE_TAG, "[SPAM]", "Subject:\n", "INBOX",
	  TAGGED("[SPAM]") "Subject: [SPAM]\n" },
	{ MR_SPAM_PLACE_TAG, "[SPAM]", "X-None: 1\n", "INBOX",
	  "Subject: [SPAM]\nX-Spam-Tag: [SPAM]\n" FLAGGED RECEIVED "X-None: 1\n" },
	{ MR_SPAM_PLACE_TAG, "\xe2\x9a\xa0", "Subject: hello\n", "INBOX",
	  TAGGED("=?utf-8?q?=E2=9A=A0?=") "Subject: =?utf-8?q?=E2=9A=A0?= hello\n" },
	{ MR_SPAM_PLACE_TAG, "\xe2\x9a\xa0 x", "Subject: =?utf-8?q?h?=\n", "INBOX",
	  TAGGED("=?utf-8?q?=E2=9A=A0=20x_?=") "Subject: =?utf-8?q?=E2=9A=A0=20x_?= "
					       "=?utf-8?q?h?=\n" },
	{ MR_SPAM_PLACE_TAG, "\xe2\x9a\xa0", "Subject: =?utf-8?q?=E2=9A=A0_hello?=\n", "INBOX",
	  FLAGGED RECEIVED "Subject: =?utf-8?q?=E2=9A=A0_hello?=\n" },
	/* The longest one. RFC 2047 2: a word of 75 characters at most, on a line of 76; 5: a character
	 * is not split. */
	{ MR_SPAM_PLACE_TAG, S4 S4 S1 S1, "Subject: hello\n", "INBOX",
	  TAGGED(W4 "\n " W4 "\n " W2) "Subject: " W4 "\n " W4 "\n " W2 " hello\n" },
};

/* And learned from there it is what arrived: docs/HEADERS.md, X-Spam-Tag. */
static void check_digest(struct mr_t *t, struct mr_span arrived, struct mr_span stored)
{
	uint8_t digest[2][MR_SPAM_DIGEST_SIZE] = { { 0 }, { 1 } };
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_spam_features) *f = mr_spam_features_new(NULL);
	struct mr_spam_view view;

	if (!arena || !f ||
	    mr_spam_extract_raw(arrived, MR_SPAM_ARRIVING, MR_SPAN(""), arena, f, &view) < 0)
		return;
	mr_spam_view_digest(&view, digest[0]);
	if (mr_spam_extract_raw(stored, MR_SPAM_STORED, MR_SPAN(""), arena, f, &view) < 0)
		return;
	mr_spam_view_digest(&view, digest[1]);
	MR_CHECK(t, t->oom || memcmp(digest[0], digest[1], MR_SPAM_DIGEST_SIZE) == 0);
}

MR_TEST(sort_places)
{
	struct fixture f;
	const char *folder;

	if (!fixture_init(t, &f)) {
		fixture_done(&f);
		return;
	}
	for (size_t i = 0; i < MR_COUNT(places); i++) {
		MR_AUTO_BUF arrived = MR_BUF(4096);
		MR_AUTO_BUF in = MR_BUF(4096);
		MR_AUTO_BUF want = MR_BUF(4096);
		struct mr_span got;

		t->row = (long)i;
		if (skipped(t, i, 8))
			continue;
		wishes.spam = places[i].place;
		wishes.spam_tag = mr_span_str(places[i].tag);
		mr_buf_printf(&arrived, "From: a@b\n%s\nA text\n", places[i].in);
		mr_buf_printf(&in, FLAGGED RECEIVED "%s", mr_buf_str(&arrived));
		got = deliver(t, &f, mr_buf_span(&in), SIZE_MAX, &folder);
		MR_CHECK_STR(t, places[i].folder, folder);
		mr_buf_adds(&want, DELIVERED);
		mr_buf_adds(&want, places[i].want);
		/* From stands before the subject: compare without it. */
		if (!t->oom) {
			size_t from = mr_span_search(got, MR_SPAN("From: a@b\n"));
			const char *text =
				mr_arena_printf(f.arena, "%.*s%.*s", (int)from, got.p,
						(int)(got.len - from - 10), got.p + from + 10);

			mr_buf_adds(&want, "\nA text\n");
			MR_CHECK_STR(t, mr_buf_str(&want), text);
		}
		check_digest(t, mr_buf_span(&arrived), got);
	}
	fixture_done(&f);
}

/* Good mail gets no tag, and where no milter of ours is on the path nothing is spam. */
MR_TEST(sort_tags_spam_alone)
{
	struct fixture f;
	const char *folder;

	if (fixture_init(t, &f)) {
		struct mr_span got;

		wishes.spam = MR_SPAM_PLACE_TAG;
		got = deliver(t, &f, MR_SPAN(RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_SPAN(t, DELIVERED RECEIVED MAIL, got);
		f.set.spam_milter = false;
		got = deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_SPAN(t, DELIVERED FLAGGED RECEIVED MAIL, got);
	}
	fixture_done(&f);
}

/* All at once: corrected, his threshold, tagged; learned from the mailbox it is what arrived. */
MR_TEST(sort_teaches_what_arrived)
{
	struct fixture f;
	const char *folder;

	if (skipped(t, 1, 0))
		return;
	if (fixture_init(t, &f) && teach_by(&f, "ann@example.org", 1, 1) == 0) {
		struct mr_span got;

		wishes.spam = MR_SPAM_PLACE_TAG;
		wishes.spam_threshold = 3000;
		got = deliver(t, &f, MR_SPAN(FLAGGED RECEIVED MAIL), SIZE_MAX, &folder);
		MR_CHECK_STR(t, "INBOX", folder);
		MR_CHECK(t, t->oom || mr_span_search(got, MR_SPAN("[SPAM] hello")) < got.len);
		MR_CHECK(t, t->oom || mr_span_search(got, MR_SPAN("Score: 8.000")) < got.len);
		check_digest(t, MR_SPAN(MAIL), got);
	}
	fixture_done(&f);
}

/* -- many at once ------------------------------------------------------------------------------ */

#define THREADS     4
#define EACH_THREAD 50

static int content_at_once(void *arg MR_UNUSED, struct mr_span *content_out)
{
	*content_out = MR_SPAN(FLAGGED RECEIVED MAIL);
	return 0;
}

/* Each owner's lessons take off as many points as his number says; returns how many scores are wrong. */
static void *judge_many(void *arg)
{
	struct fixture *f = arg;
	intptr_t wrong = 0;

	for (int i = 0; i < EACH_THREAD; i++) {
		struct mr_judge_message m = { .err = 0 };
		int points = 0, by = 1 + i % 3;
		char local[8];

		snprintf(local, sizeof(local), "u%d", by);
		wrong += mr_judge_score(f->deliver.judge, &f->set, &m, mr_span_str(local),
					MR_SPAN("example.org"), content_at_once, NULL,
					&points) != 1 ||
			 points != 7000 - by * 1000;
		mr_judge_forget(f->deliver.judge, &m);
	}
	return (void *)wrong;
}

MR_TEST(sort_at_the_same_time)
{
	pthread_t thread[THREADS];
	struct fixture f;
	int started = 0;

	if (t->oom || getenv("MR_TEST_OOM"))
		MR_SKIP(t, "threads and failing allocations do not go together");
	MR_NEED(t, fixture_init(t, &f));
	MR_CHECK_INT(t, 0, teach_by(&f, "u1@example.org", 1, -1));
	MR_CHECK_INT(t, 0, teach_by(&f, "u2@example.org", 1, -2));
	MR_CHECK_INT(t, 0, teach_by(&f, "u3@example.org", 1, -3));
	while (started < THREADS && pthread_create(&thread[started], NULL, judge_many, &f) == 0)
		started++;
	MR_CHECK_INT(t, THREADS, started);
	for (int i = 0; i < started; i++) {
		void *wrong = NULL;

		MR_CHECK_INT(t, 0, pthread_join(thread[i], &wrong));
		MR_CHECK_INT(t, 0, (intptr_t)wrong);
	}
	fixture_done(&f);
}
