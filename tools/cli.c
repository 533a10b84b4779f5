/* What the sub-commands share. */
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_utf8.h"
#include "lib/mail/mr_name.h"
#include "lib/net/mr_json.h"
#include "tools/commands.h"

void cli_show(FILE *to, struct mr_span text)
{
	MR_AUTO_BUF shown = MR_BUF(CLI_SHOWN_MAX);

	(void)mr_utf8_show(&shown, text);
	fputs(mr_buf_str(&shown), to);
}

int cli_complain(int err, const char *what, const char *subject)
{
	/* What the store's engine said is worth more than our word for it. */
	bool engine = mr_store_why()[0] && err != MR_ENOENT && err != MR_EEXIST;
	MR_AUTO_BUF text = MR_BUF(CLI_SHOWN_MAX);

	/* A subject may be the name of a file that came by mail. */
	(void)mr_buf_printf(&text, "%s%s%s: %s%s%s", what, subject ? " " : "",
			    subject ? subject : "", mr_err_text(err), engine ? ": " : "",
			    engine ? mr_store_why() : "");
	fputs("millrace: ", stderr);
	cli_show(stderr, mr_buf_span(&text));
	fputc('\n', stderr);
	return mr_err_temporary(err) ? CLI_TEMP : CLI_FAILED;
}

int cli_domain_check(struct mr_span domain, const char *what, const char *subject)
{
	char name[MR_NAME_DOMAIN_MAX + 1];
	int err = mr_name_domain(domain, name);

	if (err >= 0)
		return CLI_OK;
	fprintf(stderr, "millrace: %s %s: no domain name: %s\n", what, subject,
		err == MR_ELIMIT ? "too long"
				 : "it has letters, digits and hyphens, and single dots");
	return CLI_FAILED;
}

int cli_help(const struct cli *cli, FILE *to)
{
	fprintf(to, "usage: millrace [-c FILE] [--json] %s %s\n", cli->command->name,
		cli->command->words);
	return to == stdout ? CLI_OK : CLI_USAGE;
}

int cli_usage(const struct cli *cli)
{
	return cli_help(cli, stderr);
}

/* Without -c a missing file means the defaults: scoring a message needs none. */
int cli_settings(struct cli *cli)
{
	const char *path = cli->config_path ? cli->config_path : CLI_CONFIG_DEFAULT;
	MR_AUTO_BUF error = MR_BUF(4096);
	int err;

	err = mr_settings_load(path, &cli->set, &error);
	if (err == MR_ENOENT && !cli->config_path)
		err = mr_settings_default(&cli->set);
	if (err == 0)
		return CLI_OK;
	if (error.len > 0)
		fprintf(stderr, "millrace: %s\n", mr_buf_str(&error));
	else
		(void)cli_complain(err, "cannot read", path);
	return mr_err_temporary(err) ? CLI_TEMP : CLI_CONFIG;
}

struct mr_store *cli_store(struct cli *cli, unsigned groups, enum mr_store_access access)
{
	struct mr_store *store = NULL;
	int err = mr_store_open(cli->set.store, groups, access, &store);

	if (err < 0)
		cli->away = cli_complain(err, "cannot open the store",
					 mr_store_shown(cli->set.store)) == CLI_TEMP;
	return store;
}

#define LIST_SIZE_MAX ((size_t)256 * 1024 * 1024) /* bytes of JSON */

int cli_list(struct cli *cli, const char *what, cli_list_fn *list, const char *arg)
{
	MR_AUTO(mr_store) *store = cli_store(cli, MR_GROUP_DIRECTORY, MR_STORE_READ);
	MR_AUTO_BUF out = MR_BUF(LIST_SIZE_MAX);
	struct mr_json json;
	int err;

	if (!store)
		return CLI_FAILED;
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '[');
	err = list(store, arg, cli->json ? &json : NULL);
	mr_json_close(&json);
	if (err == 0 && cli->json) {
		err = mr_buf_err(&out);
		puts(mr_buf_str(&out));
	}
	return err < 0 ? cli_complain(err, what, arg) : CLI_OK;
}

int cli_verbs(struct cli *cli, const struct cli_verb *verbs, size_t count, int argc, char **argv)
{
	int words = argc - 2;

	for (size_t i = 0; argc >= 2 && i < count; i++) {
		if (strcmp(verbs[i].name, argv[1]) != 0)
			continue;
		if (words == verbs[i].words || (verbs[i].words < 0 && words <= -verbs[i].words))
			return verbs[i].run(cli, argv + 2);
	}
	return cli_usage(cli);
}
