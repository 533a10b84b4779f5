/* millrace spam rebuild, model, lessons: the model as a whole, and what it is made of. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/base/mr_err.h"
#include "lib/base/mr_io.h"
#include "lib/base/mr_time.h"
#include "lib/net/mr_json.h"
#include "lib/run/mr_control.h"
#include "tools/spam.h"

#define RELOAD_TIMEOUT_MS 10000
#define JSON_SIZE_MAX     ((size_t)256 << 20) /* of a list of lessons */

/* -- rebuild ---------------------------------------------------------------------------------- */

static void on_progress(void *arg, size_t done, size_t all)
{
	progress_show(arg, done, all);
}

/* The folder is locked, so no file is left behind. */
int spam_lock(struct spam *s, int *fd_out)
{
	struct mr_span path = mr_span_str(s->model_path);
	size_t slash = mr_span_rfind(path, '/');
	char folder[MR_PATH_MAX];
	int err = mr_span_copyz(slash == path.len ? MR_SPAN(".")
						  : mr_span_sub(path, 0, slash > 0 ? slash : 1),
				folder, sizeof(folder));
	MR_AUTO_FD fd = -1;

	if (err == 0)
		err = mr_open_dir_at(AT_FDCWD, folder, &fd);
	if (err == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			fprintf(stderr, "millrace: waiting for another one that makes a model\n");
		while (err == 0 && flock(fd, LOCK_EX) < 0)
			err = errno == EINTR ? 0 : mr_err_from_errno(errno);
	}
	if (err < 0)
		return cli_complain(err, "cannot lock", folder);
	*fd_out = fd;
	fd = -1;
	return CLI_OK;
}

int spam_base_load(struct spam *s, struct mr_spam_model *base_out)
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

void spam_tell_milter(struct spam *s)
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

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

void spam_tell_skipped(const struct mr_spam_skipped *skipped)
{
	if (skipped->versions > 0)
		fprintf(stderr, "millrace: %zu lesson%s of another version left out\n",
			skipped->versions, plural(skipped->versions));
	if (skipped->damaged > 0)
		fprintf(stderr, "millrace: %zu damaged lesson%s left out\n", skipped->damaged,
			plural(skipped->damaged));
}

int spam_rebuild_all(struct spam *s, struct mr_store *store, struct mr_spam_rebuilt *done_out)
{
	struct mr_spam_model base = { .threshold = 0 };
	struct mr_spam_rebuild what = { .store = store,
					.base = &base,
					.path = s->model_path,
					.now_s = mr_time_s(),
					.lessons_max = s->cli->set.spam_lessons_max,
					.progress = on_progress,
					.progress_arg = &s->progress,
					.known = spam_is_known,
					.known_arg = s };
	int err = spam_base_load(s, &base);

	if (err == 0) {
		progress_start(&s->progress, "training");
		err = mr_spam_rebuild(&what, done_out);
		progress_end(&s->progress);
	}
	mr_spam_model_done(&base);
	if (err < 0)
		return cli_complain(err, "cannot write the model", s->model_path);
	spam_tell_skipped(&done_out->skipped);
	if (done_out->left_out > 0)
		fprintf(stderr,
			"millrace: the oldest %zu lesson%s left out: spam_lessons_max is %lld\n",
			done_out->left_out, plural(done_out->left_out),
			(long long)s->cli->set.spam_lessons_max);
	if (done_out->strangers > 0)
		fprintf(stderr,
			"millrace: what %zu user%s or domain%s taught left out: not in the "
			"directory\n",
			done_out->strangers, plural(done_out->strangers),
			plural(done_out->strangers));
	spam_tell_milter(s);
	return s->failed > 0 ? CLI_FAILED : CLI_OK;
}

int spam_rebuild(struct spam *s)
{
	MR_AUTO(mr_store) *store = spam_store(s, MR_STORE_CREATE);
	struct mr_spam_rebuilt done = { .lessons = 0 };
	MR_AUTO_BUF out = MR_BUF(JSON_SIZE_MAX);
	struct mr_json json;
	MR_AUTO_FD lock = -1;
	int code;

	if (store == NULL)
		return CLI_FAILED;
	if ((code = spam_lock(s, &lock)) == CLI_OK)
		code = spam_rebuild_all(s, store, &done);
	if (code != CLI_OK)
		return code;
	if (!s->cli->json) {
		printf("made %s from %zu lesson%s", s->model_path, done.lessons,
		       plural(done.lessons));
		if (done.user_lessons > 0)
			printf(" and %zu of users; %zu correction%s", done.user_lessons,
			       done.owners, plural(done.owners));
		if (done.expired > 0)
			printf("; %zu had expired", done.expired);
		putchar('\n');
		return code;
	}
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '{');
	mr_json_int(&json, "lessons", (int64_t)done.lessons);
	mr_json_int(&json, "left_out", (int64_t)done.left_out);
	mr_json_int(&json, "user_lessons", (int64_t)done.user_lessons);
	mr_json_int(&json, "corrections", (int64_t)done.owners);
	mr_json_int(&json, "expired", (int64_t)done.expired);
	mr_json_close(&json);
	puts(mr_buf_str(&out));
	return code;
}

/* -- model ------------------------------------------------------------------------------------ */

struct counts {
	int64_t teachers, spam, ham; /* of users and domains */
	int64_t own_spam, own_ham; /* of the operator */
};

static int count_teacher(void *arg, const struct mr_teacher *t)
{
	struct counts *c = arg;

	if (t->name.len == 0) {
		c->own_spam = t->spam_count;
		c->own_ham = t->ham_count;
	} else {
		c->teachers++;
		c->spam += t->spam_count;
		c->ham += t->ham_count;
	}
	return 0;
}

/* A store that is not there holds no lessons. */
static int count_lessons(struct spam *s, struct counts *c)
{
	MR_AUTO(mr_store) *store = NULL;
	char url[MR_PATH_MAX + 20];
	int err;

	if (s->model_named)
		snprintf(url, sizeof(url), "sqlite:%s.lessons", s->model_path);
	err = mr_store_open(s->model_named ? url : s->cli->set.store, MR_GROUP_SPAM, MR_STORE_READ,
			    &store);
	if (err == 0)
		err = mr_store_teacher_each(store, count_teacher, c);
	return err == MR_ENOENT ? 0 : err;
}

static void date_text(int64_t time_s, char out[40])
{
	struct mr_date d;

	mr_date_from_s(time_s, &d);
	snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d:%02dZ", d.year, d.month, d.day, d.hour,
		 d.minute, d.second);
}

struct shown {
	bool builtin; /* there is no file */
	char date[40];
	size_t size;
	struct counts lessons;
};

static void print_model(const struct spam *s, const struct mr_spam_model *m, const struct shown *w)
{
	const struct counts *c = &w->lessons;

	if (w->builtin)
		printf("model      the built-in one; %s is not there\n", s->model_path);
	else
		printf("model      %s\ndate       %s\nsize       %zu bytes\n", s->model_path,
		       w->date, w->size);
	printf("version    %d\n", MR_SPAM_MODEL_VERSION);
	if (!w->builtin)
		printf("base       %s\n",
		       m->on_builtin ? "the built-in model" : "a model that knows nothing");
	printf("made from  %u spam and %u good messages", m->spam_count, m->ham_count);
	if (m->user_count > 0)
		printf(", and what users of %u domain%s taught with %u", m->voices,
		       plural(m->voices), m->user_count);
	if (m->stepped > 0)
		printf("\nstepped    by %u lesson%s since then; millrace spam rebuild makes it "
		       "anew",
		       m->stepped, plural(m->stepped));
	printf("\nthreshold  %.3f points: what is said for and against a message adds up to %.3f\n",
	       MR_SPAM_THRESHOLD, m->threshold);
	printf("lessons    of the operator: %lld spam, %lld good\n", (long long)c->own_spam,
	       (long long)c->own_ham);
	printf("           of %lld users and domains: %lld spam, %lld good\n",
	       (long long)c->teachers, (long long)c->spam, (long long)c->ham);
}

static void json_model(const struct spam *s, const struct mr_spam_model *m, const struct shown *w)
{
	MR_AUTO_BUF out = MR_BUF(JSON_SIZE_MAX);
	const struct counts *c = &w->lessons;
	struct mr_json json;

	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '{');
	mr_json_str(&json, "model", mr_span_str(w->builtin ? "" : s->model_path));
	mr_json_str(&json, "date", mr_span_str(w->date));
	mr_json_int(&json, "size", (int64_t)w->size);
	mr_json_int(&json, "version", MR_SPAM_MODEL_VERSION);
	mr_json_str(&json, "base",
		    mr_span_str(w->builtin      ? ""
				: m->on_builtin ? "builtin"
						: "empty"));
	mr_json_int(&json, "spam", m->spam_count);
	mr_json_int(&json, "ham", m->ham_count);
	mr_json_int(&json, "user_lessons", m->user_count);
	mr_json_int(&json, "voices", m->voices);
	mr_json_int(&json, "stepped", m->stepped);
	mr_json_real(&json, "threshold", m->threshold);
	mr_json_open(&json, "lessons", '{');
	mr_json_int(&json, "operator_spam", c->own_spam);
	mr_json_int(&json, "operator_ham", c->own_ham);
	mr_json_int(&json, "teachers", c->teachers);
	mr_json_int(&json, "user_spam", c->spam);
	mr_json_int(&json, "user_ham", c->ham);
	mr_json_close(&json);
	mr_json_close(&json);
	puts(mr_buf_str(&out));
}

int spam_model(struct spam *s)
{
	struct shown w = { .date = "" };
	struct mr_spam_model model;
	struct stat st;
	int code = spam_model_load(s, &model), err;

	if (code != CLI_OK)
		return code;
	w.builtin = stat(s->model_path, &st) < 0;
	if (!w.builtin) {
		date_text(st.st_mtim.tv_sec, w.date);
		w.size = (size_t)st.st_size;
	}
	if ((err = count_lessons(s, &w.lessons)) < 0)
		code = cli_complain(err, "cannot count the lessons", NULL);
	else if (s->cli->json)
		json_model(s, &model, &w);
	else
		print_model(s, &model, &w);
	mr_spam_model_done(&model);
	return code;
}

/* -- lessons ---------------------------------------------------------------------------------- */

struct list {
	struct mr_json *json; /* NULL: for people */
	int64_t now_s;
	struct mr_spam_skipped skipped;
};

/* A clock that was set back makes nobody teach tomorrow. */
static void ago(int64_t now_s, int64_t then_s, char out[40])
{
	long long days = (long long)((now_s - then_s) / 86400);

	if (days <= 0)
		snprintf(out, 40, "today");
	else
		snprintf(out, 40, "%lld day%s ago", days, days == 1 ? "" : "s");
}

static int list_teacher(void *arg, const struct mr_teacher *t)
{
	const struct list *l = arg;
	char first[40], last[40];

	if (l->json == NULL) {
		ago(l->now_s, t->first_s, first);
		ago(l->now_s, t->last_s, last);
		printf("%-40.*s %8lld spam %8lld good, %s", t->name.len > 0 ? (int)t->name.len : 8,
		       t->name.len > 0 ? t->name.p : "operator", (long long)t->spam_count,
		       (long long)t->ham_count, first);
		if (strcmp(first, last) != 0)
			printf(" to %s", last);
		putchar('\n');
		return 0;
	}
	mr_json_open(l->json, NULL, '{');
	mr_json_str(l->json, "teacher", t->name);
	mr_json_int(l->json, "spam", t->spam_count);
	mr_json_int(l->json, "ham", t->ham_count);
	mr_json_int(l->json, "oldest_s", t->first_s);
	mr_json_int(l->json, "newest_s", t->last_s);
	mr_json_close(l->json);
	return 0;
}

static int list_lesson(void *arg, const struct mr_lesson *lesson)
{
	struct list *l = arg;
	char taught[40], expires[40] = "never", digest[2 * MR_DIGEST_SIZE + 1];

	if (lesson->damaged) {
		l->skipped.damaged++;
		return 0;
	}
	for (size_t i = 0; i < MR_DIGEST_SIZE; i++)
		snprintf(digest + 2 * i, 3, "%02x", lesson->digest[i]);
	date_text(lesson->taught_s, taught);
	if (lesson->expires_s > 0)
		date_text(lesson->expires_s, expires);
	if (l->json == NULL) {
		printf("%s  %s  %s  expires %s\n", digest, lesson->spam ? "spam" : "good", taught,
		       expires);
		return 0;
	}
	mr_json_open(l->json, NULL, '{');
	mr_json_str(l->json, "digest", mr_span_str(digest));
	mr_json_str(l->json, "class", mr_span_str(lesson->spam ? "spam" : "ham"));
	mr_json_int(l->json, "taught_s", lesson->taught_s);
	mr_json_int(l->json, "expires_s", lesson->expires_s);
	mr_json_close(l->json);
	return 0;
}

int spam_lessons(struct spam *s)
{
	MR_AUTO(mr_store) *store = NULL;
	MR_AUTO_BUF out = MR_BUF(JSON_SIZE_MAX);
	struct mr_json json = { .out = NULL };
	struct list l = { .json = s->cli->json ? &json : NULL, .now_s = mr_time_s() };
	int err = 0, code = spam_store_if_any(s, &store);

	if (code != CLI_OK)
		return code;
	mr_json_init(&json, &out);
	mr_json_open(&json, NULL, '[');
	if (store != NULL && s->owner[0] != '\0')
		err = mr_store_lesson_each_of(store, mr_span_str(s->owner), INT32_MAX, list_lesson,
					      &l);
	else if (store != NULL)
		err = mr_store_teacher_each(store, list_teacher, &l);
	mr_json_close(&json);
	if (err == 0 && s->cli->json) {
		err = mr_buf_err(&out);
		puts(mr_buf_str(&out));
	}
	spam_tell_skipped(&l.skipped);
	return err < 0 ? cli_complain(err, "cannot list lessons", NULL) : CLI_OK;
}
