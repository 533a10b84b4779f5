/* millrace domain: the domains that we receive mail for. */
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_err.h"
#include "lib/net/mr_json.h"
#include "tools/commands.h"
#include "tools/setting.h"

static int domain_add(struct cli *cli, char **words)
{
	static const char what[] = "cannot add domain";
	MR_AUTO(mr_store) *store = NULL;
	int err;

	/* First of all: what cannot be added makes no store. */
	if (cli_domain_check(mr_span_str(words[0]), what, words[0]) != CLI_OK)
		return CLI_FAILED;
	store = cli_store(cli, MR_GROUP_DIRECTORY, MR_STORE_CREATE);
	if (!store)
		return CLI_FAILED;
	err = mr_store_domain_add(store, mr_span_str(words[0]));
	return err < 0 ? cli_complain(err, what, words[0]) : CLI_OK;
}

static int domain_remove(struct cli *cli, char **words)
{
	static const char what[] = "cannot remove domain";
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;
	int err;

	if (owner_domain(words[0], what, &owner) != CLI_OK)
		return CLI_FAILED;
	store = cli_store(cli, MR_GROUP_DIRECTORY, MR_STORE_CREATE);
	if (!store)
		return CLI_FAILED;
	err = mr_store_domain_remove(store, owner.domain);
	if (err == MR_EPERM) {
		fprintf(stderr, "millrace: domain %s has users or aliases: remove them first\n",
			words[0]);
		return CLI_FAILED;
	}
	return owner_removed(cli, &owner, what, err);
}

static int print_domain(void *arg, struct mr_span domain, int64_t user_count)
{
	struct mr_json *json = arg;

	if (!json) {
		printf("%-40.*s %6lld user%s\n", (int)domain.len, domain.p, (long long)user_count,
		       user_count == 1 ? "" : "s");
		return 0;
	}
	mr_json_open(json, NULL, '{');
	mr_json_str(json, "domain", domain);
	mr_json_int(json, "users", user_count);
	mr_json_close(json);
	return 0;
}

static int list_domains(struct mr_store *store, const char *words MR_UNUSED, struct mr_json *json)
{
	return mr_store_domain_each(store, print_domain, json);
}

static int domain_list(struct cli *cli, char **words MR_UNUSED)
{
	return cli_list(cli, "cannot list domains", list_domains, NULL);
}

/* "--all" is all of them, with those to come. */
static int named(const char *word, const char *what, struct owner *owner_out)
{
	if (strcmp(word, "--all") != 0)
		return owner_domain(word, what, owner_out);
	*owner_out = (struct owner){ .shown = word };
	return CLI_OK;
}

static int domain_set(struct cli *cli, char **words)
{
	static const char what[] = "cannot set for domain";
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;

	if (named(words[0], what, &owner) != CLI_OK)
		return CLI_FAILED;
	store = owner_store(cli, MR_STORE_WRITE, &owner, what);
	return store ? setting_set(store, &owner, words[1], words[2]) : CLI_FAILED;
}

static int domain_show(struct cli *cli, char **words)
{
	static const char what[] = "cannot show domain";
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;

	if (named(words[0], what, &owner) != CLI_OK)
		return CLI_FAILED;
	store = owner_store(cli, MR_STORE_WRITE, &owner, what);
	return store ? setting_show(cli, store, &owner) : CLI_FAILED;
}

int cmd_domain(struct cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "add", 1, domain_add },   { "remove", 1, domain_remove },
		{ "list", 0, domain_list }, { "set", 3, domain_set },
		{ "show", 1, domain_show },
	};

	return cli_verbs(cli, verbs, MR_COUNT(verbs), argc, argv);
}
