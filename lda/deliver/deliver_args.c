#include "lda/deliver/deliver_args.h"

#include "lib/base/mr_err.h"

#define QUEUE_ID_MAX 255

/* What follows an option, in one word with it or as the next one. */
static struct mr_span value_of(int argc, char **argv, int *at)
{
	const char *word = argv[*at];

	if (word[2])
		return mr_span_str(word + 2);
	if (*at + 1 >= argc)
		return mr_span(NULL, 0);
	return mr_span_str(argv[++*at]);
}

static int seconds(struct mr_span value, int64_t *ms_out)
{
	uint64_t s;

	if (mr_span_u64(value, 86400, &s) < 0 || s == 0)
		return MR_EINVAL;
	*ms_out = (int64_t)s * 1000;
	return 0;
}

/* It is for the log alone, so one that is odd or too long is left out: mail does not bounce for it. */
static struct mr_span queue_id(struct mr_span value)
{
	if (value.len > QUEUE_ID_MAX)
		return MR_SPAN("");
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] <= ' ' || value.p[i] > '~')
			return MR_SPAN("");
	}
	return value;
}

/* As MTAs give it: <> and an empty value are the null sender; "MAILER-DAEMON" is sendmail's. */
static int sender(struct mr_span value, struct mr_arena *arena, struct mr_smtp_path *path_out)
{
	if (mr_span_eq(value, MR_SPAN("<>")) || mr_span_eq(value, MR_SPAN("MAILER-DAEMON")))
		value = MR_SPAN("");
	return mr_smtp_sender_from_arg(value, arena, path_out);
}

static int option(char letter, struct mr_span value, struct mr_arena *arena,
		  struct mr_deliver_args *args, const char **error_out)
{
	switch (letter) {
	case 'c':
		args->config = value.p;
		return 0;
	case 's':
		args->socket = value.p;
		return 0;
	case 't':
		*error_out = "-t wants seconds";
		return seconds(value, &args->timeout_ms);
	case 'f':
		*error_out = "-f: out of memory";
		return sender(value, arena, &args->from);
	case 'r':
		*error_out = "-r: not an address";
		return mr_smtp_path_from_arg(value, arena, &args->to);
	case 'q':
		args->queue_id = queue_id(value);
		return 0;
	default:
		*error_out = "unknown option";
		return MR_EINVAL;
	}
}

static enum mr_deliver_ask ask_of(const char *word)
{
	struct mr_span w = mr_span_str(word);

	if (mr_span_eq(w, MR_SPAN("--help")))
		return MR_DELIVER_HELP;
	if (mr_span_eq(w, MR_SPAN("-V")) || mr_span_eq(w, MR_SPAN("--version")))
		return MR_DELIVER_VERSION;
	return MR_DELIVER_MESSAGE;
}

int mr_deliver_args(int argc, char **argv, struct mr_arena *arena, struct mr_deliver_args *args_out,
		    const char **error_out)
{
	struct mr_deliver_args args = { .timeout_ms = MR_DELIVER_TIMEOUT_S * 1000,
					.queue_id = MR_SPAN("") };
	bool have_from = false;
	int err;

	if (argc == 2 && (args.ask = ask_of(argv[1])) != MR_DELIVER_MESSAGE) {
		*args_out = args;
		return 0;
	}
	for (int i = 1; i < argc; i++) {
		char letter = argv[i][0] == '-' ? argv[i][1] : '\0';
		struct mr_span value;

		*error_out = "not an option";
		if (!letter)
			return MR_EINVAL;
		*error_out = "--help, --version and -V stand alone";
		if (ask_of(argv[i]) != MR_DELIVER_MESSAGE)
			return MR_EINVAL;
		value = value_of(argc, argv, &i);
		*error_out = "an option without its value";
		if (!value.p)
			return MR_EINVAL;
		if ((err = option(letter, value, arena, &args, error_out)) < 0)
			return err;
		have_from = have_from || letter == 'f';
	}
	*error_out = "-f and -r are needed";
	if (!have_from || args.to.text.len == 0)
		return MR_EINVAL;
	*args_out = args;
	return 0;
}

int mr_deliver_args_exit(int err)
{
	return err == MR_ESYNTAX ? MR_EXIT_USAGE : MR_EXIT_TEMPFAIL;
}

int mr_deliver_exit(const struct mr_smtp_reply *reply)
{
	if (reply->code / 100 == 2)
		return MR_EXIT_OK;
	if (reply->code < 500)
		return MR_EXIT_TEMPFAIL;
	if (mr_span_eq(reply->status, MR_SPAN("5.1.1")))
		return MR_EXIT_NOUSER;
	if (mr_span_has_prefix(reply->status, MR_SPAN("5.7.")))
		return MR_EXIT_NOPERM;
	return MR_EXIT_UNAVAILABLE;
}
