/* millrace-spam: scores mail. What it does is in stage.c. */
#include "lib/run/mr_milter.h"
#include "milters/spam/stage.h"

static const char *listen_at(const struct mr_settings *set)
{
	return set->spam_listen;
}

static const char *socket_mode(const struct mr_settings *set)
{
	return set->spam_socket_mode;
}

int main(int argc, char **argv)
{
	static const struct mr_milter spam = {
		.stage = &mr_spam_stage,
		.name = "millrace-spam",
		.listen = listen_at,
		.socket_mode = socket_mode,
		.listen_setting = "spam_listen",
		.socket_mode_setting = "spam_socket_mode",
	};

	return mr_milter_main(&spam, argc, argv);
}
