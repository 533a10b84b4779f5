/*
 * commands: the sub-commands of `millrace`, one file each. A command gets its own words, argv[0]
 * being its name, and returns an exit code. It prints results to standard output, for people, or as
 * JSON when cli->json; complaints go to standard error through cli_complain().
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdio.h>

#include "lib/run/mr_settings.h"
#include "lib/store/mr_store.h"

/* Exit codes, after sysexits.h; millrace(1) documents them. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* it can't be done: no such user, for one */
	CLI_PARTLY = 2, /* done, but for what can't be, as the user who owns it has it */
	CLI_USAGE = 64, /* EX_USAGE */
	CLI_TEMP = 75, /* EX_TEMPFAIL: try again later */
	CLI_CONFIG = 78, /* EX_CONFIG: the configuration file is not right */
};

struct cli;
struct command {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
	const char *words; /* of the usage, behind the name */
	const char *summary; /* a line */
};

struct cli {
	const struct command *command; /* the one that runs */
	const char *config_path; /* -c; NULL: the default, which may be absent */
	bool json;
	bool away; /* the store could not be opened, and may be another time: exit code 75 */
	struct mr_settings set;
};

#define CLI_CONFIG_DEFAULT "/etc/millrace/millrace.conf"

int cmd_block(struct cli *cli, int argc, char **argv);

int cmd_alias(struct cli *cli, int argc, char **argv);
int cmd_domain(struct cli *cli, int argc, char **argv);
int cmd_spam(struct cli *cli, int argc, char **argv);
int cmd_friend(struct cli *cli, int argc, char **argv);
int cmd_limits(struct cli *cli, int argc, char **argv);
int cmd_drain(struct cli *cli, int argc, char **argv);
int cmd_playground(struct cli *cli, int argc, char **argv);
int cmd_quota(struct cli *cli, int argc, char **argv);
int cmd_reload(struct cli *cli, int argc, char **argv);
int cmd_stats(struct cli *cli, int argc, char **argv);
int cmd_status(struct cli *cli, int argc, char **argv);
int cmd_store(struct cli *cli, int argc, char **argv);
int cmd_trace(struct cli *cli, int argc, char **argv);
int cmd_user(struct cli *cli, int argc, char **argv);
int cmd_version(struct cli *cli, int argc, char **argv);

/* Say on standard error what could not be done, "millrace: WHAT SUBJECT: why", and return the exit
 * code that goes with err. subject may be NULL. */
int cli_complain(int err, const char *what, const char *subject);

#define CLI_SHOWN_MAX 65536 /* bytes of one name, or of one complaint */
/* Print text that came from outside as mr_utf8_show() has it: a terminal must not obey it. */
void cli_show(FILE *to, struct mr_span text);
/* Say on standard error, "millrace: WHAT SUBJECT: why", that domain is no domain name; 0: it is one. */
int cli_domain_check(struct mr_span domain, const char *what, const char *subject);
/* Print how cli->command is used: CLI_OK to standard output, else CLI_USAGE. */
int cli_help(const struct cli *cli, FILE *to);
/* The same to standard error. */
int cli_usage(const struct cli *cli);
/* Load cli->set; prints what is wrong with it. For main(). */
int cli_settings(struct cli *cli);
/* Open groups of the store that the settings name; on failure says so and returns NULL. Only what
 * adds something makes a store where there is none (MR_STORE_CREATE). */
struct mr_store *cli_store(struct cli *cli, unsigned groups, enum mr_store_access access);

/*
 * Run list on the directory: it prints lines for people, or, where json is not NULL, adds values to
 * the array that is open in it. Returns the exit code.
 */
struct mr_json;
typedef int cli_list_fn(struct mr_store *store, const char *arg, struct mr_json *json);
int cli_list(struct cli *cli, const char *what, cli_list_fn *list, const char *arg);

/* A verb of a command: `domain add`. */
struct cli_verb {
	const char *name;
	int words; /* that follow it: exactly, or at most if negative */
	int (*run)(struct cli *cli, char **words);
};
/* Find the verb argv[1] and run it; prints the usage if there is none. */
int cli_verbs(struct cli *cli, const struct cli_verb *verbs, size_t count, int argc, char **argv);

#endif
