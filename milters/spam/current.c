#include "milters/spam/current.h"

#include <pthread.h>
#include <sys/stat.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"

/* What tells one file from another, or all 0: there is none. */
struct mark {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct held {
	struct mr_spam_model model; /* first: a model is the held that has it */
	unsigned users; /* the one in force counts as one */
};

struct mr_spam_current {
	char *path;
	pthread_mutex_t lock; /* of all below */
	struct held *held;
	struct mark mark; /* of the file as it was last looked at, whether it was read or refused */
	int64_t look_ms; /* not before */
	bool looking; /* somebody is */
};

static struct mark mark_of(const char *path)
{
	struct mark m = { .size = 0 };
	struct stat st;

	if (path[0] != '\0' && stat(path, &st) == 0)
		m = (struct mark){ st.st_dev, st.st_ino, st.st_size, st.st_mtim };
	return m;
}

static bool same(const struct mark *a, const struct mark *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int load(const char *path, struct held **held_out)
{
	MR_AUTO_BUF error = MR_BUF(1000);
	struct held *h = mr_calloc(1, sizeof(*h));
	int err;

	if (h == NULL)
		return MR_ENOMEM;
	h->users = 1;
	err = path[0] == '\0' ? MR_ENOENT : mr_spam_model_open(path, &h->model, &error);
	if (err == MR_ENOENT) /* nothing was learned here yet */
		err = mr_spam_model_builtin(&h->model);
	else if (err < 0)
		mr_log(MR_LOG_ERROR, "spam model", MR_KV_SPAN("problem", mr_buf_span(&error)));
	if (err < 0)
		mr_free(h);
	else
		*held_out = h;
	return err;
}

static int load_builtin(struct held **held_out)
{
	mr_log(MR_LOG_WARN, "spam model", MR_KV("instead", "the built-in one"));
	return load("", held_out);
}

int mr_spam_current_open(const char *path, bool builtin, struct mr_spam_current **current_out)
{
	struct mr_spam_current *c = mr_calloc(1, sizeof(*c));
	int err;

	if (c == NULL)
		return MR_ENOMEM;
	if ((c->path = mr_strdup(path)) == NULL) {
		mr_free(c);
		return MR_ENOMEM;
	}
	c->mark = mark_of(path); /* before it is read: a change meanwhile is seen later */
	err = load(path, &c->held);
	if (err < 0 && err != MR_ENOMEM && builtin)
		err = load_builtin(&c->held);
	if (err < 0) {
		mr_free(c->path);
		mr_free(c);
		return err;
	}
	MR_ASSERT(pthread_mutex_init(&c->lock, NULL) == 0);
	*current_out = c;
	return 0;
}

static void release(struct held *h)
{
	if (h != NULL) {
		mr_spam_model_done(&h->model);
		mr_free(h);
	}
}

void mr_spam_current_close(struct mr_spam_current *c)
{
	if (c == NULL)
		return;
	MR_ASSERT(c->held->users == 1);
	release(c->held);
	pthread_mutex_destroy(&c->lock);
	mr_free(c->path);
	mr_free(c);
}

/* Without the lock, which nobody waits for while a file is read. Out of memory: another time. */
static void look(struct mr_spam_current *c)
{
	struct mark now = mark_of(c->path);
	struct held *fresh = NULL, *old = NULL;

	/* mark is changed by the one who looks alone */
	if (same(&now, &c->mark))
		return;
	if (load(c->path, &fresh) == MR_ENOMEM)
		return;
	pthread_mutex_lock(&c->lock);
	c->mark = now;
	if (fresh != NULL) {
		old = --c->held->users == 0 ? c->held : NULL;
		c->held = fresh;
	}
	pthread_mutex_unlock(&c->lock);
	if (fresh != NULL)
		mr_log(MR_LOG_INFO, "spam model", MR_KV("taken", c->path));
	release(old);
}

const struct mr_spam_model *mr_spam_current_get(struct mr_spam_current *c, int64_t now_ms)
{
	const struct mr_spam_model *model;
	bool mine = false;

	pthread_mutex_lock(&c->lock);
	if (!c->looking && now_ms >= c->look_ms) {
		c->looking = mine = true;
		c->look_ms = now_ms + MR_SPAM_CURRENT_LOOK_MS;
	}
	pthread_mutex_unlock(&c->lock);
	if (mine)
		look(c);
	pthread_mutex_lock(&c->lock);
	if (mine)
		c->looking = false;
	c->held->users++;
	model = &c->held->model;
	pthread_mutex_unlock(&c->lock);
	return model;
}

void mr_spam_current_put(struct mr_spam_current *c, const struct mr_spam_model *model)
{
	struct held *h = (struct held *)(uintptr_t)model, *old = NULL;

	pthread_mutex_lock(&c->lock);
	if (--h->users == 0)
		old = h;
	pthread_mutex_unlock(&c->lock);
	release(old);
}
