#include "tools/owner.h"

#include "lib/base/mr_err.h"
#include "lib/store/mr_store_quota.h"
#include "lib/store/mr_store_senders.h"
#include "milters/spam/correction.h"

#define USER_ROOM 4096 /* bytes of an arena */

int owner_user(const char *word, const char *what, struct owner *owner_out)
{
	struct owner owner = { .shown = word };
	char name[MR_NAME_LOCAL_MAX + 1];
	const char *why = NULL;
	int err = mr_name_split(mr_span_str(word), &owner.local, &owner.domain);

	if (err < 0)
		why = "an address is NAME@DOMAIN";
	else if (cli_domain_check(owner.domain, what, word) != CLI_OK)
		return CLI_FAILED;
	else if ((err = mr_name_local(owner.local, name)) == MR_ELIMIT)
		why = "the part before the @ is too long";
	else if (err < 0)
		why = "before the @ are no spaces, quotes, slashes or brackets, and only single "
		      "dots inside";
	if (why) {
		fprintf(stderr, "millrace: %s %s: %s\n", what, word, why);
		return CLI_FAILED;
	}
	*owner_out = owner;
	return CLI_OK;
}

int owner_domain(const char *word, const char *what, struct owner *owner_out)
{
	if (cli_domain_check(mr_span_str(word), what, word) != CLI_OK)
		return CLI_FAILED;
	*owner_out = (struct owner){ .domain = mr_span_str(word), .shown = word };
	return CLI_OK;
}

static int no_domain(const struct owner *owner, const char *what)
{
	int len = (int)owner->domain.len;

	fprintf(stderr,
		"millrace: %s %s: there is no domain %.*s; to add it: millrace domain add %.*s\n",
		what, owner->shown, len, owner->domain.p, len, owner->domain.p);
	return CLI_FAILED;
}

int owner_exists(struct mr_store *store, const struct owner *owner, const char *what)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(USER_ROOM);
	struct mr_user user;
	int err;

	if (owner->domain.len == 0)
		return CLI_OK;
	if (arena == NULL)
		return cli_complain(MR_ENOMEM, what, owner->shown);
	err = mr_store_domain_exists(store, owner->domain);
	if (err == MR_ENOENT)
		return no_domain(owner, what);
	if (err >= 0 && owner->local.len > 0)
		err = mr_store_user_find(store, owner->local, owner->domain, arena, &user);
	if (err == MR_ENOENT) {
		fprintf(stderr,
			"millrace: %s %s: there is no such user; to add one: "
			"millrace user add %s\n",
			what, owner->shown, owner->shown);
		return CLI_FAILED;
	}
	return err < 0 ? cli_complain(err, what, owner->shown) : CLI_OK;
}

struct mr_store *owner_store(struct cli *cli, enum mr_store_access access,
			     const struct owner *owner, const char *what)
{
	MR_AUTO(mr_store) *store = NULL;
	int err = mr_store_open(cli->set.store, MR_GROUP_DIRECTORY, access, &store), code;

	/* Where there is no store, no domain was ever added. */
	if (err == MR_ENOENT && owner->domain.len > 0)
		code = no_domain(owner, what);
	else if (err < 0)
		code = cli_complain(err, "cannot open the store", mr_store_shown(cli->set.store));
	else
		code = owner_exists(store, owner, what);
	cli->away = cli->away || code == CLI_TEMP;
	return code == CLI_OK ? MR_TAKE(store) : NULL;
}

/* Where nothing was ever taught there is nothing to do. */
static int forget(struct cli *cli, const struct owner *owner)
{
	MR_AUTO(mr_store) *store = NULL;
	char address[MR_SPAM_OWNER_SIZE], name[MR_SPAM_OWNER_SIZE];
	int err = mr_store_open(cli->set.store, MR_GROUP_SPAM, MR_STORE_WRITE, &store);

	if (err == MR_ENOENT)
		return CLI_OK;
	snprintf(address, sizeof(address), "%.*s@%.*s", (int)owner->local.len, owner->local.p,
		 (int)owner->domain.len, owner->domain.p);
	if (err >= 0 && (err = mr_spam_owner(mr_span_str(address), name)) >= 0)
		err = mr_store_teacher_remove(store, mr_span_str(name));
	return err < 0 ? cli_complain(err, "cannot forget what the spam filter was taught by",
				      owner->shown)
		       : CLI_OK;
}

/* The same of friends and blocks. */
static int forget_senders(struct cli *cli, const struct owner *owner)
{
	MR_AUTO(mr_store) *store = NULL;
	int err = mr_store_open(cli->set.store, MR_GROUP_SENDERS, MR_STORE_WRITE, &store);

	if (err == MR_ENOENT)
		return CLI_OK;
	if (err >= 0)
		err = mr_store_sender_forget(store, owner->local, owner->domain);
	return err < 0 ? cli_complain(err, "cannot forget friends and blocks of", owner->shown)
		       : CLI_OK;
}

/* The same of what the mailbox holds: it is nobody's any more, and counts in no sum. */
static int forget_usage(struct cli *cli, const struct owner *owner)
{
	MR_AUTO(mr_store) *store = NULL;
	int err = mr_store_open(cli->set.store, MR_GROUP_QUOTA, MR_STORE_WRITE, &store);

	if (err == MR_ENOENT)
		return CLI_OK;
	if (err >= 0)
		err = mr_store_usage_forget(store, owner->local, owner->domain);
	return err < 0 ? cli_complain(err, "cannot forget the usage of", owner->shown) : CLI_OK;
}

int owner_removed(struct cli *cli, const struct owner *owner, const char *what, int err)
{
	int forgot;

	if (err < 0 && err != MR_ENOENT)
		return cli_complain(err, what, owner->shown);
	forgot = forget(cli, owner);
	if (forgot == CLI_OK)
		forgot = forget_senders(cli, owner);
	if (forgot == CLI_OK)
		forgot = forget_usage(cli, owner);
	return err < 0 ? cli_complain(err, what, owner->shown) : forgot;
}
