/* store: what `millrace store` shares: its verbs, each with the words behind it. */
#ifndef TOOLS_STORE_H
#define TOOLS_STORE_H

struct cli;

int store_check(struct cli *cli, int argc, char **argv);
int store_dump(struct cli *cli, int argc, char **argv);
int store_load(struct cli *cli, int argc, char **argv);

#endif
