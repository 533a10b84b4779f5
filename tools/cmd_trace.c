/* millrace trace: what the running programs say about a message, or about all, as it happens. */
#include <pthread.h>
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "tools/programs.h"

struct follower {
	struct cli *cli;
	const char *word, *command;
	pthread_t thread;
	bool started;
	int err;
};

static bool print_line(void *arg, struct mr_span line)
{
	const struct follower *f = arg;
	int n;

	/* One call a line: lines of two programs do not mix. */
	if (f->cli->json)
		n = printf("{\"program\":\"%s\",\"trace\":%.*s}\n", f->word, (int)line.len, line.p);
	else
		n = printf("%-6s %.*s\n", f->word, (int)line.len, line.p);
	return n >= 0 && fflush(stdout) == 0;
}

static void *follow(void *arg)
{
	struct follower *f = arg;

	f->err = programs_ask(f->cli, f->word, f->command, -1, print_line, f);
	return NULL;
}

int cmd_trace(struct cli *cli, int argc, char **argv)
{
	struct follower followers[PROGRAMS_MAX] = { { .cli = NULL } };
	char command[MR_CONTROL_LINE_MAX];
	struct program_list list;
	int err, len, failed = 0;

	if (argc > 2)
		return cli_usage(cli);
	len = snprintf(command, sizeof(command), "trace%s%s%s", argc == 2 ? " " : "",
		       argc == 2 ? argv[1] : "", cli->json ? " --json" : "");
	if (len < 0 || (size_t)len >= sizeof(command))
		return cli_usage(cli);
	err = programs_find(cli, NULL, &list);
	if (err < 0)
		return CLI_FAILED;
	for (size_t i = 0; i < list.count; i++) {
		struct follower *f = &followers[i];

		*f = (struct follower){ .cli = cli, .word = list.word[i], .command = command };
		f->started = pthread_create(&f->thread, NULL, follow, f) == 0;
	}
	for (size_t i = 0; i < list.count; i++) {
		if (followers[i].started)
			pthread_join(followers[i].thread, NULL);
		/* A program that ends is the usual end of a trace. */
		failed += !followers[i].started ||
			  (followers[i].err < 0 && followers[i].err != MR_ECLOSED);
	}
	return failed > 0 ? CLI_FAILED : CLI_OK;
}
