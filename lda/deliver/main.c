/* millrace-deliver: hands one message from standard input to millrace-lmtpd. Opens no store and no
 * mailbox. docs/man/millrace-deliver.8 */
#include <stdio.h>
#include <unistd.h>

#include "lda/deliver/client.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_sock.h"
#include "lib/run/mr_program.h"

#define ARENA_MAX   (256 * 1024)
#define CONFIG_FILE "/etc/millrace/millrace.conf"

static const char usage_text[] =
	"usage: millrace-deliver [-c FILE] [-s SOCKET] [-t SECONDS] [-q QUEUE_ID] -f SENDER"
	" -r RECIPIENT\n"
	"       millrace-deliver --help | --version | -V\n";

static int help(void)
{
	printf("%s"
	       "Delivers the message on standard input through millrace-lmtpd.\n"
	       "  -f SENDER     of the envelope; empty or <> for a bounce\n"
	       "  -r RECIPIENT  of the envelope\n"
	       "  -q QUEUE_ID   the MTA's name for the message, for the log\n"
	       "  -s SOCKET     where lmtpd listens, unix:PATH or inet:HOST:PORT\n"
	       "  -c FILE       settings, in place of " CONFIG_FILE "\n"
	       "  -t SECONDS    give up after these; %d\n"
	       "Exit status: 0 stored, 75 try again, 64, 67, 69, 77 refused; "
	       "millrace-deliver(8).\n",
	       usage_text, MR_DELIVER_TIMEOUT_S);
	return MR_EXIT_OK;
}

static int usage(int err, const char *error)
{
	int code = mr_deliver_args_exit(err);

	printf("%s %s\n", code == MR_EXIT_TEMPFAIL ? "4.3.5" : "5.1.3", error);
	fprintf(stderr, "millrace-deliver: %s\n%s", error, usage_text);
	return code;
}

/* pipe(8) takes a status code at the start of our output for the bounce, sendmail the whole text. */
static int tell(const struct mr_smtp_reply *reply)
{
	if (reply->code >= 300)
		printf("%.*s %.*s\n", (int)reply->status.len, reply->status.p, (int)reply->text.len,
		       reply->text.p);
	return mr_deliver_exit(reply);
}

static int tell_tempfail(const char *text, const char *what)
{
	printf("4.3.0 %s: %s\n", what, text);
	return MR_EXIT_TEMPFAIL;
}

static int deliver(const struct mr_deliver_args *args, const char *socket, struct mr_arena *arena)
{
	int64_t deadline_ms = mr_now_ms() + args->timeout_ms;
	struct mr_smtp_reply reply;
	MR_AUTO_FD fd = -1;
	int err = mr_sock_connect(socket, args->timeout_ms, &fd);

	if (err < 0) {
		printf("4.3.0 cannot reach millrace-lmtpd: %s: %s\n", socket,
		       err == MR_ENOENT ? "nobody listens there" : mr_err_text(err));
		return MR_EXIT_TEMPFAIL;
	}
	err = mr_client_deliver(fd, STDIN_FILENO, args, deadline_ms, arena, &reply);
	if (err < 0)
		return tell_tempfail(mr_err_text(err), "no usable answer from millrace-lmtpd");
	return tell(&reply);
}

/* Where lmtpd listens, as the settings say. What is wrong with them an operator mends: mail waits. */
static int socket_from_settings(const struct mr_deliver_args *args, struct mr_arena *arena,
				const char **socket_out)
{
	const char *path = args->config ? args->config : CONFIG_FILE;
	struct mr_settings set;
	MR_AUTO_BUF error = MR_BUF(2000);
	int err;

	if (!args->config && access(path, F_OK) < 0)
		err = mr_settings_default(&set);
	else
		err = mr_settings_load(path, &set, &error);
	if (err < 0) {
		fprintf(stderr, "millrace-deliver: %s\n", mr_buf_str(&error));
		return err;
	}
	if (set.lmtp_listen.count > 0)
		*socket_out = mr_arena_strz(arena, mr_span_str(set.lmtp_listen.item[0]));
	mr_settings_done(&set);
	return *socket_out ? 0 : MR_EINVAL;
}

int main(int argc, char **argv)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_MAX);
	struct mr_deliver_args args;
	const char *error, *socket;
	int err;

	if (!arena)
		return MR_EXIT_TEMPFAIL;
	err = mr_deliver_args(argc, argv, arena, &args, &error);
	if (err == MR_ENOMEM)
		return MR_EXIT_TEMPFAIL;
	if (err < 0)
		return usage(err, error);
	if (args.ask == MR_DELIVER_HELP)
		return help();
	if (args.ask == MR_DELIVER_VERSION) {
		printf("millrace-deliver %s\n", mr_version());
		return MR_EXIT_OK;
	}
	socket = args.socket;
	if (!socket && socket_from_settings(&args, arena, &socket) < 0)
		return tell_tempfail("see its settings", "millrace-deliver cannot start");
	return deliver(&args, socket, arena);
}
