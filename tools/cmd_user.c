/* millrace user: the users of our domains. */
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_json.h"
#include "tools/commands.h"
#include "tools/setting.h"

typedef int operation(struct mr_store *store, struct mr_span local, struct mr_span domain);

static int add(struct mr_store *store, struct mr_span local, struct mr_span domain)
{
	return mr_store_user_add(store, local, domain, mr_time_s());
}

static int run_on(struct cli *cli, const char *address, const char *what, operation *op)
{
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;
	int err;

	if (owner_user(address, what, &owner) != CLI_OK)
		return CLI_FAILED;
	store = cli_store(cli, MR_GROUP_DIRECTORY, MR_STORE_CREATE);
	if (!store)
		return CLI_FAILED;
	err = op(store, owner.local, owner.domain);
	if (err == MR_ENOENT && op == add && owner_exists(store, &owner, what) != CLI_OK)
		return CLI_FAILED;
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
	static const char what[] = "cannot remove user";
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;

	if (owner_user(words[0], what, &owner) != CLI_OK)
		return CLI_FAILED;
	store = cli_store(cli, MR_GROUP_DIRECTORY, MR_STORE_CREATE);
	return store ? owner_removed(cli, &owner, what,
				     mr_store_user_remove(store, owner.local, owner.domain))
		     : CLI_FAILED;
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

/* What needs `reinject` is refused without it: mail would wait, or nobody be answered, and nobody know why. */
static int sends(const struct cli *cli, const char *name, const char *value)
{
	bool wants = strcmp(name, "forward") == 0 ||
		     (strcmp(name, "vacation") == 0 && strcmp(value, "yes") == 0);

	if (!wants || cli->set.reinject[0] || strcmp(value, "--unset") == 0)
		return CLI_OK;
	fprintf(stderr,
		"millrace: %s needs the setting reinject: where mail of our own goes is not said\n",
		name);
	return CLI_FAILED;
}

static int user_set(struct cli *cli, char **words)
{
	static const char what[] = "cannot set for user";
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;

	if (sends(cli, words[1], words[2]) != CLI_OK ||
	    owner_user(words[0], what, &owner) != CLI_OK)
		return CLI_FAILED;
	store = owner_store(cli, MR_STORE_WRITE, &owner, what);
	return store ? setting_set(store, &owner, words[1], words[2]) : CLI_FAILED;
}

static int user_show(struct cli *cli, char **words)
{
	static const char what[] = "cannot show user";
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;

	if (owner_user(words[0], what, &owner) != CLI_OK)
		return CLI_FAILED;
	store = owner_store(cli, MR_STORE_WRITE, &owner, what);
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
