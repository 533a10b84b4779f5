#include "lda/lmtpd/judge.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "lda/lmtpd/kept.h"
#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_psl.h"
#include "lib/run/mr_ours.h"
#include "lib/store/mr_store.h"
#include "milters/spam/current.h"
#include "milters/spam/extract.h"

#define OWNERS    2 /* the user, and his domain */
#define SPARE_MAX 8 /* feature sets that are kept for the next message */
/* Of one message, while its features are taken. */
#define ARENA_SIZE (MR_SPAM_ARENA_SIZE + ((size_t)4 << 20))

/* What is opened at the first need, and tried again now and then. */
struct source {
	int64_t retry_ms;
	int err; /* of the last try; 0 before the first */
};

struct mr_judge {
	char *store_url, *model_path;
	struct mr_clock clock;
	struct mr_kept *kept;
	struct mr_psl *psl; /* NULL: there is none here; domains are then no features */
	pthread_mutex_t lock; /* of what follows */
	struct mr_store *store;
	struct source store_source, model_source;
	int store_err; /* of the last question, so that an outage is one line */
	struct mr_spam_current *model;
	struct mr_spam_features *spare[SPARE_MAX];
	size_t spare_count;
};

struct mr_judge *mr_judge_new(const char *store, const char *model, struct mr_clock clock)
{
	struct mr_judge *j = mr_calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->store_url = mr_strdup(store);
	j->model_path = mr_strdup(model);
	j->clock = clock;
	j->kept = mr_kept_new(MR_JUDGE_KEPT_MAX);
	if (!j->store_url || !j->model_path || !j->kept) {
		mr_kept_free(j->kept);
		mr_free(j->store_url);
		mr_free(j->model_path);
		mr_free(j);
		return NULL;
	}
	j->psl = mr_psl_new(NULL);
	MR_ASSERT(pthread_mutex_init(&j->lock, NULL) == 0);
	return j;
}

void mr_judge_free(struct mr_judge *j)
{
	if (!j)
		return;
	while (j->spare_count > 0)
		mr_spam_features_free(j->spare[--j->spare_count]);
	mr_spam_current_close(j->model);
	mr_store_close(j->store);
	mr_psl_free(j->psl);
	mr_kept_free(j->kept);
	mr_free(j->store_url);
	mr_free(j->model_path);
	pthread_mutex_destroy(&j->lock);
	mr_free(j);
}

static int64_t now_ms(const struct mr_judge *j)
{
	return j->clock.now_ms(j->clock.arg);
}

/* True: try now. The next try is later, but a file that is not there yet is looked for each time. */
static bool is_due(struct source *source, int64_t now)
{
	if (source->err < 0 && source->err != MR_ENOENT && now < source->retry_ms)
		return false;
	source->retry_ms = now + MR_JUDGE_RETRY_MS;
	return true;
}

/* -- corrections ------------------------------------------------------------------------------ */

/* MR_ENOENT: nobody taught anything yet, so there is no such group. */
static int store_open(struct mr_judge *j, struct mr_store **store_out)
{
	int err, before;

	pthread_mutex_lock(&j->lock);
	before = j->store_source.err;
	if (!j->store && is_due(&j->store_source, now_ms(j)))
		j->store_source.err =
			mr_store_open(j->store_url, MR_GROUP_SPAM, MR_STORE_READ, &j->store);
	err = j->store ? 0 : j->store_source.err;
	*store_out = j->store;
	pthread_mutex_unlock(&j->lock);
	if (err < 0 && err != MR_ENOENT && err != before)
		mr_log(MR_LOG_WARN, "corrections cannot be read",
		       MR_KV("store", mr_store_shown(j->store_url)), MR_KV_ERR(err));
	return err;
}

static int ask_made(struct mr_judge *j, struct mr_store *store, const char *const owner[OWNERS],
		    int64_t made_s[OWNERS])
{
	int before, err = mr_store_correction_made(store, mr_span_str(owner[0]),
						   mr_span_str(owner[1]), made_s);

	pthread_mutex_lock(&j->lock);
	before = j->store_err;
	j->store_err = err;
	pthread_mutex_unlock(&j->lock);
	if (err < 0 && before == 0)
		mr_log(MR_LOG_WARN, "corrections cannot be read", MR_KV_ERR(err),
		       MR_KV("why", mr_store_why()));
	return err;
}

static int read_one(struct mr_judge *j, struct mr_store *store, const char *owner, int64_t made_s,
		    struct mr_kept_one **one_out)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(MR_SPAM_CORRECTION_ROOM);
	int64_t read_s =
		j->clock.time_s(j->clock.arg); /* before: what changes meanwhile is newer */
	struct mr_kept_one *one = NULL;
	struct mr_span bytes = MR_SPAN("");
	int err = MR_ENOMEM;

	if (arena)
		err = mr_store_correction_get(store, mr_span_str(owner), arena, &bytes);
	if (err == 0)
		err = mr_kept_add(j->kept, owner, made_s, read_s, bytes, MR_TAKE(arena), &one);
	if (err == 0 && one->err < 0)
		err = one->err;
	if (err < 0 && err != MR_ENOENT) /* taken back this very moment */
		mr_log(MR_LOG_WARN, "correction not used", MR_KV("owner", owner), MR_KV_ERR(err));
	*one_out = one;
	return err;
}

/* Those that can be used, in one[]; returns their number, or the error that left none. */
static int find(struct mr_judge *j, const char *const owner[OWNERS],
		struct mr_kept_one *one[OWNERS])
{
	struct mr_store *store;
	int64_t made_s[OWNERS];
	int count = 0, failed = 0, err = store_open(j, &store);

	if (err == MR_ENOENT)
		return 0;
	if (err < 0 || (err = ask_made(j, store, owner, made_s)) < 0)
		return err;
	for (unsigned i = 0; i < OWNERS; i++) {
		struct mr_kept_one *got;

		if (made_s[i] == MR_CORRECTION_NONE)
			continue;
		got = mr_kept_get(j->kept, owner[i], made_s[i], MR_JUDGE_FRESH_S);
		err = got ? got->err : read_one(j, store, owner[i], made_s[i], &got);
		if (err == 0) {
			one[count++] = got;
		} else {
			mr_kept_put(j->kept, got);
			failed = err == MR_ENOENT ? failed : err;
		}
	}
	return count > 0 ? count : failed;
}

/* -- the message ------------------------------------------------------------------------------ */

static int model_get(struct mr_judge *j, const struct mr_spam_model **model_out)
{
	int err;

	pthread_mutex_lock(&j->lock);
	/* What does not read is logged by whoever reads it, at each try. */
	if (!j->model && is_due(&j->model_source, now_ms(j)))
		j->model_source.err = mr_spam_current_open(j->model_path, false, &j->model);
	err = j->model ? 0 : j->model_source.err;
	pthread_mutex_unlock(&j->lock);
	if (err == 0)
		*model_out = mr_spam_current_get(j->model, now_ms(j));
	return err;
}

static struct mr_spam_features *features_get(struct mr_judge *j)
{
	struct mr_spam_features *f = NULL;

	pthread_mutex_lock(&j->lock);
	if (j->spare_count > 0)
		f = j->spare[--j->spare_count];
	pthread_mutex_unlock(&j->lock);
	return f ? f : mr_spam_features_new(j->psl);
}

void mr_judge_forget(struct mr_judge *j, struct mr_judge_message *m)
{
	if (m->features) {
		pthread_mutex_lock(&j->lock);
		if (j->spare_count < SPARE_MAX)
			j->spare[j->spare_count++] = MR_TAKE(m->features);
		pthread_mutex_unlock(&j->lock);
		mr_spam_features_free(m->features);
	}
	if (m->model)
		mr_spam_current_put(j->model, m->model);
	*m = (struct mr_judge_message){ .err = 0 };
}

/* What the milter saw: our fields at the top tell the view which Received came after it. */
static int take_features(struct mr_judge *j, const struct mr_settings *set,
			 struct mr_judge_message *m, mr_judge_content_fn *content, void *arg)
{
	MR_AUTO(mr_arena) *arena = mr_arena_new(ARENA_SIZE);
	struct mr_spam_view view;
	struct mr_ours ours;
	struct mr_span raw;
	int err;

	m->features = features_get(j);
	if (!arena || !m->features)
		return MR_ENOMEM;
	if ((err = model_get(j, &m->model)) < 0 || (err = content(arg, &raw)) < 0)
		return err;
	mr_ours_init(&ours, set);
	m->features->belief = &ours.belief;
	err = mr_spam_extract_raw(raw, MR_SPAM_STORED, mr_span_str(set->upstream_scorer), arena,
				  m->features, &view);
	m->features->belief = NULL;
	return err;
}

int mr_judge_score(struct mr_judge *j, const struct mr_settings *set, struct mr_judge_message *m,
		   struct mr_span local, struct mr_span domain, mr_judge_content_fn *content,
		   void *arg, int *points_out)
{
	char user[MR_SPAM_OWNER_SIZE];
	const char *const owner[OWNERS] = { user, user + local.len };
	struct mr_kept_one *one[OWNERS] = { NULL };
	struct mr_spam_correction corrections[OWNERS];
	struct mr_spam_score score;
	int count;

	snprintf(user, sizeof(user), "%.*s@%.*s", (int)local.len, local.p, (int)domain.len,
		 domain.p);
	count = find(j, owner, one);
	if (count > 0 && !m->model && m->err == 0) {
		m->err = take_features(j, set, m, content, arg);
		if (m->err < 0)
			mr_log(MR_LOG_WARN, "message not judged for its recipients",
			       MR_KV_SPAN("id", m->id), MR_KV_ERR(m->err));
	}
	for (int i = 0; i < count; i++) {
		MR_ASSERT(one[i]); /* find() counted it */
		corrections[i] = one[i]->correction;
	}
	if (count > 0 && m->err == 0) {
		mr_spam_score_corrected(m->model, corrections, (unsigned)count, m->features,
					&score);
		*points_out = (int)lround(score.points * 1000);
	}
	for (int i = 0; i < count; i++)
		mr_kept_put(j->kept, one[i]);
	if (count <= 0)
		return count;
	return m->err < 0 ? m->err : 1;
}
