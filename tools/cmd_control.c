/* millrace status, stats, reload, drain: one question to each running program, or to one. */
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "tools/programs.h"

#define TIMEOUT_MS 5000

/* Where a line of an answer goes: for people under the program's name, else into an object. */
struct printing {
	bool json;
	const char *heading; /* still to print */
};

/* Only once there is something to say: a program that failed has no heading. */
static void print_heading(struct printing *p)
{
	if (p->heading && !p->json)
		printf("%s:\n", p->heading);
	p->heading = NULL;
}

static bool print_line(void *arg, struct mr_span line)
{
	struct printing *p = arg;

	print_heading(p);
	if (p->json)
		printf("%.*s", (int)line.len, line.p);
	else
		printf("  %.*s\n", (int)line.len, line.p);
	return true;
}

/* One program's answer. In JSON an object is a member, so what gave none is null. */
static int ask_one(struct cli *cli, const char *word, const char *command, bool first)
{
	struct printing printing = { .json = cli->json, .heading = word };
	char line[MR_CONTROL_LINE_MAX];
	int err;

	snprintf(line, sizeof(line), "%s%s", command, cli->json ? " --json" : "");
	if (cli->json)
		printf("%s\"%s\":", first ? "" : ",", word);
	err = programs_ask(cli, word, line, TIMEOUT_MS, print_line, &printing);
	if (err == 0)
		print_heading(&printing);
	else if (cli->json)
		fputs("null", stdout);
	fflush(stdout); /* in step with complaints */
	return err;
}

static int ask_all(struct cli *cli, int argc, char **argv, const char *command)
{
	struct program_list list;
	int err, failed = 0;

	if (argc > 2)
		return cli_usage(cli);
	err = programs_find(cli, argv[1], &list);
	if (err < 0 && err != MR_ENOENT)
		return CLI_FAILED;
	if (cli->json)
		fputs("{", stdout);
	for (size_t i = 0; i < list.count; i++)
		failed += ask_one(cli, list.word[i], command, i == 0) < 0;
	if (cli->json)
		fputs("}\n", stdout);
	return failed > 0 || list.count == 0 ? CLI_FAILED : CLI_OK;
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
	return ask_all(cli, argc, argv, "status");
}

int cmd_stats(struct cli *cli, int argc, char **argv)
{
	return ask_all(cli, argc, argv, "stats");
}

int cmd_reload(struct cli *cli, int argc, char **argv)
{
	return ask_all(cli, argc, argv, "reload");
}

/* Draining ends a program, so it is never done to all by leaving out a word. */
int cmd_drain(struct cli *cli, int argc, char **argv)
{
	return argc == 2 ? ask_all(cli, argc, argv, "drain") : cli_usage(cli);
}
