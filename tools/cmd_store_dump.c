/* millrace store check, dump, load: all of the store, row by row. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mr_err.h"
#include "lib/net/mr_json.h"
#include "lib/store/mr_store_dump.h"
#include "tools/commands.h"
#include "tools/progress.h"
#include "tools/store.h"

#define JSON_MAX ((size_t)1 << 20)

struct work {
	struct cli *cli;
	struct mr_store *store;
	const char *path; /* NULL: standard output or input */
	FILE *file;
	char *line; /* of getline(3) */
	size_t line_room;
	struct progress progress;
	struct mr_json *json; /* NULL: for people */
	const char *group; /* being checked */
	size_t problems;
};

/* Open one group to read; MR_ENOENT: there is none yet, as before the first lesson. */
static int group_open(struct work *w, enum mr_store_group group)
{
	mr_store_close(w->store);
	w->store = NULL;
	return mr_store_open(w->cli->set.store, group, MR_STORE_READ, &w->store);
}

static void work_close(struct work *w)
{
	mr_store_close(w->store);
	free(w->line);
	if (w->file && w->path)
		fclose(w->file);
}

static void on_progress(void *arg, size_t done, size_t all)
{
	progress_show(&((struct work *)arg)->progress, done, all);
}

static const char *named(const struct work *w, const char *standard)
{
	return w->path ? w->path : standard;
}

/* -- dump ------------------------------------------------------------------------------------- */

static int on_line(void *arg, struct mr_span line)
{
	struct work *w = arg;

	errno = 0;
	return fwrite(line.p, 1, line.len, w->file) == line.len ? 0 : MR_ETEMP;
}

static int dump_all(struct work *w)
{
	enum mr_store_group group;
	const char *name;
	size_t rows = 0, all = 0;
	int err = on_line(w, mr_store_dump_head);

	if (err == 0)
		err = on_line(w, MR_SPAN("\n"));
	for (size_t i = 0; err == 0 && (name = mr_store_group_name(i, &group)) != NULL; i++) {
		if ((err = group_open(w, group)) < 0) {
			err = err == MR_ENOENT ? 0 : err;
			continue;
		}
		progress_start(&w->progress, name);
		err = mr_store_dump(w->store, group, on_line, on_progress, w, &rows);
		progress_end(&w->progress);
		all += rows;
	}
	/* Whoever removes the old store must be able to rely on this file. */
	if (err == 0 && (fflush(w->file) != 0 || (w->path && fsync(fileno(w->file)) < 0)))
		err = MR_ETEMP;
	if (err < 0 && ferror(w->file))
		fprintf(stderr, "millrace: %s: %s\n", named(w, "standard output"), strerror(errno));
	if (err == 0)
		fprintf(stderr, "millrace: %zu rows\n", all);
	return err;
}

int store_dump(struct cli *cli, int argc, char **argv)
{
	struct work w = { .cli = cli, .path = argv[0] };
	int code = CLI_OK, err;

	if (argc > 1)
		return cli_usage(cli);
	w.file = w.path ? fopen(w.path, "wxe") : stdout; /* nothing is overwritten */
	if (!w.file) {
		fprintf(stderr, "millrace: cannot write %s: %s\n", w.path, strerror(errno));
		code = CLI_FAILED;
	} else if ((err = dump_all(&w)) < 0) {
		code = cli_complain(err, "cannot dump", mr_store_shown(cli->set.store));
	}
	work_close(&w);
	return code;
}

/* -- load ------------------------------------------------------------------------------------- */

static int next_line(void *arg, struct mr_span *line_out)
{
	struct work *w = arg;
	ssize_t len = getline(&w->line, &w->line_room, w->file);

	if (len < 0)
		return ferror(w->file) ? MR_ETEMP : MR_ENOENT;
	if ((size_t)len > MR_STORE_LINE_MAX)
		return MR_ELIMIT;
	/* A last line without its end is one that was cut. */
	if (w->line[len - 1] != '\n')
		return MR_ESYNTAX;
	*line_out = mr_span(w->line, (size_t)len - 1);
	return 0;
}

static void on_rows(void *arg, enum mr_store_group group MR_UNUSED, size_t rows)
{
	struct work *w = arg;

	/* How many there will be nobody knows; that it goes on is worth showing. */
	progress_show(&w->progress, rows, rows);
}

static const char *load_says(int err)
{
	switch (err) {
	case MR_EEXIST:
		return "this group is not empty here";
	case MR_ESYNTAX:
		return "this is no dump, or it breaks off";
	case MR_EINVAL:
		return "its tables are of another version than this program's";
	case MR_ENOENT:
		return "no such group";
	default:
		return mr_err_text(err);
	}
}

int store_load(struct cli *cli, int argc, char **argv)
{
	struct mr_store_load load = { .read = next_line, .progress = on_rows };
	struct work w = { .cli = cli, .path = argv[0] };
	int code = CLI_OK, err;

	if (argc > 1)
		return cli_usage(cli);
	if (!(w.store = cli_store(cli, MR_GROUP_ALL, MR_STORE_CREATE)))
		return CLI_FAILED;
	w.file = w.path ? fopen(w.path, "re") : stdin;
	if (!w.file) {
		fprintf(stderr, "millrace: cannot read %s: %s\n", w.path, strerror(errno));
		code = CLI_FAILED;
		goto out;
	}
	load.arg = &w;
	progress_start(&w.progress, "loading");
	err = mr_store_load(w.store, &load);
	progress_end(&w.progress);
	if (err < 0) {
		fprintf(stderr, "millrace: %s: line %zu: %s%s%s\n", named(&w, "standard input"),
			load.line, load_says(err), mr_store_why()[0] ? ": " : "", mr_store_why());
		code = mr_err_temporary(err) ? CLI_TEMP : CLI_FAILED;
	} else {
		fprintf(stderr, "millrace: %zu rows\n", load.rows);
	}
out:
	work_close(&w);
	return code;
}

/* -- check ------------------------------------------------------------------------------------ */

static void on_problem(void *arg, const char *text)
{
	struct work *w = arg;

	w->problems++;
	progress_end(&w->progress);
	if (w->json)
		mr_json_str(w->json, NULL, mr_span_str(text));
	else
		printf("%s: %s\n", w->group, text);
}

static int check_group(struct work *w, enum mr_store_group group)
{
	size_t rows = 0, before = w->problems;
	int err = group_open(w, group);

	if (err == MR_ENOENT)
		return 0;
	if (w->json) {
		mr_json_open(w->json, NULL, '{');
		mr_json_str(w->json, "group", mr_span_str(w->group));
		mr_json_open(w->json, "problems", '[');
	}
	progress_start(&w->progress, w->group);
	if (err == 0)
		err = mr_store_verify(w->store, group, on_problem, on_progress, w, &rows);
	progress_end(&w->progress);
	/* Away is no finding: another time it may be looked at. */
	if (err < 0 && !mr_err_temporary(err)) {
		on_problem(w, mr_store_why()[0] ? mr_store_why() : mr_err_text(err));
		err = 0;
	}
	if (w->json) {
		mr_json_close(w->json);
		mr_json_int(w->json, "rows", (int64_t)rows);
		mr_json_close(w->json);
	} else if (err >= 0 && w->problems == before) {
		printf("%s: ok, %zu rows\n", w->group, rows);
	}
	return err;
}

int store_check(struct cli *cli, int argc, char **argv MR_UNUSED)
{
	MR_AUTO_BUF out = MR_BUF(JSON_MAX);
	enum mr_store_group group;
	struct mr_json json;
	struct work w = { .cli = cli };
	int code = CLI_OK, err = 0;

	if (argc > 0)
		return cli_usage(cli);
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '[');
	w.json = cli->json ? &json : NULL;
	for (size_t i = 0; err >= 0 && (w.group = mr_store_group_name(i, &group)) != NULL; i++)
		err = check_group(&w, group);
	mr_json_close(&json);
	if (err < 0)
		code = cli_complain(err, "cannot check", mr_store_shown(cli->set.store));
	else if (w.problems > 0)
		code = CLI_FAILED;
	if (cli->json && err >= 0)
		puts(mr_buf_str(&out));
	work_close(&w);
	return code;
}
