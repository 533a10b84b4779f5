#include "lda/lmtpd/expiry.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/mail/mr_maildir.h"

#define DAY_S   86400
#define SEEN    4096 /* mailboxes that are remembered; a power of two */
#define FNV     0xcbf29ce484222325u
#define FNV_MUL 0x100000001b3u

struct mr_expiry {
	pthread_mutex_t lock; /* of all */
	struct mr_expiry_one waiting[MR_EXPIRY_WAITING_MAX]; /* a ring */
	size_t first, count;
	/* When a mailbox was put last, by hash: two that share a place only cost a look too many. */
	struct {
		uint64_t hash;
		int64_t time_s;
	} seen[SEEN];
};

/*
 * Whether a link, or what is no folder, stands in the way that was just taken to path, one component after
 * the other. Waiting does not mend that; it can change meanwhile, so it only names what failed.
 */
static bool is_blocked(int mail_fd, char *path)
{
	bool found = true, blocked = false;
	struct stat st;

	for (char *p = path; found && !blocked; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		found = fstatat(mail_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
		blocked = found && !S_ISDIR(st.st_mode);
		*p = c;
		if (c == '\0')
			break;
	}
	return blocked;
}

static bool is_planted(int mail_fd, const char *mailbox, struct mr_span folder)
{
	static const char *const halves[] = { "new", "cur" };
	char path[MR_EXPIRY_MAILBOX_SIZE + MR_MAILDIR_FOLDER_MAX + 8];
	MR_AUTO_BUF dir = MR_BUF(MR_MAILDIR_FOLDER_MAX);
	bool planted = false;

	if (mr_maildir_folder_name(folder, &dir) < 0)
		return false;
	for (size_t i = 0; i < MR_COUNT(halves) && !planted; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", mailbox, mr_buf_str(&dir), halves[i]);
		planted = is_blocked(mail_fd, path);
	}
	return planted;
}

static int run(int mail_fd, const char *mailbox, struct mr_span folder, int64_t before_s,
	       unsigned names_max)
{
	MR_AUTO_FD inbox_fd = -1;
	MR_AUTO_FD folder_fd = -1;
	int err;

	if ((err = mr_maildir_open(mail_fd, mailbox, 0, &inbox_fd)) == 0)
		err = mr_maildir_folder(inbox_fd, folder, 0, &folder_fd);
	if (err < 0)
		return err == MR_ENOENT ? 0 : err;
	return mr_maildir_expire(folder_fd, before_s, names_max);
}

int mr_expiry_run(int mail_fd, const char *mailbox, struct mr_span folder, int days, int64_t now_s,
		  unsigned names_max)
{
	int err;

	if (mr_span_eq_nocase(folder, MR_SPAN("INBOX")))
		return MR_EPERM;
	err = run(mail_fd, mailbox, folder, now_s - (int64_t)days * DAY_S, names_max);
	return err == MR_ETEMP && is_planted(mail_fd, mailbox, folder) ? MR_EEXIST : err;
}

struct mr_expiry *mr_expiry_new(void)
{
	struct mr_expiry *e = mr_calloc(1, sizeof(*e));

	if (e)
		MR_ASSERT(pthread_mutex_init(&e->lock, NULL) == 0);
	return e;
}

void mr_expiry_free(struct mr_expiry *e)
{
	if (!e)
		return;
	pthread_mutex_destroy(&e->lock);
	mr_free(e);
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = FNV;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * FNV_MUL;
	return hash;
}

/* A clock that was set back makes it due. */
static bool seen_lately(const struct mr_expiry *e, uint64_t hash, int64_t now_s)
{
	int64_t age = now_s - e->seen[hash % SEEN].time_s;

	return e->seen[hash % SEEN].hash == hash && age >= 0 && age < MR_EXPIRY_AGAIN_S;
}

void mr_expiry_put(struct mr_expiry *e, const char *mailbox, int days, int64_t now_s)
{
	uint64_t hash = hash_of(mailbox);
	struct mr_expiry_one one = { .days = days };

	if (mr_span_copyz(mr_span_str(mailbox), one.mailbox, sizeof(one.mailbox)) < 0)
		return;
	pthread_mutex_lock(&e->lock);
	if (!seen_lately(e, hash, now_s) && e->count < MR_EXPIRY_WAITING_MAX) {
		e->waiting[(e->first + e->count++) % MR_EXPIRY_WAITING_MAX] = one;
		e->seen[hash % SEEN].hash = hash;
		e->seen[hash % SEEN].time_s = now_s;
	}
	pthread_mutex_unlock(&e->lock);
}

bool mr_expiry_waits(struct mr_expiry *e)
{
	bool waits;

	pthread_mutex_lock(&e->lock);
	waits = e->count > 0;
	pthread_mutex_unlock(&e->lock);
	return waits;
}

bool mr_expiry_next(struct mr_expiry *e, struct mr_expiry_one *one_out)
{
	bool any;

	pthread_mutex_lock(&e->lock);
	any = e->count > 0;
	if (any) {
		*one_out = e->waiting[e->first];
		e->first = (e->first + 1) % MR_EXPIRY_WAITING_MAX;
		e->count--;
	}
	pthread_mutex_unlock(&e->lock);
	return any;
}
