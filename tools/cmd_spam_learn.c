/* millrace spam learn, unlearn: what changes the lessons, and at once what they make. */
#include <stdio.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_json.h"
#include "milters/spam/journal.h"
#include "milters/spam/lesson.h"
#include "tools/spam.h"

#define DAY_S 86400

/*
 * When the operator taught little on top of much, the model is stepped by the new lessons alone; else
 * it is made anew, which is always right. Up to MR_SPAM_FEW lessons that takes no time; and
 * when what came since the last time is a tenth of all, so that the cost of a lesson stays that of
 * ten.
 */
#define REBUILD_SHARE 10
#define STEP_MAX      1000 /* lessons in one step */
#define STEP_SIZE_MAX (STEP_MAX * MR_SPAM_LESSON_SIZE_MAX)

struct learn {
	struct spam *s;
	struct mr_store *store;
	struct mr_span teacher;
	struct mr_spam_batch batch;
	struct mr_spam_trainer *trainer; /* what is new, for a step */
	size_t spam, ham; /* messages */
	size_t changed; /* lessons that are new, or another class, or gone */
	bool stepped; /* the model was, and not made anew */
};

/* -- afterwards ------------------------------------------------------------------------------- */

/* The new lessons on top of the model that is there. MR_ENOENT: that is no case for a step. */
static int try_step(struct learn *l)
{
	struct spam *s = l->s;
	struct mr_spam_model model, base;
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_MODEL_SIZE_MAX);
	size_t built, since;
	int err;

	if (l->changed > STEP_MAX || s->empty ||
	    mr_spam_model_open(s->model_path, &model, NULL) < 0)
		return MR_ENOENT;
	built = (size_t)model.spam_count + model.ham_count + model.user_count;
	since = model.stepped + l->changed;
	err = built <= MR_SPAM_FEW || since > built / REBUILD_SHARE ? MR_ENOENT : 0;
	if (err == 0 && l->changed > 0 && (err = spam_base_load(s, &base)) == 0) {
		err = mr_spam_trainer_step(l->trainer, &model, &base, &bytes);
		mr_spam_model_done(&base);
		if (err == 0)
			err = mr_replace_file(s->model_path, mr_buf_span(&bytes), 0644);
	}
	mr_spam_model_done(&model);
	return err;
}

/* The operator's lessons count for everybody. */
static int apply_all(struct learn *l)
{
	struct mr_spam_rebuilt done = { .lessons = 0 };
	MR_AUTO_FD lock = -1;
	int err = spam_lock(l->s, &lock);

	if (err != CLI_OK)
		return err;
	err = try_step(l);
	if (err == MR_ENOENT)
		return spam_rebuild_all(l->s, l->store, &done);
	if (err < 0)
		return cli_complain(err, "cannot write the model", l->s->model_path);
	l->stepped = l->changed > 0;
	if (l->stepped)
		spam_tell_milter(l->s);
	return l->s->failed > 0 ? CLI_FAILED : CLI_OK;
}

/* A user's count for him at once, and for others when the model is made anew. */
static int apply_owner(struct learn *l)
{
	struct spam *s = l->s;
	struct mr_spam_rebuild what = {
		.store = l->store, .now_s = mr_time_s(), .known = spam_is_known, .known_arg = s
	};
	struct mr_spam_model model;
	struct mr_spam_skipped skipped = { 0, 0 };
	int code = spam_model_load(s, &model), err;

	if (code != CLI_OK)
		return code;
	mr_spam_trainer_clear(l->trainer);
	err = mr_store_lesson_trim(l->store, l->teacher, MR_SPAM_OWNER_LESSONS_MAX);
	if (err > 0)
		fprintf(stderr, "millrace: the oldest %d lesson%s of %s forgotten: %d are kept\n",
			err, err == 1 ? "" : "s", s->owner, MR_SPAM_OWNER_LESSONS_MAX);
	if (err >= 0 && s->owner[0] == '@')
		err = mr_spam_rebuild_domain(&what, &model, l->teacher);
	else if (err >= 0)
		err = mr_spam_correct(l->store, l->trainer, &model, l->teacher, what.now_s,
				      &skipped);
	mr_spam_model_done(&model);
	if (err < 0)
		return cli_complain(err, "cannot make the correction of", s->owner);
	spam_tell_skipped(&skipped);
	return s->failed > 0 ? CLI_FAILED : CLI_OK;
}

static int apply(struct learn *l)
{
	return l->teacher.len > 0 ? apply_owner(l) : apply_all(l);
}

static int learn_init(struct learn *l, struct spam *s, enum mr_store_access access)
{
	*l = (struct learn){ .s = s, .teacher = mr_span_str(s->owner) };
	if ((l->store = spam_store(s, access)) == NULL)
		return CLI_FAILED;
	l->trainer = mr_spam_trainer_new(STEP_SIZE_MAX);
	return l->trainer == NULL ? cli_complain(MR_ENOMEM, "spam", NULL) : CLI_OK;
}

static void learn_done(struct learn *l)
{
	mr_spam_trainer_free(l->trainer);
	mr_store_close(l->store);
}

/* Whether a step may come of what is taught; else it need not be kept. */
static bool may_step(const struct learn *l)
{
	return l->changed <= STEP_MAX && l->teacher.len == 0 && !l->s->empty;
}

/* -- learn ------------------------------------------------------------------------------------ */

static void report_learn(const struct learn *l)
{
	const struct spam *s = l->s;
	MR_AUTO_BUF out = MR_BUF(65536);
	struct mr_json json;

	if (!s->cli->json) {
		printf("learned %zu spam and %zu good messages", l->spam, l->ham);
		if (l->teacher.len > 0)
			printf(" for %s\n", s->owner);
		else
			printf("; the model is %s\n", s->model_path);
		return;
	}
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '{');
	mr_json_int(&json, "spam", (int64_t)l->spam);
	mr_json_int(&json, "ham", (int64_t)l->ham);
	mr_json_int(&json, "new", (int64_t)l->changed);
	mr_json_int(&json, "failed", (int64_t)s->failed);
	mr_json_str(&json, "model", mr_span_str(s->model_path));
	mr_json_bool(&json, "stepped", l->stepped);
	mr_json_close(&json);
	puts(mr_buf_str(&out));
}

/* Taught again it counts from today on, but it moves nothing. */
static int on_fresh(void *arg, const struct mr_lesson *lesson)
{
	struct learn *l = arg;

	l->changed++;
	return may_step(l) ? mr_spam_trainer_add(l->trainer, lesson->digest, mr_span("", 0),
						 lesson->spam, lesson->features)
			   : 0;
}

static int learn_one(void *arg, const struct mr_spam_item *item)
{
	struct learn *l = arg;
	bool spam = item->tag == SPAM_TAG_SPAM;
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	struct mr_spam_view view;

	if (!spam_read(l->s, item, &view))
		return 0;
	mr_spam_view_digest(&view, digest);
	spam ? l->spam++ : l->ham++;
	return mr_spam_batch_add(&l->batch, digest, spam, l->s->f);
}

int spam_learn(struct spam *s)
{
	int64_t now_s = mr_time_s(), days = s->cli->set.spam_lesson_days;
	struct learn l;
	int err = 0, code = spam_owner_known(s, "cannot learn for");

	if (code != CLI_OK)
		return code;
	code = learn_init(&l, s, MR_STORE_CREATE);

	if (code == CLI_OK) {
		err = mr_spam_batch_init(&l.batch, l.store, l.teacher, now_s,
					 days > 0 ? now_s + days * DAY_S : 0);
		l.batch.fresh = on_fresh;
		l.batch.arg = &l;
		if (err == 0) {
			progress_start(&s->progress, "reading");
			err = mr_spam_source_each(s->source, learn_one, &l);
			progress_end(&s->progress);
		}
		if (err == 0)
			err = mr_spam_batch_flush(&l.batch);
		mr_spam_batch_done(&l.batch);
		if (err < 0)
			code = cli_complain(err, "cannot keep the lessons", NULL);
	}
	if (code == CLI_OK) {
		code = apply(&l);
		if (code == CLI_OK || code == CLI_FAILED)
			report_learn(&l);
	}
	learn_done(&l);
	return code;
}

/* -- unlearn ---------------------------------------------------------------------------------- */

static int unlearn_one(void *arg, const struct mr_spam_item *item)
{
	struct learn *l = arg;
	MR_AUTO_BUF bytes = MR_BUF(MR_SPAM_LESSON_SIZE_MAX);
	uint8_t digest[MR_SPAM_DIGEST_SIZE];
	struct mr_spam_view view;
	int err;

	if (!spam_read(l->s, item, &view))
		return 0;
	mr_spam_view_digest(&view, digest);
	err = mr_store_lesson_remove(l->store, l->teacher, digest);
	if (err < 0)
		return err == MR_ENOENT ? 0 : err;
	l->changed++;
	if (!may_step(l))
		return 0;
	if ((err = mr_spam_lesson_encode(l->s->f, &bytes)) < 0)
		return err;
	return mr_spam_trainer_take_back(l->trainer, digest, mr_buf_span(&bytes));
}

int spam_unlearn(struct spam *s)
{
	struct learn l;
	int err, code = learn_init(&l, s, MR_STORE_WRITE);

	if (code == CLI_OK) {
		progress_start(&s->progress, "reading");
		err = mr_spam_source_each(s->source, unlearn_one, &l);
		progress_end(&s->progress);
		code = err < 0 ? cli_complain(err, "cannot take lessons back", NULL) : apply(&l);
	}
	if (code == CLI_OK && s->cli->json)
		printf("{\"unlearned\":%zu}\n", l.changed);
	else if (code == CLI_OK)
		printf("took back %zu lesson%s\n", l.changed, l.changed == 1 ? "" : "s");
	learn_done(&l);
	return code;
}
