#include "tools/programs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mr_err.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int programs_find(const struct cli *cli, const char *word, struct program_list *list_out)
{
	struct dirent *entry;
	DIR *dir;
	int err;

	list_out->count = 0;
	if (word) {
		list_out->count = 1;
		err = mr_span_copyz(mr_span_str(word), list_out->word[0],
				    sizeof(list_out->word[0]));
		if (err < 0)
			(void)cli_complain(err, "no program's name:", word);
		return err;
	}
	dir = opendir(cli->set.run_dir);
	if (!dir && errno != ENOENT) {
		err = mr_err_from_errno(errno);
		(void)cli_complain(err, "cannot look for programs in", cli->set.run_dir);
		return err;
	}
	while (dir && (entry = readdir(dir)) && list_out->count < PROGRAMS_MAX) {
		struct mr_span name = mr_span_str(entry->d_name);

		if (mr_span_has_suffix_nocase(name, MR_SPAN(".ctl")) &&
		    mr_span_copyz(mr_span_sub(name, 0, name.len - 4),
				  list_out->word[list_out->count], sizeof(list_out->word[0])) == 0)
			list_out->count++;
	}
	if (dir)
		closedir(dir);
	if (list_out->count == 0) {
		fprintf(stderr, "millrace: nothing is running (no socket in %s)\n",
			cli->set.run_dir);
		return MR_ENOENT;
	}
	qsort(list_out->word, list_out->count, sizeof(list_out->word[0]), by_name);
	return 0;
}

int programs_ask(const struct cli *cli, const char *word, const char *command, int timeout_ms,
		 mr_control_sink *sink, void *arg)
{
	char path[MR_PATH_MAX];
	MR_AUTO_BUF error = MR_BUF(MR_CONTROL_REPLY_MAX);
	int err;

	err = mr_control_path(cli->set.run_dir, word, path);
	if (err == 0)
		err = mr_control_ask(path, command, timeout_ms, sink, arg, &error);
	if (err == MR_ENOENT)
		fprintf(stderr, "millrace: %s is not running\n", word);
	else if (err == MR_EPERM)
		fprintf(stderr, "millrace: %s: not permitted: ask as root\n", word);
	else if (err < 0)
		fprintf(stderr, "millrace: %s: %s\n", word,
			error.len > 0 ? mr_buf_str(&error) : mr_err_text(err));
	return err;
}
