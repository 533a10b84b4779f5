#include "lda/mapd/notice.h"

#include <pthread.h>

#include "lib/base/mr_alloc.h"
#include "lib/base/mr_err.h"
#include "lib/base/mr_log.h"
#include "lib/mail/mr_letter.h"
#include "lib/net/mr_pool.h"
#include "lib/run/mr_ours.h"
#include "lib/run/mr_own.h"

#define LETTER_MAX 8192
#define TO_MAX     320

struct letter {
	struct mr_pool_item item; /* first */
	struct mr_notices *notices;
	bool used;
	char to[TO_MAX + 1];
	struct mr_buf text;
};

struct mr_notices {
	struct mr_own *own;
	struct mr_pool *pool; /* NULL: not started */
	struct mr_clock clock;
	struct mr_ours ours;
	pthread_mutex_t lock; /* of used */
	struct letter letter[MR_NOTICES_MAX];
};

struct mr_notices *mr_notices_new(const struct mr_settings *set, struct mr_clock clock)
{
	struct mr_notices *n = mr_calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	MR_ASSERT(pthread_mutex_init(&n->lock, NULL) == 0);
	n->clock = clock;
	mr_ours_init(&n->ours, set);
	n->own = mr_own_new(set->reinject, n->ours.name, 1, clock);
	if (n->own)
		return n;
	mr_notices_free(n);
	return NULL;
}

void mr_notices_start(struct mr_notices *n)
{
	if (!n->pool && mr_own_able(n->own))
		n->pool = mr_pool_new(1); /* without it, the log tells */
}

void mr_notices_free(struct mr_notices *n)
{
	if (!n)
		return;
	mr_pool_free(n->pool);
	for (size_t i = 0; i < MR_NOTICES_MAX; i++)
		mr_buf_done(&n->letter[i].text);
	mr_own_free(n->own);
	pthread_mutex_destroy(&n->lock);
	mr_free(n);
}

void mr_notice_write(struct mr_buf *out, const char *to, const char *host, struct mr_span account,
		     const struct mr_limit_verdict *v, int64_t now_s)
{
	struct mr_letter letter = { .from = mr_span_str(to),
				    .to = mr_span_str(to),
				    .from_name = MR_SPAN("Millrace"),
				    .auto_submitted = "auto-generated",
				    .host = host,
				    .date_s = now_s };
	MR_AUTO_BUF subject = MR_BUF(MR_LETTER_SUBJECT_MAX);
	MR_AUTO_BUF text = MR_BUF(LETTER_MAX / 2);

	mr_buf_printf(&subject, "Send limit reached: %s", v->owner);
	mr_buf_printf(&text,
		      "%.*s has logged in and sends more than is allowed. The last answer was:\n\n"
		      "    %d %s %s\n\n"
		      "If the owner of the account does not know why, its password was stolen: "
		      "change it,\n"
		      "and look at what has been sent. If all is well, allow more, or begin to "
		      "count anew:\n\n"
		      "    millrace limits %s\n"
		      "    millrace %s set %s %ssend_messages BURST/HOUR/DAY\n"
		      "    millrace limits --reset %s\n\n"
		      "You are told about an account once in a while, not for each message.\n",
		      (int)account.len, account.p, v->code, v->status, v->text, v->owner,
		      v->owner[0] == '@' ? "domain" : "user", v->owner + (v->owner[0] == '@'),
		      v->owner[0] == '@' ? "domain_" : "", v->owner);
	letter.subject = mr_buf_span(&subject);
	letter.text = mr_buf_span(&text);
	mr_letter_put(out, &letter);
}

static void on_work(struct mr_pool_item *item)
{
	struct letter *letter = (struct letter *)item;
	struct mr_notices *n = letter->notices;
	struct mr_span to = mr_span_str(letter->to);
	struct mr_own_answer answer = { .code = 0 };
	int err =
		mr_own_send(n->own,
			    &(struct mr_own_mail){
				    .to = &to, .to_count = 1, .head = mr_buf_span(&letter->text) },
			    &answer);

	if (err < 0)
		mr_log(MR_LOG_WARN, "notice not sent", MR_KV("to", letter->to),
		       MR_KV_INT("reply", answer.code), MR_KV("text", answer.text));
	mr_buf_done(&letter->text);
	mr_buf_init(&letter->text, LETTER_MAX);
}

static void on_done(struct mr_pool_item *item)
{
	((struct letter *)item)->used = false;
}

void mr_notices_put(struct mr_notices *n, const struct mr_settings *set, struct mr_span account,
		    const struct mr_limit_verdict *verdict)
{
	struct letter *letter = NULL;

	if (!n->pool || !set->policy_tell[0])
		return;
	pthread_mutex_lock(&n->lock);
	mr_pool_reap(n->pool);
	for (size_t i = 0; i < MR_NOTICES_MAX && !letter; i++) {
		if (!n->letter[i].used)
			letter = &n->letter[i];
	}
	if (letter)
		letter->used = true;
	pthread_mutex_unlock(&n->lock);
	if (!letter)
		return;
	letter->item = (struct mr_pool_item){ .work = on_work, .done = on_done };
	letter->notices = n;
	mr_buf_init(&letter->text, LETTER_MAX);
	mr_notice_write(&letter->text, set->policy_tell, n->ours.name, account, verdict,
			n->clock.time_s(n->clock.arg));
	if (mr_span_copyz(mr_span_str(set->policy_tell), letter->to, sizeof(letter->to)) == 0 &&
	    mr_buf_err(&letter->text) == 0) {
		mr_pool_put(n->pool, &letter->item);
		return;
	}
	mr_buf_done(&letter->text);
	pthread_mutex_lock(&n->lock);
	letter->used = false;
	pthread_mutex_unlock(&n->lock);
}
