#include "lda/lmtpd/settle.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_maildir.h"
#include "lib/mail/mr_maildirsize.h"
#include "lib/mail/mr_name.h"

#define ARENA_MAX    65536 /* bytes: settings of one user */
#define SEEN_MAX     256 /* mailboxes that are to be counted */
#define MAILBOX_SIZE (MR_NAME_DOMAIN_MAX + 1 + MR_NAME_LOCAL_MAX + 1)
#define WARN_REST_MS 30000 /* after a warning that nobody took */
#define ENDS_PERCENT 95 /* below this a mailbox is not full any more */

/* A file that was not compared yet, as it was a round ago. */
struct seen {
	char mailbox[MAILBOX_SIZE];
	uint64_t file, size;
	struct mr_maildir_sum counted; /* -1: not yet */
};

struct mr_settle {
	struct mr_settle_with with;
	struct mr_arena *arena;
	struct mr_usage_row after, row[MR_SETTLE_ROWS], touched[MR_QUOTA_TOUCHED_MAX];
	struct seen seen[SEEN_MAX];
	size_t seen_next;
	int64_t warn_ms; /* not before */
	char warned_domain[MR_NAME_DOMAIN_MAX + 1]; /* was looked at in this batch */
	bool away; /* the store; and the log has said so */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool started, stopping;
	pthread_t thread;
};

struct mr_settle *mr_settle_new(const struct mr_settle_with *with)
{
	struct mr_settle *s = mr_calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;

	if (!s)
		return NULL;
	s->with = *with;
	s->warn_ms = INT64_MIN;
	MR_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
	MR_ASSERT(pthread_condattr_init(&monotonic) == 0);
	MR_ASSERT(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	MR_ASSERT(pthread_cond_init(&s->wake, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
	s->arena = mr_arena_new(ARENA_MAX);
	if (!s->arena) {
		mr_settle_free(s);
		return NULL;
	}
	return s;
}

void mr_settle_free(struct mr_settle *s)
{
	if (!s)
		return;
	if (s->started) {
		pthread_mutex_lock(&s->lock);
		s->stopping = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	mr_arena_free(s->arena);
	mr_free(s);
}

/* -- one mailbox ------------------------------------------------------------------------------ */

/* What was seen of it; a place for it if nothing was, and *was_out false. */
static struct seen *seen_of(struct mr_settle *s, const char *mailbox, bool *was_out)
{
	struct seen *seen;

	*was_out = true;
	for (size_t i = 0; i < SEEN_MAX; i++) {
		if (strcmp(s->seen[i].mailbox, mailbox) == 0)
			return &s->seen[i];
	}
	*was_out = false;
	seen = &s->seen[s->seen_next++ % SEEN_MAX];
	*seen = (struct seen){ .counted = { -1, -1 } };
	memcpy(seen->mailbox, mailbox, strlen(mailbox) + 1);
	return seen;
}

/*
 * The file was made anew since it was compared: compare it, once nothing has changed for a round. If the
 * messages are others than it says, that must be so a round later, too: a message that lies there is
 * noted only a moment after it came.
 */
static void compare(struct mr_settle *s, const char *mailbox, int dir_fd,
		    const struct mr_maildirsize *size, struct mr_usage_row *row)
{
	bool was;
	struct seen *seen = seen_of(s, mailbox, &was);
	bool quiet = was && seen->file == size->file && seen->size == size->size;
	struct mr_maildir_sum counted, before = seen->counted;

	seen->file = size->file;
	seen->size = size->size;
	seen->counted = (struct mr_maildir_sum){ -1, -1 };
	row->settled = false;
	if (!quiet || mr_maildirsize_count(dir_fd, &counted) < 0)
		return;
	if (counted.octets == size->used.octets && counted.messages == size->used.messages) {
		row->file = size->file;
		row->settled = true;
		seen->mailbox[0] = '\0';
		return;
	}
	seen->counted = counted;
	if (before.octets != counted.octets || before.messages != counted.messages)
		return;
	mr_log(MR_LOG_INFO, "maildirsize was wrong", MR_KV("mailbox", mailbox),
	       MR_KV_INT("octets", size->used.octets), MR_KV_INT("messages", size->used.messages),
	       MR_KV_INT("counted", counted.octets), MR_KV_INT("of", counted.messages));
	if (mr_maildirsize_write(dir_fd, size->limit, counted) == 0)
		row->usage = (struct mr_usage){ counted.octets, counted.messages };
}

/* A mailbox that cannot be read stays as it was reported: somebody will put it right, and then it
 * changes, or is counted. */
static void look(struct mr_settle *s, struct mr_usage_row *row, const struct mr_user_settings *set)
{
	const struct mr_maildir_sum limit = { set->quota.octets, set->quota.messages };
	char mailbox[MAILBOX_SIZE];
	struct mr_maildirsize size;
	MR_AUTO_FD fd = -1;
	int err;

	snprintf(mailbox, sizeof(mailbox), "%s/%s", row->domain, row->local);
	row->settled = true;
	err = mr_maildir_open(s->with.mail_fd, mailbox, 0, &fd);
	if (err == 0 && mr_limit_is_none(set->quota) && mr_limit_is_none(set->domain_quota))
		err = mr_maildirsize_read(fd, &size);
	else if (err == 0)
		err = mr_maildirsize_get(fd, limit, s->with.clock.time_s(s->with.clock.arg), &size);
	if (err < 0)
		return;
	row->usage = (struct mr_usage){ size.used.octets, size.used.messages };
	if (row->file != size.file)
		compare(s, mailbox, fd, &size, row);
}

/* -- who is full ------------------------------------------------------------------------------- */

/* Marked first, so that of several hosts one warns; taken back where nobody took the warning. */
static void warn(struct mr_settle *s, const struct mr_quota_warning *w, int was, int now)
{
	int64_t now_ms = s->with.clock.now_ms(s->with.clock.arg);
	int err;

	if (now > was && (!s->with.warn || now_ms < s->warn_ms))
		return;
	err = mr_store_over_warned(s->with.store, w->local, w->domain, now);
	if (err != 1 || now < was)
		return;
	err = s->with.warn(s->with.arg, w);
	if (err == 0)
		return;
	s->warn_ms = now_ms + WARN_REST_MS;
	(void)!mr_store_over_warned(s->with.store, w->local, w->domain, was);
}

/* Of a user, or of a domain (local empty). */
static void judge(struct mr_settle *s, struct mr_span local, struct mr_span domain,
		  struct mr_limit limit, struct mr_usage used, const struct mr_over *over)
{
	struct mr_quota_warning w = {
		.local = local, .domain = domain, .used = used, .limit = limit
	};
	int percent = mr_quota_percent(limit, used), warned = over->warned;
	bool warns = mr_quota_warns(percent, &warned);

	w.percent = warned;
	if (warns || warned != over->warned)
		warn(s, &w, over->warned, warned);
	if (over->since_s > 0 && percent < ENDS_PERCENT)
		(void)!mr_store_over_end(s->with.store, local, domain);
}

/* Also where there is no limit any more: then nobody is full. */
static void judge_both(struct mr_settle *s, const struct mr_usage_row *row,
		       const struct mr_user_settings *set)
{
	struct mr_span local = mr_span_str(row->local), domain = mr_span_str(row->domain);
	bool shared = strcmp(s->warned_domain, row->domain) != 0;
	struct mr_usage sum = { 0, 0 };
	struct mr_over user, whole;

	if (mr_store_over_get(s->with.store, local, domain, &user, &whole) < 0)
		return;
	judge(s, local, domain, set->quota, row->usage, &user);
	/* Not a sum that was kept: nobody may come back to look again. */
	if (!shared || (!mr_limit_is_none(set->domain_quota) &&
			mr_store_usage_get(s->with.store, MR_SPAN(""), domain, &sum) < 0))
		return;
	memcpy(s->warned_domain, row->domain, sizeof(s->warned_domain));
	judge(s, MR_SPAN(""), domain, set->domain_quota, sum, &whole);
}

/* -- rounds ----------------------------------------------------------------------------------- */

static int touch(struct mr_settle *s)
{
	size_t count = mr_quota_touched(s->with.quota, s->touched, MR_COUNT(s->touched));
	int err = count > 0 ? mr_store_usage_touch(s->with.store, s->touched, count) : 0;

	if (err < 0)
		mr_quota_untaken(s->with.quota, s->touched, count);
	return err;
}

static int settings_of(struct mr_settle *s, const struct mr_usage_row *row,
		       struct mr_user_settings *set_out)
{
	mr_arena_reset(s->arena);
	return s->with.settings(s->with.arg, mr_span_str(row->local), mr_span_str(row->domain),
				s->arena, set_out);
}

static int batch(struct mr_settle *s, size_t count)
{
	struct mr_user_settings set;
	int err = 0;

	for (size_t i = 0; i < count && err == 0; i++) {
		if ((err = settings_of(s, &s->row[i], &set)) == 0)
			look(s, &s->row[i], &set);
	}
	if (err == 0)
		err = mr_store_usage_settle(s->with.store, s->row, count);
	s->warned_domain[0] = '\0';
	for (size_t i = 0; i < count && err == 0; i++) {
		if ((err = settings_of(s, &s->row[i], &set)) == 0)
			judge_both(s, &s->row[i], &set);
	}
	return err;
}

int mr_settle_round(struct mr_settle *s)
{
	int count = MR_SETTLE_ROWS, looked = 0, err = touch(s);

	for (int i = 0; i < MR_SETTLE_BATCHES && count == MR_SETTLE_ROWS && err == 0; i++) {
		count = mr_store_usage_unsettled(s->with.store, &s->after, s->row, MR_SETTLE_ROWS);
		if (count < 0)
			return count;
		if (count > 0) {
			err = batch(s, (size_t)count);
			s->after = s->row[count - 1];
		}
		looked += count;
	}
	/* From the first one again; where there are more than a round takes, the next one goes on. */
	if (count < MR_SETTLE_ROWS)
		s->after = (struct mr_usage_row){ .settled = false };
	return err < 0 ? err : looked;
}

static void told(struct mr_settle *s, int err)
{
	if (s->away == (err < 0))
		return;
	s->away = err < 0;
	if (s->away)
		mr_log(MR_LOG_WARN, "usage of mailboxes is not counted now", MR_KV_ERR(err),
		       MR_KV("why", mr_store_why()));
	else
		mr_log(MR_LOG_INFO, "usage of mailboxes is counted again");
}

/* True: the service ends. */
static bool rest(struct mr_settle *s)
{
	struct timespec until;
	bool stopping;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += MR_SETTLE_EVERY_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&s->lock);
	while (!s->stopping && err == 0)
		err = pthread_cond_timedwait(&s->wake, &s->lock, &until);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return stopping;
}

static void *thread_run(void *arg)
{
	struct mr_settle *s = arg;
	bool all = false;
	int err;

	do {
		err = all ? 0 : mr_store_usage_touch_all(s->with.store);
		all |= err == 0;
		if (err == 0)
			err = mr_settle_round(s);
		told(s, err);
	} while (!rest(s));
	(void)!mr_settle_round(s); /* what was delivered last */
	return NULL;
}

int mr_settle_start(struct mr_settle *s)
{
	sigset_t all, old;
	int err;

	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&s->thread, NULL, thread_run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->started = err == 0;
	return s->started ? 0 : MR_ENOMEM;
}
