/* millrace alias: addresses that stand for others. */
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_name.h"
#include "lib/net/mr_json.h"
#include "lib/store/mr_resolve.h"
#include "tools/commands.h"
#include "tools/owner.h"

#define ARENA_MAX 4194304

/* "@example.org" is the catch-all: its local part is empty. */
static int address_read(const char *word, const char *what, struct owner *owner_out)
{
	int code;

	if (word[0] != '@')
		return owner_user(word, what, owner_out);
	code = owner_domain(word + 1, what, owner_out);
	owner_out->shown = word;
	return code;
}

static struct mr_store *store_open(struct cli *cli, const char *word, const char *what,
				   enum mr_store_access access, struct owner *owner_out)
{
	if (address_read(word, what, owner_out) != CLI_OK)
		return NULL;
	return cli_store(cli, MR_GROUP_DIRECTORY, access);
}

static int target_complain(int err, const char *what, const char *target)
{
	const char *why;

	if (err == MR_EEXIST)
		why = "is its target already";
	else if (err == MR_EPERM)
		why = "mail would come back to the alias; it may stand for its own address where "
		      "there is a "
		      "user of that name";
	else if (err == MR_ELIMIT)
		why = "too long, or too many targets";
	else if (err == MR_EINVAL)
		why = "a target is an address, NAME@DOMAIN: no command, file or list";
	else
		return cli_complain(err, what, target);
	fprintf(stderr, "millrace: %s %s: %s\n", what, target, why);
	return CLI_FAILED;
}

static int alias_add(struct cli *cli, char **words)
{
	static const char what[] = "cannot add target";
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;
	int err = 0;

	if (!words[0] || !words[1])
		return cli_usage(cli);
	/* First of all: what cannot be added makes no store, and adds no other either. */
	for (size_t i = 1; words[i]; i++) {
		if ((err = mr_store_alias_target_check(mr_span_str(words[i]))) < 0)
			return target_complain(err, what, words[i]);
	}
	store = store_open(cli, words[0], "cannot add alias", MR_STORE_CREATE, &owner);
	if (!store)
		return CLI_FAILED;
	for (size_t i = 1; words[i] && err == 0; i++) {
		err = mr_store_alias_add(store, owner.local, owner.domain, mr_span_str(words[i]),
					 mr_time_s());
		if (err == MR_ENOENT) {
			owner.local = MR_SPAN("");
			return owner_exists(store, &owner, "cannot add alias");
		}
		if (err < 0)
			return target_complain(err, what, words[i]);
	}
	return CLI_OK;
}

static int alias_remove(struct cli *cli, char **words)
{
	static const char what[] = "cannot remove alias";
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;
	int err = 0;

	if (!words[0])
		return cli_usage(cli);
	store = store_open(cli, words[0], what, MR_STORE_CREATE, &owner);
	if (!store)
		return CLI_FAILED;
	if (!words[1])
		err = mr_store_alias_remove(store, owner.local, owner.domain, MR_SPAN(""));
	if (err < 0)
		return cli_complain(err, what, words[0]);
	for (size_t i = 1; words[i]; i++) {
		err = mr_store_alias_remove(store, owner.local, owner.domain,
					    mr_span_str(words[i]));
		if (err < 0)
			return cli_complain(err, "cannot remove target", words[i]);
	}
	return CLI_OK;
}

static int alias_switch(struct cli *cli, char **words, const char *what, bool disabled)
{
	MR_AUTO(mr_store) *store = NULL;
	struct owner owner;
	int err;

	store = store_open(cli, words[0], what, MR_STORE_CREATE, &owner);
	if (!store)
		return CLI_FAILED;
	err = mr_store_alias_disable(store, owner.local, owner.domain, disabled);
	return err < 0 ? cli_complain(err, what, words[0]) : CLI_OK;
}

static int alias_disable(struct cli *cli, char **words)
{
	return alias_switch(cli, words, "cannot disable alias", true);
}

static int alias_enable(struct cli *cli, char **words)
{
	return alias_switch(cli, words, "cannot enable alias", false);
}

static int print_alias(void *arg, const struct mr_alias *alias)
{
	struct mr_json *json = arg;
	char date[MR_DATE_SIZE];

	if (!json) {
		printf("%.*s@%.*s %.*s%s\n", (int)alias->local.len, alias->local.p,
		       (int)alias->domain.len, alias->domain.p, (int)alias->target[0].len,
		       alias->target[0].p, alias->disabled ? " (disabled)" : "");
		return 0;
	}
	mr_date_rfc3339(alias->created_s, date);
	mr_json_open(json, NULL, '{');
	mr_json_str(json, "local", alias->local);
	mr_json_str(json, "domain", alias->domain);
	mr_json_str(json, "target", alias->target[0]);
	mr_json_bool(json, "disabled", alias->disabled);
	mr_json_str(json, "created", mr_span_str(date));
	mr_json_close(json);
	return 0;
}

static int list_aliases(struct mr_store *store, const char *domain, struct mr_json *json)
{
	int err = domain ? mr_store_domain_exists(store, mr_span_str(domain)) : 0;

	return err < 0 ? err : mr_store_alias_each(store, mr_span_str(domain), print_alias, json);
}

static int alias_list(struct cli *cli, char **words)
{
	return cli_list(cli, "cannot list aliases", list_aliases, words[0]);
}

/* -- what mail to an address becomes ----------------------------------------------------------- */

struct shown {
	const struct cli *cli;
	struct owner owner;
};
static struct shown shown; /* cli_list() hands on a text alone */

static void print_mailbox(const struct mr_resolve_mailbox *m, struct mr_json *json)
{
	const struct mr_user *user = &m->user;

	if (json) {
		mr_json_open(json, NULL, '{');
		mr_json_str(json, "local", user->local);
		mr_json_str(json, "domain", user->domain);
		mr_json_str(json, "folder", m->detail);
		mr_json_bool(json, "outside", false);
		mr_json_close(json);
		return;
	}
	printf("%.*s@%.*s", (int)user->local.len, user->local.p, (int)user->domain.len,
	       user->domain.p);
	if (m->detail.len > 0) {
		fputs(" folder ", stdout);
		cli_show(stdout, m->detail);
	}
	puts(user->disabled ? " (disabled)" : "");
}

static void print_outside(struct mr_span address, struct mr_json *json)
{
	struct mr_span local, domain;

	if (!json) {
		printf("%.*s (outside)\n", (int)address.len, address.p);
		return;
	}
	if (mr_name_split(address, &local, &domain) < 0)
		return;
	mr_json_open(json, NULL, '{');
	mr_json_str(json, "local", local);
	mr_json_str(json, "domain", domain);
	mr_json_str(json, "folder", MR_SPAN(""));
	mr_json_bool(json, "outside", true);
	mr_json_close(json);
}

static int show(struct mr_store *store, const char *word MR_UNUSED, struct mr_json *json)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	const struct owner *owner = &shown.owner;
	struct mr_resolve_table table;
	struct mr_resolved r;
	int err;

	if (!arena)
		return MR_ENOMEM;
	mr_resolve_store(store, &table);
	err = mr_resolve(&table, shown.cli->set.recipient_separator, owner->local, owner->domain,
			 arena, &r);
	if (err < 0)
		return err == MR_EPERM ? MR_ENOENT : err; /* a domain of others */
	for (size_t i = 0; i < r.mailbox_count; i++)
		print_mailbox(&r.mailbox[i], json);
	for (size_t i = 0; i < r.outside_count; i++)
		print_outside(r.outside[i], json);
	return 0;
}

static int alias_show(struct cli *cli, char **words)
{
	static const char what[] = "cannot show where mail goes to";

	shown.cli = cli;
	if (owner_user(words[0], what, &shown.owner) != CLI_OK)
		return CLI_FAILED;
	return cli_list(cli, what, show, words[0]);
}

int cmd_alias(struct cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "add", -(MR_ALIAS_TARGETS_MAX + 1), alias_add },
		{ "remove", -(MR_ALIAS_TARGETS_MAX + 1), alias_remove },
		{ "disable", 1, alias_disable },
		{ "enable", 1, alias_enable },
		{ "list", -1, alias_list },
		{ "show", 1, alias_show },
	};

	return cli_verbs(cli, verbs, MR_COUNT(verbs), argc, argv);
}
