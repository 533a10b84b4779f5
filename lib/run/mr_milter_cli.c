#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_log.h"
#include "lib/run/mr_milter_priv.h"

#define ARENA_MAX  ((size_t)4 << 30) /* an operator's own message: the size is his business */
#define OUTPUT_MAX (256u << 20)
#define RCPTS_MAX  1000

enum { EXIT_FAILED = 1, EXIT_USAGE = 64, EXIT_CONFIG = 78 };

struct cli {
	const char *message, *settings;
	bool write;
	struct mr_envelope env;
	struct mr_span rcpt[RCPTS_MAX];
};

enum { OPT_IP = 256, OPT_NAME, OPT_HELO, OPT_FROM, OPT_RCPT, OPT_AUTH, OPT_ID };

static const struct option options[] = {
	{ "ip", required_argument, NULL, OPT_IP },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "helo", required_argument, NULL, OPT_HELO },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "rcpt", required_argument, NULL, OPT_RCPT },
	{ "auth", required_argument, NULL, OPT_AUTH },
	{ "queue-id", required_argument, NULL, OPT_ID },
	{ NULL, 0, NULL, 0 },
};

static int usage(const struct mr_milter *milter, FILE *to, int code)
{
	fprintf(to,
		"usage: %s -m FILE.eml [-c FILE] [--ip A] [--name HOST] [--helo H] [--from A]\n"
		"       [--rcpt A]... [--auth USER] [--queue-id ID] [-w]\n"
		"  -m FILE        one message by hand; - reads standard input\n"
		"  -w             write the edited message instead of the actions\n"
		"  --ip A         address of the client that sent it\n"
		"  --name HOST    its name in the DNS\n"
		"  --helo H       how it greeted\n"
		"  --from A       sender of the envelope\n"
		"  --rcpt A       recipient of the envelope\n"
		"  --auth USER    who had logged in\n"
		"  --queue-id ID  what the MTA calls the message\n",
		milter->name);
	return code;
}

/* "a@b" and "<a@b>" alike. */
static struct mr_span address(const char *text)
{
	struct mr_span s = mr_span_str(text);

	if (s.len >= 2 && s.p[0] == '<' && s.p[s.len - 1] == '>')
		s = mr_span_sub(s, 1, s.len - 2);
	return s;
}

static bool option_take(struct cli *cli, int option, const char *arg)
{
	struct mr_span *const spans[] = {
		[OPT_IP - OPT_IP] = &cli->env.client_addr,
		[OPT_NAME - OPT_IP] = &cli->env.client_name,
		[OPT_HELO - OPT_IP] = &cli->env.helo,
		[OPT_FROM - OPT_IP] = &cli->env.mail_from,
		[OPT_RCPT - OPT_IP] = NULL,
		[OPT_AUTH - OPT_IP] = &cli->env.auth_user,
		[OPT_ID - OPT_IP] = &cli->env.queue_id,
	};

	switch (option) {
	case 'm':
		cli->message = arg;
		return true;
	case 'c':
		cli->settings = arg;
		return true;
	case 'w':
		cli->write = true;
		return true;
	case 'd':
		return true; /* the log goes to standard error anyway */
	case OPT_RCPT:
		if (cli->env.rcpt_count == RCPTS_MAX)
			return false;
		cli->rcpt[cli->env.rcpt_count++] = address(arg);
		return true;
	case OPT_FROM:
		cli->env.mail_from = address(arg);
		return true;
	default:
		if (option < OPT_IP || option > OPT_ID)
			return false;
		*spans[option - OPT_IP] = mr_span_str(arg);
		return true;
	}
}

static bool options_parse(struct cli *cli, int argc, char **argv)
{
	int option;

	optind = 1;
	cli->env.client_name = MR_SPAN("unknown");
	while ((option = getopt_long(argc, argv, "m:c:wd", options, NULL)) != -1) {
		if (!option_take(cli, option, optarg))
			return false;
	}
	cli->env.rcpt = cli->rcpt;
	return cli->message && optind == argc;
}

static int settings_read(const struct cli *cli, struct mr_settings *set_out)
{
	MR_AUTO_BUF error = MR_BUF(4096);
	int err;

	if (!cli->settings)
		return mr_settings_default(set_out);
	err = mr_settings_load(cli->settings, set_out, &error);
	if (err < 0)
		fprintf(stderr, "%s\n", mr_buf_str(&error));
	return err;
}

static int message_read(const struct cli *cli, struct mr_arena *arena, struct mr_map *map,
			struct mr_span *raw_out)
{
	int err;

	if (strcmp(cli->message, "-") == 0)
		return mr_read_fd(STDIN_FILENO, ARENA_MAX, arena, raw_out);
	err = mr_map_file(cli->message, map);
	if (err == 0)
		*raw_out = map->span;
	return err;
}

static int output(const struct cli *cli, const struct mr_actions *acts, struct mr_span raw)
{
	struct mr_span edited;
	MR_AUTO_BUF text = MR_BUF(OUTPUT_MAX);
	int err;

	if (cli->write && acts->verdict == MR_VERDICT_ACCEPT) {
		err = mr_actions_apply(acts, raw, acts->arena, &edited);
		return err < 0 ? err : mr_write_all(STDOUT_FILENO, edited);
	}
	err = mr_actions_print(acts, &text);
	if (err < 0)
		return err;
	return mr_write_all(cli->write ? STDERR_FILENO : STDOUT_FILENO, mr_buf_span(&text));
}

static int failed(const struct cli *cli, int err, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", cli->message, what, mr_err_text(err));
	return EXIT_FAILED;
}

static int run(const struct mr_milter *milter, const struct cli *cli, struct mr_ctx *ctx)
{
	static const int codes[] = {
		[MR_VERDICT_ACCEPT] = 0,  [MR_VERDICT_REJECT] = 2,     [MR_VERDICT_TEMPFAIL] = 3,
		[MR_VERDICT_DISCARD] = 4, [MR_VERDICT_QUARANTINE] = 5,
	};
	struct mr_map map = { .span = { "", 0 } };
	struct mr_span raw = { "", 0 };
	struct mr_actions acts;
	int err, code = EXIT_FAILED;

	if ((err = message_read(cli, ctx->arena, &map, &raw)) < 0) {
		failed(cli, err, "cannot be read");
	} else if ((err = mr_stage_run(milter->stage, ctx, &cli->env, raw, &acts)) < 0) {
		failed(cli, err, "not decided");
	} else if ((err = output(cli, &acts, raw)) < 0) {
		failed(cli, err, "cannot be written");
	} else {
		if (acts.err < 0)
			failed(cli, acts.err, "the stage failed");
		code = codes[acts.verdict];
	}
	mr_map_done(&map);
	return code;
}

int mr_milter_cli(const struct mr_milter *milter, int argc, char **argv)
{
	static struct cli cli; /* the table of recipients is large; there is one command line */
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	const struct mr_stage *stage = milter->stage;
	struct mr_settings set;
	struct mr_ctx ctx = { .set = &set, .clock = mr_clock_real, .arena = arena };
	int code, err;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(milter, stdout, 0);
	mr_log_open(milter->name, true);
	if (!options_parse(&cli, argc, argv))
		return usage(milter, stderr, EXIT_USAGE);
	if (!arena)
		return failed(&cli, MR_ENOMEM, "no memory");
	if (settings_read(&cli, &set) < 0)
		return EXIT_CONFIG;
	err = stage->open ? stage->open(&set, &ctx.state) : 0;
	if (err < 0) {
		code = failed(&cli, err, "the stage cannot be opened");
	} else {
		code = run(milter, &cli, &ctx);
		if (stage->close && ctx.state)
			stage->close(ctx.state);
	}
	mr_settings_done(&set);
	return code;
}
