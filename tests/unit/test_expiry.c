/* Old spam: lib/mail/mr_maildir_expire.c and lda/lmtpd/expiry.c. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lda/lmtpd/expiry.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/mail/mr_maildir.h"
#include "tests/unit/mr_test.h"

#define DAY 86400
#define NOW (1000 * DAY) /* 86400000 */

static bool is_there(int dir_fd, const char *name)
{
	return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make(int dir_fd, const char *name)
{
	MR_AUTO_FD fd = -1;

	return mr_create_at(dir_fd, name, 0600, &fd);
}

/* By hand: with NOW and ten days, what came before 990 * 86400 = 85536000 goes. */
static const struct {
	const char *name;
	bool stays;
} rows[] = {
	{ "new/85535999.M1P2.host", false },
	{ "new/85536000.M1P2.host", true }, /* ten days, not more */
	{ "cur/85535999.M1P2Q3_0a.host,S=5,W=6:2,", false },
	{ "cur/85535999.M1P2.host:2,S", false },
	{ "cur/85535999.M1P2.host:2,RST", false },
	{ "cur/85535999.M1P2.host:2,F", true },
	{ "cur/85535999.M1P2.host:2,FS", true },
	{ "cur/85535999.M1P2.F:2,S", false }, /* an F elsewhere is none */
	{ "cur/1.x:2,", false },
	{ "cur/86400001.x:2,S", true }, /* of tomorrow */
	{ "cur/85535999", true }, /* no such name */
	{ "cur/x85535999.x", true },
	{ "cur/-5.x", true },
	{ "cur/99999999999999999999999.x", true },
	{ "cur/.hidden", true },
	{ "tmp/85535999.M1P2.host", true }, /* crashes are swept elsewhere */
	{ "dovecot-uidlist", true },
	{ "85535999.M1P2.host", true }, /* beside them */
};

MR_TEST(maildir_expire)
{
	int dir_fd = -1, gone = 0;

	MR_NEED(t, mr_open_dir_at(AT_FDCWD, mr_test_dir(t), &dir_fd) == 0);
	MR_NEED(t, mr_mkdir_at(dir_fd, "new", 0700) == 0 && mr_mkdir_at(dir_fd, "cur", 0700) == 0 &&
			   mr_mkdir_at(dir_fd, "tmp", 0700) == 0);
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		MR_CHECK_INT(t, 0, make(dir_fd, rows[i].name));
		gone += !rows[i].stays;
	}
	/* What is no plain file stays, whatever it is called. */
	MR_CHECK_INT(t, 0, mr_mkdir_at(dir_fd, "cur/5.folder", 0700));
	MR_CHECK_INT(t, 0, symlinkat("../dovecot-uidlist", dir_fd, "cur/6.link"));
	MR_CHECK_INT(t, gone, mr_maildir_expire(dir_fd, NOW - 10 * DAY, 1000));
	for (size_t i = 0; i < MR_COUNT(rows); i++) {
		t->row = (long)i;
		MR_CHECK_INT(t, rows[i].stays, is_there(dir_fd, rows[i].name));
	}
	t->row = -1;
	MR_CHECK(t, is_there(dir_fd, "cur/5.folder") && is_there(dir_fd, "cur/6.link"));
	MR_CHECK_INT(t, 0, mr_maildir_expire(dir_fd, NOW - 10 * DAY, 1000));
	close(dir_fd);
}

MR_TEST(maildir_expire_bounded)
{
	int dir_fd = -1, removed;
	char name[64];

	MR_NEED(t, mr_open_dir_at(AT_FDCWD, mr_test_dir(t), &dir_fd) == 0);
	MR_CHECK_INT(t, 0, mr_maildir_expire(dir_fd, NOW, 10)); /* neither new nor cur */
	MR_NEED(t, mr_mkdir_at(dir_fd, "new", 0700) == 0);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "new/%d.x", i);
		MR_CHECK_INT(t, 0, make(dir_fd, name));
	}
	removed = mr_maildir_expire(dir_fd, NOW, 10);
	MR_CHECK(t, removed >= 8 && removed <= 10); /* "." and ".." are names, too */
	close(dir_fd);
}

/* A link in the place of the folder, or of its halves, leads nowhere; nor is INBOX emptied. */
MR_TEST(expiry_links)
{
	static const char old[] = "example.org/bob/new/5.x";
	int mail_fd = -1, bob_fd = -1;

	MR_NEED(t, mr_open_dir_at(AT_FDCWD, mr_test_dir(t), &mail_fd) == 0);
	MR_CHECK_INT(t, 0, mr_maildir_open(mail_fd, "example.org/bob", MR_MAILDIR_CREATE, &bob_fd));
	mr_close_at(&bob_fd);
	MR_CHECK_INT(t, 0, mr_maildir_open(mail_fd, "example.org/ann", MR_MAILDIR_CREATE, &bob_fd));
	mr_close_at(&bob_fd);
	MR_CHECK_INT(t, 0, make(mail_fd, old));
#define RUN(folder) mr_expiry_run(mail_fd, "example.org/ann", MR_SPAN(folder), 1, NOW, 1000)
	MR_CHECK_INT(t, 0, RUN("Spam")); /* there is none yet */
	MR_CHECK_INT(t, 0, symlinkat("../bob", mail_fd, "example.org/ann/.Spam"));
	MR_CHECK_INT(t, MR_EEXIST, RUN("Spam"));
	MR_CHECK_INT(t, 0, mr_mkdir_at(mail_fd, "example.org/ann/.Two", 0700));
	MR_CHECK_INT(t, 0, symlinkat("../../bob/new", mail_fd, "example.org/ann/.Two/new"));
	MR_CHECK_INT(t, MR_EEXIST, RUN("Two"));
	MR_CHECK_INT(t, 0, make(mail_fd, "example.org/ann/.File"));
	MR_CHECK_INT(t, MR_EEXIST, RUN("File"));
	MR_CHECK_INT(t, 0, symlinkat("bob", mail_fd, "example.org/joe"));
	MR_CHECK_INT(t, MR_EEXIST,
		     mr_expiry_run(mail_fd, "example.org/joe", MR_SPAN("Spam"), 1, NOW, 9));
	MR_CHECK_INT(t, MR_EPERM, RUN("INBOX"));
	MR_CHECK_INT(t, MR_EPERM, RUN("inbox"));
	MR_CHECK_INT(t, MR_EINVAL, RUN("../bob"));
	MR_CHECK_INT(t, 0, mr_expiry_run(mail_fd, "example.org/eve", MR_SPAN("Spam"), 1, NOW, 9));
	MR_CHECK(t, is_there(mail_fd, old));
	close(mail_fd);
}

/* In order, each mailbox once in an hour, and no more than there is room for. */
MR_TEST(expiry_queue)
{
	struct mr_expiry *e = mr_expiry_new();
	struct mr_expiry_one one;
	char name[32];
	unsigned count = 0;

	MR_NEED(t, e);
	MR_CHECK(t, !mr_expiry_waits(e) && !mr_expiry_next(e, &one));
	mr_expiry_put(e, "x/a", 7, NOW);
	mr_expiry_put(e, "x/b", 8, NOW);
	mr_expiry_put(e, "x/a", 7, NOW + 1);
	MR_CHECK(t, mr_expiry_next(e, &one));
	MR_CHECK_STR(t, "x/a", one.mailbox);
	MR_CHECK_INT(t, 7, one.days);
	MR_CHECK(t, mr_expiry_next(e, &one));
	MR_CHECK_STR(t, "x/b", one.mailbox);
	MR_CHECK(t, !mr_expiry_next(e, &one));
	mr_expiry_put(e, "x/a", 7, NOW + MR_EXPIRY_AGAIN_S - 1);
	MR_CHECK(t, !mr_expiry_waits(e));
	mr_expiry_put(e, "x/a", 7, NOW + MR_EXPIRY_AGAIN_S);
	MR_CHECK(t, mr_expiry_next(e, &one));
	mr_expiry_put(e, "x/a", 7, NOW - 5); /* the clock was set back */
	MR_CHECK(t, mr_expiry_next(e, &one));
	for (int i = 0; i < MR_EXPIRY_WAITING_MAX + 50; i++) {
		snprintf(name, sizeof(name), "y/%d", i);
		mr_expiry_put(e, name, 1, NOW);
	}
	while (mr_expiry_next(e, &one))
		count++;
	MR_CHECK_INT(t, MR_EXPIRY_WAITING_MAX, count);
	mr_expiry_free(e);
}
