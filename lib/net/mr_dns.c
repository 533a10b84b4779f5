#include "lib/net/mr_dns.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_ascii.h"
#include "lib/base/mr_err.h"
#include "lib/net/mr_dns_engine.h"

struct mr_dns {
	struct mr_dns_engine engine;
	atomic_int asked; /* questions that the engine holds */
};

/*
 * Where a set and the engine meet. It lives until neither knows its questions any more: a question that
 * could not be cancelled is answered after the set is gone.
 */
struct meeting {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	size_t open; /* questions without an answer */
	int held; /* by the set, and by each question that the engine has */
};

struct mr_dns_question {
	struct mr_dns *dns;
	struct meeting *meeting;
	/* The rest is the set's, but written by the engine under the lock while it is open. */
	char name[MR_DNS_NAME_MAX + 1];
	enum mr_dns_type type;
	int id;
	bool open; /* the engine has it */
	bool abandoned; /* the set is gone: the engine frees it */
	struct mr_dns_answer answer, waiting; /* the second is what is shown while it is open */
	void *memory; /* of the answer's records */
};

struct mr_dns_set {
	struct mr_dns *dns;
	struct meeting *meeting;
	struct mr_dns_question *question[MR_DNS_ASKED_MAX];
	size_t count;
};

const char *mr_dns_status_name(enum mr_dns_status status)
{
	static const char *const names[] = {
		[MR_DNS_OK] = "OK",
		[MR_DNS_NODATA] = "no data",
		[MR_DNS_NXDOMAIN] = "NXDOMAIN",
		[MR_DNS_INVALID] = "no name",
		[MR_DNS_SERVFAIL] = "SERVFAIL",
		[MR_DNS_BOGUS] = "bogus",
		[MR_DNS_TIMEOUT] = "timeout",
		[MR_DNS_BUSY] = "busy",
	};

	return names[status];
}

int mr_dns_new(const struct mr_dns_engine *engine, struct mr_dns **dns_out)
{
	struct mr_dns *dns = mr_calloc(1, sizeof(*dns));

	if (!dns)
		return MR_ENOMEM;
	dns->engine = *engine;
	*dns_out = dns;
	return 0;
}

void mr_dns_close(struct mr_dns *dns)
{
	if (!dns)
		return;
	dns->engine.close(dns->engine.arg);
	mr_free(dns);
}

/* -- sets ------------------------------------------------------------------------------------- */

/* Under its lock, which is given back. */
static void meeting_leave(struct meeting *m)
{
	bool last = --m->held == 0;

	pthread_mutex_unlock(&m->lock);
	if (!last)
		return;
	pthread_cond_destroy(&m->answered);
	pthread_mutex_destroy(&m->lock);
	mr_free(m);
}

static struct meeting *meeting_new(void)
{
	struct meeting *m = mr_calloc(1, sizeof(*m));
	pthread_condattr_t attr;

	if (!m)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->answered, &attr);
	pthread_condattr_destroy(&attr);
	m->held = 1;
	return m;
}

static void question_free(struct mr_dns_question *q)
{
	mr_free(q->memory);
	mr_free(q);
}

struct mr_dns_set *mr_dns_set_new(struct mr_dns *dns)
{
	struct mr_dns_set *set = mr_calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->dns = dns;
	if (!(set->meeting = meeting_new())) {
		mr_free(set);
		return NULL;
	}
	return set;
}

/* Nobody waits for it any more. */
static void question_drop(struct mr_dns_question *q)
{
	struct meeting *m = q->meeting;
	struct mr_dns *dns = q->dns;
	bool open;

	pthread_mutex_lock(&m->lock);
	open = q->open;
	q->abandoned = open;
	pthread_mutex_unlock(&m->lock);
	if (!open) {
		question_free(q);
		return;
	}
	/* Outside the lock: the engine may be answering it just now, and then it is freed there. */
	if (!dns->engine.cancel(dns->engine.arg, q->id))
		return;
	atomic_fetch_sub(&dns->asked, 1);
	question_free(q);
	pthread_mutex_lock(&m->lock);
	meeting_leave(m);
}

void mr_dns_set_free(struct mr_dns_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		question_drop(set->question[i]);
	pthread_mutex_lock(&set->meeting->lock);
	meeting_leave(set->meeting);
	mr_free(set);
}

/* -- asking ----------------------------------------------------------------------------------- */

/* What of name can be asked for, without its last dot. */
static bool name_take(struct mr_span name, char out[MR_DNS_NAME_MAX + 1])
{
	size_t label = 0;

	if (name.len > 1 && name.p[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > MR_DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		/* The resolver reads escapes in its text form; and nobody's name has these. */
		if (c == '\\' || c == ' ' || mr_is(c, MR_CTL | MR_CRLF) ||
		    ++label > MR_DNS_LABEL_MAX)
			return false;
	}
	memcpy(out, name.p, name.len);
	out[name.len] = '\0';
	return label > 0;
}

/* The same question, of the set; NULL: it was not asked yet. */
static bool asked_before(const struct mr_dns_set *set, const struct mr_dns_question *q,
			 size_t *at_out)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->question[i]->type == q->type &&
		    mr_span_eq_nocase(mr_span_str(set->question[i]->name), mr_span_str(q->name))) {
			*at_out = i;
			return true;
		}
	}
	return false;
}

static void begin(struct mr_dns_set *set, struct mr_dns_question *q)
{
	struct mr_dns *dns = set->dns;
	int err = MR_ELIMIT;

	if (atomic_fetch_add(&dns->asked, 1) < MR_DNS_AT_ONCE_MAX) {
		pthread_mutex_lock(&set->meeting->lock);
		q->open = true;
		set->meeting->open++;
		set->meeting->held++;
		pthread_mutex_unlock(&set->meeting->lock);
		if ((err = dns->engine.ask(dns->engine.arg, q->name, q->type, q, &q->id)) == 0)
			return;
		pthread_mutex_lock(&set->meeting->lock);
		q->open = false;
		set->meeting->open--;
		meeting_leave(set->meeting);
	}
	atomic_fetch_sub(&dns->asked, 1);
	q->answer.status = MR_DNS_BUSY;
}

int mr_dns_ask(struct mr_dns_set *set, struct mr_span name, enum mr_dns_type type, size_t *at_out)
{
	struct mr_dns_question *q;

	if (set->count == MR_DNS_ASKED_MAX)
		return MR_ELIMIT;
	if (!(q = mr_calloc(1, sizeof(*q))))
		return MR_ENOMEM;
	q->dns = set->dns;
	q->meeting = set->meeting;
	q->type = type;
	q->waiting.status = MR_DNS_TIMEOUT;
	if (!name_take(name, q->name)) {
		q->answer.status = MR_DNS_INVALID;
	} else if (asked_before(set, q, at_out)) {
		question_free(q);
		return 0;
	} else {
		begin(set, q);
	}
	*at_out = set->count;
	set->question[set->count++] = q;
	return 0;
}

/* -- answers ---------------------------------------------------------------------------------- */

/* One block: the spans, then their octets. */
static int keep(struct mr_dns_question *q, const struct mr_span *record, size_t count)
{
	size_t size = 0, used;
	struct mr_span *span;
	char *octets;

	if (count > MR_DNS_RECORDS_MAX)
		count = MR_DNS_RECORDS_MAX;
	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		size += record[i].len;
	if (!(q->memory = mr_malloc(count * sizeof(*span) + size + 1)))
		return MR_ENOMEM;
	span = q->memory;
	octets = (char *)(span + count);
	used = 0;
	for (size_t i = 0; i < count; i++) {
		if (record[i].len > 0)
			memcpy(octets + used, record[i].p, record[i].len);
		span[i] = mr_span(octets + used, record[i].len);
		used += record[i].len;
	}
	q->answer.record = span;
	q->answer.count = count;
	return 0;
}

void mr_dns_question_done(struct mr_dns_question *q, enum mr_dns_status status, bool secure,
			  const struct mr_span *record, size_t count)
{
	struct meeting *m = q->meeting;

	atomic_fetch_sub(&q->dns->asked, 1);
	pthread_mutex_lock(&m->lock);
	if (q->abandoned) {
		question_free(q);
	} else {
		q->answer.status = status;
		q->answer.secure = secure;
		if (status == MR_DNS_OK && keep(q, record, count) < 0)
			q->answer.status = MR_DNS_BUSY;
		q->open = false;
	}
	m->open--;
	pthread_cond_broadcast(&m->answered);
	meeting_leave(m);
}

/* Until there are no open questions, or question is not open, where it is given. */
static size_t wait(struct meeting *m, const struct mr_dns_question *question, int64_t timeout_ms)
{
	struct timespec until;
	size_t open;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&m->lock);
	while (err != ETIMEDOUT && (question ? question->open : m->open > 0))
		err = pthread_cond_timedwait(&m->answered, &m->lock, &until);
	open = question ? question->open : m->open;
	pthread_mutex_unlock(&m->lock);
	return open;
}

size_t mr_dns_wait(struct mr_dns_set *set, int64_t timeout_ms)
{
	return wait(set->meeting, NULL, timeout_ms);
}

bool mr_dns_wait_for(struct mr_dns_set *set, size_t at, int64_t timeout_ms)
{
	return wait(set->meeting, set->question[at], timeout_ms) == 0;
}

const struct mr_dns_answer *mr_dns_answer(const struct mr_dns_set *set, size_t at)
{
	struct mr_dns_question *q = set->question[at];
	bool open;

	pthread_mutex_lock(&q->meeting->lock);
	open = q->open;
	pthread_mutex_unlock(&q->meeting->lock);
	return open ? &q->waiting : &q->answer;
}
