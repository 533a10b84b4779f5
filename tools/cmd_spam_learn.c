/* millrace spam learn, unlearn, rebuild: what changes the lessons, and the model that they make. */
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_json.h"
#include "lib/run/mr_control.h"
#include "milters/spam/journal.h"
#include "tools/spam.h"

#define RELOAD_TIMEOUT_MS 10000

struct learn {
	struct spam *s;
	struct mr_store *store;
	struct mr_spam_batch batch;
	size_t spam, ham; /* messages */
};

static void on_progress(void *arg, size_t done, size_t all)
{
	progress_show(arg, done, all);
}

/*
 * What training starts from: with --model empty nothing, and the file says so from then on; else
 * what the file says that it was trained on, and for a new one the built-in model.
 */
static int base_load(struct spam *s, struct mr_spam_model *base_out)
{
	struct mr_spam_model now;
	bool on_builtin = !s->empty;
	int err;

	if (!s->empty && mr_spam_model_open(s->model_path, &now, NULL) == 0) {
		on_builtin = now.on_builtin;
		mr_spam_model_done(&now);
	}
	err = on_builtin ? mr_spam_model_builtin(base_out) : mr_spam_model_empty(base_out);
	if (err == 0)
		base_out->on_builtin = on_builtin; /* what is made of it says so */
	return err;
}

static bool ignore_line(void *arg MR_UNUSED, struct mr_span line MR_UNUSED)
{
	return true;
}

/* A milter that runs takes the new model at once; one that does not run takes it when it starts. */
static void tell_milter(struct spam *s)
{
	char path[MR_PATH_MAX];
	MR_AUTO_BUF error = MR_BUF(MR_CONTROL_REPLY_MAX);
	int err;

	if (s->model_named || mr_control_path(s->cli->set.run_dir, "spam", path) < 0)
		return;
	err = mr_control_ask(path, "reload", RELOAD_TIMEOUT_MS, ignore_line, NULL, &error);
	if (err < 0 && err != MR_ENOENT)
		(void)cli_complain(err, "cannot tell millrace-spam of the new model;",
				   "millrace reload spam");
}

/* lessons_out: how many the model was made of. */
static int rebuild(struct spam *s, struct mr_store *store, size_t *lessons_out)
{
	struct mr_spam_model base = { .threshold = 0 };
	size_t skipped = 0;
	int err = base_load(s, &base);

	if (err == 0) {
		progress_start(&s->progress, "training");
		err = mr_spam_rebuild(store, &base, s->model_path, on_progress, &s->progress,
				      lessons_out, &skipped);
		progress_end(&s->progress);
	}
	mr_spam_model_done(&base);
	if (err < 0)
		return cli_complain(err, "cannot write the model", s->model_path);
	if (skipped > 0)
		fprintf(stderr, "millrace: %zu lesson%s of another version left out\n", skipped,
			skipped == 1 ? "" : "s");
	tell_milter(s);
	return s->failed > 0 ? CLI_FAILED : CLI_OK;
}

static void report(struct spam *s, const char *done, size_t spam, size_t ham)
{
	MR_AUTO_BUF out = MR_BUF(65536);
	struct mr_json json;

	if (!s->cli->json) {
		printf("%s %zu spam and %zu good messages; the model is %s\n", done, spam, ham,
		       s->model_path);
		return;
	}
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '{');
	mr_json_int(&json, "spam", (int64_t)spam);
	mr_json_int(&json, "ham", (int64_t)ham);
	mr_json_int(&json, "failed", (int64_t)s->failed);
	mr_json_str(&json, "model", mr_span_str(s->model_path));
	mr_json_close(&json);
	puts(mr_buf_str(&out));
}

static int learn_one(void *arg, const struct mr_spam_item *item)
{
	struct learn *l = arg;
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	struct mr_spam_view view;

	if (!spam_read(l->s, item, &view))
		return 0;
	mr_spam_view_digest(&view, digest);
	item->tag == SPAM_TAG_SPAM ? l->spam++ : l->ham++;
	return mr_spam_batch_add(&l->batch, digest, item->tag == SPAM_TAG_SPAM, l->s->f);
}

int spam_learn(struct spam *s)
{
	MR_AUTO(mr_store) *store = spam_store(s, MR_STORE_CREATE);
	struct learn l = { .s = s, .store = store };
	size_t lessons = 0;
	int err, code;

	if (store == NULL)
		return CLI_FAILED;
	if ((err = mr_spam_batch_init(&l.batch, store, mr_time_s())) == 0) {
		progress_start(&s->progress, "reading");
		err = mr_spam_source_each(s->source, learn_one, &l);
		progress_end(&s->progress);
	}
	if (err == 0)
		err = mr_spam_batch_flush(&l.batch);
	mr_spam_batch_done(&l.batch);
	if (err < 0)
		return cli_complain(err, "cannot keep the lessons", NULL);
	code = rebuild(s, store, &lessons);
	if (code == CLI_OK || code == CLI_FAILED)
		report(s, "learned", l.spam, l.ham);
	return code;
}

static int unlearn_one(void *arg, const struct mr_spam_item *item)
{
	struct learn *l = arg;
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	struct mr_spam_view view;
	int err;

	if (!spam_read(l->s, item, &view))
		return 0;
	mr_spam_view_digest(&view, digest);
	err = mr_store_lesson_remove(l->store, MR_SPAN(""), digest);
	if (err == MR_ENOENT)
		return 0;
	l->spam += err == 0;
	return err;
}

int spam_unlearn(struct spam *s)
{
	MR_AUTO(mr_store) *store = spam_store(s, MR_STORE_WRITE);
	struct learn l = { .s = s, .store = store };
	size_t lessons = 0;
	int err, code;

	if (store == NULL)
		return CLI_FAILED;
	progress_start(&s->progress, "reading");
	err = mr_spam_source_each(s->source, unlearn_one, &l);
	progress_end(&s->progress);
	if (err < 0)
		return cli_complain(err, "cannot take lessons back", NULL);
	code = rebuild(s, store, &lessons);
	if (code == CLI_OK && s->cli->json)
		printf("{\"unlearned\":%zu}\n", l.spam);
	else if (code == CLI_OK)
		printf("took back %zu lesson%s\n", l.spam, l.spam == 1 ? "" : "s");
	return code;
}

int spam_rebuild(struct spam *s)
{
	MR_AUTO(mr_store) *store = spam_store(s, MR_STORE_WRITE);
	size_t lessons = 0;
	int code;

	if (store == NULL)
		return CLI_FAILED;
	code = rebuild(s, store, &lessons);
	if (code == CLI_OK && s->cli->json)
		printf("{\"lessons\":%zu}\n", lessons);
	else if (code == CLI_OK)
		printf("made %s from %zu lesson%s\n", s->model_path, lessons,
		       lessons == 1 ? "" : "s");
	return code;
}
