/* millrace: the operator's command. Each sub-command is a file beside this one. */
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"

static const struct command commands[] = {
	{ "alias", cmd_alias,
	  "add ADDRESS TARGET... | remove ADDRESS [TARGET]... |\n"
	  "       disable|enable ADDRESS | list [DOMAIN] | show ADDRESS\n"
	  "ADDRESS: NAME@DOMAIN, or @DOMAIN for whatever nobody there has",
	  "addresses that stand for others" },
	{ "domain", cmd_domain,
	  "add|remove NAME | list |\n"
	  "       set NAME|--all SETTING VALUE|--unset | show NAME|--all",
	  "domains that we receive mail for" },
	{ "spam", cmd_spam,
	  "learn --spam|--ham PATH... |\n"
	  "       unlearn|score|explain PATH... | rebuild | model | lessons |\n"
	  "       expire\n"
	  "       [--user ADDRESS] [--model FILE|empty] [--arriving]\n"
	  "PATH: a message, mbox, Maildir or folder; -: a message on standard input;\n"
	  "      --list: names of files on standard input",
	  "teach the spam filter, and ask it" },
	{ "user", cmd_user,
	  "add|remove|disable|enable ADDRESS | list [DOMAIN] |\n"
	  "       set ADDRESS SETTING VALUE|--unset | show ADDRESS",
	  "users of a domain" },
	{ "friend", cmd_friend,
	  "add USER|DOMAIN ENTRY... [--note TEXT] [--from FILE|-] |\n"
	  "       remove USER|DOMAIN ENTRY... | list USER|DOMAIN\n"
	  "ENTRY: ann@example.org, example.org, *.example.org",
	  "senders whose mail goes to the inbox, once proven to be theirs" },
	{ "block", cmd_block,
	  "add USER|DOMAIN ENTRY... [--folder|--reject|--drop] [--note TEXT]\n"
	  "       [--from FILE|-] | remove USER|DOMAIN ENTRY... | list USER|DOMAIN\n"
	  "ENTRY: ann@example.org, example.org, *.example.org",
	  "senders whose mail nobody wants" },
	{ "limits", cmd_limits, "[ADDRESS|@DOMAIN] | --reset ADDRESS|@DOMAIN",
	  "what accounts and domains have sent, and may send" },
	{ "quota", cmd_quota, "[ADDRESS|DOMAIN] | recount [ADDRESS|DOMAIN]",
	  "what mailboxes hold, and may hold" },
	{ "store", cmd_store,
	  "[--store URL] init [--print] [ROLE=GROUP:read|write|owner]... |\n"
	  "       check | dump [FILE] | load [FILE]",
	  "make, check and move the place where state is kept" },
	{ "status", cmd_status, "[PROGRAM]", "what each running program says of itself" },
	{ "stats", cmd_stats, "[PROGRAM]", "counters of each running program" },
	{ "trace", cmd_trace, "[QUEUE-ID]", "follow messages through the running programs" },
	{ "reload", cmd_reload, "[PROGRAM]", "have programs read their settings anew" },
	{ "drain", cmd_drain, "PROGRAM", "have a program end once it is idle" },
	{ "playground", cmd_playground,
	  "[--once] [--mta postfix|sendmail] [--store sqlite|postgresql] [--messages N]\n"
	  "       [--smtp-port PORT] [--submission-port PORT] [--imap-port PORT]",
	  "a whole private mail system on this machine" },
	{ "version", cmd_version, "", "which version this is" },
	{ NULL, NULL, NULL, NULL },
};

static int help(FILE *to)
{
	fputs("usage: millrace [-c FILE] [--json] COMMAND ...\n\n", to);
	for (const struct command *c = commands; c->name; c++)
		fprintf(to, "  %-11s %s\n", c->name, c->summary);
	fputs("\nmillrace-COMMAND(1) tells more; exit codes are in millrace(1).\n", to);
	return to == stdout ? CLI_OK : CLI_USAGE;
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return true;
	}
	return false;
}

/* Take --json out of the words, wherever it stands before a "--". Returns how many are left. */
static int json_taken(struct cli *cli, int argc, char **argv)
{
	int kept = 0;
	bool more = true;

	for (int i = 0; i < argc; i++) {
		more = more && strcmp(argv[i], "--") != 0;
		if (more && strcmp(argv[i], "--json") == 0)
			cli->json = true;
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL; /* commands look for the end, too */
	return kept;
}

/* The options before the command. Returns the index of the command, or 0: usage. */
static int options(struct cli *cli, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-c") == 0 && i + 1 < argc)
			cli->config_path = argv[++i];
		else
			return 0;
	}
	return i < argc ? i : 0;
}

int main(int argc, char **argv)
{
	struct cli cli = { .config_path = NULL };
	int at, code;

	if (argc == 2 && strcmp(argv[1], "help") == 0)
		return help(stdout);
	if (argc == 2 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0))
		return cmd_version(&cli, 1, argv);
	argc = json_taken(&cli, argc, argv);
	at = options(&cli, argc, argv);
	if (at == 0)
		return help(asks_help(argc, argv) ? stdout : stderr);
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, argv[at]) != 0)
			continue;
		cli.command = c;
		if (asks_help(argc - at, argv + at))
			return cli_help(&cli, stdout);
		code = cli_settings(&cli);
		if (code != CLI_OK)
			return code;
		code = c->run(&cli, argc - at, argv + at);
		mr_settings_done(&cli.set);
		return code == CLI_FAILED && cli.away ? CLI_TEMP : code;
	}
	fprintf(stderr, "millrace: no such command: %s\n", argv[at]);
	return help(stderr);
}
