/* millrace version */
#include <stdio.h>

#include "lib/run/mr_program.h"
#include "tools/commands.h"

int cmd_version(struct cli *cli, int argc, char **argv MR_UNUSED)
{
	if (argc != 1)
		return cli_usage(cli);
	printf(cli->json ? "{\"version\":\"%s\"}\n" : "millrace %s\n", mr_version());
	return CLI_OK;
}
