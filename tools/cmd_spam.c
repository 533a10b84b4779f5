/* millrace spam: options, and what its verbs share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mr_err.h"
#include "milters/spam/journal.h"
#include "tools/spam.h"

/* Bytes of memory for one message: tables of the parser, texts, copies of what was decoded. */
#define ARENA_SIZE_MAX (MR_SPAM_ARENA_SIZE + ((size_t)8 << 20))

static const struct verb {
	const char *name;
	int (*run)(struct spam *s);
	bool classes; /* --spam and --ham say what the paths behind them are */
	bool paths;
	bool user; /* takes --user */
} verbs[] = {
	{ "learn", spam_learn, true, true, true },
	{ "unlearn", spam_unlearn, false, true, true },
	{ "rebuild", spam_rebuild, false, false, false },
	{ "score", spam_score, false, true, true },
	{ "explain", spam_explain, false, true, true },
	{ "model", spam_model, false, false, false },
	{ "lessons", spam_lessons, false, false, true },
	{ "expire", spam_expire, false, false, true },
};

int spam_model_load(struct spam *s, struct mr_spam_model *model_out)
{
	MR_AUTO_BUF error = MR_BUF(1000);
	int err;

	if (s->empty)
		err = mr_spam_model_empty(model_out);
	else
		err = mr_spam_model_open(s->model_path, model_out, &error);
	if (err == MR_ENOENT && !s->model_named) {
		mr_buf_reset(&error);
		err = mr_spam_model_builtin(model_out);
	}
	if (err == 0)
		return CLI_OK;
	if (error.len == 0)
		return cli_complain(err, "cannot open the model", s->model_path);
	fprintf(stderr, "millrace: %s\n", mr_buf_str(&error));
	return mr_err_temporary(err) ? CLI_TEMP : CLI_FAILED;
}

/* A model that was named has its lessons beside it, so that trials leave the system's alone. */
static int store_open(const struct spam *s, enum mr_store_access access,
		      struct mr_store **store_out)
{
	char url[MR_PATH_MAX + 20];

	if (!s->model_named)
		return mr_store_open(s->cli->set.store, MR_GROUP_SPAM, access, store_out);
	if (snprintf(url, sizeof(url), "sqlite:%s.lessons", s->model_path) >= (int)sizeof(url))
		return MR_ELIMIT;
	return mr_store_open(url, MR_GROUP_SPAM, access, store_out);
}

int spam_store_if_any(struct spam *s, struct mr_store **store_out)
{
	int err = store_open(s, MR_STORE_READ, store_out);

	if (err >= 0 || err == MR_ENOENT)
		return CLI_OK;
	if (s->model_named)
		return cli_complain(err, "cannot open the lessons beside", s->model_path);
	return cli_complain(err, "cannot open the store", mr_store_shown(s->cli->set.store));
}

struct mr_store *spam_store(struct spam *s, enum mr_store_access access)
{
	struct mr_store *store = NULL;
	int err;

	if (!s->model_named)
		return cli_store(s->cli, MR_GROUP_SPAM, access);
	if ((err = store_open(s, access, &store)) < 0)
		(void)cli_complain(err, "cannot open the lessons beside", s->model_path);
	return store;
}

bool spam_read(struct spam *s, const struct mr_spam_item *item, struct mr_spam_view *view_out)
{
	enum mr_spam_where where = s->arriving ? MR_SPAM_ARRIVING : MR_SPAM_STORED;
	int err = item->err;

	progress_show(&s->progress, item->file, mr_spam_source_files(s->source));
	mr_arena_reset(s->arena);
	if (err == 0)
		err = mr_spam_extract_raw(item->raw, where,
					  mr_span_str(s->cli->set.upstream_scorer), s->arena, s->f,
					  view_out);
	if (err == 0)
		return true;
	progress_end(&s->progress);
	(void)cli_complain(err, "cannot read", item->name);
	s->failed++;
	return false;
}

/* What is wrong with the words, then how they should be. */
static int MR_PRINTF(2, 3) wrong(const struct spam *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("millrace: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return cli_usage(s->cli);
}

static bool is_class(const char *word)
{
	return strcmp(word, "--spam") == 0 || strcmp(word, "--ham") == 0;
}

/* What gives messages. */
static bool is_path(const char *word)
{
	return word[0] != '-' || word[1] == '\0' || strcmp(word, "--list") == 0;
}

/* One option, or one path. Returns how many words it took, or 0: usage. */
static int take(struct spam *s, const struct verb *verb, char **word, int left, int *tag,
		int *err_out)
{
	const char *w = word[0];
	bool list = strcmp(w, "--list") == 0;

	if (strcmp(w, "--json") == 0) {
		s->cli->json = true;
	} else if (strcmp(w, "--arriving") == 0) {
		s->arriving = true;
	} else if (strcmp(w, "--model") == 0 && left > 1) {
		if (strcmp(word[1], "empty") == 0) {
			s->empty = true;
		} else {
			s->model_path = word[1];
			s->model_named = true;
		}
		return 2;
	} else if (strcmp(w, "--user") == 0 && left > 1 && verb->user) {
		*err_out = mr_spam_owner(mr_span_str(word[1]), s->owner);
		return 2;
	} else if (is_class(w) && verb->classes) {
		*tag = strcmp(w, "--spam") == 0 ? SPAM_TAG_SPAM : SPAM_TAG_HAM;
	} else if (!is_path(w) || !verb->paths || (verb->classes && *tag == SPAM_TAG_NONE)) {
		return 0;
	} else {
		*err_out = list ? mr_spam_source_add_list(s->source, *tag)
				: mr_spam_source_add(s->source, w, *tag);
	}
	return 1;
}

#define PATH_IS "a message, an mbox, a Maildir, a folder, - or --list"

/* Why take() took nothing. */
static int not_taken(const struct spam *s, const struct verb *verb, const char *word, int left)
{
	bool file = strcmp(word, "--model") == 0;

	if (left == 1 && (file || (strcmp(word, "--user") == 0 && verb->user)))
		return wrong(s, "behind %s there is no %s", word, file ? "file" : "address");
	if (is_path(word) && verb->paths)
		return wrong(s, "is %s good mail or spam? --ham or --spam stands before it", word);
	return wrong(s, "spam %s takes no %s", verb->name, word);
}

/* Why it could not be taken. */
static int not_good(const struct spam *s, char **word, int err)
{
	if (strcmp(word[0], "--user") == 0)
		return wrong(s, "%s is neither local@domain nor @domain", word[1]);
	if (err == MR_EEXIST)
		return wrong(s, "standard input can be read once");
	return cli_complain(err, "cannot read", word[0]);
}

static int options(struct spam *s, const struct verb *verb, int argc, char **argv)
{
	int tag = SPAM_TAG_NONE, taken, err = 0;
	bool missing = verb->paths; /* no path yet, or none since the class was named */
	const char *class = NULL;

	for (int i = 0; i < argc; i += taken) {
		/* --spam --ham x: what of it is meant, nobody knows */
		if (is_class(argv[i]) && missing && class != NULL)
			break;
		taken = take(s, verb, argv + i, argc - i, &tag, &err);
		if (taken == 0)
			return not_taken(s, verb, argv[i], argc - i);
		if (err < 0)
			return not_good(s, argv + i, err);
		if (is_class(argv[i])) {
			class = argv[i];
			missing = true;
		} else if (taken == 1 && is_path(argv[i])) {
			missing = false;
		}
	}
	if (missing && class != NULL)
		return wrong(s, "behind %s there is no path: " PATH_IS, class);
	if (missing && verb->classes)
		return wrong(s, "what is it to learn? --ham or --spam, and behind it " PATH_IS);
	if (missing)
		return wrong(s, "spam %s needs a path: " PATH_IS, verb->name);
	return CLI_OK;
}

static int run(struct spam *s, const struct verb *verb, int argc, char **argv)
{
	int code;

	s->source = mr_spam_source_new();
	s->arena = mr_arena_new(ARENA_SIZE_MAX);
	s->psl = mr_psl_new(NULL); /* NULL: registered domains are no features */
	s->f = mr_spam_features_new(s->psl);
	if (s->source == NULL || s->arena == NULL || s->f == NULL)
		return cli_complain(MR_ENOMEM, "spam", verb->name);
	mr_ours_init(&s->ours, &s->cli->set);
	s->f->belief = &s->ours.belief;
	code = options(s, verb, argc, argv);
	return code == CLI_OK ? verb->run(s) : code;
}

int cmd_spam(struct cli *cli, int argc, char **argv)
{
	struct spam s = { .cli = cli, .model_path = cli->set.spam_model };
	const struct verb *verb = NULL;
	int code;

	for (size_t i = 0; argc > 1 && i < MR_COUNT(verbs); i++) {
		if (strcmp(verbs[i].name, argv[1]) == 0)
			verb = &verbs[i];
	}
	if (verb == NULL && argc > 1)
		return wrong(&s, "spam has no verb %s", argv[1]);
	if (verb == NULL)
		return cli_usage(cli);
	code = run(&s, verb, argc - 2, argv + 2);
	mr_store_close(s.directory);
	mr_spam_source_free(s.source);
	mr_spam_features_free(s.f);
	mr_psl_free(s.psl);
	mr_arena_free(s.arena);
	return code;
}
