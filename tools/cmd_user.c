/* millrace user: the users of our domains. */
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_name.h"
#include "lib/net/mr_json.h"
#include "tools/commands.h"
#include "tools/setting.h"

typedef int operation(struct mr_store *store, struct mr_span local, struct mr_span domain);

static int add(struct mr_store *store, struct mr_span local, struct mr_span domain)
{
	return mr_store_user_add(store, local, domain, mr_time_s());
}

/* Says what is wrong with address. */
static int split(const char *address, const char *what, struct mr_span *local_out,
		 struct mr_span *domain_out)
{
	char name[MR_NAME_LOCAL_MAX + 1];
	const char *why = NULL;
	int err = mr_name_split(mr_span_str(address), local_out, domain_out);

	if (err < 0)
		why = "an address is NAME@DOMAIN";
	else if (cli_domain_check(*domain_out, what, address) != CLI_OK)
		return CLI_FAILED;
	else if ((err = mr_name_local(*local_out, name)) == MR_ELIMIT)
		why = "the part before the @ is too long";
	else if (err < 0)
		why = "before the @ are no spaces, quotes, slashes or brackets, and only single "
		      "dots inside";
	if (!why)
		return CLI_OK;
	fprintf(stderr, "millrace: %s %s: %s\n", what, address, why);
	return CLI_FAILED;
}

static int run_on(struct cli *cli, const char *address, const char *what, operation *op)
{
	MR_AUTO(mr_store) *store = NULL;
	struct mr_span local, domain;
	int err;

	if (split(address, what, &local, &domain) != CLI_OK)
		return CLI_FAILED;
	store = cli_store(cli, MR_GROUP_DIRECTORY, MR_STORE_CREATE);
	if (!store)
		return CLI_FAILED;
	err = op(store, local, domain);
	if (err == MR_ENOENT && op == add) {
		fprintf(stderr,
			"millrace: %s %s: there is no domain %.*s; to add it:"
			" millrace domain add %.*s\n",
			what, address, (int)domain.len, domain.p, (int)domain.len, domain.p);
		return CLI_FAILED;
	}
	return err < 0 ? cli_complain(err, what, address) : CLI_OK;
}

static int disable(struct mr_store *store, struct mr_span local, struct mr_span domain)
{
	return mr_store_user_disable(store, local, domain, true);
}

static int enable(struct mr_store *store, struct mr_span local, struct mr_span domain)
{
	return mr_store_user_disable(store, local, domain, false);
}

static int user_add(struct cli *cli, char **words)
{
	return run_on(cli, words[0], "cannot add user", add);
}

static int user_remove(struct cli *cli, char **words)
{
	return run_on(cli, words[0], "cannot remove user", mr_store_user_remove);
}

static int user_disable(struct cli *cli, char **words)
{
	return run_on(cli, words[0], "cannot disable user", disable);
}

static int user_enable(struct cli *cli, char **words)
{
	return run_on(cli, words[0], "cannot enable user", enable);
}

static int print_user(void *arg, const struct mr_user *user)
{
	struct mr_json *json = arg;
	char date[MR_DATE_SIZE];

	mr_date_rfc3339(user->created_s, date);
	if (!json) {
		printf("%.*s@%.*s%s\n", (int)user->local.len, user->local.p, (int)user->domain.len,
		       user->domain.p, user->disabled ? " (disabled)" : "");
		return 0;
	}
	mr_json_open(json, NULL, '{');
	mr_json_str(json, "id", mr_span_str(user->id));
	mr_json_str(json, "local", user->local);
	mr_json_str(json, "domain", user->domain);
	mr_json_bool(json, "disabled", user->disabled);
	mr_json_str(json, "created", mr_span_str(date));
	mr_json_close(json);
	return 0;
}

static int list_users(struct mr_store *store, const char *domain, struct mr_json *json)
{
	int err = domain ? mr_store_domain_exists(store, mr_span_str(domain)) : 0;

	return err < 0 ? err : mr_store_user_each(store, mr_span_str(domain), print_user, json);
}

static int user_list(struct cli *cli, char **words)
{
	return cli_list(cli, "cannot list users", list_users, words[0]);
}

/* Open the store, and be sure that there is this user. NULL: said why. */
static struct mr_store *store_of(struct cli *cli, const char *address, const char *what,
				 struct setting_owner *owner_out)
{
	MR_AUTO(mr_store) *store = NULL;
	MR_AUTO(mr_arena) *arena = mr_arena_new(4096);
	struct setting_owner owner = { .shown = address };
	struct mr_user user;
	int err;

	if (split(address, what, &owner.local, &owner.domain) != CLI_OK)
		return NULL;
	store = cli_store(cli, MR_GROUP_DIRECTORY, MR_STORE_WRITE);
	if (!store)
		return NULL;
	err = arena ? mr_store_user_find(store, owner.local, owner.domain, arena, &user)
		    : MR_ENOMEM;
	if (err < 0) {
		(void)cli_complain(err, what, address);
		return NULL;
	}
	*owner_out = owner;
	return MR_TAKE(store);
}

static int user_set(struct cli *cli, char **words)
{
	struct setting_owner owner;
	MR_AUTO(mr_store) *store = store_of(cli, words[0], "cannot set for user", &owner);

	return store ? setting_set(store, &owner, words[1], words[2]) : CLI_FAILED;
}

static int user_show(struct cli *cli, char **words)
{
	struct setting_owner owner;
	MR_AUTO(mr_store) *store = store_of(cli, words[0], "cannot show user", &owner);

	return store ? setting_show(cli, store, &owner) : CLI_FAILED;
}

int cmd_user(struct cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "add", 1, user_add },         { "remove", 1, user_remove },
		{ "disable", 1, user_disable }, { "enable", 1, user_enable },
		{ "list", -1, user_list },      { "set", 3, user_set },
		{ "show", 1, user_show },
	};

	return cli_verbs(cli, verbs, MR_COUNT(verbs), argc, argv);
}
