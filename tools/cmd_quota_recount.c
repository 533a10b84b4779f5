/* millrace quota recount: what mailboxes hold is counted, message by message. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_maildirsize.h"
#include "lib/net/mr_json.h"
#include "lib/store/mr_quota.h"
#include "tools/progress.h"
#include "tools/quota.h"

#define SETTINGS_MAX 65536 /* bytes of one user's settings */
#define JSON_MAX     4096
#define TRIES_MAX    3 /* of a mailbox that changes meanwhile */

struct recount {
	struct mr_store *store, *usage;
	struct mr_arena *arena; /* of settings */
	int mail_fd;
	/* The mailboxes; those of which the store, or their maildirsize, said something else; users with usage who
	 * are not there any more; mailboxes that could not be read. */
	size_t mailboxes, wrong, gone, failed;
};

/* The file is made where there is a limit, and put right where there is one. */
static int file_mend(struct recount *r, int fd, const struct mr_user_settings *set,
		     struct mr_maildir_sum counted)
{
	const struct mr_maildir_sum limit = { set->quota.octets, set->quota.messages };
	struct mr_maildirsize size;
	int err = mr_maildirsize_read(fd, &size);

	if (err == MR_ENOENT && mr_limit_is_none(set->quota) && mr_limit_is_none(set->domain_quota))
		return 0;
	if (err == 0 && size.used.octets == counted.octets &&
	    size.used.messages == counted.messages && size.limit.octets == limit.octets &&
	    size.limit.messages == limit.messages)
		return 0;
	if (err != MR_ENOENT)
		r->wrong++;
	return mr_maildirsize_write(fd, limit, counted);
}

static int count(struct recount *r, int fd, const struct mr_user_settings *set,
		 struct mr_usage *usage_out)
{
	struct mr_maildir_sum sum = { 0, 0 };
	int err = MR_ECONFLICT;

	for (int i = 0; i < TRIES_MAX && err == MR_ECONFLICT; i++)
		err = mr_maildirsize_count(fd, &sum);
	if (err < 0 && err != MR_ECONFLICT)
		return err;
	/* One that changes all the time is settled by lmtpd: its file is left to those who change it. */
	if (err == 0)
		err = file_mend(r, fd, set, sum);
	*usage_out = (struct mr_usage){ sum.octets, sum.messages };
	return err == MR_ECONFLICT ? 0 : err;
}

static int recount_one(struct recount *r, const struct mr_user *user)
{
	struct mr_usage now = { 0, 0 }, was;
	struct mr_user_settings set;
	MR_AUTO_FD fd = -1;
	char mailbox[512];
	size_t wrong = r->wrong;
	int err;

	mr_arena_reset(r->arena);
	snprintf(mailbox, sizeof(mailbox), "%.*s/%.*s", (int)user->domain.len, user->domain.p,
		 (int)user->local.len, user->local.p);
	if ((err = mr_user_settings_get(r->store, user->local, user->domain, r->arena, &set)) < 0)
		return err;
	err = mr_maildir_open(r->mail_fd, mailbox, 0, &fd);
	if (err == 0)
		err = count(r, fd, &set, &now);
	if (err < 0 && err != MR_ENOENT) /* none yet: it holds nothing */
		return err;
	r->mailboxes += err == 0;
	if ((err = mr_store_usage_get(r->usage, user->local, user->domain, &was)) < 0)
		return err;
	if (was.octets == now.octets && was.messages == now.messages)
		return 0;
	r->wrong = wrong + 1;
	return mr_store_usage_set(r->usage, user->local, user->domain, now);
}

/* -- users who are gone ------------------------------------------------------------------------ */

struct gone {
	const struct quota_users *users;
	size_t at; /* users before it come before the rows that are left */
	struct quota_users *left;
};

static int row(void *arg, const struct mr_usage_row *row)
{
	struct gone *g = arg;
	struct mr_span domain = mr_span_str(row->domain), local = mr_span_str(row->local);
	struct mr_user *user;
	int order = -1, err;

	/* Both are in order of domain and name. */
	while (g->at < g->users->count) {
		const struct mr_user *u = &g->users->user[g->at];

		order = mr_span_cmp(u->domain, domain);
		if (order == 0)
			order = mr_span_cmp(u->local, local);
		if (order >= 0)
			break;
		g->at++;
	}
	if (g->at < g->users->count && order == 0)
		return 0;
	err = mr_arena_grow(g->left->arena, &g->left->user, &g->left->room, g->left->count + 1,
			    sizeof(*user));
	if (err < 0)
		return err;
	user = &g->left->user[g->left->count++];
	*user = (struct mr_user){ .disabled = false };
	if ((err = mr_arena_dup(g->left->arena, local, &user->local)) < 0)
		return err;
	return mr_arena_dup(g->left->arena, domain, &user->domain);
}

static int forget_gone(struct recount *r, struct mr_span domain, const struct quota_users *users)
{
	struct quota_users left = { .arena = users->arena };
	struct gone g = { users, 0, &left };
	int err = mr_store_usage_each(r->usage, domain, row, &g);

	for (size_t i = 0; i < left.count && err >= 0; i++)
		err = mr_store_usage_forget(r->usage, left.user[i].local, left.user[i].domain);
	r->gone = left.count;
	return err < 0 ? err : 0;
}

/* -- all of it -------------------------------------------------------------------------------- */

static int tell(const struct cli *cli, const struct recount *r)
{
	MR_AUTO_BUF out = MR_BUF(JSON_MAX);
	struct mr_json json;

	if (!cli->json) {
		printf("counted %zu mailbox%s, %zu of them otherwise than was known\n",
		       r->mailboxes, r->mailboxes == 1 ? "" : "es", r->wrong);
		if (r->gone > 0)
			printf("forgot %zu user%s who %s no more\n", r->gone,
			       r->gone == 1 ? "" : "s", r->gone == 1 ? "is" : "are");
	} else {
		mr_json_init(&json, &out);
		mr_json_open(&json, NULL, '{');
		mr_json_int(&json, "mailboxes", (int64_t)r->mailboxes);
		mr_json_int(&json, "wrong", (int64_t)r->wrong);
		mr_json_int(&json, "gone", (int64_t)r->gone);
		mr_json_int(&json, "failed", (int64_t)r->failed);
		mr_json_close(&json);
		puts(mr_buf_str(&out));
	}
	return r->failed > 0 ? CLI_PARTLY : CLI_OK;
}

static int recount_all(struct cli *cli, struct recount *r, const struct quota_users *users)
{
	struct progress progress;

	progress_start(&progress, "counting");
	for (size_t i = 0; i < users->count; i++) {
		const struct mr_user *user = &users->user[i];
		int err = recount_one(r, user);

		progress_show(&progress, i + 1, users->count);
		if (err >= 0)
			continue;
		progress_end(&progress);
		r->failed++;
		fprintf(stderr, "millrace: cannot count the mailbox of %.*s@%.*s: %s\n",
			(int)user->local.len, user->local.p, (int)user->domain.len, user->domain.p,
			mr_err_text(err));
	}
	progress_end(&progress);
	return tell(cli, r);
}

static int list(struct recount *r, const struct owner *owner, struct quota_users *users)
{
	int err;

	if (owner->local.len == 0)
		return quota_users(r->store, owner->domain, users);
	if ((err = mr_arena_grow(users->arena, &users->user, &users->room, 1,
				 sizeof(*users->user))) < 0)
		return err;
	err = mr_store_user_find(r->store, owner->local, owner->domain, users->arena, users->user);
	users->count = err == 0;
	return err;
}

int quota_recount(struct cli *cli, const char *word)
{
	static const char what[] = "cannot count mailboxes of";
	MR_AUTO(mr_store) *store = NULL;
	MR_AUTO(mr_store) *usage = NULL;
	MR_AUTO(mr_arena) *arena = mr_arena_new(SETTINGS_MAX);
	MR_AUTO(mr_arena) *names = mr_arena_new(QUOTA_ARENA_MAX);
	MR_AUTO_FD mail_fd = -1;
	struct quota_users users = { .arena = names };
	struct recount r = { .arena = arena };
	struct owner owner;
	int err;

	if (quota_owner(word, what, &owner) != CLI_OK ||
	    !(store = owner_store(cli, MR_STORE_READ, &owner, what)) ||
	    !(usage = cli_store(cli, MR_GROUP_QUOTA, MR_STORE_WRITE)))
		return cli->away ? CLI_TEMP : CLI_FAILED;
	if ((err = mr_open_dir_at(AT_FDCWD, cli->set.mail_dir, &mail_fd)) < 0)
		return cli_complain(err, "cannot open mail_dir", cli->set.mail_dir);
	r.store = store;
	r.usage = usage;
	r.mail_fd = mail_fd;
	err = arena && names ? list(&r, &owner, &users) : MR_ENOMEM;
	if (err == 0 && owner.local.len == 0)
		err = forget_gone(&r, owner.domain, &users);
	return err < 0 ? cli_complain(err, what, owner.shown) : recount_all(cli, &r, &users);
}
