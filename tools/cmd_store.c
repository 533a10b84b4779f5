/* millrace store: the place where state is kept, as a whole. */
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_err.h"
#include "tools/commands.h"
#include "tools/store.h"

#define RIGHTS_MAX 64
#define SQL_MAX    65536

/* Who has which rights after `store init` without words: the system users of conf/sysusers.d. */
static const struct mr_store_right usual[] = {
	{ "root", "directory", MR_STORE_CREATE },
	{ "root", "spam", MR_STORE_CREATE },
	{ "root", "senders", MR_STORE_CREATE },
	{ "root", "quota", MR_STORE_CREATE },
	{ "root", "limits", MR_STORE_CREATE },
	{ "millrace-mail", "directory", MR_STORE_READ },
	{ "millrace-mail", "spam", MR_STORE_READ },
	{ "millrace-mail", "senders", MR_STORE_READ },
	{ "millrace-mail", "quota", MR_STORE_WRITE },
	{ "millrace-spam", "directory", MR_STORE_READ },
	{ "millrace-spam", "spam", MR_STORE_READ },
	{ "millrace-spam", "senders", MR_STORE_READ },
	{ "millrace-map", "directory", MR_STORE_READ },
	{ "millrace-map", "quota", MR_STORE_WRITE },
	{ "millrace-map", "limits", MR_STORE_WRITE },
};

/* ROLE=GROUP:read, write or owner. The word is cut in place. */
static int right_read(char *word, struct mr_store_right *right_out)
{
	static const char *const names[] = {
		[MR_STORE_READ] = "read", [MR_STORE_WRITE] = "write", [MR_STORE_CREATE] = "owner"
	};
	char *equals = strchr(word, '='), *colon = equals ? strchr(equals, ':') : NULL;

	if (!colon)
		return MR_ESYNTAX;
	*equals = *colon = '\0';
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		if (strcmp(names[i], colon + 1) == 0) {
			*right_out = (struct mr_store_right){ word, equals + 1,
							      (enum mr_store_access)i };
			return 0;
		}
	}
	return MR_ESYNTAX;
}

static int store_init(struct cli *cli, int argc, char **argv)
{
	struct mr_store_right rights[RIGHTS_MAX];
	MR_AUTO_BUF sql = MR_BUF(SQL_MAX);
	size_t count = 0;
	bool print = false;
	int err;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--print") == 0)
			print = true;
		else if (count == RIGHTS_MAX || right_read(argv[i], &rights[count++]) < 0)
			return cli_usage(cli);
	}
	err = mr_store_init(cli->set.store, count > 0 ? rights : usual,
			    count > 0 ? count : MR_COUNT(usual), print ? &sql : NULL);
	if (err < 0)
		return cli_complain(err, "cannot make the store", mr_store_shown(cli->set.store));
	fputs(mr_buf_str(&sql), stdout);
	return CLI_OK;
}

int cmd_store(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *cli, int argc, char **argv);
	} verbs[] = {
		{ "init", store_init },
		{ "check", store_check },
		{ "dump", store_dump },
		{ "load", store_load },
	};

	/* Another store than that of the settings: to move from one to the other. */
	if (argc >= 3 && strcmp(argv[1], "--store") == 0) {
		cli->set.store = argv[2];
		argc -= 2;
		argv += 2;
	}
	for (size_t i = 0; argc >= 2 && i < MR_COUNT(verbs); i++) {
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return verbs[i].run(cli, argc - 2, argv + 2);
	}
	return cli_usage(cli);
}
