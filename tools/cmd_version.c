/* millrace version */
#include <stdio.h>

#include "lib/run/mr_program.h"
#include "tools/commands.h"

int cmd_version(struct cli *cli, int argc, char **argv)
{
	if (argc != 1)
		return cli_usage(argv[0]);
	printf(cli->json ? "{\"version\":\"%s\"}\n" : "millrace %s\n", mr_version());
	return CLI_OK;
}
