/* millrace limits: what accounts and domains have sent, and may send. */
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/mail/mr_name.h"
#include "lib/net/mr_json.h"
#include "lib/store/mr_user_settings.h"
#include "tools/commands.h"
#include "tools/owner.h"

#define LIST_SIZE_MAX ((size_t)256 * 1024 * 1024) /* bytes of JSON */
#define ARENA_MAX     65536

/* Whose counts: "ann@example.org", "@example.org", or "?ann", a login that is no address. */
struct whom {
	char name[MR_LIMIT_OWNER_MAX + 1];
	struct owner owner; /* both spans empty: all, or no address */
};

static int whom_read(const char *word, const char *what, struct whom *whom_out)
{
	char local[MR_NAME_LOCAL_MAX + 1] = "", domain[MR_NAME_DOMAIN_MAX + 1];
	int code;

	*whom_out = (struct whom){ .owner.shown = word };
	if (word[0] == '?') {
		if (mr_span_copyz(mr_span_str(word), whom_out->name, sizeof(whom_out->name)) == 0)
			return CLI_OK;
		return cli_complain(MR_ELIMIT, what, word);
	}
	code = word[0] == '@' ? owner_domain(word + 1, what, &whom_out->owner)
			      : owner_user(word, what, &whom_out->owner);
	if (code != CLI_OK)
		return code;
	if ((whom_out->owner.local.len > 0 && mr_name_local(whom_out->owner.local, local) < 0) ||
	    mr_name_domain(whom_out->owner.domain, domain) < 0)
		return cli_complain(MR_EINVAL, what, word);
	snprintf(whom_out->name, sizeof(whom_out->name), "%s@%s", local, domain);
	return CLI_OK;
}

/* -- all of them ------------------------------------------------------------------------------ */

static void json_put(struct mr_json *json, struct mr_span owner,
		     const struct mr_sent used[MR_LIMIT_WINDOWS], const struct mr_sent *max,
		     int64_t told_s)
{
	char date[MR_DATE_SIZE] = "";

	if (told_s > 0)
		mr_date_rfc3339(told_s, date);
	mr_json_open(json, NULL, '{');
	mr_json_str(json, "owner", owner);
	for (unsigned w = 0; w < MR_LIMIT_WINDOWS; w++) {
		mr_json_open(json, mr_limit_window_name(w), '{');
		mr_json_int(json, "messages", used[w].messages);
		mr_json_int(json, "recipients", used[w].recipients);
		if (max) {
			mr_json_int(json, "messages_max", max[w].messages);
			mr_json_int(json, "recipients_max", max[w].recipients);
		}
		mr_json_close(json);
	}
	if (told_s > 0)
		mr_json_str(json, "told", mr_span_str(date));
	mr_json_close(json);
}

static int all_row(void *arg, struct mr_span owner, const struct mr_sent used[MR_LIMIT_WINDOWS],
		   int64_t told_s)
{
	struct mr_json *json = arg;

	if (json) {
		json_put(json, owner, used, NULL, told_s);
		return mr_buf_err(json->out);
	}
	cli_show(stdout, owner);
	for (unsigned w = 0; w < MR_LIMIT_WINDOWS; w++)
		printf("  %s %lld/%lld", mr_limit_window_name(w), (long long)used[w].messages,
		       (long long)used[w].recipients);
	puts(told_s > 0 ? "  told" : "");
	return 0;
}

static int show_all(struct cli *cli)
{
	MR_AUTO(mr_store) *store = cli_store(cli, MR_GROUP_LIMITS, MR_STORE_READ);
	MR_AUTO_BUF out = MR_BUF(LIST_SIZE_MAX);
	struct mr_json json;
	int err;

	if (!store)
		return CLI_FAILED;
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '[');
	err = mr_store_sent_each(store, MR_SPAN(""), mr_time_s(), all_row,
				 cli->json ? &json : NULL);
	mr_json_close(&json);
	if (err == 0)
		err = mr_buf_err(&out);
	if (err < 0)
		return cli_complain(err, "cannot show send limits", NULL);
	if (cli->json)
		puts(mr_buf_str(&out));
	return CLI_OK;
}

/* -- one of them ------------------------------------------------------------------------------ */

struct one {
	struct mr_sent used[MR_LIMIT_WINDOWS];
	int64_t told_s;
};

static int one_row(void *arg, struct mr_span owner MR_UNUSED,
		   const struct mr_sent used[MR_LIMIT_WINDOWS], int64_t told_s)
{
	struct one *one = arg;

	memcpy(one->used, used, sizeof(one->used));
	one->told_s = told_s;
	return 0;
}

static void of_max(const char *what, int64_t used, int64_t max)
{
	printf("  %lld", (long long)used);
	if (max > 0)
		printf(" of %lld", (long long)max);
	printf(" %s", what);
}

static int one_print(const struct cli *cli, const struct whom *whom, const struct one *one,
		     const struct mr_sent max[MR_LIMIT_WINDOWS])
{
	MR_AUTO_BUF out = MR_BUF(ARENA_MAX);
	struct mr_json json;

	if (cli->json) {
		mr_json_init(&json, &out);
		json_put(&json, mr_span_str(whom->name), one->used, max, one->told_s);
		puts(mr_buf_str(&out));
		return mr_buf_err(&out);
	}
	for (unsigned w = 0; w < MR_LIMIT_WINDOWS; w++) {
		printf("%-6s", mr_limit_window_name(w));
		of_max("messages", one->used[w].messages, max[w].messages);
		of_max("recipients", one->used[w].recipients, max[w].recipients);
		putchar('\n');
	}
	if (one->told_s > 0) {
		char date[MR_DATE_SIZE];

		mr_date_rfc3339(one->told_s, date);
		printf("told   %s\n", date);
	}
	return 0;
}

static int show_one(struct cli *cli, const char *word)
{
	static const char what[] = "cannot show send limits of";
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	MR_AUTO(mr_store) *store = NULL;
	struct mr_user_settings settings;
	struct one one = { .told_s = 0 };
	struct whom whom;
	int err = MR_ENOMEM;

	if (whom_read(word, what, &whom) != CLI_OK)
		return CLI_FAILED;
	store = cli_store(cli, MR_GROUP_LIMITS | MR_GROUP_DIRECTORY, MR_STORE_READ);
	if (!store)
		return CLI_FAILED;
	if (arena)
		err = mr_user_settings_get(store, whom.owner.local, whom.owner.domain, arena,
					   &settings);
	if (err == 0)
		err = mr_store_sent_each(store, mr_span_str(whom.name), mr_time_s(), one_row, &one);
	if (err == 0)
		err = one_print(cli, &whom, &one,
				whom.name[0] == '@' ? settings.domain_send : settings.send);
	return err < 0 ? cli_complain(err, what, word) : CLI_OK;
}

static int reset(struct cli *cli, const char *word)
{
	static const char what[] = "cannot reset";
	MR_AUTO(mr_store) *store = NULL;
	struct whom whom;
	int err;

	if (whom_read(word, what, &whom) != CLI_OK)
		return CLI_FAILED;
	store = cli_store(cli, MR_GROUP_LIMITS, MR_STORE_WRITE);
	if (!store)
		return CLI_FAILED;
	err = mr_store_sent_reset(store, mr_span_str(whom.name));
	return err < 0 && err != MR_ENOENT ? cli_complain(err, what, word) : CLI_OK;
}

int cmd_limits(struct cli *cli, int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--reset") == 0)
		return reset(cli, argv[2]);
	if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
		return cli_usage(cli);
	return argc == 2 ? show_one(cli, argv[1]) : show_all(cli);
}
