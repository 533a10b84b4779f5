/*
 * note_milter: the stage of mr_note_stage.h as a milter of its own, for tests of the runner and for
 * measuring what the runner costs. It uses the settings of millrace-spam for its socket.
 *
 *	NOTE_STAGE=quiet note_milter -c FILE -d
 */
#include <stdlib.h>

#include "lib/run/mr_milter.h"
#include "tests/unit/mr_note_stage.h"

static const char *note_listen(const struct mr_settings *set)
{
	return set->spam_listen;
}

static const char *note_socket_mode(const struct mr_settings *set)
{
	return set->spam_socket_mode;
}

int main(int argc, char **argv)
{
	static struct mr_milter milter = {
		.stage = &mr_note_stage,
		.name = "note_milter",
		.listen = note_listen,
		.socket_mode = note_socket_mode,
		.listen_setting = "spam_listen",
		.socket_mode_setting = "spam_socket_mode",
	};
	const char *stage = getenv("NOTE_STAGE");

	if (stage && strcmp(stage, "quiet") == 0)
		milter.stage = &mr_note_quiet_stage;
	if (stage && strcmp(stage, "header") == 0)
		milter.stage = &mr_note_header_stage;
	return mr_milter_main(&milter, argc, argv);
}
