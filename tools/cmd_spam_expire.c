/* millrace spam expire: old spam goes from the mailboxes of users who said so. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lda/lmtpd/expiry.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_json.h"
#include "lib/store/mr_user_settings.h"
#include "tools/spam.h"

#define NAMES_MAX 5000000u /* in each half of one folder */
#define ARENA_MAX ((size_t)1 << 30) /* names of all users: some 100 octets each */
#define JSON_MAX  4096

/* Users are listed first, for a walk makes no other call to the store. */
struct users {
	struct mr_arena *arena;
	struct mr_user *user;
	size_t count, room;
	struct mr_span only; /* local part of the one that was named; empty: all */
};

static int add_user(void *arg, const struct mr_user *user)
{
	struct users *u = arg;
	struct mr_user copy = *user;
	int err;

	if (u->only.len > 0 && !mr_span_eq(u->only, user->local))
		return 0;
	if ((err = mr_arena_grow(u->arena, &u->user, &u->room, u->count + 1, sizeof(copy))) < 0 ||
	    (err = mr_arena_dup(u->arena, user->local, &copy.local)) < 0 ||
	    (err = mr_arena_dup(u->arena, user->domain, &copy.domain)) < 0)
		return err;
	u->user[u->count++] = copy;
	return 0;
}

struct sums {
	size_t mailboxes, messages;
	size_t links; /* mailboxes left out: a link, or no folder */
};

/* Messages removed, or an error. */
static int expire_one(struct spam *s, struct mr_store *store, int mail_fd,
		      const struct mr_user *user, struct sums *sums)
{
	const struct mr_settings *set = &s->cli->set;
	struct mr_user_settings wish;
	char mailbox[MR_EXPIRY_MAILBOX_SIZE];
	int err;

	mr_arena_reset(s->arena);
	err = mr_user_settings_get(store, user->local, user->domain, s->arena, &wish);
	if (err < 0 || wish.spam_expire_days == 0)
		return err;
	snprintf(mailbox, sizeof(mailbox), "%.*s/%.*s", (int)user->domain.len, user->domain.p,
		 (int)user->local.len, user->local.p);
	err = mr_expiry_run(mail_fd, mailbox, mr_span_str(set->spam_folder), wish.spam_expire_days,
			    mr_time_s(), NAMES_MAX);
	if (err < 0)
		return err;
	sums->mailboxes++;
	sums->messages += (size_t)err;
	return 0;
}

static int tell(struct spam *s, const struct sums *sums)
{
	MR_AUTO_BUF out = MR_BUF(JSON_MAX);
	struct mr_json json;

	if (!s->cli->json) {
		printf("removed %zu message%s from %zu mailbox%s\n", sums->messages,
		       sums->messages == 1 ? "" : "s", sums->mailboxes,
		       sums->mailboxes == 1 ? "" : "es");
		if (sums->links > 0)
			printf("left out %zu mailbox%s: a link, or no folder\n", sums->links,
			       sums->links == 1 ? "" : "es");
		return CLI_OK;
	}
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '{');
	mr_json_int(&json, "messages", (int64_t)sums->messages);
	mr_json_int(&json, "mailboxes", (int64_t)sums->mailboxes);
	mr_json_int(&json, "links", (int64_t)sums->links);
	mr_json_close(&json);
	puts(mr_buf_str(&out));
	return CLI_OK;
}

/* The worst one counts: what is worth another try, what is not, what a user did to his own mailbox. */
static int worse(int a, int b)
{
	static const int order[] = { CLI_TEMP, CLI_FAILED, CLI_PARTLY };

	for (size_t i = 0; i < MR_COUNT(order); i++) {
		if (a == order[i] || b == order[i])
			return order[i];
	}
	return CLI_OK;
}

static int expire_all(struct spam *s, struct mr_store *store, int mail_fd, struct users *users)
{
	struct sums sums = { 0, 0, 0 };
	int code = CLI_OK;

	progress_start(&s->progress, "removing old spam");
	for (size_t i = 0; i < users->count; i++) {
		const struct mr_user *user = &users->user[i];
		int err = expire_one(s, store, mail_fd, user, &sums);

		progress_show(&s->progress, i + 1, users->count);
		if (err >= 0)
			continue;
		progress_end(&s->progress);
		fprintf(stderr, "millrace: cannot remove old spam of %.*s@%.*s: %s\n",
			(int)user->local.len, user->local.p, (int)user->domain.len, user->domain.p,
			err == MR_EEXIST ? "is a link, or no folder" : mr_err_text(err));
		sums.links += err == MR_EEXIST;
		code = worse(code, mr_err_temporary(err) ? CLI_TEMP
				   : err == MR_EEXIST    ? CLI_PARTLY
							 : CLI_FAILED);
	}
	progress_end(&s->progress);
	(void)tell(s, &sums);
	return code;
}

int spam_expire(struct spam *s)
{
	const char *mail_dir = s->cli->set.mail_dir;
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_store) *store = NULL;
	MR_AUTO_FD mail_fd = -1;
	struct users users = { .arena = arena };
	struct owner owner = spam_owner(s);
	int err;

	users.only = owner.local;
	if (mr_span_eq_nocase(mr_span_str(s->cli->set.spam_folder), MR_SPAN("INBOX"))) {
		fputs("millrace: spam_folder is INBOX, from which nothing is removed\n", stderr);
		return CLI_FAILED;
	}
	store = owner_store(s->cli, MR_STORE_READ, &owner, "cannot remove old spam of");
	if (!store)
		return CLI_FAILED;
	if ((err = mr_open_dir_at(AT_FDCWD, mail_dir, &mail_fd)) < 0)
		return cli_complain(err, "cannot open mail_dir", mail_dir);
	err = arena ? mr_store_user_each(store, owner.domain, add_user, &users) : MR_ENOMEM;
	if (err < 0)
		return cli_complain(err, "cannot list users", s->owner[0] ? s->owner : NULL);
	return expire_all(s, store, mail_fd, &users);
}
